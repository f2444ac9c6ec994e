"""One text becomes another: exactly, as one undo step, with the caret where it was."""

from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from starpad.ui.editor.replacing import replace_text
from starpad.ui.text_positions import document_text

TEXTS = st.lists(st.sampled_from(["a", "b", "😀", "\n", "line\n", "é\u00a0"])).map("".join)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_any_text_becomes_any_other_and_undo_goes_back(qapp: object, old: str, new: str) -> None:
    editor = QPlainTextEdit()
    editor.setPlainText(old)
    replace_text(editor, old, new)
    assert document_text(editor.document()) == new
    editor.undo()
    assert document_text(editor.document()) == old
    assert not editor.document().isUndoAvailable()


def caret_after(old: str, new: str, caret: int) -> QTextCursor:
    editor = QPlainTextEdit()
    editor.setPlainText(old)
    cursor = editor.textCursor()
    cursor.setPosition(caret)
    editor.setTextCursor(cursor)
    replace_text(editor, old, new)
    cursor = editor.textCursor()
    editor.deleteLater()
    return cursor


def test_the_caret_stays_between_changes_above_and_below(qtbot: QtBot) -> None:
    old = "😀 first\nsecond\nthird\nfourth\n"
    cursor = caret_after(old, "new\n😀 1st\nsecond\nthird\n4th\n", old.index("ird") + 1)
    assert cursor.block().text()[: cursor.positionInBlock()] == "th"


def test_the_caret_keeps_line_and_column_in_a_line_that_is_another(qtbot: QtBot) -> None:
    cursor = caret_after("one\ntwo three\nfour\n", "one\n22222\nfour\n", len("one\ntwo "))
    assert (cursor.blockNumber(), cursor.positionInBlock()) == (1, 4)
    cursor = caret_after("one\ntwo three\nfour\n", "one\n2\n", len("one\ntwo "))
    assert (cursor.blockNumber(), cursor.positionInBlock()) == (1, 1)
