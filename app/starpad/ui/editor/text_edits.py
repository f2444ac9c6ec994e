"""Many replacements in a document as one undo step, and where they move a position."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtGui import QTextCursor, QTextDocument

from starpad.ui.text_positions import PARAGRAPH_SEPARATOR, utf16_length

_PIECE = 20_000
_PIECE_LINES = 1_000
_READ_AT_ONCE = 100_000
_KEEP = QTextCursor.MoveMode.KeepAnchor


@dataclass(frozen=True, slots=True)
class TextEdit:
    """The text from `start` to `end` (UTF-16 units) gives way to `text` (LF line ends)."""

    start: int
    end: int
    text: str


class GivenUpError(Exception):
    """Edits or hits cannot be worked out; the text says why, for people."""


@contextmanager
def one_step(cursor: QTextCursor) -> Iterator[None]:
    """Make what is done with `cursor` one undo step."""
    cursor.beginEditBlock()
    try:
        yield
    finally:
        cursor.endEditBlock()


def apply_edits(document: QTextDocument, edits: Sequence[TextEdit]) -> None:
    """Make the edits, which stand in the document's order and apart, one undo step."""
    cursor = QTextCursor(document)
    with one_step(cursor):
        for edit in reversed(edits):
            select(cursor, edit.start, edit.end)
            cursor.insertText(edit.text)


class Place:
    """A position that stays with its text while edits that are apart are made, in any order."""

    def __init__(self, position: int) -> None:
        self._position = position
        self._shift = 0

    @property
    def now(self) -> int:
        """Where it is after the edits."""
        return self._position + self._shift

    def moved_by(self, edit: TextEdit) -> None:
        """Move behind what is inserted right there; no further than to what replaces its text."""
        if edit.start > self._position:
            return
        length = utf16_length(edit.text)
        if edit.end > self._position:
            self._position = edit.start + min(length, self._position - edit.start)
        else:
            self._shift += length - (edit.end - edit.start)


def select(cursor: QTextCursor, anchor: int, position: int) -> None:
    """Select from `anchor` to `position`, where the caret is then."""
    cursor.setPosition(anchor)
    cursor.setPosition(position, _KEEP)


def raw_text(document: QTextDocument, start: int, end: int) -> str:
    """Return the text between two positions with LF, as many UTF-16 units as they are apart."""
    cursor = QTextCursor(document)
    select(cursor, start, end)
    return cursor.selectedText().replace(PARAGRAPH_SEPARATOR, "\n")


def raw_pieces(document: QTextDocument, start: int, end: int) -> Iterator[str]:
    """Yield the text between two positions with LF, what takes a millisecond at a time."""
    while start < end:
        stop = end
        if end - start > _READ_AT_ONCE:
            stop = between_characters(document, start + _READ_AT_ONCE)
        yield raw_text(document, start, stop)
        start = stop


def between_characters(document: QTextDocument, position: int) -> int:
    """Return the position, or the one before it if it is between the halves of a character."""
    return position - ("\ud800" <= document.characterAt(position - 1) < "\udc00")


def removal(document: QTextDocument, start: int, end: int) -> Iterator[TextEdit]:
    """Yield the edits that remove a long text, the last one first."""
    for first, last in _pieces(document, start, end):
        yield TextEdit(first, last, "")


def insertion(position: int, text: str) -> Iterator[TextEdit]:
    """Yield the edits that insert a long text, its end first."""
    end = len(text)
    while end > 0:
        piece = text[max(0, end - _PIECE) : end]
        if piece.count("\n") > _PIECE_LINES:  # each costs as much as a hundred letters
            piece = "\n".join(piece.rsplit("\n", _PIECE_LINES)[1:])
        yield TextEdit(position, position, piece)
        end -= len(piece)


def copying(document: QTextDocument, start: int, end: int) -> Iterator[TextEdit]:
    """Yield the edits that put a copy of a long text right behind it, its end first."""
    for first, last in _pieces(document, start, end):
        yield TextEdit(end, end, raw_text(document, first, last))


def _pieces(document: QTextDocument, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end > start:
        first = max(start, between_characters(document, end - _PIECE))
        yield first, end
        end = first


def line_edits(start: int, old: Sequence[str], new: Sequence[str]) -> list[TextEdit]:
    """Return edits of what differs in lines from a position on: carets and colors stay."""
    edits = []
    for before, after in zip(old, new, strict=True):
        if before != after:
            pairs = enumerate(zip(before, after, strict=False))
            shorter = min(len(before), len(after))
            same = next((n for n, (a, b) in pairs if a != b), shorter)
            old_rest, new_rest = before[same:], after[same:]
            place = start + utf16_length(before[:same])
            if new_rest.endswith(old_rest):
                edits.append(TextEdit(place, place, new_rest.removesuffix(old_rest)))
            else:
                gone = old_rest.removesuffix(new_rest)
                text = new_rest if gone == old_rest else ""
                edits.append(TextEdit(place, place + utf16_length(gone), text))
        start += utf16_length(before) + 1
    return edits
