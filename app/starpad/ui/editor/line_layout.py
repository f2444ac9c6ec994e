"""The layout of an editor's document: a change in one line draws that line, not all of them."""

from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QPlainTextDocumentLayout


class LineLayout(QPlainTextDocumentLayout):
    """Tells Qt how far a change reaches that leaves the number of lines as it is.

    Qt adds what was removed to what was added and so takes the next line for changed, too,
    whenever a whole line is given new formats. Then it draws the whole view anew: for each key.
    """

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._lines = document.blockCount()

    def documentChanged(self, position: int, removed: int, added: int) -> None:
        document = self.document()
        lines, self._lines = self._lines, document.blockCount()
        if lines == self._lines:
            block = document.findBlock(position)
            if position + added <= block.position() + block.length():
                position, removed, added = block.position(), 0, 1  # the line, whatever its length
        super().documentChanged(position, removed, added)
