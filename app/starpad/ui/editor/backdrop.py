"""What an editor paints behind its text: its background, the caret's row, and the ruler.

Qt's own way to color the row (an extra selection) would hide marks, and ghost text would shift it.
"""

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QPlainTextEdit

from starpad.ui.theme import EditorColors


def paint(
    editor: QPlainTextEdit, area: QRect, offset: float, colors: EditorColors, ruler_column: int
) -> None:
    """Paint the backdrop of a part of the viewport; `offset` is where the text begins."""
    painter = QPainter(editor.viewport())
    painter.fillRect(area, colors.background)
    if not editor.isReadOnly() and not editor.textCursor().hasSelection():
        row = editor.cursorRect()
        painter.fillRect(area.left(), row.top(), area.width(), row.height(), colors.current_line)
    if ruler_column:
        width = QFontMetricsF(editor.font()).horizontalAdvance(" ")
        x = offset + editor.document().documentMargin() + ruler_column * width
        painter.fillRect(QRectF(x, area.top(), 1, area.height()), colors.gutter_text)
