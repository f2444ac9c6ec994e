"""Suggestions at the caret: what is asked, when it is refused, what comes back."""

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import EngineState, EngineStatus, LoadedModel
from starpad.core.errors import StarpadError
from starpad.core.prompt_budget import prompt_tokens
from starpad.core.request_record import RequestRecord
from starpad.core.suggestion import (
    CompletionOptions,
    Figures,
    SuggestionCache,
    SuggestionState,
    line_policy,
    trim,
)
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.suggest import Progress, suggest
from starpad.services.engine import EngineService
from starpad.services.inference_thread import RequestEnd
from starpad.services.project_context import ProjectContext

_CHARACTERS_PER_TOKEN = 6
"""More than code has: what `reach` hands over is enough for any budget."""


@dataclass(frozen=True, slots=True)
class SuggestionUpdate:
    """News of the current request: the whole text so far, and what it cost."""

    document: int
    state: SuggestionState
    text: str = ""
    is_final: bool = False
    figures: Figures | None = None
    reason: str = ""


class CompletionService(QObject):
    """Asks the engine for one suggestion at a time; a new request cancels the old one."""

    updated = Signal(object)
    """A SuggestionUpdate, only ever of the current request."""
    state_changed = Signal(object, str)
    """A SuggestionState and, when it failed, why."""
    figures_changed = Signal(object)
    """The Figures of the last request that generated something."""
    recorded = Signal(object)
    """A RequestRecord, of each request that the engine has answered."""

    def __init__(
        self,
        engine: EngineService,
        project: ProjectContext | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.options = CompletionOptions()
        self._engine = engine
        self._project = project
        self._builder = PromptBuilder(None)
        self._model: LoadedModel | None = None
        self._cache = SuggestionCache()
        self._request = 0
        self._context: CaretContext | None = None
        self._policy = line_policy("", "", 1)
        self._cached = ""
        self._published = ""
        # A cached answer leaves from the event loop like any other, never inside request().
        self._cached_timer = QTimer(self, singleShot=True, interval=0)
        self._cached_timer.timeout.connect(self._on_cached_timeout)
        queued = Qt.ConnectionType.QueuedConnection
        engine.value_received.connect(self._on_value_received, queued)
        engine.request_ended.connect(self._on_request_ended, queued)
        engine.status_changed.connect(self._on_engine_status_changed)

    @property
    def reach(self) -> int:
        """Return how many characters around the caret a prompt can use at most."""
        return self.options.budget_tokens * _CHARACTERS_PER_TOKEN

    @property
    def pause_ms(self) -> int:
        """Return how long to wait for a pause in typing before asking."""
        if self.options.pause_ms >= 0:
            return self.options.pause_ms
        return 0 if self._model is not None and self._model.on_gpu else 150

    def refusal(self, language: str, *, is_asked: bool = False) -> SuggestionState | None:
        """Return why no suggestion can be had now, None if one can.

        What is switched off is off while typing; who asks for a suggestion gets one.
        """
        if not is_asked and not self.options.is_enabled:
            return SuggestionState.OFF
        if not is_asked and language in self.options.off_languages:
            return SuggestionState.OFF_FOR_LANGUAGE
        state = self._engine.status.state
        if state is EngineState.LOADING:
            return SuggestionState.LOADING
        return SuggestionState.NO_MODEL if self._model is None else None

    def note(self, state: SuggestionState, reason: str = "") -> None:
        """Tell the status bar where suggestions stand."""
        self.state_changed.emit(state, reason)

    def request(self, context: CaretContext) -> bool:
        """Ask for a suggestion; return whether an answer will come."""
        self._drop()
        refusal = self.refusal(context.language, is_asked=True)
        if refusal is not None or self._model is None:
            self.note(refusal or SuggestionState.NO_MODEL)
            return False
        if self._project is not None:
            context = self._project.completed(context, self.options, self._model)
        self._context = context
        self._published = ""
        self._policy = line_policy(context.before, context.after, self.options.max_lines)
        cached = self._cache.get(self._key(context))
        if cached is not None:
            self._cached = cached
            self._cached_timer.start()
        else:
            self.note(SuggestionState.GENERATING)
            job = partial(
                suggest,
                builder=self._builder,
                context=context,
                policy=self._policy,
                options=self.options,
                model=self._model,
            )
            self._request = self._engine.submit(job)
        return True

    def cancel(self) -> None:
        """Give up the current request, if any."""
        if self._context is not None:
            self._drop()
            self.note(SuggestionState.CANCELLED)

    def forget(self, document: int) -> None:
        """Drop what is remembered of a closed document."""
        self._builder.forget(document)
        if self._project is not None:
            self._project.forget(document)

    def _drop(self) -> None:
        self._cached_timer.stop()
        self._context = None
        if self._request:
            request, self._request = self._request, 0
            self._engine.cancel(request)

    def _key(self, context: CaretContext) -> tuple[str, ...]:
        options = self.options
        how = (options.sampling, options.max_lines, options.max_tokens, options.order)
        return (str(self._model and self._model.path), repr(how), context.before, context.after)

    @Slot()
    def _on_cached_timeout(self) -> None:
        if self._context is not None:
            context, self._context = self._context, None
            self._publish(context, self._cached, SuggestionState.CACHED, is_final=True)

    @Slot(int, object)
    def _on_value_received(self, request: int, value: object) -> None:
        context = self._context
        if request == self._request and context is not None and isinstance(value, Progress):
            self._publish(context, value.text, SuggestionState.SHOWN, figures=value.figures)

    @Slot(int, object)
    def _on_request_ended(self, request: int, end: RequestEnd) -> None:
        if request != self._request or self._context is None:
            return
        # Let go of it first: who hears the last word may ask for the next suggestion at once.
        self._request = 0
        context, self._context = self._context, None
        if isinstance(end.value, Progress):
            self._cache.put(self._key(context), end.value.text)
            self._record(end.value)
            figures = end.value.figures
            if figures.tokens:
                self.figures_changed.emit(figures)
            self._publish(
                context, end.value.text, SuggestionState.SHOWN, figures=figures, is_final=True
            )
        else:
            reason = end.error.message if isinstance(end.error, StarpadError) else ""
            state = SuggestionState.CANCELLED if end.cancelled else SuggestionState.FAILED
            self._emit(SuggestionUpdate(context.document, state, reason=reason))

    def _record(self, progress: Progress) -> None:
        model, options = self._model, self.options
        if model is not None and progress.prompt is not None:
            self.recorded.emit(
                RequestRecord(
                    model=model.name,
                    prompt=progress.prompt,
                    budget_tokens=prompt_tokens(
                        options.budget_tokens, model.context_tokens, options.max_tokens, model.fim
                    ),
                    max_tokens=options.max_tokens,
                    context_tokens=model.context_tokens,
                    figures=progress.figures,
                    raw=progress.text,
                    shown=trim(progress.text, self._policy),
                )
            )

    def _publish(
        self,
        context: CaretContext,
        raw: str,
        state: SuggestionState,
        *,
        figures: Figures | None = None,
        is_final: bool = False,
    ) -> None:
        text = trim(raw, self._policy)
        if text == self._published and not is_final:
            return
        self._published = text
        if not text:
            state = SuggestionState.NOTHING if is_final else SuggestionState.GENERATING
        self._emit(SuggestionUpdate(context.document, state, text, is_final, figures))

    def _emit(self, update: SuggestionUpdate) -> None:
        self.note(update.state, update.reason)
        self.updated.emit(update)

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        if status.state is EngineState.LOADING:
            self.note(SuggestionState.LOADING)
        elif status.model is None:
            self.note(SuggestionState.NO_MODEL)
        elif self._model is None:
            self.note(SuggestionState.IDLE)
        if status.model != self._model:
            self._drop()
            self._model = status.model
            self._builder = PromptBuilder(status.model.fim if status.model else None)
