"""Undo, cut, copy and paste by keys and menus, with texts so long that they come in pieces."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication
from pytestqt.qtbot import QtBot

from starpad.ui.editor import line_commands, long_edits, step_editor, text_edits
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


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each piece take a turn of the event loop."""
    monkeypatch.setattr(long_edits, "_SLICE_S", 0.0)
    monkeypatch.setattr(text_edits, "_READ_AT_ONCE", 10)


@pytest.mark.usefixtures("slow")
def test_a_long_text_is_copied_in_pieces_and_the_view_stays(
    editor: CodeEditor, qtbot: QtBot
) -> None:
    editor.selectAll()
    editor.verticalScrollBar().setValue(3)
    qtbot.keyClick(editor, Qt.Key.Key_C, CONTROL)
    assert editor.long_edits.is_busy
    assert QGuiApplication.clipboard().text() == ""
    _settled(editor, qtbot)
    assert QGuiApplication.clipboard().text() == TEXT
    assert editor.verticalScrollBar().value() == 3
    assert editor.textCursor().hasSelection()
    assert not editor.document().isUndoAvailable()


@pytest.mark.usefixtures("slow")
def test_a_key_after_copying_does_what_it_always_does(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_C, CONTROL)
    qtbot.keyClick(editor, Qt.Key.Key_Right)
    assert not editor.textCursor().hasSelection()
    qtbot.keyClick(editor, Qt.Key.Key_V, CONTROL)
    assert _settled(editor, qtbot) == TEXT + TEXT


@pytest.mark.usefixtures("slow")
def test_letters_and_commands_after_copying_count(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.selectAll()
    editor.run(editor.copy)
    editor.apply(line_commands.indent)
    assert _settled(editor, qtbot).startswith(" ")
    editor.selectAll()
    editor.run(editor.copy)
    qtbot.keyClicks(editor, "x")
    assert editor.text() == "x"
    assert QGuiApplication.clipboard().text().startswith(" ")


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("is_read_only", [True, False])
def test_what_is_closed_was_copied_before(
    editor: CodeEditor, qtbot: QtBot, is_read_only: bool
) -> None:
    editor.setReadOnly(is_read_only)
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_C, CONTROL)
    editor.long_edits.stop()
    assert QGuiApplication.clipboard().text() == TEXT
    assert editor.isReadOnly() is is_read_only


def test_very_short_lines_are_pasted_in_pieces(
    editor: CodeEditor, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_editor, "_LONG_TEXT", 1_000_000)
    monkeypatch.setattr(step_editor, "_MANY_LINES", 10)
    monkeypatch.setattr(text_edits, "_PIECE", 1_000)
    monkeypatch.setattr(text_edits, "_PIECE_LINES", 3)
    text = "\n\n😀\n" * 100 + "end"
    QGuiApplication.clipboard().setText(text)
    changes: list[int] = []
    editor.document().contentsChange.connect(lambda _at, _removed, added: changes.append(added))
    monkeypatch.setattr(long_edits, "_SLICE_S", 0.0)
    editor.paste()
    assert _settled(editor, qtbot) == text + TEXT
    assert max(changes) < 20
    editor.undo()
    assert _settled(editor, qtbot) == TEXT


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
