"""What an editor paints behind its text: its background, the caret's row, and the ruler.

Qt's own way to color the row (an extra selection) would hide marks, and ghost text would shift it.
"""

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter, QTextBlock, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from starpad.ui.theme import EditorColors

_LONG_LENGTH = 2_000


class Backdrop:
    """Paints it for one editor, and knows where the caret's row was painted last.

    Asking Qt for the row takes as long as painting it, so a key in a line does not ask.
    """

    def __init__(self, editor: QPlainTextEdit) -> None:
        self._editor = editor
        self._viewport = editor.viewport()
        self._cursor = QTextCursor()
        self._row = QRect()
        self._line, self._has_selection = -1, False
        self._is_plain_around: bool | None = None  # if known: whatever changes that is painted

    def paint(self, area: QRect, colors: EditorColors, ruler_column: int) -> None:
        """Paint a part of the viewport."""
        editor = self._editor
        if area.height() > self._row.height():  # not as for a key, which moves no row
            self._row = editor.cursorRect()
        self._is_plain_around = None
        painter = QPainter(self._viewport)
        painter.fillRect(area, colors.background)
        if not editor.isReadOnly() and not editor.textCursor().hasSelection():
            row = QRect(area.left(), self._row.top(), area.width(), self._row.height())
            painter.fillRect(row, colors.current_line)
        self._paint_ruler(painter, area, colors, ruler_column)

    def paint_row(self, row: QRect, colors: EditorColors, ruler_column: int) -> None:
        """Paint what `row_in` has found."""
        is_marked = not (self._editor.isReadOnly() or self._cursor.hasSelection())
        painter = QPainter(self._viewport)
        painter.fillRect(row, colors.current_line if is_marked else colors.background)
        self._paint_ruler(painter, row, colors, ruler_column)

    def _paint_ruler(self, painter: QPainter, area: QRect, colors: EditorColors, at: int) -> None:
        if at:
            editor = self._editor
            width = QFontMetricsF(editor.font()).horizontalAdvance(" ")
            offset = editor.contentOffset().x() + editor.document().documentMargin()
            place = QRectF(offset + at * width, area.top(), 1, area.height())
            painter.fillRect(place, colors.gutter_text)

    def row_in(self, area: QRect) -> QRect | None:
        """Return the caret's row in an area to be painted; None if the area takes in more.

        For a key, Qt asks for a pixel more above and below, and would paint the lines there, too.
        Without them they stay as they are; but some reach into the row, and scaled ones share
        pixels with it.
        """
        row, left, width = self._row, area.left(), area.width()
        if area != QRect(left, row.top() - 1, width, row.height() + 2):
            return None
        self._cursor = self._editor.textCursor()
        block = self._cursor.block()
        if self._is_plain_around is None:
            ratio = self._editor.devicePixelRatioF()
            around = block.previous(), block.next()
            self._is_plain_around = ratio == int(ratio) and all(map(_is_plain, around))
        is_plain = self._is_plain_around and _is_plain(block)
        return QRect(left, row.top(), width, row.height()) if is_plain else None

    def scroll(self, by: int) -> None:
        """Follow the text, which was moved down by so many pixels."""
        self._row.translate(0, by)

    def follow_caret(self) -> bool:
        """Have the caret's row painted where it is now; return whether it is another one."""
        cursor, viewport = self._editor.textCursor(), self._viewport
        block, had_selection, line = cursor.block(), self._has_selection, self._line
        self._line, self._has_selection = block.blockNumber(), cursor.hasSelection()
        is_same = self._has_selection == had_selection
        if is_same and self._line == line and block.lineCount() == 1:
            return False  # what is typed draws itself
        self._is_plain_around = None
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
