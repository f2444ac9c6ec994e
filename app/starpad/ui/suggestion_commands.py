"""Carries out the Suggestions menu: for the tab on screen, and what shows how suggestions came."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from starpad.core.settings import Settings
from starpad.services.completion import CompletionService
from starpad.services.notifier import Notification, Notifier
from starpad.services.pacing import Pace
from starpad.services.prompt_inspection import PromptInspection
from starpad.services.settings import SettingsService
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_pane import EditorPane
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.inline_figures import InlineFigures
from starpad.ui.editor.suggestion_controller import SuggestionController
from starpad.ui.prompt_inspector import PromptInspector

_SLOWED = {
    Pace.LINE_ENDS: "This model is slow here: suggestions come only at the ends of lines, after a "
    "pause of a second.",
    Pace.ON_DEMAND: "This model is slow here: suggestions come only when you ask for them.",
}
_SLOWED_HINT = (
    "Ctrl+Space asks for one. Quicker: a smaller model, or less text to read (Settings, "
    "Suggestions). A pause that you set there holds in any case."
)


class SuggestionCommands(QObject):
    """Asks for, takes and explains suggestions."""

    def __init__(
        self,
        window: QMainWindow,
        tabs: EditorTabs,
        editing: EditorPane,
        completion: CompletionService,
        inspection: PromptInspection,
        settings: SettingsService,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._tabs = tabs
        self._settings = settings
        self._notifier = notifier
        self._edits = editing.instructed_edits
        self.inspector = PromptInspector(inspection, window)
        self.figures = InlineFigures(tabs, completion)
        self._edits.refused.connect(self._on_edits_refused)
        completion.pacing.slowed.connect(self._on_pacing_slowed)

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menu's actions do."""
        on_tab = self._on_tab
        return {
            ActionId.SUGGEST: on_tab(SuggestionController.ask),
            ActionId.ACCEPT: on_tab(SuggestionController.accept),
            ActionId.ACCEPT_WORD: on_tab(SuggestionController.accept_word),
            ActionId.ACCEPT_LINE: on_tab(SuggestionController.accept_line),
            ActionId.NEXT_SUGGESTION: on_tab(lambda tab: tab.offer.show_next()),
            ActionId.PREVIOUS_SUGGESTION: on_tab(lambda tab: tab.offer.show_previous()),
            ActionId.DISMISS: on_tab(SuggestionController.dismiss),
            ActionId.TOGGLE_LANGUAGE_SUGGESTIONS: self._toggle_language,
            ActionId.CHANGE_CODE: self._edits.open,
            ActionId.INSPECT_PROMPT: self.inspector.open_window,
        }

    def follow(self, settings: Settings) -> None:
        """Follow the user's settings."""
        self.figures.set_wanted(settings.suggestion_figures_shown)

    def _on_tab(self, command: Callable[[SuggestionController], object]) -> Callable[[], None]:
        def run() -> None:
            if self._tabs.current is not None:
                command(self._tabs.current.suggestions)

        return run

    def _toggle_language(self) -> None:
        tab = self._tabs.current
        if tab is None:
            return
        off = self._settings.current.suggestions_off_languages
        alias = tab.language.alias
        new = tuple(name for name in off if name != alias)
        self._settings.change(suggestions_off_languages=new if alias in off else (*off, alias))

    @Slot(object)
    def _on_pacing_slowed(self, pace: Pace) -> None:
        if self._settings.current.suggestion_pause_ms < 0:
            self._notifier.post(Notification(_SLOWED[pace], _SLOWED_HINT, key="slow suggestions"))

    @Slot(str)
    def _on_edits_refused(self, reason: str) -> None:
        self._notifier.post(Notification(reason, timeout_ms=6000))
