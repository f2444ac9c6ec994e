"""Undo, copy, paste and the like: for the text field with the focus, or else for the document."""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit

from starpad.ui.actions import ActionId
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tabs import EditorTabs

_Text = QLineEdit | QPlainTextEdit | QTextEdit

_COMMANDS: dict[ActionId, Callable[[_Text], object]] = {
    ActionId.UNDO: lambda text: text.undo(),
    ActionId.REDO: lambda text: text.redo(),
    ActionId.CUT: lambda text: text.cut(),
    ActionId.COPY: lambda text: text.copy(),
    ActionId.PASTE: lambda text: text.paste(),
    ActionId.SELECT_ALL: lambda text: text.selectAll(),
}


class EditCommands:
    """Carries out the Edit menu. Menus and window shortcuts leave the focus where it is."""

    def __init__(self, tabs: EditorTabs) -> None:
        self._tabs = tabs

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menu's actions do."""
        return {
            **{action: partial(self._on_text, command) for action, command in _COMMANDS.items()},
            ActionId.INDENT: partial(self._on_editor, CodeEditor.indent),
            ActionId.OUTDENT: partial(self._on_editor, CodeEditor.outdent),
        }

    def _on_text(self, command: Callable[[_Text], object]) -> None:
        focus = QApplication.focusWidget()
        if isinstance(focus, _Text) and not isinstance(focus, CodeEditor):
            command(focus)
        else:
            self._on_editor(command)

    def _on_editor(self, command: Callable[[CodeEditor], object]) -> None:
        tab = self._tabs.current
        if tab is not None:
            tab.editor.run(lambda: command(tab.editor))
