"""A text editor that changes in steps, with ghost text out of the way."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain
from typing import Protocol

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence, QTextCursor
from PySide6.QtWidgets import QMenu, QWidget

from starpad.ui.editor.long_edits import LongEdits
from starpad.ui.editor.long_lines import WrappingEditor
from starpad.ui.editor.text_edits import insertion, one_step, raw_pieces, removal

_Key = QKeySequence.StandardKey
_LONG_TEXT = 100_000
_MANY_LINES = 2_000


class Attachment(Protocol):
    """What sees an editor's events before the editor does (ghost text)."""

    def offer_key(self, event: QKeyEvent) -> bool:
        """Return whether the key is consumed."""
        ...

    def foresees(self, typed: str) -> bool:
        """Return whether a suggestion on the screen goes on with what is about to be typed."""
        ...

    def suspended(self) -> AbstractContextManager[None]:
        """Hold back while the editor handles an event; then look at what it changed."""
        ...

    def caret_moved(self) -> None:
        """Take note that the caret is elsewhere."""
        ...

    def cursor_at(self, point: QPointF) -> QTextCursor:
        """Return the document's cursor under a point of the viewport."""
        ...

    def leave(self) -> None:
        """Give up: the focus is gone, or the document changes as a whole."""
        ...


class StepEditor(WrappingEditor):
    """Takes long edits back as the one step that they are; keys and menus come through here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.attachment: Attachment | None = None
        self.long_edits = LongEdits(self)

    def suspended(self) -> AbstractContextManager[None]:
        """Keep ghost text out of the way while something is done."""
        return self.attachment.suspended() if self.attachment else nullcontext()

    def run(self, command: Callable[[], object]) -> None:
        """Run a command of a menu (undo, paste …) with ghost text out of the way."""
        self.long_edits.settle()
        with self.suspended():
            command()

    def edit(self, change: Callable[[QTextCursor], object]) -> None:
        """Apply a change at the caret as one undo step."""
        self.long_edits.finish()
        cursor = self.textCursor()
        with one_step(cursor):
            change(cursor)
        self.go_to(cursor)

    def go_to(self, cursor: QTextCursor) -> None:
        """Take a cursor's caret and selection, and show the caret."""
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def undo(self) -> None:
        """Take the last step back."""
        if not self.long_edits.undo():
            super().undo()

    def redo(self) -> None:
        """Take the step again that was taken back last."""
        if not self.long_edits.redo():
            super().redo()

    def copy(self) -> None:
        """Copy what is selected."""
        if self._has_long_selection():
            self.long_edits.start(self._copying(), is_brief=True)
        else:
            super().copy()

    def cut(self) -> None:
        """Copy what is selected, and remove it."""
        if self._has_long_selection() and not self.isReadOnly():
            cursor = self.textCursor()
            start, end = cursor.selectionStart(), cursor.selectionEnd()
            self.long_edits.start(chain(self._copying(), removal(self.document(), start, end)))
        else:
            super().cut()

    def paste(self) -> None:
        """Put the clipboard's text in the place of what is selected."""
        self.long_edits.settle()  # it may be what is to be pasted
        text = QGuiApplication.clipboard().text()
        is_long = len(text) > _LONG_TEXT or text.count("\n") > _MANY_LINES
        if is_long and not self.isReadOnly():
            self._put(text.replace("\r\n", "\n"))
        else:
            super().paste()

    def _copying(self) -> Iterator[None]:
        """Read what is selected piece by piece and put it on the clipboard in the end."""
        cursor = self.textCursor()
        pieces = []
        # Not as Qt does: it would copy the document's structure, too.
        for piece in raw_pieces(self.document(), cursor.selectionStart(), cursor.selectionEnd()):
            pieces.append(piece)
            yield None
        QGuiApplication.clipboard().setText("".join(pieces))

    def _has_long_selection(self) -> bool:
        cursor = self.textCursor()
        return cursor.selectionEnd() - cursor.selectionStart() > _LONG_TEXT

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return whether a key was for one of these, or came while the document is being edited."""
        self.long_edits.settle()
        if self.long_edits.is_busy:
            if event.key() == Qt.Key.Key_Escape:
                self.long_edits.cancel()
            return True
        commands = {_Key.Copy: self.copy}
        if not self.isReadOnly():
            commands |= {
                _Key.Undo: self.undo, _Key.Redo: self.redo, _Key.Cut: self.cut,
                _Key.Paste: self.paste,
            }  # fmt: skip
        command = next((commands[key] for key in commands if event.matches(key)), None)
        if command is not None:
            self.run(command)
        return command is not None

    def _put(self, text: str) -> None:
        """Put a text in the place of a long selection, or a long text in that of any."""
        cursor = self.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        self.long_edits.start(chain(removal(self.document(), start, end), insertion(start, text)))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.context_menu(event.pos()).popup(event.globalPos())

    def context_menu(self, place: QPoint) -> QMenu:
        """Return the menu for a place of the viewport."""
        menu = self.createStandardContextMenu(place)
        commands = {
            "edit-undo": self.undo, "edit-redo": self.redo, "edit-cut": self.cut,
            "edit-copy": self.copy, "edit-paste": self.paste,
        }  # fmt: skip
        for action in menu.actions():
            if command := commands.get(action.objectName()):
                action.triggered.disconnect()
                action.triggered.connect(partial(self.run, command))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu
