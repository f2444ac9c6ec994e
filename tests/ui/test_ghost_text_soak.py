"""Random keys, clicks, commands and requests for a while: no trace of ghost text stays behind."""

import random
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.editor.editor_tab import EditorTab

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONS = 4000
TEXT = "import os\n\n\ndef size(path):\n\tif os.path.exists(path):\n        return 0  # 😀\n" * 8
GHOSTS = (
    "x",
    "one(a)\n    two(b)\n    three",
    "\n",
    "\n\n\n",
    "😀 = 1",
    "\ttabs\n\tmore",
    " " * 200,
)
KEYS = (
    Qt.Key.Key_Return,
    Qt.Key.Key_Backspace,
    Qt.Key.Key_Delete,
    Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Escape,
    Qt.Key.Key_Shift,
)
MODIFIERS = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


def _check(tab: EditorTab) -> None:
    """Check that ghost text stands where it should and nowhere else."""
    ghost = tab.suggestions.ghost
    caret = tab.editor.textCursor()
    block = tab.editor.document().begin()
    while block.isValid():
        preedit = block.layout().preeditAreaText()
        if ghost.is_shown and block == caret.block():
            assert preedit == ghost.text.replace("\n", "\u2028")
            assert block.layout().preeditAreaPosition() == caret.positionInBlock()
        else:
            assert preedit == ""
        block = block.next()


def _show(tab: EditorTab, text: str) -> None:
    """Show ghost text and check that the document did not notice."""
    document = tab.editor.document()
    before = (document.toRawText(), document.availableUndoSteps(), document.isModified())
    if not tab.editor.textCursor().hasSelection():
        tab.suggestions.ghost.show(text)
    assert (document.toRawText(), document.availableUndoSteps(), document.isModified()) == before


@pytest.mark.slow
def test_a_long_random_session_leaves_no_ghost_behind(starpad: Starpad, qtbot: QtBot) -> None:
    dice = random.Random()  # seeded by pytest-randomly, which prints its seed
    dice.seed(random.random())
    tab = starpad.window.tabs.current
    assert tab is not None
    editor = tab.editor
    editor.setPlainText(TEXT)
    viewport = editor.viewport()

    def click() -> None:
        point = QPoint(dice.randrange(viewport.width()), dice.randrange(viewport.height()))
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=point)

    operations: list[Callable[[], object]] = [
        lambda: _show(tab, dice.choice(GHOSTS)),
        lambda: _show(tab, dice.choice(GHOSTS)),
        lambda: qtbot.keyClicks(editor, dice.choice("abc(:x ")),
        lambda: qtbot.keyClick(editor, dice.choice(KEYS), dice.choice(MODIFIERS)),
        lambda: qtbot.keyClick(editor, dice.choice(KEYS), dice.choice(MODIFIERS)),
        click,
        tab.suggestions.ask,
        tab.suggestions.accept_word,
        tab.suggestions.accept_line,
        tab.suggestions.accept,
        lambda: editor.run(editor.undo),
        lambda: editor.run(editor.redo),
        lambda: editor.run(editor.paste),
        lambda: editor.set_wrapped(dice.random() < 0.5),
        lambda: starpad.window.resize(dice.randrange(400, 1200), dice.randrange(300, 900)),
        lambda: qtbot.wait(dice.randrange(20)),
    ]
    for _ in range(OPERATIONS):
        dice.choice(operations)()
        _check(tab)
    tab.suggestions.leave()
    # Not redone as well: a bare QPlainTextEdit does not always redo what it undid.
    while editor.document().isUndoAvailable():
        editor.undo()
    assert editor.text() == TEXT
