"""What an editor paints behind its text: the caret's row, and the ruler.

Qt's own way to color the row (an extra selection) would hide marks, and ghost text would shift it.
"""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QPlainTextEdit


def paint(
    editor: QPlainTextEdit, offset: float, color: QColor, ruler: QColor, ruler_column: int
) -> None:
    """Paint the backdrop in the viewport; `offset` is where the text begins."""
    painter = QPainter(editor.viewport())
    area = editor.viewport().rect()
    if not editor.isReadOnly() and not editor.textCursor().hasSelection():
        row = editor.cursorRect()
        painter.fillRect(area.left(), row.top(), area.width(), row.height(), color)
    if ruler_column:
        width = QFontMetricsF(editor.font()).horizontalAdvance(" ")
        x = offset + editor.document().documentMargin() + ruler_column * width
        painter.fillRect(QRectF(x, 0, 1, area.height()), ruler)
