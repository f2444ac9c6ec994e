"""The gutter with line numbers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from starpad.ui.editor.code_editor import CodeEditor

_PADDING = 10


class LineNumbers(QWidget):
    """Numbers each block at its first line; ghost text below a line has no numbers."""

    def __init__(self, editor: "CodeEditor") -> None:
        super().__init__(editor)
        self._editor = editor
        self.setAccessibleName("Line numbers")

    def wanted_width(self) -> int:
        """Return the width in pixels that the largest number needs."""
        digits = max(3, len(str(self._editor.blockCount())))
        return int(self._editor.fontMetrics().horizontalAdvance("9") * digits) + 2 * _PADDING

    def sizeHint(self) -> QSize:
        return QSize(self.wanted_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        editor = self._editor
        painter = QPainter(self)
        painter.fillRect(event.rect(), editor.colors.gutter_background)
        painter.setFont(editor.font())
        caret_line = editor.textCursor().blockNumber()
        height = editor.fontMetrics().height()
        for block, top in editor.visible_blocks():
            is_caret_line = block.blockNumber() == caret_line
            painter.setPen(editor.colors.text if is_caret_line else editor.colors.gutter_text)
            painter.drawText(
                QRect(0, int(top), self.width() - _PADDING, height),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                str(block.blockNumber() + 1),
            )
