"""The documents and, below them, the bar to find in them."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.find_bar import FindBar
from starpad.ui.editor.finder import Finder


class EditorPane(QWidget):
    """Puts tabs and find bar together."""

    def __init__(self, tabs: EditorTabs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.find_bar = FindBar()
        self.finder = Finder(self.find_bar, tabs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(tabs, 1)
        column.addWidget(self.find_bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # What no editor had a use for: there is ghost text to dismiss first.
        if event.key() == Qt.Key.Key_Escape and self.find_bar.isVisible():
            self.find_bar.close_bar()
        else:
            super().keyPressEvent(event)
