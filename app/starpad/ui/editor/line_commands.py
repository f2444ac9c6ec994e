"""Editing commands that know about lines and their indentation; each is one undo step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtGui import QTextCursor

from starpad.core import indentation as rules
from starpad.core.indentation import Indentation

_KEEP = QTextCursor.MoveMode.KeepAnchor


@contextmanager
def one_step(cursor: QTextCursor) -> Iterator[None]:
    """Make what is done with `cursor` one undo step."""
    cursor.beginEditBlock()
    try:
        yield
    finally:
        cursor.endEditBlock()


def indent(cursor: QTextCursor, indentation: Indentation) -> None:
    """Indent the selected lines, or go to the next tab stop."""
    if "\u2029" in cursor.selectedText():
        _change_lines(cursor, lambda line: rules.indent([line], indentation)[0])
    else:
        cursor.insertText(rules.for_tab(_line_before(cursor), indentation))


def outdent(cursor: QTextCursor, indentation: Indentation) -> None:
    """Take one level of indentation from the selected lines."""
    _change_lines(cursor, lambda line: rules.outdent([line], indentation)[0])


def insert_newline(cursor: QTextCursor, indentation: Indentation) -> None:
    """Break the line and indent the new one like its neighbor above."""
    blanks = rules.for_new_line(_line_before(cursor), indentation)
    with one_step(cursor):
        cursor.insertText("\n" + blanks)


def delete_indent(cursor: QTextCursor, indentation: Indentation) -> bool:
    """Handle Backspace in leading blanks, one level at a time. Return whether it did."""
    width = rules.backspace_width(_line_before(cursor), indentation)
    if cursor.hasSelection() or width <= 1:
        return False
    cursor.movePosition(QTextCursor.MoveOperation.Left, _KEEP, width)
    cursor.removeSelectedText()
    return True


def _line_before(cursor: QTextCursor) -> str:
    """Return the text of the line left of the caret, or of what is selected."""
    start = QTextCursor(cursor)
    start.setPosition(cursor.selectionStart())
    return start.block().text()[: start.positionInBlock()]


def _change_lines(cursor: QTextCursor, change: Callable[[str], str]) -> None:
    """Replace the leading blanks of each selected line; the selection stays."""
    start, end = cursor.selectionStart(), cursor.selectionEnd()
    block = cursor.document().findBlock(start)
    worker = QTextCursor(cursor.document())
    with one_step(worker):
        while block.isValid() and (block.position() < end or block.position() <= start):
            line = block.text()
            old_blanks = len(line) - len(line.lstrip(" \t"))
            changed = change(line)
            new_blanks = changed[: len(changed) - len(line) + old_blanks]
            if changed != line:
                worker.setPosition(block.position())
                worker.setPosition(block.position() + old_blanks, _KEEP)
                worker.insertText(new_blanks)
                end += len(new_blanks) - old_blanks
            block = block.next()
