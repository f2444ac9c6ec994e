"""Commands on lines: one undo step each, right at both ends of the text and with selections."""

import random

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from starpad.core.edit_rules import EditRules
from starpad.core.indentation import Indentation
from starpad.ui.editor import line_commands
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.go_to_line import GoToLine
from starpad.ui.editor.line_commands import LineCommand
from starpad.ui.editor.text_edits import select
from starpad.ui.text_positions import utf16_length
from starpad.ui.theme import EditorColors

COMMANDS: list[LineCommand] = [
    line_commands.indent,
    line_commands.indent_lines,
    line_commands.outdent,
    line_commands.toggle_comment,
    line_commands.trim,
    line_commands.end_with_line_end,
    line_commands.duplicate,
    line_commands.move_up,
    line_commands.move_down,
    line_commands.delete_lines,
    line_commands.join_lines,
    line_commands.insert_newline,
]


@pytest.fixture
def editor(qtbot: QtBot) -> CodeEditor:
    editor = CodeEditor(EditorColors(*[QColor("gray")] * 8))
    qtbot.addWidget(editor)
    editor.resize(600, 400)
    editor.set_language("python")
    return editor


def _set(editor: CodeEditor, marked: str) -> None:
    """Set the text; `[` stands for the selection's anchor and `|` for the caret."""
    text = marked.replace("[", "").replace("|", "")
    caret = marked.replace("[", "").index("|")
    anchor = marked.replace("|", "").index("[") if "[" in marked else caret
    editor.setPlainText(text)
    cursor = editor.textCursor()
    select(cursor, utf16_length(text[:anchor]), utf16_length(text[:caret]))
    editor.setTextCursor(cursor)


def _get(editor: CodeEditor) -> str:
    text, cursor = editor.text(), editor.textCursor()
    marks = {cursor.position(): "|"}
    if cursor.hasSelection():
        marks[cursor.anchor()] = "["
    units = text.encode("utf-16-le")
    for position in sorted(marks, reverse=True):
        head, tail = units[: 2 * position], units[2 * position :]
        units = head + marks[position].encode("utf-16-le") + tail
    return units.decode("utf-16-le")


@pytest.mark.parametrize(
    ("command", "before", "after"),
    [
        # the caret's line, in the middle, the first and the last one without a line end
        (line_commands.duplicate, "a\nb😀b|\nc", "a\nb😀b\nb😀b|\nc"),
        (line_commands.duplicate, "a\nb|c", "a\nbc\nb|c"),
        (line_commands.duplicate, "x[ab|y", "xab[ab|y"),
        (line_commands.duplicate, "x|ab[y", "xab[ab|y"),
        (line_commands.duplicate, "[a\n|b", "a\n[a\n|b"),
        (line_commands.move_up, "a\nb|b\nc", "b|b\na\nc"),
        (line_commands.move_up, "a|\nb", "a|\nb"),
        (line_commands.move_up, "a\nbb|", "bb|\na"),
        (line_commands.move_up, "a\n[b\nc|c\nd", "[b\nc|c\na\nd"),
        (line_commands.move_up, "a\n[b\n|c", "[b\n|a\nc"),
        (line_commands.move_down, "a|a\nb\nc", "b\na|a\nc"),
        (line_commands.move_down, "a\nb|", "a\nb|"),
        (line_commands.move_down, "a|a\nb", "b\na|a"),
        (line_commands.move_down, "[a\nb|\nc\n", "c\n[a\nb|\n"),
        (line_commands.move_down, "[a\n|b", "b\n[a|"),
        (line_commands.move_down, "|\n", "\n|"),
        (line_commands.delete_lines, "aa\nbb|\ncc", "aa\ncc|"),
        (line_commands.delete_lines, "aa\nbb|", "aa|"),
        (line_commands.delete_lines, "a|a", "|"),
        (line_commands.delete_lines, "|", "|"),
        (line_commands.delete_lines, "a\n[b\nc|\nd\n", "a\nd|\n"),
        (line_commands.delete_lines, "[a\n|b", "|b"),
        (line_commands.delete_lines, "abc\n|x\ny", "abc\n|y"),
        (line_commands.join_lines, "a|a  \n   b\nc", "aa| b\nc"),
        (line_commands.join_lines, "aa\n|", "aa\n|"),
        (line_commands.join_lines, "  |\n  b", "  |b"),
        (line_commands.join_lines, "|a\n\nb", "a|\nb"),
        (line_commands.join_lines, "[a\n\n  b\nc|", "[a b c|"),
        (line_commands.join_lines, "[\n  \n|", "[\n|"),
        (line_commands.toggle_comment, "  a|b\nc", "  # a|b\nc"),
        (line_commands.toggle_comment, "  # a|b\nc", "  a|b\nc"),
        (line_commands.toggle_comment, "[a\n\n  b|", "# [a\n\n#   b|"),
        (line_commands.indent_lines, "a|b", "    a|b"),
        (line_commands.indent, "a|b", "a   |b"),
        (line_commands.outdent, "      a|b", "  a|b"),
        (line_commands.outdent, "|  ab", "|ab"),
        (line_commands.trim, "a \n\tb\t |\n \n", "a\n\tb|\n\n"),
        (line_commands.trim, "a \n[b \n|c ", "a \n[b\n|c "),
        (line_commands.insert_newline, "if x:|y", "if x:\n    |y"),
        (line_commands.insert_newline, "  f {|}", "  f {\n      |\n  }"),
        (line_commands.insert_newline, "f(|)", "f(\n    |\n)"),
        (line_commands.insert_newline, "f({[x|}", "f({\n    |\n}"),
    ],
)
def test_a_command_changes_lines_and_keeps_the_caret_with_its_text(
    editor: CodeEditor, command: LineCommand, before: str, after: str
) -> None:
    _set(editor, before)
    text = editor.text()
    steps = editor.document().availableUndoSteps()
    editor.apply(command)
    assert _get(editor) == after
    editor.undo()
    assert editor.text() == text
    assert editor.document().availableUndoSteps() == steps


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leaves_a_read_only_document_alone(
    editor: CodeEditor, command: LineCommand
) -> None:
    _set(editor, "[a \nb |\nc")
    editor.setReadOnly(True)
    editor.apply(command)
    assert _get(editor) == "[a \nb |\nc"


def test_commands_without_effect_leave_no_undo_step(editor: CodeEditor) -> None:
    _set(editor, "|a\nb")
    for command in (line_commands.move_up, line_commands.outdent, line_commands.trim):
        editor.apply(command)
    editor.set_language("text")
    editor.apply(line_commands.toggle_comment)
    assert not editor.document().isUndoAvailable()
    assert not editor.document().isModified()


def test_a_colon_opens_no_block_in_prose(editor: CodeEditor) -> None:
    editor.set_language("markdown")
    _set(editor, "Note:|")
    editor.apply(line_commands.insert_newline)
    assert _get(editor) == "Note:\n|"


def test_css_has_block_comments(editor: CodeEditor) -> None:
    editor.set_language("css")
    _set(editor, "[a {\n}|\n")
    editor.apply(line_commands.toggle_comment)
    assert editor.text() == "/* a {\n} */\n"
    editor.apply(line_commands.toggle_comment)
    assert editor.text() == "a {\n}\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("|a", "|a\n"), ("a|\n", "a|\n"), ("a \n\n \n|", "a \n|"),
        ("\n  |\n", "\n  |\n"), ("|", "|"),
    ],
)  # fmt: skip
def test_the_text_can_be_given_one_line_end(editor: CodeEditor, old: str, new: str) -> None:
    _set(editor, old)
    editor.apply(line_commands.end_with_line_end)
    assert _get(editor) == new


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [
        (line_commands.trim, "x😀 \n", "x😀\n"),
        (line_commands.indent, "x😀\n", "    x😀\n"),
        (line_commands.outdent, "     x😀\n", " x😀\n"),
        (line_commands.toggle_comment, "  x😀\n", "  # x😀\n"),
        (line_commands.toggle_comment, "  # x😀\n", "  x😀\n"),
    ],
)
def test_very_many_lines_are_changed_piece_by_piece_and_are_one_step(
    editor: CodeEditor, qtbot: QtBot, command: LineCommand, old: str, new: str
) -> None:
    text = old * 15_000
    editor.setPlainText(text)
    editor.selectAll()
    editor.apply(command)
    assert editor.long_edits.is_busy
    qtbot.waitUntil(lambda: not editor.long_edits.is_busy)
    assert editor.text() == new * 15_000
    cursor = editor.textCursor()
    assert (cursor.selectionStart() in (0, 4, 2), cursor.selectionEnd()) == (
        True,
        utf16_length(new * 15_000),
    )
    editor.undo()
    editor.long_edits.finish()
    assert editor.text() == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n  😀\n" + "x\n" * 900 + "😀 \n\n", "\n  <!-- 😀\n" + "x\n" * 900 + "😀 --> \n\n"),
        ("<p>\n" * 600 + "<!-- x -->\n", "<p>\n" * 600 + "<!-- x -->\n"),
        ("\n" * 1000, "\n" * 1000),
    ],
)
def test_very_many_lines_come_into_one_block_comment_and_out_of_it(
    editor: CodeEditor, old: str, new: str
) -> None:
    editor.set_language("html")
    editor.setPlainText(old)
    for text in (new, old):
        editor.selectAll()
        editor.apply(line_commands.toggle_comment)
        editor.long_edits.finish()
        assert editor.text() == text


def test_a_line_that_is_no_comment_makes_all_of_them_comments(editor: CodeEditor) -> None:
    editor.setPlainText("# x\n" * 1000 + "  y\n\n" + "# x\n" * 1000)
    editor.selectAll()
    editor.apply(line_commands.toggle_comment)
    editor.long_edits.finish()
    assert editor.text() == "# # x\n" * 1000 + "#   y\n\n" + "# # x\n" * 1000


def _model(command: LineCommand, lines: list[str], first: int, last: int) -> list[str]:
    """Do what some commands do, on a list of lines."""
    if command is line_commands.move_up and first:
        return [*lines[: first - 1], *lines[first : last + 1], lines[first - 1], *lines[last + 1 :]]
    if command is line_commands.move_down and last + 1 < len(lines):
        return [*lines[:first], lines[last + 1], *lines[first : last + 1], *lines[last + 2 :]]
    if command is line_commands.delete_lines:
        return [*lines[:first], *lines[last + 1 :]] or [""]
    if command is line_commands.outdent:
        new = [
            line[min(4, len(line) - len(line.lstrip(" "))) :] for line in lines[first : last + 1]
        ]
        return [*lines[:first], *new, *lines[last + 1 :]]
    return lines


def test_random_commands_do_what_a_list_of_lines_would(editor: CodeEditor) -> None:
    dice = random.Random(random.random())
    commands = [
        line_commands.move_up,
        line_commands.move_down,
        line_commands.delete_lines,
        line_commands.outdent,
    ]
    for _ in range(60):
        lines = [dice.choice(["", "a", "😀b", "    c", "  d", "e  "]) for _ in range(9)]
        editor.setPlainText("\n".join(lines))
        texts = [editor.text()]
        for _ in range(8):
            end = editor.document().characterCount()
            cursor = editor.textCursor()
            select(cursor, dice.randrange(end), dice.randrange(end))
            editor.setTextCursor(cursor)
            first, last = line_commands.selected_blocks(cursor)
            command = dice.choice(commands)
            lines = _model(command, lines, first.blockNumber(), last.blockNumber())
            steps = editor.document().availableUndoSteps()
            editor.apply(command)
            assert editor.text() == "\n".join(lines), command
            if editor.document().availableUndoSteps() != steps:
                texts.append(editor.text())
        for text in reversed(texts[:-1]):
            editor.undo()
            assert editor.text() == text


def test_the_rules_of_a_document_start_as_the_usual_ones() -> None:
    assert EditRules().indentation == Indentation(use_tabs=False, width=4)


@pytest.mark.parametrize(
    ("asked", "line", "column"),
    [("2", 2, 1), ("2:3", 2, 3), (" 2 , 2 ", 2, 2), ("99:99", 3, 6), ("0", 1, 1), ("1:99", 1, 4)],
)
def test_go_to_line_goes_as_near_as_it_can(
    editor: CodeEditor, asked: str, line: int, column: int
) -> None:
    editor.setPlainText("one\ntwoo\nthree")
    dialog = GoToLine(editor)
    dialog.field.setText(asked)
    dialog.accept()
    cursor = editor.textCursor()
    assert (cursor.blockNumber() + 1, cursor.positionInBlock() + 1) == (line, column)


def test_go_to_line_takes_only_numbers(editor: CodeEditor, qtbot: QtBot) -> None:
    dialog = GoToLine(editor)
    qtbot.addWidget(dialog)
    ok = dialog._buttons.buttons()[0].isEnabled
    for text, is_good in (("", False), ("x", False), ("7:", False), ("7", True)):
        dialog.field.setText(text)
        assert ok() == is_good
    dialog.field.setText("x")
    dialog.open()
    dialog.accept()
    assert dialog.isVisible()
