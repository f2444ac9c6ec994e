"""Between one editor and what is offered at its caret: which keys accept, what typing leaves."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, Qt, Slot
from PySide6.QtGui import QKeyEvent, QTextCursor

from starpad.core import brackets
from starpad.core import suggestion as rules
from starpad.core.suggestion import SuggestionState
from starpad.services.completion import CompletionService
from starpad.ui.editor import key_commands
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.ghost_text import GhostText
from starpad.ui.editor.suggestion_offer import SuggestionOffer
from starpad.ui.editor.suggestion_trigger import SuggestionTrigger
from starpad.ui.editor.text_edits import select
from starpad.ui.text_positions import text_between


class SuggestionController(QObject):
    """Owns one editor's ghost text. Only the editor on screen has a current request."""

    def __init__(
        self,
        editor: CodeEditor,
        ghost: GhostText,
        completion: CompletionService,
        document: int,
        language: Callable[[], str],
    ) -> None:
        super().__init__(editor)
        self.offer = SuggestionOffer(editor, ghost, completion, document, language)
        self._editor = editor
        self._completion = completion
        self._document = editor.document()
        self._held = _Held()
        self._event = _Event(self, editor, self._held)
        self._trigger = SuggestionTrigger(editor, completion, language)
        self._trigger.due.connect(self.offer.suggest)
        self._trigger.near.connect(self.offer.ask_early)
        self._trigger.rested.connect(self.offer.warm_up)
        editor.textChanged.connect(self._on_text_changed)
        editor.attachment = self

    @property
    def ghost(self) -> GhostText:
        """The ghost text."""
        return self.offer.ghost

    def ask(self) -> None:
        """Ask for a suggestion at the caret now, as the user has said."""
        self._trigger.stop()
        self.offer.ask(by_user=True)

    def enter(self) -> None:
        """Begin: the editor has come on the screen."""
        self._trigger.wait_for_rest()

    def leave(self) -> None:
        """Give up: the editor is not in use any more, or its document changes as a whole."""
        is_shown = self.ghost.is_shown
        self._trigger.stop()
        self.offer.give_up()
        if is_shown:
            self._completion.note(SuggestionState.IDLE)

    def cursor_at(self, point: QPointF) -> QTextCursor:
        """Return the document's cursor under a point of the viewport."""
        return self.ghost.cursor_at(point)

    # -- accepting ----------------------------------------------------------------------------

    def offer_key(self, event: QKeyEvent) -> bool:
        """Take the keys that accept or dismiss, but only while ghost text shows."""
        if not self.offer.ghost.text:
            return False
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        control = Qt.KeyboardModifier.ControlModifier
        none = Qt.KeyboardModifier.NoModifier
        match event.key(), modifiers:
            case Qt.Key.Key_Tab, m if m == none:
                self.accept()
            case Qt.Key.Key_Right, m if m == control:
                self.accept_word()
            case Qt.Key.Key_Down, m if m == control:
                self.accept_line()
            case Qt.Key.Key_Escape, m if m == none:
                self.dismiss()
            case _:
                return self._type_over(event.text())
        return True

    def _type_over(self, typed: str) -> bool:
        """Go over a bracket that is there already, if the ghost text does so too."""
        if not self.foresees(typed) or not self._surplus(typed):
            return False
        self._accept(typed)
        return True

    def _surplus(self, part: str) -> int:
        """Return how many brackets right of the caret `part` brings once more."""
        before, after = key_commands.around(self._editor.textCursor())
        quotes = brackets.quotes_of(self._editor.rules.language)
        return brackets.surplus_closers(before, part, after, quotes)

    def foresees(self, typed: str) -> bool:
        """Return whether the ghost text goes on with `typed`."""
        return bool(typed) and self.ghost.text.startswith(typed)

    def accept(self) -> None:
        """Insert all of the ghost text."""
        self._accept(self.ghost.text)

    def accept_word(self) -> None:
        """Insert the ghost text's next word."""
        self._accept(rules.first_word(self.ghost.text))

    def accept_line(self) -> None:
        """Insert the ghost text's next line."""
        self._accept(rules.first_line(self.ghost.text))

    def dismiss(self) -> None:
        """Take the suggestion away; nothing is asked until the next typing."""
        self.leave()
        self._completion.note(SuggestionState.IDLE)

    def _accept(self, part: str) -> None:
        if not part:
            return
        rest = self.ghost.text[len(part) :]
        surplus = self._surplus(part)

        def insert(cursor: QTextCursor) -> None:
            position = cursor.position()
            select(cursor, position + surplus, position)
            if cursor.selectedText() == part:
                cursor.setPosition(position + surplus)
                return
            # In this order undo brings the caret back to where it was, too.
            cursor.setPosition(position)
            cursor.insertText(part)
            end = cursor.position()
            select(cursor, end, end + surplus)
            cursor.removeSelectedText()

        with self._held:
            self.ghost.clear()
            self._editor.edit(insert)
        self.offer.go_on(part)
        if rest:
            self.ghost.show(rest)
        elif not self.offer.is_expecting:
            self._ask_on()

    def _ask_on(self) -> None:
        """Ask for what comes after a suggestion that is in the document now."""
        self._trigger.stop()
        self.offer.ask()

    # -- what the editor did ------------------------------------------------------------------

    def suspended(self) -> AbstractContextManager[None]:
        """Take ghost text off while the editor handles an event; then see what is left of it."""
        return self._held if self._held.is_on else self._event

    def look_at(self, before: "_Before") -> None:
        """See what an event has changed."""
        document, caret = self._document, self._editor.textCursor()
        position = caret.position()
        moved = position - before.position
        if document.revision() == before.revision:
            if not moved and not caret.hasSelection():
                self.ghost.show(before.ghost_text)
            elif before.ghost_text:
                self.dismiss()
            else:
                self.leave()
            return
        typed = ""
        if moved > 0 and document.characterCount() - before.length == moved:
            typed = text_between(document, before.position, position)
        self._completion.pacing.note_key()
        self._follow(before.ghost_text, typed)

    def look_briefly(self, revision: int, *, has_moved: bool) -> None:
        """Do the same where nothing was offered: what was typed is of no account."""
        if self._document.revision() != revision:
            self._completion.pacing.note_key()
            self._wait()
        elif has_moved:
            self.leave()

    def _follow(self, ghost_text: str, typed: str) -> None:
        """Keep what is left of the ghost text, or of another alternative, after an edit.

        `typed` is empty if it was another edit than typing.
        """
        rest = rules.after_typing(ghost_text, typed) if typed and ghost_text else None
        if rest is not None:
            self.offer.go_on(typed)
            if rest or self.offer.is_expecting:
                self.ghost.show(rest)
                return
            # All of it was typed: as good as accepted.
            if self._trigger.is_wanted:
                self._ask_on()
                return
        elif typed:
            self.offer.go_on(typed)
            if self.offer.fall_back():
                return
        self._wait()

    def _wait(self) -> None:
        """Have nothing offered before the next pause."""
        self.offer.give_up()
        self._trigger.wait_for_pause()

    def caret_moved(self) -> None:
        """See why: what is offered is for where the caret was."""
        self._event.has_moved = True
        if not self._held.is_on and (self.ghost.is_shown or self.offer.is_expecting):
            self.leave()

    @Slot()
    def _on_text_changed(self) -> None:
        # The net under suspended(): a change that came by another way (drag and drop, reload).
        if not self._held.is_on and (self.ghost.is_shown or self.offer.is_expecting):
            self.leave()


class _Held:
    """The editor's signals are ignored meanwhile: the change is ours, or looked at afterwards."""

    def __init__(self) -> None:
        self._depth = 0

    @property
    def is_on(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


class _Before(NamedTuple):
    """What there was before an event."""

    ghost_text: str
    position: int
    revision: int
    length: int


class _Event:
    """Begins and ends with the editor's handling of one; a generator would cost each key more."""

    def __init__(self, controller: SuggestionController, editor: CodeEditor, held: _Held) -> None:
        self.has_moved = False
        self._controller = controller
        self._editor = editor
        self._document = editor.document()
        self._held = held
        self._before: _Before | None = None
        self._revision = 0

    def __enter__(self) -> None:
        self.has_moved, self._before = False, None
        offer, document = self._controller.offer, self._document
        self._revision = document.revision()
        if not offer.is_idle:
            self._before = _Before(
                offer.ghost.text,
                self._editor.textCursor().position(),
                self._revision,
                document.characterCount(),
            )
            offer.ghost.clear()
        self._held.__enter__()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._held.__exit__()
        if kind is not None:
            return
        if self._before:
            self._controller.look_at(self._before)
        else:
            self._controller.look_briefly(self._revision, has_moved=self.has_moved)
