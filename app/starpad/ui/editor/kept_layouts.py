"""Keeps what Qt finds out about long lines on screen, which it else does anew for each paint."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QTextBlock, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

LONG_LENGTH = 1_000
"""What is kept of shorter lines would take more memory than time is saved."""


class KeptLayouts(QObject):
    """Has the long lines of one editor keep their glyphs as long as they are on screen.

    Qt throws them away after each paint, and to find out those of 40 lines of 10,000 letters takes
    it twice as long as to paint them. They take some 30 bytes for each letter.
    """

    def __init__(self, editor: QPlainTextEdit) -> None:
        super().__init__(editor)
        self._editor = editor
        self._kept: list[QTextCursor] = []  # unlike blocks they stay valid
        editor.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:  # before Qt lays out what is new on screen
            self._follow_screen()
        return super().eventFilter(watched, event)

    def _follow_screen(self) -> None:
        blocks = self._visible_blocks()
        first = blocks[0].blockNumber()
        for block in map(QTextCursor.block, self._kept):
            if not first <= block.blockNumber() < first + len(blocks):
                _release(block)
        self._kept = [QTextCursor(block) for block in blocks if block.length() > LONG_LENGTH]
        for cursor in self._kept:
            cursor.block().layout().setCacheEnabled(True)

    def _visible_blocks(self) -> list[QTextBlock]:
        """Return at least the blocks on screen; to ask for their places would lay them out."""
        editor = self._editor
        block = editor.firstVisibleBlock()
        rows = editor.viewport().height() // max(1, editor.fontMetrics().lineSpacing()) + 2
        rows += editor.verticalScrollBar().value() - block.firstLineNumber()
        blocks = []
        while rows > 0 and block.isValid():
            blocks.append(block)
            rows -= max(1, block.lineCount())
            block = block.next()
        return blocks


def _release(block: QTextBlock) -> None:
    """Throw a layout away; Qt lays the block out again when it needs to."""
    layout = block.layout()
    layout.setCacheEnabled(False)
    layout.beginLayout()
    layout.endLayout()
