"""The document's layout in a real editor: what is drawn for a change, and that it is enough."""

import gc
import random

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import (
    QColor,
    QImage,
    QPaintEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
)
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.line_layout import LineLayout
from starpad.ui.theme import EditorColors

EDITS = 150


class _Paintings(QObject):
    """Keeps the heights of what is painted."""

    def __init__(self, editor: CodeEditor) -> None:
        super().__init__(editor)
        self.heights: list[int] = []
        editor.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.heights.append(event.rect().height())
        return super().eventFilter(watched, event)


@pytest.fixture
def editor(qtbot: QtBot) -> CodeEditor:
    grays = [QColor("gray"), QColor("white"), *[QColor("lightgray")] * 6]
    editor = CodeEditor(EditorColors(*grays))
    qtbot.addWidget(editor)
    editor.resize(400, 300)
    editor.setPlainText("a line of text\n" * 100)
    editor.show()
    qtbot.waitExposed(editor)
    QApplication.processEvents()
    return editor


def _color(block: QTextBlock, length: int, name: str = "red") -> None:
    part = QTextLayout.FormatRange()
    part.start, part.length = 0, length
    part.format = QTextCharFormat()
    part.format.setForeground(QColor(name))
    block.layout().setFormats([part])


def test_a_key_in_a_colored_line_draws_that_line(editor: CodeEditor) -> None:
    document = editor.document()
    document.contentsChange.connect(lambda at, _removed, _added: _color(document.findBlock(at), 3))
    paintings = _Paintings(editor)
    for _ in range(3):
        editor.textCursor().insertText("x")
        QApplication.processEvents()
    line = editor.blockBoundingRect(document.firstBlock()).height()
    assert paintings.heights
    assert max(paintings.heights) < 2 * line


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_so_does_a_key_in_the_last_line_on_screen(editor: CodeEditor, is_wrapped: bool) -> None:
    editor.set_wrapped(is_wrapped)
    QApplication.processEvents()
    document = editor.document()
    document.contentsChange.connect(lambda at, _removed, _added: _color(document.findBlock(at), 3))
    height = editor.viewport().height()
    last = [b for b, top in editor.visible_blocks() if top < height - 2 * editor.font().pointSize()]
    cursor = QTextCursor(last[-1])
    editor.setTextCursor(cursor)
    QApplication.processEvents()
    paintings = _Paintings(editor)
    for _ in range(3):
        editor.textCursor().insertText("x")
        QApplication.processEvents()
    assert paintings.heights
    assert max(paintings.heights) < 2 * editor.blockBoundingRect(last[-1]).height()


@pytest.mark.parametrize("text", ["", "x", "some words"])
def test_new_colors_of_a_line_draw_that_line(editor: CodeEditor, text: str) -> None:
    editor.setPlainText(f"{text}\n" * 50)
    QApplication.processEvents()
    paintings = _Paintings(editor)
    block = editor.document().findBlockByNumber(3)
    _color(block, 2)
    editor.document().markContentsDirty(block.position(), block.length())
    QApplication.processEvents()
    assert paintings.heights
    assert max(paintings.heights) < 2 * editor.blockBoundingRect(block).height()


def test_a_new_line_end_draws_what_is_below(editor: CodeEditor) -> None:
    paintings = _Paintings(editor)
    editor.textCursor().insertText("\n")
    QApplication.processEvents()
    assert max(paintings.heights) == editor.viewport().height()


def test_lines_that_come_and_go_below_the_screen_draw_nothing(editor: CodeEditor) -> None:
    before = editor.verticalScrollBar().maximum()
    paintings = _Paintings(editor)
    cursor = QTextCursor(editor.document())
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.insertText("more\n" * 50)
    QApplication.processEvents()
    assert editor.verticalScrollBar().maximum() == before + 50
    cursor.movePosition(QTextCursor.MoveOperation.Up, QTextCursor.MoveMode.KeepAnchor, 50)
    cursor.removeSelectedText()
    QApplication.processEvents()
    assert editor.verticalScrollBar().maximum() == before
    assert not paintings.heights


def test_a_line_end_in_place_of_another_draws_the_next_line(editor: CodeEditor) -> None:
    block = editor.document().findBlockByNumber(3)
    cursor = QTextCursor(block)
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
    cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor, 5)
    cursor.insertText("\n")
    QApplication.processEvents()
    shown = _shown(editor)
    editor.viewport().update()
    QApplication.processEvents()
    assert _shown(editor) == shown


def test_no_other_line_is_looked_at_when_the_widest_gets_narrower(editor: CodeEditor) -> None:
    layout = editor.document().documentLayout()
    cursor = editor.textCursor()
    cursor.setPosition(editor.document().findBlockByNumber(5).position())
    for _ in range(40):
        cursor.insertText("wide ")
    QApplication.processEvents()
    width = layout.documentSize().width()
    assert width > 200 * editor.fontMetrics().horizontalAdvance("i")
    for _ in range(9):
        cursor.deletePreviousChar()
    QApplication.processEvents()
    # Qt would have looked for the line that is the widest now.
    assert layout.documentSize().width() == width
    cursor.insertText("wide " * 60)
    assert layout.documentSize().width() > width


def test_a_line_that_grows_beyond_the_view_has_room_in_steps(editor: CodeEditor) -> None:
    bar = editor.horizontalScrollBar()
    ranges: list[int] = []
    bar.rangeChanged.connect(lambda _, most: ranges.append(most))
    cursor = editor.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
    count = editor.viewport().width() // editor.fontMetrics().horizontalAdvance("i")
    for _ in range(count * 2):
        cursor.insertText("i")
        editor.setTextCursor(cursor)
        QApplication.processEvents()
        assert editor.viewport().rect().contains(editor.cursorRect())
    assert len(ranges) < count / 4
    assert bar.value() > bar.maximum() - 200


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_what_is_on_screen_is_what_painting_all_of_it_gives(
    editor: CodeEditor, is_wrapped: bool
) -> None:
    dice = random.Random(is_wrapped)
    editor.set_wrapped(is_wrapped)
    if not is_wrapped:
        editor.resize(2000, 300)  # Qt itself leaves something out when it scrolls sideways
    document = editor.document()
    for number in range(EDITS):
        cursor = editor.textCursor()
        cursor.setPosition(dice.randrange(200))
        for _ in range(dice.randrange(1, 3)):
            _edit(cursor, dice)
        if dice.random() < 0.2:
            editor.undo()
        below = QTextCursor(document)
        below.setPosition(dice.randrange(400, document.characterCount()))
        _edit(below, dice)
        for _ in range(dice.randrange(3)):
            block = document.findBlock(dice.randrange(150))
            if block.length() > 1:
                _color(block, dice.randrange(1, 9), dice.choice(("red", "green", "blue")))
            document.markContentsDirty(block.position(), block.length())
        editor.setTextCursor(cursor)
        for _ in range(5):  # scroll bars come and go in later turns
            QApplication.processEvents()
        shown = _shown(editor)
        for widget in editor.findChildren(QWidget):
            widget.update()
        QApplication.processEvents()
        assert _shown(editor) == shown, number


def test_editors_come_and_go_and_keep_their_layouts(editor: CodeEditor) -> None:
    colors = editor.colors
    for number in range(60):
        other = CodeEditor(colors)
        other.setPlainText("text\n" * 5)
        gc.collect()
        other.insertPlainText("more")
        QApplication.processEvents()
        assert isinstance(other.document().documentLayout(), LineLayout)
        if number % 2:
            other.deleteLater()
        del other
        QApplication.processEvents()


def test_a_change_that_cannot_be_laid_out_line_by_line_is_left_to_qt_and_logged(
    editor: CodeEditor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    editor.setPlainText("one\ntwo")

    def fail(*_: object) -> None:
        raise ValueError

    with monkeypatch.context() as patched:
        patched.setattr(LineLayout, "_follow", fail)
        editor.insertPlainText("more\nlines ")
    assert "not laid out" in caplog.text
    editor.insertPlainText("and more")
    assert editor.text() == "more\nlines and moreone\ntwo"
    assert all(editor.document().findBlockByNumber(n).layout().lineCount() for n in range(3))


def _edit(cursor: QTextCursor, dice: random.Random) -> None:
    kind = dice.randrange(6)
    if kind == 0:
        cursor.insertText("\n")
    elif kind == 1:
        cursor.insertText("new words " * dice.randrange(1, 8))
    elif kind == 2:
        cursor.deletePreviousChar()
    elif kind == 3:
        cursor.movePosition(QTextCursor.MoveOperation.Down, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(dice.choice(("", "one\ntwo", "x", "\n")))
    else:
        cursor.insertText(dice.choice("abc "))


def _shown(editor: CodeEditor) -> QImage:
    """Return what the window's surface holds, without painting anything."""
    return editor.screen().grabWindow(editor.winId()).toImage()
