"""Many replacements in a document as one undo step, and where they move a position."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtGui import QTextCursor, QTextDocument

from starpad.ui.text_positions import PARAGRAPH_SEPARATOR, utf16_length

_MANY_EDITS = 10_000
_KEEP = QTextCursor.MoveMode.KeepAnchor


@dataclass(frozen=True, slots=True)
class TextEdit:
    """The text from `start` to `end` (UTF-16 units) gives way to `text` (LF line ends)."""

    start: int
    end: int
    text: str


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
    if len(edits) > _MANY_EDITS:
        edits = [_as_one(document, edits)]
    cursor = QTextCursor(document)
    with one_step(cursor):
        for edit in reversed(edits):
            select(cursor, edit.start, edit.end)
            cursor.insertText(edit.text)


def moved(position: int, edits: Sequence[TextEdit]) -> int:
    """Return where a position is after the edits: behind what is inserted right there."""
    by = 0
    for edit in edits:
        if edit.start > position:
            break
        length = utf16_length(edit.text)
        if edit.end > position:
            return edit.start + by + min(length, position - edit.start)
        by += length - (edit.end - edit.start)
    return position + by


def select(cursor: QTextCursor, anchor: int, position: int) -> None:
    """Select from `anchor` to `position`, where the caret is then."""
    cursor.setPosition(anchor)
    cursor.setPosition(position, _KEEP)


def raw_text(document: QTextDocument, start: int, end: int) -> str:
    """Return the text between two positions with LF, as many UTF-16 units as they are apart."""
    cursor = QTextCursor(document)
    select(cursor, start, end)
    return cursor.selectedText().replace(PARAGRAPH_SEPARATOR, "\n")


def _as_one(document: QTextDocument, edits: Sequence[TextEdit]) -> TextEdit:
    """Return one edit that does what all of them do: Qt takes microseconds for each."""
    start, end = edits[0].start, edits[-1].end
    units = raw_text(document, start, end).encode("utf-16-le", "surrogatepass")
    parts = []
    done = start
    for edit in edits:
        parts.append(units[2 * (done - start) : 2 * (edit.start - start)])
        parts.append(edit.text.encode("utf-16-le", "surrogatepass"))
        done = edit.end
    return TextEdit(start, end, b"".join(parts).decode("utf-16-le", "surrogatepass"))
