"""Long lines keep their glyphs as long as they are on screen, and what is drawn stays right."""

import random
from functools import partial

import pytest
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
)
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from shown_editors import Make, shown_editor
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.theme import Theme

EDITS = 60
LONG = "a long line, " * 100


@pytest.fixture
def make(qapp: QApplication, qtbot: QtBot) -> Make:
    return partial(shown_editor, qtbot, Theme(qapp).colors, (500, 300))


def _blocks(editor: CodeEditor) -> list[QTextBlock]:
    document = editor.document()
    return [document.findBlockByNumber(number) for number in range(document.blockCount())]


def _kept(editor: CodeEditor) -> set[int]:
    return {b.blockNumber() for b in _blocks(editor) if b.layout().cacheEnabled()}


def _visible(editor: CodeEditor) -> set[int]:
    return {block.blockNumber() for block, _ in editor.visible_blocks()}


def _long(editor: CodeEditor) -> set[int]:
    return {b.blockNumber() for b in _blocks(editor) if b.length() > len(LONG)}


def test_short_lines_keep_nothing_but_the_one_that_is_edited(make: Make) -> None:
    editor = make("a line\n" * 100)
    assert not _kept(editor)
    for number in (3, 7):
        cursor = QTextCursor(editor.document().findBlockByNumber(number))
        cursor.insertText("a")
        QApplication.processEvents()
        assert _kept(editor) == {number}


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_the_long_lines_on_screen_keep_theirs_until_they_leave_it(
    make: Make, is_wrapped: bool
) -> None:
    editor = make(f"short\n{LONG}\n" * 100, is_wrapped=is_wrapped)
    bar = editor.verticalScrollBar()
    for place in (0, 30, 31, 150, bar.maximum(), 3):
        bar.setValue(place)
        QApplication.processEvents()
        editor.viewport().update()  # how many rows a line has is not known before its first paint
        QApplication.processEvents()
        wanted = _visible(editor) & _long(editor)
        assert wanted <= _kept(editor) <= _long(editor)
        assert len(_kept(editor)) < len(wanted) + 4


def test_lines_that_come_and_go_above_and_among_them_leave_nothing_behind(make: Make) -> None:
    editor = make(f"{LONG}\n" * 200)
    dice = random.Random(1)
    for _ in range(EDITS):
        editor.verticalScrollBar().setValue(dice.randrange(150))
        QApplication.processEvents()
        cursor = editor.textCursor()
        cursor.setPosition(dice.randrange(editor.document().characterCount()))
        if dice.random() < 0.5:
            cursor.insertText("\n" * dice.randrange(1, 30))
        else:
            end = cursor.position() + dice.randrange(5 * len(LONG))
            end = min(end, editor.document().characterCount() - 1)
            cursor.setPosition(end, cursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        if dice.random() < 0.3:
            editor.undo()
        QApplication.processEvents()
        assert len(_kept(editor)) <= len(_visible(editor)) + 4


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_what_is_drawn_is_what_a_new_layout_would_draw(make: Make, is_wrapped: bool) -> None:
    editor = make(f"{LONG}\nshort\n" * 20, is_wrapped=is_wrapped)
    dice = random.Random(is_wrapped)
    for number in range(EDITS):
        _change(editor, dice)
        for _ in range(5):  # scroll bars come and go in later turns
            QApplication.processEvents()
        shown = _shown(editor)
        for block in _blocks(editor):
            layout = block.layout()
            layout.setCacheEnabled(False)
            layout.beginLayout()
            layout.endLayout()
        editor.viewport().update()
        QApplication.processEvents()
        assert _shown(editor) == shown, number


def _change(editor: CodeEditor, dice: random.Random) -> None:
    document, cursor = editor.document(), editor.textCursor()
    cursor.setPosition(dice.randrange(3_000))
    kind = dice.randrange(6)
    if kind == 0:
        cursor.insertText("\n")
    elif kind == 1:
        cursor.deletePreviousChar()
    elif kind == 2:
        editor.undo()
    elif kind == 3:
        editor.set_font(QFont("DejaVu Sans Mono", dice.randrange(8, 14)))
    elif kind == 4:
        block = document.findBlock(cursor.position())
        part = QTextLayout.FormatRange()
        part.start, part.length = 0, dice.randrange(1, 90)
        part.format = QTextCharFormat()
        part.format.setForeground(QColor(dice.choice(("red", "blue"))))
        part.format.setFontWeight(dice.choice((QFont.Weight.Normal, QFont.Weight.Bold)))
        block.layout().setFormats([part])
        document.markContentsDirty(block.position(), block.length())
    else:
        cursor.insertText(dice.choice(("x", "\t", "words ")) * dice.randrange(1, 20))
    editor.setTextCursor(cursor)


def _shown(editor: CodeEditor) -> QImage:
    """Return what the window's surface holds, without painting anything."""
    return editor.screen().grabWindow(editor.winId()).toImage()
