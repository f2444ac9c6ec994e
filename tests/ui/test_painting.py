"""What is painted piece by piece, for a key or a scroll, is what painting all anew would show."""

import random
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPaintEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot

from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.theme import EditorColors

SHIFT = Qt.KeyboardModifier.ShiftModifier
COLORS = ("white", "black", "#ccddff", "#eeeecc", "gray", "#dddddd", "black", "red")


@pytest.fixture
def editor(qtbot: QtBot, qapp: QApplication) -> CodeEditor:
    editor = CodeEditor(EditorColors(*map(QColor, COLORS)))
    qtbot.addWidget(editor)
    editor.resize(500, 300)
    editor.setPlainText("".join(f"line {n} {'x ' * (n % 40)}\n" for n in range(300)))
    editor.setCursorWidth(0)  # it blinks
    editor.show()
    qtbot.waitExposed(editor)
    editor.setFocus()
    return editor


def on_screen(editor: CodeEditor) -> QImage:
    for _ in range(3):  # a scroll bar may come
        QApplication.processEvents()
    return editor.screen().grabWindow(editor.winId()).toImage()


def anew(editor: CodeEditor) -> QImage:
    editor.update()
    editor.viewport().update()
    for child in editor.findChildren(type(editor.viewport())):
        child.update()
    return on_screen(editor)


def steps(editor: CodeEditor) -> list[Callable[[], object]]:
    def key(code: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(editor, code, modifiers)

    def insert_above() -> None:
        cursor = QTextCursor(editor.document())
        cursor.insertText("new\n")

    bar = editor.verticalScrollBar()
    return [
        lambda: QTest.keyClicks(editor, "a"),
        lambda: QTest.keyClicks(editor, "("),
        lambda: key(Qt.Key.Key_Return),
        lambda: key(Qt.Key.Key_Backspace),
        lambda: key(Qt.Key.Key_Up),
        lambda: key(Qt.Key.Key_Down),
        lambda: key(Qt.Key.Key_Down, SHIFT),
        lambda: key(Qt.Key.Key_Right, SHIFT),
        lambda: key(Qt.Key.Key_Left),
        lambda: key(Qt.Key.Key_PageDown),
        lambda: bar.setValue(bar.value() + 1),
        lambda: bar.setValue(bar.value() - 1),
        lambda: QTest.mouseClick(editor.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, 90)),
        lambda: editor.set_wrapped(editor.wordWrapMode().value == 0),
        lambda: editor.setReadOnly(not editor.isReadOnly()),
        insert_above,
        editor.undo,
    ]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_on_the_screen_is_what_painting_all_anew_shows(
    editor: CodeEditor, seed: int
) -> None:
    dice = random.Random(seed)
    choices = steps(editor)
    done = []
    for _ in range(120):
        number = dice.randrange(len(choices))
        done.append(number)
        choices[number]()
        assert on_screen(editor) == anew(editor), done


def test_a_key_has_the_caret_s_row_painted_alone_unless_letters_around_may_reach_into_it(
    editor: CodeEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[int] = []

    def paint(self: QPlainTextEdit, event: QPaintEvent) -> None:
        heights.append(event.rect().height())

    row = editor.cursorRect().height()
    for line, height in (("plain", row), ("\u1ed6", row + 2), ("plain", row)):
        for _ in range(3):
            QTest.keyClick(editor, Qt.Key.Key_Down)
        QTest.keyClick(editor, Qt.Key.Key_Home)
        cursor = editor.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.Up)
        cursor.insertText(line)
        on_screen(editor)
        with monkeypatch.context() as context:
            context.setattr(QPlainTextEdit, "paintEvent", paint)
            heights.clear()
            QTest.keyClicks(editor, "a")
            on_screen(editor)
        assert heights
        assert set(heights) == {height}
