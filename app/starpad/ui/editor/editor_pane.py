"""The documents and, below them, the bars to find in them and to have code changed."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from starpad.services.rewriting import RewriteService
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.find_bar import FindBar
from starpad.ui.editor.finder import Finder
from starpad.ui.editor.instructed_edits import InstructedEdits
from starpad.ui.editor.instruction_bar import InstructionBar


class EditorPane(QWidget):
    """Puts tabs and bars together."""

    def __init__(
        self, tabs: EditorTabs, rewriting: RewriteService, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.instruction_bar = InstructionBar()
        self.instructed_edits = InstructedEdits(self.instruction_bar, tabs, rewriting)
        self.find_bar = FindBar()
        self.finder = Finder(self.find_bar, tabs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(tabs, 1)
        column.addWidget(self.instruction_bar)
        column.addWidget(self.find_bar)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # What no editor had a use for: there is ghost text to dismiss first.
        if event.key() == Qt.Key.Key_Escape and self.find_bar.isVisible():
            self.find_bar.close_bar()
        else:
            super().keyPressEvent(event)
