"""One answer at a time: asked of the engine, streamed, and kept in the history as it grows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from starpad.core.chat import (
    ChatOptions,
    ChatState,
    Message,
    MessageState,
    Turn,
    WindowUse,
)
from starpad.core.engine_status import EngineState, EngineStatus, LoadedModel
from starpad.core.errors import ConversationGoneError, PromptTooLongError, StarpadError
from starpad.engines.answer import Answer, PromptReady
from starpad.engines.chat_prompt import ChatPrompter
from starpad.services.engine import EngineService
from starpad.services.history import HistoryService
from starpad.services.history_calls import HistoryCalls
from starpad.services.inference_thread import Emit, RequestEnd

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient

_SAVE_MS = 500
"""At least this often a growing answer is written to the disk, so that a crash costs no more."""

_ENGINE_GONE = "The model was unloaded or replaced before the answer was complete."
_BUG = "The answer failed because of an error in Starpad; see its log."


class Answerer(QObject):
    """Has the loaded model write answers; a second one can only begin when the first has ended."""

    changed = Signal()
    """`message` has grown, or ended."""
    state_changed = Signal()
    model_changed = Signal()
    """`model`, or why there is none."""
    window_changed = Signal(int, object)
    """(conversation, WindowUse)"""
    save_failed = Signal(object)
    """(StarpadError) once for each answer; it is tried again each half second."""

    def __init__(
        self, engine: EngineService, history: HistoryService, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state = ChatState.IDLE
        self.conversation = 0
        """The conversation of `message`."""
        self.message: Message | None = None
        """The answer that is written, or the last one."""
        self._engine = engine
        self._calls = HistoryCalls(history, self)
        self._prompter: ChatPrompter | None = None
        self._model: LoadedModel | None = None
        self._head = ""
        """What the answer held before, when it is continued."""
        self._request = 0
        self._measuring = (0, 0)
        """(request, conversation)"""
        self._is_stopping = False
        self._unsaved: dict[int, Message] = {}
        """Answers that the history does not hold as they are now: one, unless the disk is full."""
        self._is_saving = False
        self._is_failure_told = False
        self._timer = QTimer(self, interval=_SAVE_MS)
        self._timer.timeout.connect(self._save)
        queued = Qt.ConnectionType.QueuedConnection
        engine.value_received.connect(self._on_engine_value_received, queued)
        engine.request_ended.connect(self._on_engine_request_ended, queued)
        engine.status_changed.connect(self._on_engine_status_changed)

    @property
    def model(self) -> LoadedModel | None:
        """The model that would answer."""
        return self._model

    @property
    def refusal(self) -> str:
        """Why the model cannot answer; empty if it can."""
        if self._model is not None:
            return self._model.chat.problem
        is_loading = self._engine.status.state is EngineState.LOADING
        return "The model is loading." if is_loading else "No model is loaded."

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way."""
        return self._request != 0

    def answer(
        self, conversation: int, message: Message, turns: Sequence[Turn], options: ChatOptions
    ) -> None:
        """Have `message`, an answer that is empty or to be continued, written.

        `turns` end with the question, or with the answer so far. Without a model it fails.
        """
        self.conversation = conversation
        self.message = message
        self._head = message.text
        self._is_stopping = self._is_failure_told = False
        if self._model is None:
            self._end(MessageState.FAILED, self.refusal)
            return
        self._request = self._submit(_converse, conversation, turns, options)
        self._timer.start()
        self._set_state(ChatState.READING)

    def measure(self, conversation: int, turns: Sequence[Turn], options: ChatOptions) -> None:
        """Find out how full the window is; `window_changed` follows, if it can be told."""
        if self._model is not None and not self._request:
            self._measuring = self._submit(_measure, conversation, turns, options), conversation

    def latest(self, message: int) -> Message | None:
        """Return an answer of ours that may be newer than the history's."""
        if self.message is not None and self.message.id == message:
            return self.message
        return self._unsaved.get(message)

    def stop(self) -> None:
        """End the answer with what has come; nothing happens if there is none under way."""
        if self._request:
            self._is_stopping = True
            self._engine.cancel(self._request)

    def shutdown(self) -> None:
        """Keep what has come of an answer; the history must still be open."""
        self._timer.stop()
        if self._request and self.message is not None:
            self._request = 0
            self._change(state=MessageState.STOPPED)
        self._save()

    def _submit(
        self,
        what: Callable[..., Awaitable[object]],
        conversation: int,
        turns: Sequence[Turn],
        options: ChatOptions,
    ) -> int:
        job = partial(
            what,
            prompter=self._prompter,
            conversation=conversation,
            turns=turns,
            options=options,
            model=self._model,
        )
        return self._engine.submit(job)

    def _set_state(self, state: ChatState) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit()

    def _grow(self, answer: Answer) -> None:
        self._change(text=self._head + answer.text, figures=answer.figures)

    def _change(self, **values: Any) -> None:
        if self.message is not None:
            self.message = replace(self.message, **values)
            self._unsaved[self.message.id] = self.message

    def _end(self, state: MessageState, problem: str = "") -> None:
        self._request = 0
        text = self.message.text.rstrip() if self.message is not None else ""
        self._change(state=state, problem=problem, text=text)
        self._save()
        self.changed.emit()
        self._set_state(ChatState.IDLE)

    @Slot()
    def _save(self) -> None:
        if self._is_saving or not self._unsaved:
            return
        message = next(iter(self._unsaved.values()))
        self._is_saving = True
        self._calls.ask(lambda store: store.update(message), partial(self._on_saved, message))

    def _on_saved(self, message: Message, end: RequestEnd) -> None:
        self._is_saving = False
        if end.error is not None and not isinstance(end.error, ConversationGoneError):
            self._timer.start()
            if not self._is_failure_told and isinstance(end.error, StarpadError):
                self._is_failure_told = True
                self.save_failed.emit(end.error)
            return
        self._is_failure_told = False
        if self._unsaved.get(message.id) is message:
            del self._unsaved[message.id]
        if not self._request:
            self._timer.stop()
            self._save()

    def _on_measured(self, end: RequestEnd) -> None:
        conversation = self._measuring[1]
        if isinstance(end.value, PromptReady):
            self._tell_window(conversation, end.value)
        elif isinstance(end.error, PromptTooLongError) and self._model is not None:
            full = self._model.context_tokens
            self.window_changed.emit(conversation, WindowUse(full, full))

    def _tell_window(self, conversation: int, ready: PromptReady) -> None:
        use = WindowUse(ready.prompt_tokens, ready.context_tokens, ready.left_out_messages)
        self.window_changed.emit(conversation, use)

    @Slot(int, object)
    def _on_engine_value_received(self, request: int, value: object) -> None:
        if not request or request != self._request:
            return
        if isinstance(value, PromptReady):
            self._tell_window(self.conversation, value)
        elif isinstance(value, Answer):
            self._grow(value)
            self._set_state(ChatState.WRITING)
            self.changed.emit()

    @Slot(int, object)
    def _on_engine_request_ended(self, request: int, end: RequestEnd) -> None:
        if request == self._measuring[0]:
            self._on_measured(end)
        if not request or request != self._request:
            return
        if isinstance(end.value, Answer):
            self._grow(end.value)
            self._end(end.value.state)
        elif end.cancelled and self._is_stopping:
            self._end(MessageState.STOPPED)
        elif end.cancelled:
            self._end(MessageState.FAILED, _ENGINE_GONE)
        else:
            is_known = isinstance(end.error, StarpadError)
            self._end(MessageState.FAILED, str(end.error) if is_known else _BUG)

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        if status.model != self._model:
            self._model = status.model
            self._prompter = ChatPrompter(status.model) if status.model else None
            self.model_changed.emit()
        elif status.model is None:
            self.model_changed.emit()


# The engine's client takes 0.1 s to import, which the window need not wait for.


async def _converse(client: "EngineClient", emit: Emit, **what: Any) -> Answer:
    from starpad.engines.converse import converse

    return await converse(client, emit, **what)


async def _measure(client: "EngineClient", emit: Emit, **what: Any) -> PromptReady:
    from starpad.engines.converse import measure

    return await measure(client, emit, **what)
