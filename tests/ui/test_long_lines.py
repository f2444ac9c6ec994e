"""Very long lines wrap in the way that does not hold up the editor."""

from functools import partial

import pytest
from PySide6.QtGui import QTextCursor, QTextOption
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from shown_editors import Make, shown_editor
from starpad.ui.theme import Theme

Mode = QTextOption.WrapMode


@pytest.fixture
def make(qapp: QApplication, qtbot: QtBot) -> Make:
    return partial(shown_editor, qtbot, Theme(qapp).colors, (700, 500))


def test_lines_of_usual_length_wrap_as_the_user_wants(make: Make) -> None:
    editor = make("word " * 500, is_wrapped=True)
    assert editor.wordWrapMode() is Mode.WrapAtWordBoundaryOrAnywhere
    editor.set_wrapped(False)
    assert editor.wordWrapMode() is Mode.NoWrap


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_many_short_lines_that_come_at_once_are_no_long_line(make: Make, is_wrapped: bool) -> None:
    editor = make("", is_wrapped=is_wrapped)
    mode = editor.wordWrapMode()
    QTextCursor(editor.document()).insertText("a line of usual length\n" * 5_000)
    assert editor.wordWrapMode() is mode


def test_with_a_very_long_line_words_are_broken_anywhere(make: Make) -> None:
    editor = make("\n" + "a" * 20_000, is_wrapped=True)
    assert editor.wordWrapMode() is Mode.WrapAnywhere
    editor.set_wrapped(False)
    assert editor.wordWrapMode() is Mode.NoWrap


def test_a_line_of_fifty_thousand_is_wrapped_in_any_case(make: Make) -> None:
    assert make("x\n" + "a b " * 15_000, is_wrapped=False).wordWrapMode() is Mode.WrapAnywhere


@pytest.mark.parametrize("blank", [" ", "\t", "\xa0"])
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_seventy_thousand_blanks_in_front_of_something_do_not_hang_the_editor(
    make: Make, blank: str, is_wrapped: bool
) -> None:
    editor = make("\n" + blank * 70_000 + "x", is_wrapped=is_wrapped)
    assert editor.wordWrapMode() is Mode.NoWrap
    editor.set_wrapped(True)
    assert editor.wordWrapMode() is Mode.NoWrap


def test_nor_do_they_when_they_come_together_little_by_little(make: Make) -> None:
    half = " " * 40_000
    editor = make(f"{half}\n{half}x\n", is_wrapped=True)
    assert editor.wordWrapMode() is Mode.WrapAnywhere
    cursor = QTextCursor(editor.document().findBlockByNumber(1))
    cursor.deletePreviousChar()
    QApplication.processEvents()
    assert editor.wordWrapMode() is Mode.NoWrap
    editor.undo()
    QApplication.processEvents()


def test_a_paste_into_a_wrapped_document_is_seen_before_it_is_laid_out(make: Make) -> None:
    editor = make("x\n", is_wrapped=True)
    QApplication.clipboard().setText(f"a\n{' ' * 70_000}x\nb")
    editor.paste()
    QApplication.processEvents()
    assert editor.wordWrapMode() is Mode.NoWrap
    editor = make("x\n", is_wrapped=True)
    QApplication.clipboard().setText(f"a\n{'b' * 11_000}\nb")
    editor.paste()
    assert editor.wordWrapMode() is Mode.WrapAnywhere


def test_long_lines_far_below_the_limit_of_blanks_are_searched_quickly(make: Make) -> None:
    editor = make((" " * 59_999 + "x") * 2, is_wrapped=True)
    assert editor.wordWrapMode() is Mode.WrapAnywhere
