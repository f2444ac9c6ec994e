"""Editing commands that know about lines and their indentation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QTextCursor

from starpad.core import indentation

if TYPE_CHECKING:
    from starpad.ui.editor.code_editor import CodeEditor

_KEEP = QTextCursor.MoveMode.KeepAnchor


def indent(editor: "CodeEditor") -> None:
    """Indent the selected lines, or go to the next tab stop."""
    cursor = editor.textCursor()
    if "\u2029" in cursor.selectedText():
        _change_lines(editor, lambda line: indentation.indent([line], editor.indentation)[0])
        return
    line = cursor.block().text()[: cursor.positionInBlock()]
    editor.edit(lambda c: c.insertText(indentation.for_tab(line, editor.indentation)))


def outdent(editor: "CodeEditor") -> None:
    """Take one level of indentation from the selected lines."""
    _change_lines(editor, lambda line: indentation.outdent([line], editor.indentation)[0])


def _change_lines(editor: "CodeEditor", change: Callable[[str], str]) -> None:
    """Replace the leading blanks of each selected line as one undo step."""
    cursor = editor.textCursor()
    start, end = cursor.selectionStart(), cursor.selectionEnd()
    block = editor.document().findBlock(start)
    worker = QTextCursor(editor.document())
    worker.beginEditBlock()
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
    worker.endEditBlock()


def insert_newline(editor: "CodeEditor") -> None:
    """Break the line and indent the new one like its neighbor above."""
    cursor = editor.textCursor()
    cursor.setPosition(cursor.selectionStart())
    line = cursor.block().text()[: cursor.positionInBlock()]
    blanks = indentation.for_new_line(line, editor.indentation)
    editor.edit(lambda c: c.insertText("\n" + blanks))


def delete_indent(editor: "CodeEditor") -> bool:
    """Handle Backspace in leading blanks, one level at a time. Return whether it did."""
    cursor = editor.textCursor()
    line = cursor.block().text()[: cursor.positionInBlock()]
    width = indentation.backspace_width(line, editor.indentation)
    if cursor.hasSelection() or width <= 1:
        return False
    left = QTextCursor.MoveOperation.Left

    def remove(cursor: QTextCursor) -> None:
        cursor.movePosition(left, _KEEP, width)
        cursor.removeSelectedText()

    editor.edit(remove)
    return True
