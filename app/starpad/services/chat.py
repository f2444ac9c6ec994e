"""The conversation on screen: questions kept before they are sent, answers, branches."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.chat import (
    ChatOptions,
    ChatState,
    Conversation,
    Entry,
    Message,
    MessageState,
    Role,
    WindowUse,
    beside,
    entries_of,
    newest_leaf,
    path_to,
    title_of,
    turns_of,
)
from starpad.core.chat_format import ChatFormat
from starpad.core.chat_presets import USUAL
from starpad.core.errors import StarpadError
from starpad.core.history_store import HistoryStore
from starpad.services.answerer import Answerer
from starpad.services.history import HistoryService
from starpad.services.history_calls import HistoryCalls
from starpad.services.inference_thread import RequestEnd

_UNFINISHED = "Not finished: Starpad ended while this was being written, or another window writes."

Kept = tuple[Conversation, dict[int, Message]]


class ChatService(QObject):
    """Owns the conversation on screen; each change is in the history before it is shown."""

    entries_changed = Signal()
    conversation_changed = Signal()
    """Another conversation, or its title or options."""
    state_changed = Signal()
    window_changed = Signal(object)
    """(WindowUse | None)"""
    kept = Signal()
    """Something of a conversation is new in the history."""
    refused = Signal(str, object)
    """(a question that could not be kept, StarpadError)"""
    failed = Signal(object)
    """(StarpadError)"""

    def __init__(
        self, answerer: Answerer, history: HistoryService, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.conversation: Conversation | None = None
        self.options = USUAL.options
        """Those of the conversation, or of the next one."""
        self._answerer = answerer
        self._calls = HistoryCalls(history, self)
        self.messages: dict[int, Message] = {}
        """All messages of the conversation, those of other branches too."""
        self._wanted = 0
        """The conversation that was asked for last; 0 for a new one."""
        self._is_saving = False
        answerer.changed.connect(self._on_answerer_changed)
        answerer.state_changed.connect(self.state_changed)
        answerer.model_changed.connect(self._on_answerer_model_changed)
        answerer.window_changed.connect(self._on_answerer_window_changed)
        answerer.save_failed.connect(self.failed)

    @property
    def state(self) -> ChatState:
        """What is being done, in this conversation or in another one."""
        return ChatState.SAVING if self._is_saving else self._answerer.state

    @property
    def is_answering_here(self) -> bool:
        """Whether the answer under way belongs to the conversation on screen."""
        return self._answerer.is_answering and self._answerer.conversation == self._id

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The messages on screen."""
        return entries_of(self.messages, self._leaf)

    def refusal(self) -> str:
        """Return why no question can be sent now; empty if one can."""
        if self._answerer.is_answering and not self.is_answering_here:
            return "Another conversation is being answered."
        if self.state is not ChatState.IDLE:
            return self.state.value
        return self._answerer.refusal

    @property
    def format(self) -> ChatFormat:
        """How the loaded model is talked to, and what to expect of it."""
        model = self._answerer.model
        return model.chat if model is not None else ChatFormat()

    # -- conversations ------------------------------------------------------------------------

    def begin(self) -> None:
        """Show an empty conversation; it is kept with its first question."""
        self._wanted = 0
        self._show(None, {})

    def open(self, conversation: int) -> None:
        """Show a conversation of the history."""
        self._wanted = conversation
        self._reload()

    def rename(self, title: str) -> None:
        """Give the conversation another title."""
        if self.conversation is not None and title.strip():
            number = self._id
            self._change(lambda store: store.rename(number, title.strip()))

    def set_options(self, options: ChatOptions) -> None:
        """Have questions answered like this from now on."""
        self.options = options
        if self.conversation is None:
            self.conversation_changed.emit()
        else:
            number = self._id
            self._change(lambda store: store.set_options(number, options))

    # -- messages -----------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Ask a question: it is kept first, then sent. `refused` gives it back otherwise."""
        self._ask(self._leaf, text)

    def stop(self) -> None:
        """End the answer under way with what has come."""
        self._answerer.stop()

    def edit(self, message: int, text: str) -> None:
        """Ask a question in other words, or correct an answer; the old branch stays."""
        old, number = self.messages.get(message), self._id
        if old is not None and old.role is Role.USER:
            self._ask(old.parent, text)
        elif old is not None:
            new = Message(0, old.parent, old.role, text, model=old.model)
            self._change(lambda store: store.add(number, new))

    def regenerate(self, message: int) -> None:
        """Have another answer written to the same question; the old one stays."""
        if message in self.messages:
            self._ask(self.messages[message].parent, None)

    def go_on(self, message: int) -> None:
        """Have an answer that was cut or stopped continued."""
        old, refusal = self.messages.get(message), self.refusal()
        if refusal:
            self.failed.emit(StarpadError(refusal))
        elif old is not None:
            begun = replace(old, state=MessageState.STREAMING, problem="")
            self.messages[message] = begun
            turns = turns_of(path_to(self.messages, message))
            self._answerer.answer(self._id, begun, turns, self.options)

    def choose(self, message: int, step: int) -> None:
        """Show the next (1) or previous (-1) alternative to a message, and what follows it."""
        other = beside(self.messages, message, step)
        if other is not None:
            number, leaf = self._id, newest_leaf(self.messages, other)
            self._change(lambda store: store.set_leaf(number, leaf))

    def delete(self, message: int) -> None:
        """Delete a message and all that follows it."""
        if self.is_answering_here:
            self.stop()
        if message in self.messages:
            self._change(lambda store: store.delete_message(message))

    @property
    def _id(self) -> int:
        return self.conversation.id if self.conversation is not None else 0

    @property
    def _leaf(self) -> int | None:
        return self.conversation.leaf if self.conversation is not None else None

    def _ask(self, parent: int | None, question: str | None) -> None:
        """Keep a question (or none, for another answer) and an empty answer, then send it."""
        model = self._answerer.model
        refusal = self.refusal()
        if refusal or model is None:
            self._refuse(question, StarpadError(refusal))
            return
        wanted = self._wanted
        keep = partial(_keep, self.conversation, self.options, parent, question, model.name)

        def then(end: RequestEnd) -> None:
            self._is_saving = False
            if isinstance(end.value, tuple):
                self._send(*end.value)
                if wanted == self._wanted:
                    self._wanted = end.value[0].id
                    self._show(*end.value)
                self.kept.emit()
            elif isinstance(end.error, StarpadError):
                self._refuse(question, end.error)
            self.state_changed.emit()

        self._is_saving = True
        self.state_changed.emit()
        self._calls.ask(keep, then)

    def _refuse(self, question: str | None, error: StarpadError) -> None:
        if question is not None:
            self.refused.emit(question, error)
        else:
            self.failed.emit(error)

    def _send(self, conversation: Conversation, messages: dict[int, Message]) -> None:
        path = path_to(messages, conversation.leaf)
        self._answerer.answer(conversation.id, path[-1], turns_of(path), conversation.options)

    def _change(self, job: Callable[[HistoryStore], object]) -> None:
        """Change the history, then show what it says."""

        def then(end: RequestEnd) -> None:
            if isinstance(end.error, StarpadError):
                self.failed.emit(end.error)
            if self._wanted:
                self._reload()
            self.kept.emit()

        self._calls.ask(job, then)

    def _reload(self) -> None:
        wanted = self._wanted

        def show(end: RequestEnd) -> None:
            if wanted != self._wanted:
                return
            if isinstance(end.value, tuple):
                self._show(*end.value)
            elif isinstance(end.error, StarpadError):
                self.failed.emit(end.error)

        self._calls.ask(lambda store: store.conversation(wanted), show)

    def _show(self, conversation: Conversation | None, messages: dict[int, Message]) -> None:
        self.conversation = conversation
        latest = self._answerer.latest
        self.messages = {number: _seen(each, latest(number)) for number, each in messages.items()}
        if conversation is not None:
            self.options = conversation.options
        self.conversation_changed.emit()
        self.entries_changed.emit()
        self.state_changed.emit()
        self._measure()

    def _measure(self) -> None:
        """Have the window's meter told, when nothing is being answered."""
        if not self.messages:
            self.window_changed.emit(None)
        elif not self._answerer.is_answering:
            turns = turns_of(path_to(self.messages, self._leaf))
            self._answerer.measure(self._id, turns, self.options)

    @Slot()
    def _on_answerer_model_changed(self) -> None:
        self.state_changed.emit()
        self._measure()

    @Slot()
    def _on_answerer_changed(self) -> None:
        message = self._answerer.message
        if message is not None and message.id in self.messages:
            self.messages[message.id] = message
            self.entries_changed.emit()
        if not self._answerer.is_answering:
            self.kept.emit()
            self._measure()

    @Slot(int, object)
    def _on_answerer_window_changed(self, conversation: int, use: WindowUse) -> None:
        if conversation == self._id:
            self.window_changed.emit(use)


def _keep(
    conversation: Conversation | None,
    options: ChatOptions,
    parent: int | None,
    question: str | None,
    model: str,
    store: HistoryStore,
) -> Kept:
    """Write a question (or none) and an empty answer below `parent`; return all there is then."""
    kept = conversation or store.create(options, title_of(question or ""))
    now = time.time()
    if question is not None:
        parent = store.add(kept.id, Message(0, parent, Role.USER, question, created_at=now)).id
    streaming = MessageState.STREAMING
    answer = Message(0, parent, Role.ASSISTANT, "", streaming, created_at=now, model=model)
    store.add(kept.id, answer)
    return store.conversation(kept.id)


def _seen(message: Message, ours: Message | None) -> Message:
    """Return a message of the history as it is to be shown: `ours` may be newer than the disk's."""
    if ours is not None:
        return ours
    if message.state is MessageState.STREAMING:
        return replace(message, state=MessageState.FAILED, problem=_UNFINISHED)
    return message
