"""Ghost text: a suggestion drawn at the caret without being in the document.

It lives in the preedit area of the block's text layout, the slot that input methods use: Qt lays
out prefix, ghost text and the rest of the line as if all were text (wrapping, tabs, and lines
below moving down included) while the document, its undo stack and its modified flag stay as they
are. U+2028 separates its lines.
"""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QTextBlock, QTextCharFormat, QTextCursor

from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.highlighter import Highlighter, PreeditOverlay
from starpad.ui.text_positions import utf16_length

_LINE_SEPARATOR = "\u2028"


class GhostText:
    """Shows and clears the ghost text of one editor."""

    def __init__(self, editor: CodeEditor, highlighter: Highlighter) -> None:
        self._editor = editor
        self._highlighter = highlighter
        self._block = QTextBlock()
        self._column = 0
        self.text = ""
        self.format = QTextCharFormat()

    @property
    def is_shown(self) -> bool:
        """Whether ghost text is on screen."""
        return bool(self.text)

    @property
    def is_hindered(self) -> bool:
        """Whether an input method composes at the caret: the slot is taken."""
        layout = self._editor.textCursor().block().layout()
        return not self.text and bool(layout.preeditAreaText())

    def show(self, text: str) -> None:
        """Draw `text` (LF line ends) at the caret, in place of what was drawn before."""
        cursor = self._editor.textCursor()
        block, column = cursor.block(), cursor.positionInBlock()
        if self.text == text and block == self._block and column == self._column:
            return
        self.clear()
        if not text or self.is_hindered:
            return
        self._block, self._column, self.text = block, column, text
        block.layout().setPreeditArea(column, text.replace("\n", _LINE_SEPARATOR))
        self._highlighter.set_overlay(
            PreeditOverlay(block.blockNumber(), column, utf16_length(text), self.format)
        )
        self._lay_out(block)

    def clear(self) -> None:
        """Take the ghost text away."""
        if not self.text:
            return
        self.text = ""
        self._highlighter.set_overlay(None)
        if self._block.isValid():
            self._block.layout().setPreeditArea(-1, "")
            self._lay_out(self._block)

    def _lay_out(self, block: QTextBlock) -> None:
        self._highlighter.apply_block(block)
        self._editor.document().markContentsDirty(block.position(), block.length())
        self._editor.viewport().update()

    def cursor_at(self, point: QPointF) -> QTextCursor:
        """Return the document's cursor under a point of the viewport, ghost text not counted."""
        if not self.text or not self._is_hit(point.y()):
            return self._editor.cursorForPosition(point.toPoint())
        area = self._editor.block_rectangle(self._block)
        # Qt's own hit test counts in the layout's text and may land behind the document's end.
        layout = self._block.layout()
        column = 0
        for index in range(layout.lineCount()):
            line = layout.lineAt(index)
            column = line.xToCursor(point.x() - area.left())
            if point.y() < area.top() + line.y() + line.height():
                break
        if column > self._column:
            column = max(self._column, column - utf16_length(self.text))
        cursor = QTextCursor(self._block)
        cursor.setPosition(self._block.position() + column)
        return cursor

    def _is_hit(self, y: float) -> bool:
        """Return whether a click there is one on the ghost text's block, or beyond the text."""
        area = self._editor.block_rectangle(self._block)
        is_above = y < area.top() and self._block.previous().isValid()
        is_below = y >= area.bottom() and self._block.next().isValid()
        return not is_above and not is_below
