"""Choosing the language of the document on screen, among all that can be colored."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from starpad.services.languages import all_languages
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.quick_pick import Choice, QuickPick

_AUTOMATIC = ""


class LanguageCommands(QObject):
    """Shows the languages and gives the current tab the one that is chosen."""

    def __init__(self, window: QWidget, tabs: EditorTabs) -> None:
        super().__init__(window)
        self._window = window
        self._tabs = tabs
        self.pick: QuickPick | None = None
        """What is on the screen."""

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menu's action does."""
        return {ActionId.LANGUAGE: self.open}

    @Slot()
    def open(self) -> None:
        """Show the list, the language of now first; when it is shown, close it."""
        if self.pick is not None:
            self.pick.dismiss()
            return
        tab = self._tabs.current
        if tab is None:
            return
        choices = [
            Choice(each.alias, each.name, each.alias, "now" if each == tab.language else "")
            for each in all_languages()
        ]
        choices.sort(key=lambda choice: not choice.hint)
        automatic = Choice(_AUTOMATIC, "Automatic", "by the file's name and first line")
        self.pick = QuickPick("Language of this document", [automatic, *choices], self._window)
        self.pick.closed.connect(self._on_pick_closed)
        self.pick.chosen.connect(self._on_pick_chosen)

    @Slot()
    def _on_pick_closed(self) -> None:
        self.pick = None

    @Slot(str)
    def _on_pick_chosen(self, alias: str) -> None:
        tab = self._tabs.current
        if tab is None:
            return
        # Automatic is none of them.
        tab.choose_language(next((each for each in all_languages() if each.alias == alias), None))
