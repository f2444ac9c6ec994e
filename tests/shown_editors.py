"""Editors on the screen, for tests of how they lay out and draw their text."""

from collections.abc import Callable

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.theme import EditorColors

Make = Callable[..., CodeEditor]


def shown_editor(
    qtbot: QtBot,
    colors: EditorColors,
    size: tuple[int, int],
    text: str,
    *,
    is_wrapped: bool = False,
) -> CodeEditor:
    """Return an editor that shows a text and has been painted."""
    editor = CodeEditor(colors)
    qtbot.addWidget(editor)
    editor.resize(*size)
    editor.show()
    editor.set_wrapped(is_wrapped)
    editor.setPlainText(text)
    QApplication.processEvents()
    return editor
