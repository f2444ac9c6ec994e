"""A document's text becomes another one as a single undo step that touches only what differs."""

from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from starpad.core import patch
from starpad.ui.text_positions import utf16_length

# Beyond this, finding the smallest change takes longer than it is worth.
_MOST_CHARACTERS = 2_000_000


def replace_text(editor: QPlainTextEdit, old: str, new: str) -> None:
    """Make `new` of `old`, which the editor holds; the caret stays in its line and column."""
    caret = editor.textCursor()
    line, column = caret.blockNumber(), caret.positionInBlock()
    cursor = QTextCursor(editor.document())
    cursor.beginEditBlock()
    is_hit = False
    position = caret.position()
    # From the end, so that what is still to do keeps its place.
    for start, end, text in reversed(_changes(old, new)):
        is_hit = is_hit or start < position < end
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text)
    cursor.endEditBlock()
    if is_hit:
        _go_to(editor, line, column)


def _changes(old: str, new: str) -> list[tuple[int, int, str]]:
    """Return start and end in `old` (UTF-16 units) and what stands there in `new`, in order."""
    if old == new:
        return []
    if len(old) + len(new) > _MOST_CHARACTERS:
        return [_within(0, old, new)]
    lines = patch.lines_of(old)
    changes = []
    position = number = 0
    for hunk in patch.hunks_between(old, new):
        position += sum(map(utf16_length, lines[number : hunk.old_start]))
        before, after = "".join(hunk.old_lines), "".join(hunk.new_lines)
        changes.append(_within(position, before, after))
        position += utf16_length(before)
        number = hunk.old_end
    return changes


def _within(position: int, before: str, after: str) -> tuple[int, int, str]:
    """Leave out what both have in common at their heads and tails."""
    head = _common_length(before, after)
    tail = _common_length(before[head:][::-1], after[head:][::-1])
    start = position + utf16_length(before[:head])
    end = start + utf16_length(before[head : len(before) - tail])
    return start, end, after[head : len(after) - tail]


def _go_to(editor: QPlainTextEdit, line: int, column: int) -> None:
    block = editor.document().findBlockByNumber(line)
    if not block.isValid():
        block = editor.document().lastBlock()
    cursor = QTextCursor(block)
    cursor.setPosition(block.position() + min(column, block.length() - 1))
    editor.setTextCursor(cursor)


def _common_length(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their heads."""
    # By halves: comparing slices is some hundred times faster than comparing characters.
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
