"""Keys for text: brackets and quotes in pairs, typed over, round a selection, deleted together."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_options import EditorOptions
from starpad.ui.editor.text_edits import select
from starpad.ui.theme import EditorColors


@pytest.fixture
def editor(qtbot: QtBot) -> CodeEditor:
    editor = CodeEditor(EditorColors(*[QColor("gray")] * 8))
    qtbot.addWidget(editor)
    editor.set_language("python")
    editor.show()
    return editor


def _put(editor: CodeEditor, marked: str) -> None:
    before, _, after = marked.partition("|")
    editor.setPlainText(before + after)
    cursor = editor.textCursor()
    cursor.setPosition(len(before))
    editor.setTextCursor(cursor)


def _get(editor: CodeEditor) -> str:
    text, position = editor.text(), editor.textCursor().position()
    return f"{text[:position]}|{text[position:]}"


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ("|", "f(", "f(|)"),
        ("|", "f()", "f()|"),
        ("|", "f(x)", "f(x)|"),
        ("|", 'print("a")', 'print("a")|'),
        ("|", '"""doc"""', '"""doc"""|'),
        ("|", "it's", "it's|"),
        ("|", "x[{", "x[{|}]"),
        ("|", "{ f(a)", "{ f(a)|}"),
        ("|word", "(", "(|word"),
        ("if x {\n        |\n", "}", "if x {\n}|\n"),
        ("\tf(\n\t\t\t|", ")", "\tf(\n\t)|"),
        ("(a)\n    |", ")", "(a)\n    )|"),
    ],
)
def test_pairs_while_typing(
    editor: CodeEditor, qtbot: QtBot, before: str, keys: str, after: str
) -> None:
    _put(editor, before)
    qtbot.keyClicks(editor, keys)
    assert _get(editor) == after


def test_a_selection_is_wrapped_and_stays_selected(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.setPlainText("a😀b c")
    cursor = editor.textCursor()
    select(cursor, 4, 0)
    editor.setTextCursor(cursor)
    qtbot.keyClicks(editor, '("')
    assert editor.text() == '("a😀b") c'
    assert editor.textCursor().selectedText() == "a😀b"
    assert editor.textCursor().position() < editor.textCursor().anchor()
    qtbot.keyClicks(editor, ")")
    assert editor.text() == '(")") c'


def test_backspace_deletes_an_empty_pair(editor: CodeEditor, qtbot: QtBot) -> None:
    _put(editor, 'f("|")')
    qtbot.keyClick(editor, Qt.Key.Key_Backspace)
    assert _get(editor) == "f(|)"
    qtbot.keyClick(editor, Qt.Key.Key_Backspace)
    assert _get(editor) == "f|"
    editor.undo()
    editor.undo()
    assert editor.text() == 'f("")'


def test_typing_over_changes_nothing(editor: CodeEditor, qtbot: QtBot) -> None:
    _put(editor, "f(|)")
    editor.document().setModified(False)
    qtbot.keyClicks(editor, ")")
    assert _get(editor) == "f()|"
    assert not editor.document().isModified()
    assert not editor.document().isUndoAvailable()


def test_a_pair_is_undone_as_one(editor: CodeEditor, qtbot: QtBot) -> None:
    _put(editor, "f|")
    qtbot.keyClicks(editor, "(")
    editor.undo()
    assert _get(editor) == "f|"


def test_pairs_can_be_turned_off(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.set_options(EditorOptions(editor.font(), closes_brackets=False))
    _put(editor, "|)")
    qtbot.keyClicks(editor, "()")
    assert _get(editor) == "()|)"
    _put(editor, "(|)")
    qtbot.keyClick(editor, Qt.Key.Key_Backspace)
    assert _get(editor) == "|)"


def test_a_read_only_document_gets_no_pairs(editor: CodeEditor, qtbot: QtBot) -> None:
    _put(editor, "f|")
    editor.setReadOnly(True)
    qtbot.keyClicks(editor, "(")
    assert editor.text() == "f"


def test_an_endless_line_does_not_slow_typing_down(editor: CodeEditor, qtbot: QtBot) -> None:
    _put(editor, "(" * 50_000 + "|" + ")" * 50_000)
    qtbot.keyClicks(editor, "(")
    assert editor.document().characterCount() in (100_002, 100_003)
