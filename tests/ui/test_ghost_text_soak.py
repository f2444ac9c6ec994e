"""20,000 random operations: ghost text leaves no trace, and changes nothing but by being accepted.

Beside the editor of the real window stands a bare one, the model: it has no ghost text, and what
was accepted of it is simply typed there. After each operation both hold the same text.
"""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent, QTextCursor
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core import brackets
from starpad.core import suggestion as rules
from starpad.core.text_search import SearchQuery
from starpad.ui.editor import key_commands, line_commands
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.line_commands import LineCommand
from starpad.ui.editor.searcher import replacements
from starpad.ui.editor.text_edits import select

ROUNDS = 40
OPERATIONS = 500
MOST_TEXT = 3000
MOST_GROWTH = 50 * 1024 * 1024
TEXT = "import os\n\n\ndef size(path):\n\tif os.path.exists(path):\n        return 0  # 😀\n" * 8
GHOSTS = (
    "x",
    "one(a)\n    two(b)\n    three",
    "\n",
    "\n\n\n",
    "😀 = 1",
    "\ttabs\n\tmore",
    " " * 200,
    "a) + (b",
    'x") or c[0]',
)
TYPED = "abc(:x [{\"')]}"
NO, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
EDITING_KEYS = (
    (Qt.Key.Key_Return, "\r"),
    (Qt.Key.Key_Backspace, "\b"),
    (Qt.Key.Key_Delete, "\x7f"),
    (Qt.Key.Key_Tab, "\t"),
    (Qt.Key.Key_Backtab, ""),
    (Qt.Key.Key_Escape, "\x1b"),
    (Qt.Key.Key_Shift, ""),
)
MOVING_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_PageUp,
)
COMMANDS: tuple[LineCommand, ...] = (
    line_commands.indent_lines,
    line_commands.outdent,
    line_commands.toggle_comment,
    line_commands.duplicate,
    line_commands.move_up,
    line_commands.move_down,
    line_commands.delete_lines,
    line_commands.join_lines,
    line_commands.trim,
)
SEARCHES = (
    (SearchQuery("x"), "yy"),
    (SearchQuery(r"(\w)\n", is_regex=True), r"\1;\n"),
    (SearchQuery("^", is_regex=True), " "),
    (SearchQuery(" +$", is_regex=True), ""),
)


class _Shadow:
    """Does in the model what ghost text does in the editor: inserts what is accepted."""

    def __init__(self, model: CodeEditor, tab: EditorTab) -> None:
        self._model = model
        self._tab = tab

    def foresees(self, typed: str) -> bool:
        return self._tab.suggestions.foresees(typed)

    def offer_key(self, event: QKeyEvent) -> bool:
        ghost, typed = self._tab.suggestions.ghost.text, event.text()
        plain = event.modifiers() == NO
        if not ghost:
            return False
        if event.key() == Qt.Key.Key_Tab and plain:
            self.insert(ghost)
        elif event.key() == Qt.Key.Key_Escape and plain:
            pass
        elif self.foresees(typed) and self._surplus(typed):
            self.insert(typed)
        else:
            return False
        return True

    def insert(self, part: str) -> None:
        surplus = self._surplus(part)

        def change(cursor: QTextCursor) -> None:
            position = cursor.position()
            select(cursor, position + surplus, position)
            if cursor.selectedText() == part:
                cursor.setPosition(position + surplus)
            else:
                cursor.insertText(part)

        self._model.edit(change)

    def _surplus(self, part: str) -> int:
        before, after = key_commands.around(self._model.textCursor())
        quotes = brackets.quotes_of(self._model.rules.language)
        return brackets.surplus_closers(before, part, after, quotes)

    def suspended(self) -> AbstractContextManager[None]:
        return nullcontext()

    def cursor_at(self, point: QPointF) -> QTextCursor:
        return self._model.cursorForPosition(point.toPoint())

    def leave(self) -> None:
        pass

    def caret_moved(self) -> None:
        pass


class _Session:
    """The editor in the window, the model beside it, and what is done to both."""

    def __init__(self, starpad: Starpad, tab: EditorTab, qtbot: QtBot, seed: float) -> None:
        self.dice = random.Random(seed)
        self._starpad = starpad
        self._tab = tab
        self._qtbot = qtbot
        self.editor = tab.editor
        self.model = CodeEditor(self.editor.colors)
        qtbot.addWidget(self.model)
        self._shadow = _Shadow(self.model, tab)
        self.model.attachment = self._shadow
        self._operations = (
            *(self._show,) * 3,
            *(self._type,) * 4,
            *(self._press,) * 4,
            *(self._move,) * 2,
            *(self._accept,) * 2,
            *(self._compose,) * 2,
            *(self._undo_or_redo,) * 2,
            self._click,
            self._select,
            self._command,
            self._replace_all,
            self._paste,
            self._look,
            self._ask,
        )

    def begin(self) -> None:
        self._tab.suggestions.leave()
        for editor in (self.editor, self.model):
            editor.setPlainText(TEXT)
            editor.set_language("python")
            editor.rules = self.editor.rules

    def step(self) -> None:
        operation = self.dice.choice(self._operations)
        operation()
        for editor in self._both():
            editor.long_edits.finish()
        assert self.editor.text() == self.model.text(), operation
        ends = [(e.textCursor().anchor(), e.textCursor().position()) for e in self._both()]
        assert ends[0] == ends[1], operation
        self._check_ghost()

    def end(self) -> None:
        self._tab.suggestions.leave()
        # Not redone as well: a bare QPlainTextEdit does not always redo what it undid.
        while self.editor.document().isUndoAvailable():
            self.editor.undo()
            self.editor.long_edits.finish()
        assert self.editor.text() == TEXT

    def _both(self) -> Iterator[CodeEditor]:
        yield self.model  # first: it looks at the ghost text as it was before
        yield self.editor

    def _check_ghost(self) -> None:
        """Check that ghost text stands where it should and nowhere else."""
        ghost, caret = self._tab.suggestions.ghost, self.editor.textCursor()
        block = self.editor.document().begin()
        while block.isValid():
            preedit = block.layout().preeditAreaText()
            if ghost.is_shown and block == caret.block():
                assert preedit == ghost.text.replace("\n", "\u2028")
                assert block.layout().preeditAreaPosition() == caret.positionInBlock()
            else:
                assert preedit == ""
            block = block.next()

    def _follow(self) -> None:
        """Put the model's caret where a click or a key has put the editor's."""
        at, cursor = self.editor.textCursor(), self.model.textCursor()
        select(cursor, at.anchor(), at.position())
        self.model.setTextCursor(cursor)

    def _show(self) -> None:
        document = self.editor.document()
        before = (document.toRawText(), document.availableUndoSteps(), document.isModified())
        if not self.editor.textCursor().hasSelection():
            self._tab.suggestions.ghost.show(self.dice.choice(GHOSTS))
        after = (document.toRawText(), document.availableUndoSteps(), document.isModified())
        assert after == before

    def _send(self, key: Qt.Key, modifiers: Qt.KeyboardModifier, text: str) -> None:
        for editor in self._both():
            event = QKeyEvent(QEvent.Type.KeyPress, key, modifiers, text)
            QCoreApplication.sendEvent(editor, event)

    def _type(self) -> None:
        ghost = self._tab.suggestions.ghost.text
        text = ghost[0] if ghost and self.dice.random() < 0.5 else self.dice.choice(TYPED)
        if text.isprintable():
            self._send(Qt.Key.Key_unknown, NO, text)

    def _press(self) -> None:
        key, text = self.dice.choice(EDITING_KEYS)
        self._send(key, self.dice.choice((NO, NO, SHIFT, CONTROL)), text)

    def _move(self) -> None:
        if self._tab.suggestions.ghost.is_shown and self.dice.random() < 0.5:
            return
        self._tab.suggestions.leave()
        modifiers = self.dice.choice((NO, SHIFT, CONTROL))
        event = QKeyEvent(QEvent.Type.KeyPress, self.dice.choice(MOVING_KEYS), modifiers)
        QCoreApplication.sendEvent(self.editor, event)
        self._follow()

    def _accept(self) -> None:
        suggestions = self._tab.suggestions
        accept, part = self.dice.choice((
            (suggestions.accept, lambda text: text),
            (suggestions.accept_word, rules.first_word),
            (suggestions.accept_line, rules.first_line),
        ))  # fmt: skip
        if suggestions.ghost.is_shown:
            self._shadow.insert(part(suggestions.ghost.text))
            accept()

    def _compose(self) -> None:
        """Compose with an input method; sometimes nothing comes of it."""
        commit = self.dice.choice(("", "日本", "x", "😀"))
        for preedit, text in (("に", ""), ("にほ", ""), ("", commit)):
            for editor in self._both():
                event = QInputMethodEvent(preedit, [])
                event.setCommitString(text)
                QCoreApplication.sendEvent(editor, event)

    def _undo_or_redo(self) -> None:
        is_undo = self.dice.random() < 0.6
        for editor in self._both():
            editor.run(editor.undo if is_undo else editor.redo)

    def _click(self) -> None:
        viewport = self.editor.viewport()
        point = QPoint(
            self.dice.randrange(viewport.width()), self.dice.randrange(viewport.height())
        )
        self._qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=point)
        self._follow()

    def _select(self) -> None:
        self._tab.suggestions.leave()
        cursor = self.editor.textCursor()
        select(cursor, self._place(), self._place())
        self.editor.setTextCursor(cursor)
        self._follow()

    def _place(self) -> int:
        """Return a place in the text that is not inside a character."""
        document = self.editor.document()
        place = self.dice.randrange(document.characterCount())
        return place - ("\udc00" <= str(document.characterAt(place)) <= "\udfff")

    def _command(self) -> None:
        is_long = self.editor.document().characterCount() > MOST_TEXT
        command = line_commands.delete_lines if is_long else self.dice.choice(COMMANDS)
        for editor in self._both():
            editor.apply(command)

    def _replace_all(self) -> None:
        query, template = self.dice.choice(SEARCHES)
        if self.editor.document().characterCount() > MOST_TEXT:
            query, template = SearchQuery("x"), ""
        for editor in self._both():
            edits = replacements(editor.document(), query, template)
            editor.run(lambda: editor.long_edits.start(edits))  # noqa: B023
            editor.long_edits.finish()

    def _paste(self) -> None:
        QGuiApplication.clipboard().setText(self.dice.choice(("p", "p\n q", "()")))
        for editor in self._both():
            editor.run(editor.paste)

    def _look(self) -> None:
        """Wrap, zoom or resize: the text stays."""
        window = self._starpad.window
        settings = self._starpad.settings
        match self.dice.randrange(4):
            case 0:
                settings.change(wrap_lines=self.dice.random() < 0.5)
            case 1:
                settings.change(font_size_pt=self.dice.randrange(8, 16))
            case 2:
                window.resize(self.dice.randrange(700, 1200), self.dice.randrange(400, 900))
            case _:
                self._qtbot.wait(self.dice.randrange(20))

    def _ask(self) -> None:
        self._tab.suggestions.ask()


@pytest.mark.slow
def test_a_long_random_session_leaves_no_ghost_behind(starpad: Starpad, qtbot: QtBot) -> None:
    tab = starpad.window.tabs.current
    assert tab is not None
    # Seeded by pytest-randomly, which prints its seed.
    session = _Session(starpad, tab, qtbot, random.random())
    memory = psutil.Process()
    before = 0
    for number in range(ROUNDS):
        session.begin()
        for _ in range(OPERATIONS):
            session.step()
        session.end()
        if number == 1:  # fonts, caches and the like are loaded
            before = memory.memory_info().rss
    assert memory.memory_info().rss - before < MOST_GROWTH
