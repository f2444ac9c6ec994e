"""The menu bar, made from the table of actions."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from starpad.ui.actions import ACTIONS, ActionId, Menu


class MenuBar(QMenuBar):
    """All menus; knows the recent files only as texts to show."""

    recent_requested = Signal(str)
    """The path of a recent file to open."""

    def __init__(self, actions: Mapping[ActionId, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._menus = {menu: self.addMenu(menu) for menu in Menu}
        self._recent = QMenu("Recent &files", self)
        self._recent.triggered.connect(self._on_recent_triggered)
        for action_id, action in actions.items():
            spec = ACTIONS[action_id]
            menu = self._menus[spec.menu]
            if spec.begins_group:
                menu.addSeparator()
            menu.addAction(action)
            if action_id is ActionId.OPEN:
                menu.addMenu(self._recent)
        self.show_recent([])

    def show_recent(self, paths: Sequence[str]) -> None:
        """Fill the submenu of recent files, the newest first."""
        self._recent.clear()
        for path in paths:
            pure = PurePath(path)
            text = f"{pure.name}  ({pure.parent})".replace("&", "&&")
            self._recent.addAction(text).setData(path)
        self._recent.setEnabled(bool(paths))

    @Slot(QAction)
    def _on_recent_triggered(self, action: QAction) -> None:
        self.recent_requested.emit(action.data())
