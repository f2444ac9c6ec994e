"""What the keys for text do beyond inserting it: indentation, line ends, brackets in pairs."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QTextCursor

from starpad.core import brackets
from starpad.core import indentation as indentation_rules
from starpad.core.edit_rules import EditRules
from starpad.ui.editor import line_commands
from starpad.ui.editor.line_commands import LineCommand
from starpad.ui.editor.text_edits import TextEdit, apply_edits, one_step, raw_text, select

_MODIFIER = Qt.KeyboardModifier
_PLAIN = (_MODIFIER.NoModifier, _MODIFIER.KeypadModifier)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_LOOK_BACK = 20_000


def line_command(event: QKeyEvent, cursor: QTextCursor) -> LineCommand | None:
    """Return what the key does with several lines as a whole, None if it does something else."""
    key, is_plain = event.key(), event.modifiers() in _PLAIN
    if key == Qt.Key.Key_Backtab:
        return line_commands.outdent
    if not is_plain or not line_commands.has_several_lines(cursor):
        return None
    if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
        return line_commands.delete_selection
    return line_commands.indent_lines if key == Qt.Key.Key_Tab else None


def handle(
    event: QKeyEvent, cursor: QTextCursor, rules: EditRules, *, is_foreseen: bool = False
) -> bool:
    """Do with `cursor` what the key means, and return whether it means more than Qt knows.

    What ghost text foresees is just inserted: the ghost text brings what closes it.
    """
    key, is_plain = event.key(), event.modifiers() in _PLAIN
    if key == Qt.Key.Key_Tab and is_plain:
        line_commands.indent(cursor, rules)
    elif key in _ENTER and (is_plain or event.modifiers() == _MODIFIER.ShiftModifier):
        # Qt would insert U+2028 for Shift+Enter, which no compiler takes for a line end.
        line_commands.insert_newline(cursor, rules)
    elif key == Qt.Key.Key_Backspace and is_plain:
        return _delete_back(cursor, rules)
    else:
        typed = event.text()
        return (
            rules.closes_brackets
            and len(typed) == 1
            and not is_foreseen
            and _type(typed, cursor, rules)
        )
    return True


def _delete_back(cursor: QTextCursor, rules: EditRules) -> bool:
    """Delete an empty pair, or one level of leading blanks."""
    if cursor.hasSelection():
        return False
    before, after = around(cursor)
    quotes = brackets.quotes_of(rules.language)
    if rules.closes_brackets and brackets.is_empty_pair(before, after, quotes):
        select(cursor, cursor.position() - 1, cursor.position() + 1)
    else:
        width = indentation_rules.backspace_width(before, rules.indentation)
        if width <= 1:
            return False
        select(cursor, cursor.position(), cursor.position() - width)
    cursor.removeSelectedText()
    return True


def _type(typed: str, cursor: QTextCursor, rules: EditRules) -> bool:
    """Type a bracket or quote: round the selection, over the one that is there, or in a pair."""
    quotes = brackets.quotes_of(rules.language)
    if not brackets.is_bracket(typed) and typed not in quotes:
        return False
    if cursor.hasSelection():
        return _wrap(typed, cursor, quotes)
    before, after = around(cursor)
    position = cursor.position()
    if brackets.surplus_closers(before, typed, after, quotes):
        cursor.setPosition(position + 1)
        return True
    closer = brackets.closer_for(typed, before, after, quotes)
    if closer:
        cursor.insertText(typed + closer)
        cursor.setPosition(position + 1)
        return True
    return not before.strip() and _close_block(typed, cursor, before)


def _wrap(typed: str, cursor: QTextCursor, quotes: str) -> bool:
    closer = typed if typed in quotes else brackets.PAIRS.get(typed, "")
    if not closer:
        return False
    anchor, position = cursor.anchor(), cursor.position()
    start, end = min(anchor, position), max(anchor, position)
    edits = [TextEdit(start, start, typed), TextEdit(end, end, closer)]
    apply_edits(cursor.document(), edits)
    select(cursor, anchor + 1, position + 1)
    return True


def _close_block(typed: str, cursor: QTextCursor, before: str) -> bool:
    """Type a closing bracket as the first of its line, as far in as the line that it closes."""
    if typed in brackets.PAIRS or not brackets.is_bracket(typed):
        return False
    position = cursor.position()
    text = raw_text(cursor.document(), max(0, position - _LOOK_BACK), position)
    opener = brackets.partner(typed, text, lambda _index: True)
    if opener is None:
        return False
    blanks = indentation_rules.blanks_of(text[text.rfind("\n", 0, opener) + 1 : opener])
    with one_step(cursor):
        select(cursor, position - len(before), position)
        cursor.insertText(blanks + typed)
    return True


def around(cursor: QTextCursor) -> tuple[str, str]:
    """Return the text of the line before and after the caret, as far as rules look."""
    document, block, position = cursor.document(), cursor.block(), cursor.position()
    start = max(block.position(), position - _LOOK_BACK)
    end = min(block.position() + block.length() - 1, position + _LOOK_BACK)
    return raw_text(document, start, position), raw_text(document, position, end)
