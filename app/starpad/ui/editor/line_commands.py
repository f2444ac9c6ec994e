"""Editing commands that know about lines and their indentation; each is one undo step."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from PySide6.QtGui import QTextBlock, QTextCursor

from starpad.core import comments
from starpad.core import indentation as indentation_rules
from starpad.core.comments import CommentMarks
from starpad.core.edit_rules import EditRules
from starpad.ui.editor.text_edits import (
    Place,
    TextEdit,
    apply_edits,
    copying,
    line_edits,
    one_step,
    raw_text,
    removal,
    select,
)
from starpad.ui.text_positions import utf16_length

LineCommand = Callable[[QTextCursor, EditRules], None]
"""Changes the document at a cursor, which is then where the caret and selection shall be."""

_Change = Callable[[Sequence[str], EditRules], Sequence[str]]

_BLANKS = " \t"
_MANY_LINES = 500
_AT_ONCE_LINES = 200


def indent(cursor: QTextCursor, rules: EditRules) -> None:
    """Indent the selected lines, or go to the next tab stop."""
    if has_several_lines(cursor):
        _rewrite(cursor, _indented, rules)
    else:
        cursor.insertText(indentation_rules.for_tab(line_before(cursor), rules.indentation))


def indent_lines(cursor: QTextCursor, rules: EditRules) -> None:
    """Indent the selected lines, or the caret's."""
    _rewrite(cursor, _indented, rules)


def outdent(cursor: QTextCursor, rules: EditRules) -> None:
    """Take one level of indentation from the selected lines."""
    _rewrite(cursor, _outdented, rules)


def toggle_comment(cursor: QTextCursor, rules: EditRules) -> None:
    """Make the selected lines comments, or text again if they are comments."""
    _rewrite(cursor, _toggled, rules)


def trim(cursor: QTextCursor, rules: EditRules) -> None:
    """Take blanks off the ends of the selected lines, or of all lines."""
    if cursor.hasSelection():
        _rewrite(cursor, _trimmed, rules)
    else:
        lines = _lines(cursor.document().firstBlock(), cursor.document().lastBlock())
        _apply(cursor, line_edits(lines.start, lines.texts, _trimmed(lines.texts, rules)))


def end_with_line_end(cursor: QTextCursor, _rules: EditRules) -> None:
    """Let the text end with one line end, unless there is nothing but blanks in it."""
    document = cursor.document()
    block = document.lastBlock()
    while block.isValid() and not block.text().strip(_BLANKS):
        block = block.previous()
    end = document.characterCount() - 1
    if block.isValid():
        start = block.position() + block.length() - 1
        if raw_text(document, start, end) != "\n":
            _apply(cursor, [TextEdit(start, end, "\n")])


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
    column = cursor.positionInBlock()
    select(cursor, *_whole_lines(cursor))
    cursor.removeSelectedText()
    block = cursor.block()
    cursor.setPosition(block.position() + min(column, block.length() - 1))


def _whole_lines(cursor: QTextCursor) -> tuple[int, int]:
    """Return from where to where the selected lines go, with one line end each."""
    first, last = selected_blocks(cursor)
    start, end = first.position(), last.position() + last.length()
    # The last line has no line end of its own: it goes with the one before it.
    return (start, end) if last.next().isValid() else (max(0, start - 1), end - 1)


def delete_selection(cursor: QTextCursor, _rules: EditRules) -> None:
    """Delete what is selected."""
    cursor.removeSelectedText()


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


def has_several_lines(cursor: QTextCursor) -> bool:
    """Return whether there is a line end in the selection."""
    document = cursor.document()
    return document.findBlock(cursor.anchor()) != document.findBlock(cursor.position())


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


def _lines(first: QTextBlock, last: QTextBlock) -> _Lines:
    start, end = first.position(), last.position() + last.length() - 1
    return _Lines(start, raw_text(first.document(), start, end).split("\n"))


def _rewrite(cursor: QTextCursor, change: _Change, rules: EditRules) -> None:
    """Change the selected lines, whose number stays; the selection stays on the same text."""
    lines = _lines(*selected_blocks(cursor))
    _apply(cursor, line_edits(lines.start, lines.texts, change(lines.texts, rules)))


def _indented(lines: Sequence[str], rules: EditRules) -> Sequence[str]:
    return indentation_rules.indent(lines, rules.indentation)


def _outdented(lines: Sequence[str], rules: EditRules) -> Sequence[str]:
    return indentation_rules.outdent(lines, rules.indentation)


def _toggled(lines: Sequence[str], rules: EditRules) -> Sequence[str]:
    return comments.toggle(lines, comments.marks_of(rules.language))


def _trimmed(lines: Sequence[str], _rules: EditRules) -> Sequence[str]:
    return [line.rstrip(_BLANKS) for line in lines]


def long_edits(
    command: LineCommand, cursor: QTextCursor, rules: EditRules
) -> Iterator[TextEdit | None] | None:
    """Return the edits of a command on many lines, the last one first, worked out on the way.

    None if the lines are few, or if the command does not look at each of them.
    """
    first, last = selected_blocks(cursor)
    if command is trim and not cursor.hasSelection():
        first, last = cursor.document().firstBlock(), cursor.document().lastBlock()
    if last.blockNumber() - first.blockNumber() < _MANY_LINES:
        return None
    document, start, end = cursor.document(), cursor.selectionStart(), cursor.selectionEnd()
    if command is delete_selection:
        return removal(document, start, end)
    if command is delete_lines:
        return removal(document, *_whole_lines(cursor))
    if command is duplicate:
        return copying(document, start, end)
    marks = comments.marks_of(rules.language)
    if command is toggle_comment and marks:
        return (
            _long_comment(first, last, marks.line)
            if marks.line
            else _long_block_comment(first, last, marks)
        )
    change = _LINE_BY_LINE.get(command)
    return _long_change(first, last, lambda lines: change(lines, rules)) if change else None


_LINE_BY_LINE: dict[LineCommand, _Change] = {
    indent: _indented, indent_lines: _indented, outdent: _outdented, trim: _trimmed,
}  # fmt: skip


def _long_comment(first: QTextBlock, last: QTextBlock, mark: str) -> Iterator[TextEdit | None]:
    toggle = comments.LineToggle(mark)
    for lines in _in_parts(first, last):
        toggle.look_at(lines.texts)
        yield None
    yield from _long_change(first, last, toggle.changed)


def _long_block_comment(
    first: QTextBlock, last: QTextBlock, marks: CommentMarks
) -> Iterator[TextEdit | None]:
    while first != last and not first.text().strip(_BLANKS):
        first = first.next()
    while first != last and not last.text().strip(_BLANKS):
        last = last.previous()
    head, tail = first.text(), last.text().rstrip(_BLANKS)
    start = first.position() + len(indentation_rules.blanks_of(head))
    end = last.position() + utf16_length(tail)
    inside = head.lstrip(_BLANKS)
    if inside.startswith(marks.start) and tail.endswith(marks.end):
        rest = tail.removesuffix(marks.end).removesuffix(" ")
        yield TextEdit(last.position() + utf16_length(rest), end, "")
        inside = inside.removeprefix(marks.start)
        yield TextEdit(start, start + len(marks.start) + inside.startswith(" "), "")
        return
    for lines in _in_parts(first, last):
        if any(marks.start in text or marks.end in text for text in lines.texts):
            return  # A comment ends among the lines, so none can hold them.
        yield None
    if inside:
        yield TextEdit(end, end, f" {marks.end}")
        yield TextEdit(start, start, f"{marks.start} ")


def _long_change(
    first: QTextBlock, last: QTextBlock, change: Callable[[Sequence[str]], Sequence[str]]
) -> Iterator[TextEdit | None]:
    for lines in _in_parts(first, last):
        yield from reversed(line_edits(lines.start, lines.texts, change(lines.texts)))
        yield None


def _in_parts(first: QTextBlock, last: QTextBlock) -> Iterator[_Lines]:
    """Yield the lines, the last ones first; what was yielded may change but for its number."""
    document, start, end = first.document(), first.blockNumber(), last.blockNumber()
    while end >= start:
        top = max(start, end - _AT_ONCE_LINES + 1)
        yield _lines(document.findBlockByNumber(top), document.findBlockByNumber(end))
        end = top - 1


def _apply(cursor: QTextCursor, edits: Sequence[TextEdit], shift: int | None = None) -> None:
    """Make the edits; the cursor stays with its text, or goes `shift` units further."""
    if not edits:
        return
    document, anchor, caret = cursor.document(), Place(cursor.anchor()), Place(cursor.position())
    if shift is None:
        for edit in edits:
            anchor.moved_by(edit)
            caret.moved_by(edit)
    ends = [place.now + (shift or 0) for place in (anchor, caret)]
    apply_edits(document, edits)
    last = document.characterCount() - 1
    select(cursor, *(min(end, last) for end in ends))
