"""Undo, copy, paste and the like: for the text field with the focus, or else for the document."""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit

from starpad.ui.actions import ActionId
from starpad.ui.editor import line_commands
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.finder import Finder
from starpad.ui.editor.go_to_line import GoToLine
from starpad.ui.editor.line_commands import LineCommand

_Text = QLineEdit | QPlainTextEdit | QTextEdit

_COMMANDS: dict[ActionId, Callable[[_Text], object]] = {
    ActionId.UNDO: lambda text: text.undo(),
    ActionId.REDO: lambda text: text.redo(),
    ActionId.CUT: lambda text: text.cut(),
    ActionId.COPY: lambda text: text.copy(),
    ActionId.PASTE: lambda text: text.paste(),
    ActionId.SELECT_ALL: lambda text: text.selectAll(),
}

_LINE_COMMANDS: dict[ActionId, LineCommand] = {
    ActionId.INDENT: line_commands.indent_lines,
    ActionId.OUTDENT: line_commands.outdent,
    ActionId.TOGGLE_COMMENT: line_commands.toggle_comment,
    ActionId.DUPLICATE: line_commands.duplicate,
    ActionId.MOVE_UP: line_commands.move_up,
    ActionId.MOVE_DOWN: line_commands.move_down,
    ActionId.DELETE_LINE: line_commands.delete_lines,
    ActionId.JOIN_LINES: line_commands.join_lines,
    ActionId.TRIM: line_commands.trim,
    ActionId.FINAL_LINE_END: line_commands.end_with_line_end,
}


class EditCommands:
    """Carries out the Edit menu. Menus and window shortcuts leave the focus where it is."""

    def __init__(self, tabs: EditorTabs, finder: Finder) -> None:
        self._tabs = tabs
        self._finder = finder

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menu's actions do."""
        return {
            **{action: partial(self._on_text, command) for action, command in _COMMANDS.items()},
            ActionId.FIND: lambda: self._finder.open(with_replace=False),
            ActionId.REPLACE: lambda: self._finder.open(with_replace=True),
            ActionId.FIND_NEXT: lambda: self._finder.step(1),
            ActionId.FIND_PREVIOUS: lambda: self._finder.step(-1),
            ActionId.GO_TO_LINE: partial(self._on_editor, lambda editor: GoToLine(editor).open()),
            **{
                action: partial(self._on_lines, command)
                for action, command in _LINE_COMMANDS.items()
            },
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

    def _on_lines(self, command: LineCommand) -> None:
        tab = self._tabs.current
        if tab is not None:
            tab.editor.apply(command)
