"""The command palette: every action by its name, for who does not want to look through menus."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from starpad.services.settings import SettingsService
from starpad.ui.actions import ACTIONS, ActionId, Needs, plain_text
from starpad.ui.quick_pick import Choice, QuickPick

_MOST_RECENT = 10


class CommandPalette(QObject):
    """Offers the actions of the table, those used last first, and runs the one that is chosen."""

    def __init__(
        self, window: QWidget, actions: Mapping[ActionId, QAction], settings: SettingsService
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._settings = settings
        self.pick: QuickPick | None = None
        """What is on the screen."""

    def open(self) -> None:
        """Show the palette; when it is shown, close it."""
        if self.pick is not None:
            self.pick.dismiss()
            return
        self.pick = QuickPick("Type the name of a command", self.choices(), self._window)
        self.pick.closed.connect(self._on_pick_closed)
        self.pick.chosen.connect(self._on_pick_chosen)

    def choices(self) -> list[Choice]:
        """Return all actions but the palette itself, those used last first."""
        recent = self._settings.current.recent_actions
        names = [each.name for each in self._actions if each is not ActionId.COMMAND_PALETTE]
        first = [name for name in recent if name in names]
        ordered = [*first, *(name for name in names if name not in first)]
        return [self._choice(ActionId[name]) for name in ordered]

    def _choice(self, action_id: ActionId) -> Choice:
        spec, action = ACTIONS[action_id], self._actions[action_id]
        problem = ""
        if not action.isEnabled():
            needs = spec.needs
            problem = "Not now" if needs is Needs.NOTHING else f"Needs {needs}"
        text = plain_text(spec.text).removesuffix("…")
        if action.isCheckable():
            text = f"{text} ({'on' if action.isChecked() else 'off'})"
        keys = action.shortcuts() or ([QKeySequence(spec.editor_key)] if spec.editor_key else [])
        native = QKeySequence.SequenceFormat.NativeText
        shown = keys[0].toString(native) if keys else ""
        return Choice(action_id.name, text, plain_text(spec.menu), shown, problem)

    @Slot()
    def _on_pick_closed(self) -> None:
        self.pick = None

    @Slot(str)
    def _on_pick_chosen(self, name: str) -> None:
        others = [each for each in self._settings.current.recent_actions if each != name]
        self._settings.change(recent_actions=(name, *others)[:_MOST_RECENT])
        self._actions[ActionId[name]].trigger()
