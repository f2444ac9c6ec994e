"""Editing by keys: indentation, new lines, one undo step each; the caret's context."""

import random

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from starpad.core.indentation import Indentation
from starpad.ui.editor import line_commands
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.theme import EditorColors

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def editor(qtbot: QtBot) -> CodeEditor:
    editor = CodeEditor(EditorColors(*[QColor("gray")] * 8))
    qtbot.addWidget(editor)
    editor.resize(600, 400)
    editor.show()
    return editor


def _select(editor: CodeEditor, start: int, end: int) -> None:
    cursor = editor.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    editor.setTextCursor(cursor)


def _end(editor: CodeEditor) -> None:
    editor.moveCursor(QTextCursor.MoveOperation.End)


def test_enter_keeps_the_indentation_and_adds_a_level_after_a_colon(
    editor: CodeEditor, qtbot: QtBot
) -> None:
    qtbot.keyClicks(editor, "if x:")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "y()")
    qtbot.keyClick(editor, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert editor.text() == "if x:\n    y()\n    "


def test_shift_enter_is_an_ordinary_line_end(editor: CodeEditor, qtbot: QtBot) -> None:
    qtbot.keyClicks(editor, "a")
    qtbot.keyClick(editor, Qt.Key.Key_Return, SHIFT)
    assert editor.text() == "a\n"


def test_enter_and_its_indentation_are_one_undo_step(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("if x:")
    _end(editor)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    editor.undo()
    assert editor.text() == "if x:"


def test_tab_goes_to_the_next_stop(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("ab")
    _end(editor)
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.text() == "ab  "


def test_tab_is_a_tab_where_the_file_has_tabs(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.set_indentation(Indentation(use_tabs=True, width=8))
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.text() == "\t"


def test_tab_and_shift_tab_move_the_selected_lines(editor: CodeEditor, qtbot: QtBot) -> None:
    text = "a\n  b\n\nc\n"
    editor.setPlainText(text)
    _select(editor, 0, len("a\n  b\n\nc"))
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.text() == "    a\n      b\n\n    c\n"
    qtbot.keyClick(editor, Qt.Key.Key_Backtab, SHIFT)
    assert editor.text() == text
    editor.undo()
    assert editor.text() == "    a\n      b\n\n    c\n"
    editor.undo()
    assert editor.text() == text


def test_a_selection_that_ends_at_a_line_start_leaves_that_line_alone(
    editor: CodeEditor, qtbot: QtBot
) -> None:
    editor.setPlainText("a\nb\nc\n")
    _select(editor, 0, len("a\nb\n"))
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.text() == "    a\n    b\nc\n"


def test_shift_tab_without_a_selection_outdents_the_line(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("      x")
    _end(editor)
    qtbot.keyClick(editor, Qt.Key.Key_Backtab, SHIFT)
    assert editor.text() == "  x"


def test_backspace_in_leading_blanks_removes_a_level(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("        x")
    cursor = editor.textCursor()
    cursor.setPosition(8)
    editor.setTextCursor(cursor)
    qtbot.keyClick(editor, Qt.Key.Key_Backspace)
    assert editor.text() == "    x"
    editor.undo()
    assert editor.text() == "        x"


def test_backspace_elsewhere_removes_one_character(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("ab  ")
    _end(editor)
    qtbot.keyClick(editor, Qt.Key.Key_Backspace)
    assert editor.text() == "ab "


def test_a_read_only_document_takes_no_key(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("x:")
    editor.setReadOnly(True)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Backspace, Qt.Key.Key_Backtab):
        qtbot.keyClick(editor, key)
    qtbot.keyClicks(editor, "abc")
    editor.apply(line_commands.indent_lines)
    assert editor.text() == "x:"


def test_the_caret_context_is_the_text_around_the_caret(editor: CodeEditor) -> None:
    editor.setPlainText("one\ntwo 😀\nthree\n")
    cursor = editor.textCursor()
    cursor.setPosition(len("one\ntwo ") + 2)
    editor.setTextCursor(cursor)
    context = editor.caret_context(7, "python", 1000)
    assert (context.before, context.after) == ("one\ntwo 😀", "\nthree\n")
    assert (context.document, context.first_line) == (7, 0)


def test_the_caret_context_is_cut_to_whole_lines_within_reach(editor: CodeEditor) -> None:
    lines = [f"line {number}" for number in range(1000)]
    editor.setPlainText("\n".join(lines))
    cursor = editor.textCursor()
    cursor.setPosition(len("\n".join(lines[:500])) + 1)
    editor.setTextCursor(cursor)
    context = editor.caret_context(1, "", 100)
    first = context.first_line
    assert context.before == "\n".join(lines[first:500]) + "\n"
    assert 480 <= first < 500
    assert "\n".join(lines[500:]).startswith(context.after)


def test_the_caret_context_of_an_enormous_line_is_bounded(editor: CodeEditor) -> None:
    editor.setPlainText("x" * 100_000)
    _end(editor)
    assert len(editor.caret_context(1, "", 500).before) == 500


@pytest.mark.parametrize("reach", [500, 501])
def test_the_caret_context_holds_no_half_characters(editor: CodeEditor, reach: int) -> None:
    editor.setPlainText("😀" * 10_000)
    cursor = editor.textCursor()
    cursor.setPosition(10_000)
    editor.setTextCursor(cursor)
    context = editor.caret_context(1, "", reach)
    assert context.before == "😀" * 250
    assert context.after == "😀" * 250


def test_text_keeps_no_break_spaces(editor: CodeEditor) -> None:
    text = "a\u00a0b\u2028c\n\td"
    editor.setPlainText(text)
    assert editor.text() == text
    _end(editor)
    assert editor.caret_context(1, "", 100).before == text


def test_undo_leads_back_from_any_keys(qtbot: QtBot) -> None:
    """Many editors, random keys, cut and paste: nothing crashes, and undo restores the text."""
    text = "import os\n\n\ndef size(path):\n\tif x:\n        return 0  # 😀\n" * 8
    keys = (
        *(Qt.Key.Key_Return, Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Tab),
        *(Qt.Key.Key_Backtab, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up),
        *(Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End),
    )
    none, control = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    QGuiApplication.clipboard().setText("x\n y")
    for seed in range(30):
        dice = random.Random(seed)
        editor = CodeEditor(EditorColors(*[QColor("gray")] * 8))
        editor.resize(600, 400)
        editor.setPlainText(text)
        for _ in range(300):
            match dice.random():
                case share if share < 0.3:
                    QTest.keyClicks(editor, dice.choice("abc(:x "))
                case share if share < 0.8:
                    modifiers = dice.choice((none, none, SHIFT, control))
                    QTest.keyClick(editor, dice.choice(keys), modifiers)
                case share if share < 0.87:
                    editor.undo()
                case share if share < 0.92:
                    editor.redo()
                case share if share < 0.96:
                    cursor = editor.textCursor()
                    cursor.setPosition(dice.randrange(editor.document().characterCount()))
                    editor.setTextCursor(cursor)
                case _:
                    editor.paste()
        while editor.document().isUndoAvailable():
            editor.undo()
        assert editor.text() == text


def test_ctrl_and_wheel_ask_for_zoom(editor: CodeEditor, qtbot: QtBot) -> None:
    from PySide6.QtCore import QCoreApplication, QPoint, QPointF
    from PySide6.QtGui import QWheelEvent

    event = QWheelEvent(
        QPointF(10, 10),
        QPointF(10, 10),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    with qtbot.waitSignal(editor.zoom_requested) as blocker:
        QCoreApplication.sendEvent(editor.viewport(), event)
    assert blocker.args == [1]
