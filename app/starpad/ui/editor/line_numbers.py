"""The gutter with line numbers."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QTextBlock
from PySide6.QtWidgets import QPlainTextEdit, QWidget

_PADDING = 10


class LineNumbers(QWidget):
    """Numbers each block at its first line; ghost text below a line has no numbers.

    `visible_blocks` yields the blocks on screen with the y of their top edges.
    """

    def __init__(
        self,
        editor: QPlainTextEdit,
        visible_blocks: Callable[[], Iterable[tuple[QTextBlock, float]]],
    ) -> None:
        super().__init__(editor)
        self._editor = editor
        self._visible_blocks = visible_blocks
        self.reserved = 0
        """There is to be room for the numbers of at least so many lines."""
        self._background, self._text, self._caret_text = QColor(), QColor(), QColor()
        self.setAccessibleName("Line numbers")
        # Else everything below it is painted first, for each key.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def set_colors(self, background: QColor, text: QColor, caret_text: QColor) -> None:
        """Take the theme's colors; the caret's line has its own."""
        self._background, self._text, self._caret_text = background, text, caret_text
        self.update()

    def wanted_width(self) -> int:
        """Return the width in pixels that the largest number needs."""
        digits = max(3, len(str(max(self.reserved, self._editor.blockCount()))))
        return int(self._editor.fontMetrics().horizontalAdvance("9") * digits) + 2 * _PADDING

    def sizeHint(self) -> QSize:
        return QSize(self.wanted_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._background)
        painter.setFont(self._editor.font())
        caret_line = self._editor.textCursor().blockNumber()
        metrics = self._editor.fontMetrics()
        height, ascent = metrics.height(), metrics.ascent()
        digit, right = metrics.horizontalAdvance("9"), self.width() - _PADDING
        area = event.rect()
        for block, top in self._visible_blocks():
            if top + height < area.top():
                continue
            if top > area.bottom():
                break
            number = block.blockNumber()
            painter.setPen(self._caret_text if number == caret_line else self._text)
            text = str(number + 1)
            # By its baseline: Qt would lay it out in a rectangle first.
            painter.drawText(right - digit * len(text), int(top) + ascent, text)
