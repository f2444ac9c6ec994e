"""What an editor paints behind its text: its background, the caret's row, and the ruler.

Qt's own way to color the row (an extra selection) would hide marks, and ghost text would shift it.
"""

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter, QTextBlock
from PySide6.QtWidgets import QPlainTextEdit

from starpad.ui.theme import EditorColors

_LONG_LENGTH = 2_000


class Backdrop:
    """Paints it for one editor, and knows where the caret's row was painted last.

    Asking Qt for the row takes as long as painting it, so a key in a line does not ask.
    """

    def __init__(self, editor: QPlainTextEdit) -> None:
        self._editor = editor
        self._row = QRect()
        self._line, self._has_selection = -1, False

    def paint(self, area: QRect, colors: EditorColors, ruler_column: int) -> None:
        """Paint a part of the viewport."""
        editor = self._editor
        if area.height() > self._row.height():  # not as for a key, which moves no row
            self._row = editor.cursorRect()
        top, height = self._row.top(), self._row.height()
        painter = QPainter(editor.viewport())
        has_row = not editor.isReadOnly() and not editor.textCursor().hasSelection()
        is_row = top <= area.top() and area.bottom() < top + height
        if not (has_row and is_row):
            painter.fillRect(area, colors.background)
        if has_row:
            painter.fillRect(area.left(), top, area.width(), height, colors.current_line)
        if ruler_column:
            width = QFontMetricsF(editor.font()).horizontalAdvance(" ")
            offset = editor.contentOffset().x() + editor.document().documentMargin()
            x = offset + ruler_column * width
            painter.fillRect(QRectF(x, area.top(), 1, area.height()), colors.gutter_text)

    def row_in(self, area: QRect) -> QRect | None:
        """Return the caret's row in an area to be painted; None if the area takes in more.

        For a key, Qt asks for a pixel more above and below, and would paint the lines there, too.
        Without them they stay as they are; but some reach into the row, and scaled ones share
        pixels with it.
        """
        row, ratio = self._row, self._editor.devicePixelRatioF()
        is_row = area.top() == row.top() - 1 and area.height() == row.height() + 2
        if not is_row or ratio != int(ratio):
            return None
        block = self._editor.textCursor().block()
        if not all(map(_is_plain, (block.previous(), block, block.next()))):
            return None
        return QRect(area.left(), row.top(), area.width(), row.height())

    def scroll(self, by: int) -> None:
        """Follow the text, which was moved down by so many pixels."""
        self._row.translate(0, by)

    def follow_caret(self) -> bool:
        """Have the caret's row painted where it is now; return whether it is another one."""
        cursor, viewport = self._editor.textCursor(), self._editor.viewport()
        block, had_selection, line = cursor.block(), self._has_selection, self._line
        self._line, self._has_selection = block.blockNumber(), cursor.hasSelection()
        is_same = self._has_selection == had_selection
        if is_same and self._line == line and block.lineCount() == 1:
            return False  # what is typed draws itself
        before, self._row = self._row, self._editor.cursorRect()
        row = self._row
        if is_same and (row.top(), row.height()) == (before.top(), before.height()):
            return False
        for area in (before, row):
            viewport.update(0, area.top(), viewport.width(), area.height())
        return True


def _is_plain(block: QTextBlock) -> bool:
    """Return whether all of a line's letters are as high as its row at most, whatever the font."""
    return block.length() < _LONG_LENGTH and block.text().isascii()
