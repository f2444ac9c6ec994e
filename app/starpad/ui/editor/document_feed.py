"""Brings one document's text to the highlighting host, and each change of it."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument

from starpad.services.highlighting import (
    MAX_LINE_CHARACTERS,
    HighlightService,
    LineEdit,
    LineSpans,
)
from starpad.ui.editor.text_edits import raw_text
from starpad.ui.text_positions import PARAGRAPH_SEPARATOR

_AT_ONCE_CHARACTERS = 200_000
_PART_LINES = 2_000
_PART_CHARACTERS = 100_000
_MANY_LINES = 5_000


class DocumentFeed(QObject):
    """Numbers the revisions of a document and sends them.

    A large text goes in parts, with a turn of the event loop after each, so that keys come
    between them. Changes of what has not been sent yet are part of what will be.
    """

    def __init__(
        self, document: QTextDocument, document_id: int, service: HighlightService, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.revision = 0
        self._document = document
        self._id = document_id
        self._service = service
        self._sent: int | None = None  # how many lines the host knows; None for all
        self._coming: Iterator[list[str]] | None = None  # the rest, if not from the document
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._on_turn)

    def open(self, alias: str, file_name: str, coming: str | None = None) -> None:
        """Send the text as it is now, as one in the language of this alias or file name.

        `coming` is the whole of it (LF line ends) while the document is still being filled.
        """
        self.stop()
        self.revision += 1
        count, characters = self._document.blockCount(), self._document.characterCount()
        if coming is not None:
            count, characters = coming.count("\n") + 1, len(coming)
            self._coming = _parts(coming)
        elif characters <= _AT_ONCE_CHARACTERS:
            lines = self._document.toRawText().split(PARAGRAPH_SEPARATOR)
            self._service.open(self._id, alias, file_name, lines, self.revision)
            return
        head = self._part(0)
        if self._service.begin(self._id, alias, file_name, head, self.revision, count, characters):
            self._sent = len(head)
            self._turn.start()

    def edit(
        self, block: QTextBlock, removed: int, added: int, known: Sequence[LineSpans | None] = ()
    ) -> None:
        """Say that `removed` lines from `block` on have become `added` ones.

        `known` are the spans of each of these that are shown for now.
        """
        self.revision += 1
        self._coming = None
        first = block.blockNumber()
        if self._sent is not None:
            if first > self._sent:
                return
            removed = min(removed, self._sent - first)
            self._sent += added - removed
        lines = self._lines(block, added)
        self._service.edit(self._id, LineEdit(self.revision, first, removed, lines, known))

    def stop(self) -> None:
        """Send no more of the text."""
        self._turn.stop()
        self._sent = None
        self._coming = None

    @Slot()
    def _on_turn(self) -> None:
        if self._sent is None:
            return
        part = self._part(self._sent)
        if part:
            self.revision += 1
            self._service.edit(self._id, LineEdit(self.revision, self._sent, 0, part))
            self._sent += len(part)
            self._turn.start()
        else:
            self._service.complete(self._id)
            self.stop()

    def _part(self, first: int) -> list[str]:
        if self._coming is not None:
            return next(self._coming, [])
        lines: list[str] = []
        characters = 0
        block = self._document.findBlockByNumber(first)
        while block.isValid() and len(lines) < _PART_LINES and characters < _PART_CHARACTERS:
            lines.append(_text_of(block))
            characters += len(lines[-1])
            block = block.next()
        return lines

    def _lines(self, block: QTextBlock, count: int) -> list[str]:
        if count > _MANY_LINES:  # a hundred times as fast for short ones
            last = self._document.findBlockByNumber(block.blockNumber() + count - 1)
            end = last.position() + last.length() - 1
            return raw_text(self._document, block.position(), end).split("\n")
        lines = []
        for _ in range(count):
            lines.append(_text_of(block))
            block = block.next()
        return lines


def _parts(text: str) -> Iterator[list[str]]:
    """Yield the lines of a text, some at a time."""
    start = 0
    while start <= len(text):
        end = text.find("\n", start + _PART_CHARACTERS)
        end = len(text) if end < 0 else end
        yield text[start:end].split("\n")
        start = end + 1


def _text_of(block: QTextBlock) -> str:
    """Return a line's text, of a very long one only what is colored."""
    if block.length() <= MAX_LINE_CHARACTERS:
        return block.text()
    cursor = QTextCursor(block)
    last = cursor.position() + MAX_LINE_CHARACTERS
    if "\ud800" <= block.document().characterAt(last - 1) < "\udc00":
        last -= 1  # no pair of surrogates is cut in two
    cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
    return cursor.selectedText()
