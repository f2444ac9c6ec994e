"""What an editor paints behind its text: its background, the caret's row, and the ruler.

Qt's own way to color the row (an extra selection) would hide marks, and ghost text would shift it.
"""

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QPlainTextEdit

from starpad.ui.theme import EditorColors


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

    def is_of_one_row(self, area: QRect) -> bool:
        """Return whether an area to be painted is as high as a row, at most."""
        return area.height() <= self._row.height()

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
