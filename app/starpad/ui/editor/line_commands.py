"""Editing commands that know about lines and their indentation; each is one undo step."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtGui import QTextBlock, QTextCursor

from starpad.core import comments
from starpad.core import indentation as indentation_rules
from starpad.core.edit_rules import EditRules
from starpad.ui.editor.text_edits import TextEdit, apply_edits, moved, one_step, raw_text, select
from starpad.ui.text_positions import utf16_length

LineCommand = Callable[[QTextCursor, EditRules], None]
"""Changes the document at a cursor, which is then where the caret and selection shall be."""

_BLANKS = " \t"


def indent(cursor: QTextCursor, rules: EditRules) -> None:
    """Indent the selected lines, or go to the next tab stop."""
    if "\u2029" in cursor.selectedText():
        _rewrite(cursor, lambda lines: indentation_rules.indent(lines, rules.indentation))
    else:
        cursor.insertText(indentation_rules.for_tab(line_before(cursor), rules.indentation))


def indent_lines(cursor: QTextCursor, rules: EditRules) -> None:
    """Indent the selected lines, or the caret's."""
    _rewrite(cursor, lambda lines: indentation_rules.indent(lines, rules.indentation))


def outdent(cursor: QTextCursor, rules: EditRules) -> None:
    """Take one level of indentation from the selected lines."""
    _rewrite(cursor, lambda lines: indentation_rules.outdent(lines, rules.indentation))


def toggle_comment(cursor: QTextCursor, rules: EditRules) -> None:
    """Make the selected lines comments, or text again if they are comments."""
    marks = comments.marks_of(rules.language)
    _rewrite(cursor, lambda lines: comments.toggle(lines, marks))


def trim(cursor: QTextCursor, _rules: EditRules) -> None:
    """Take blanks off the ends of the selected lines, or of all lines."""
    has_selection = cursor.hasSelection()
    whole = QTextCursor(cursor.document())
    whole.select(QTextCursor.SelectionType.Document)
    lines = _lines(cursor if has_selection else whole)
    _apply(cursor, _line_edits(lines, [text.rstrip(_BLANKS) for text in lines.texts]))


def duplicate(cursor: QTextCursor, _rules: EditRules) -> None:
    """Insert a copy of the selection behind it and select it, or of the line below it."""
    if cursor.hasSelection():
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        cursor.setPosition(end)
        cursor.insertText(raw_text(cursor.document(), start, end))
        select(cursor, end, cursor.position())
        return
    position, block = cursor.position(), cursor.block()
    cursor.setPosition(block.position())
    cursor.insertText(block.text() + "\n")
    cursor.setPosition(position + block.length())


def move_up(cursor: QTextCursor, _rules: EditRules) -> None:
    """Move the selected lines, or the caret's, above the line before them."""
    first, last = selected_blocks(cursor)
    above = first.previous()
    if above.isValid():
        end = last.position() + last.length() - 1
        edits = [
            TextEdit(above.position(), first.position(), ""),
            TextEdit(end, end, "\n" + above.text()),
        ]
        _apply(cursor, edits, -above.length())


def move_down(cursor: QTextCursor, _rules: EditRules) -> None:
    """Move the selected lines, or the caret's, below the line after them."""
    first, last = selected_blocks(cursor)
    below = last.next()
    if below.isValid():
        start, end = first.position(), below.position() + below.length() - 1
        edits = [
            TextEdit(start, start, below.text() + "\n"),
            TextEdit(below.position() - 1, end, ""),
        ]
        _apply(cursor, edits, below.length())


def delete_lines(cursor: QTextCursor, _rules: EditRules) -> None:
    """Delete the selected lines, or the caret's; the caret keeps its column."""
    first, last = selected_blocks(cursor)
    column = cursor.positionInBlock()
    start, end = first.position(), last.position() + last.length()
    if not last.next().isValid():
        # The last line has no line end of its own: it goes with the one before it.
        start, end = max(0, start - 1), end - 1
    select(cursor, start, end)
    cursor.removeSelectedText()
    block = cursor.block()
    cursor.setPosition(block.position() + min(column, block.length() - 1))


def join_lines(cursor: QTextCursor, _rules: EditRules) -> None:
    """Join the selected lines, or the caret's and the next, with a blank between."""
    first, last = selected_blocks(cursor)
    if first == last:
        last = last.next()
    if not last.isValid():
        return
    start, end = first.position(), last.position() + last.length() - 1
    head, *middle, tail = raw_text(cursor.document(), start, end).split("\n")
    kept_head = head.rstrip(_BLANKS) or head
    kept_tail = tail.lstrip(_BLANKS)
    words = [text.strip(_BLANKS) for text in middle if text.strip(_BLANKS)]
    if head.strip(_BLANKS):
        words.insert(0, "")
    if kept_tail:
        words.append("")
    gap = TextEdit(start + utf16_length(kept_head), end - utf16_length(kept_tail), " ".join(words))
    is_selection = cursor.hasSelection()
    _apply(cursor, [gap])
    if not is_selection:
        cursor.setPosition(gap.start)


def insert_newline(cursor: QTextCursor, rules: EditRules) -> None:
    """Break the line and indent the new one; between two brackets, on a line of its own."""
    before = line_before(cursor)
    blanks = indentation_rules.for_new_line(before, rules.indentation, rules.language)
    with one_step(cursor):
        cursor.removeSelectedText()
        if indentation_rules.is_between_brackets(before, _line_after(cursor)):
            end = cursor.position()
            cursor.insertText("\n" + indentation_rules.blanks_of(before))
            cursor.setPosition(end)
        cursor.insertText("\n" + blanks)


def line_before(cursor: QTextCursor) -> str:
    """Return the text of the line left of the caret, or of what is selected."""
    document, start = cursor.document(), cursor.selectionStart()
    return raw_text(document, document.findBlock(start).position(), start)


def _line_after(cursor: QTextCursor) -> str:
    block = cursor.block()
    end = block.position() + block.length() - 1
    return raw_text(cursor.document(), cursor.position(), end)


def selected_blocks(cursor: QTextCursor) -> tuple[QTextBlock, QTextBlock]:
    """Return the first and last line that the selection touches, or the caret's twice.

    A last line of which only the start is selected is not meant.
    """
    document, start, end = cursor.document(), cursor.selectionStart(), cursor.selectionEnd()
    first, last = document.findBlock(start), document.findBlock(end)
    if end > start and last.position() == end:
        last = last.previous()
    return first, last


class _Lines(NamedTuple):
    start: int
    texts: list[str]


def _lines(cursor: QTextCursor) -> _Lines:
    first, last = selected_blocks(cursor)
    start, end = first.position(), last.position() + last.length() - 1
    return _Lines(start, raw_text(cursor.document(), start, end).split("\n"))


def _rewrite(cursor: QTextCursor, change: Callable[[Sequence[str]], Sequence[str]]) -> None:
    """Change the selected lines, whose number stays; the selection stays on the same text."""
    lines = _lines(cursor)
    _apply(cursor, _line_edits(lines, change(lines.texts)))


def _line_edits(lines: _Lines, changed: Sequence[str]) -> list[TextEdit]:
    """Return edits of what differs, so that caret and colors of the rest stay."""
    edits = []
    position = lines.start
    for old, new in zip(lines.texts, changed, strict=True):
        if old != new:
            pairs = enumerate(zip(old, new, strict=False))
            same = next((n for n, (a, b) in pairs if a != b), min(len(old), len(new)))
            old_rest, new_rest = old[same:], new[same:]
            start = position + utf16_length(old[:same])
            if new_rest.endswith(old_rest):
                edits.append(TextEdit(start, start, new_rest.removesuffix(old_rest)))
            else:
                gone = old_rest.removesuffix(new_rest)
                text = new_rest if gone == old_rest else ""
                edits.append(TextEdit(start, start + utf16_length(gone), text))
        position += utf16_length(old) + 1
    return edits


def _apply(cursor: QTextCursor, edits: Sequence[TextEdit], shift: int | None = None) -> None:
    """Make the edits; the cursor stays with its text, or goes `shift` units further."""
    ends = cursor.anchor(), cursor.position()
    if not edits:
        return
    document = cursor.document()
    apply_edits(document, edits)
    anchor, position = (moved(end, edits) if shift is None else end + shift for end in ends)
    last = document.characterCount() - 1
    select(cursor, min(anchor, last), min(position, last))
