"""Undo, cut, copy and paste by keys and menus, with texts so long that they come in pieces."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication
from pytestqt.qtbot import QtBot

from starpad.ui.editor import line_commands, step_editor, text_edits
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.line_commands import LineCommand
from starpad.ui.editor.text_edits import select
from starpad.ui.theme import EditorColors

TEXT = "".join(f"{number} 😀\u00a0\n" for number in range(1_000))
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def editor(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[CodeEditor]:
    monkeypatch.setattr(step_editor, "_LONG_TEXT", 100)
    monkeypatch.setattr(text_edits, "_PIECE", 7)
    editor = CodeEditor(EditorColors(*[QColor("gray")] * 8))
    qtbot.addWidget(editor)
    editor.setPlainText(TEXT)
    yield editor
    QGuiApplication.clipboard().clear()


def _settled(editor: CodeEditor, qtbot: QtBot) -> str:
    qtbot.waitUntil(lambda: not editor.long_edits.is_busy)
    return editor.text()


def test_cut_and_paste_of_long_texts_keep_every_character(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_X, CONTROL)
    assert _settled(editor, qtbot) == ""
    assert QGuiApplication.clipboard().text() == TEXT
    qtbot.keyClick(editor, Qt.Key.Key_V, CONTROL)
    assert _settled(editor, qtbot) == TEXT
    assert editor.textCursor().atEnd()
    qtbot.keyClick(editor, Qt.Key.Key_Z, CONTROL)
    assert _settled(editor, qtbot) == ""
    qtbot.keyClick(editor, Qt.Key.Key_Z, CONTROL)
    assert _settled(editor, qtbot) == TEXT


def test_what_is_pasted_takes_the_place_of_the_selection(editor: CodeEditor, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("a\r\nb" * 100)
    cursor = editor.textCursor()
    select(cursor, 2, 900)
    editor.setTextCursor(cursor)
    editor.paste()
    text = _settled(editor, qtbot)
    assert text.startswith("0 a\nba\nb")
    assert len(text.encode("utf-16-le")) == len(TEXT.encode("utf-16-le")) - 2 * 898 + 2 * 300
    assert not editor.textCursor().hasSelection()
    assert editor.textCursor().position() == 302


def test_short_texts_are_cut_and_pasted_as_well(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("one two")
    editor.selectAll()
    for key in (Qt.Key.Key_C, Qt.Key.Key_X, Qt.Key.Key_V, Qt.Key.Key_V):
        qtbot.keyClick(editor, key, CONTROL)
    assert editor.text() == "one twoone two"


def test_a_read_only_document_is_copied_and_not_changed(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setReadOnly(True)
    editor.selectAll()
    for key in (Qt.Key.Key_C, Qt.Key.Key_X, Qt.Key.Key_V):
        qtbot.keyClick(editor, key, CONTROL)
    qtbot.keyClick(editor, Qt.Key.Key_Delete)
    assert editor.text() == TEXT
    assert QGuiApplication.clipboard().text() == TEXT


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_many_lines_are_deleted_in_pieces(editor: CodeEditor, qtbot: QtBot, key: Qt.Key) -> None:
    editor.selectAll()
    qtbot.keyClick(editor, key)
    assert _settled(editor, qtbot) == ""
    editor.undo()
    assert _settled(editor, qtbot) == TEXT


@pytest.mark.parametrize(
    ("command", "text"),
    [(line_commands.delete_lines, "0 😀\u00a0\n"), (line_commands.duplicate, TEXT + TEXT[5:])],
)
def test_many_lines_are_deleted_and_duplicated_as_few_are(
    editor: CodeEditor, qtbot: QtBot, command: LineCommand, text: str
) -> None:
    cursor = editor.textCursor()
    select(cursor, 6, len(TEXT.encode("utf-16-le")) // 2)
    editor.setTextCursor(cursor)
    editor.apply(command)
    assert _settled(editor, qtbot) == text


@pytest.mark.parametrize("name", ["edit-undo", "edit-cut"])
def test_the_context_menu_takes_the_same_ways(editor: CodeEditor, qtbot: QtBot, name: str) -> None:
    editor.selectAll()
    editor.apply(line_commands.indent_lines)
    assert _settled(editor, qtbot) != TEXT
    editor.selectAll()
    menu = editor.context_menu(editor.rect().center())
    action = menu.findChild(QAction, name)
    assert isinstance(action, QAction)
    action.trigger()
    menu.deleteLater()
    assert _settled(editor, qtbot) == (TEXT if name == "edit-undo" else "")
