"""Where the next question is written: grows with its text, Enter sends."""

from PySide6.QtCore import QMimeData, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from starpad.ui.text_positions import document_text

_MAX_LINES = 10
_MIN_LINES = 2


class QuestionField(QPlainTextEdit):
    """Enter sends, Shift+Enter begins a new line; Tab moves on, as in any form."""

    submitted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("paper")
        self.setAccessibleName("Your question")
        self.setPlaceholderText("Ask about code. Enter sends, Shift+Enter begins a new line.")
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(6)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    @property
    def text(self) -> str:
        """What is written."""
        return document_text(self.document())

    def set_text(self, text: str) -> None:
        """Write a text, with the caret at its end; it can be undone."""
        self.selectAll()
        self.insertPlainText(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText()

    @Slot()
    def _fit(self) -> None:
        lines = max(_MIN_LINES, min(_MAX_LINES, self.document().size().height()))
        margins = 2 * self.document().documentMargin() + 2 * self.frameWidth()
        self.setFixedHeight(int(self.fontMetrics().lineSpacing() * lines + margins + 2))
