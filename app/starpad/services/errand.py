"""What the engine is doing for the caret: one thing at a time."""

import time
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal, Slot

from starpad.core import brackets
from starpad.core.context_window import CaretContext, as_read
from starpad.core.engine_status import LoadedModel
from starpad.core.prompt import Prompt
from starpad.core.prompt_budget import prompt_tokens
from starpad.core.request_record import RequestRecord
from starpad.core.suggestion import CompletionOptions, LinePolicy, line_policy, trim
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.suggest import Progress, suggest
from starpad.engines.warm_up import warm_up
from starpad.services.engine import EngineService
from starpad.services.inference_thread import RequestEnd
from starpad.services.suggestion_cache import Place


class Purpose(Enum):
    """Who wants it."""

    ANSWER = auto()
    """The user, to see it."""
    EARLY = auto()
    """The user, unless a key comes before the pause is over."""
    AHEAD = auto()
    """Nobody yet: what would come if the suggestion on the screen were accepted."""
    WARM_UP = auto()
    """Nobody: the prompt is only read."""


@dataclass(slots=True)
class Errand:
    """A request that is on its way."""

    request: int
    purpose: Purpose
    document: int
    place: Place
    policy: LinePolicy
    options: CompletionOptions
    raw: str = ""
    """What has come so far."""
    published: str = ""
    is_unsure: bool = False
    """Whether nothing has come because the model was not sure of it."""
    is_timed: bool = False
    """Whether it is known how long its first token took, or that is of no interest."""
    started: float = field(default_factory=time.monotonic)

    @property
    def is_for_caret(self) -> bool:
        """Whether it is for where the caret is, and text is to come of it."""
        return self.purpose in (Purpose.ANSWER, Purpose.EARLY)

    @property
    def waited_ms(self) -> float:
        """How long it has been under way."""
        return (time.monotonic() - self.started) * 1000

    def adopt(self) -> None:
        """Take what was asked for in advance for the answer; the user has not waited for it."""
        self.is_timed |= self.purpose is not Purpose.EARLY
        self.purpose, self.published = Purpose.ANSWER, ""

    def answers(self, place: Place, options: CompletionOptions) -> bool:
        """Return whether what comes of it is what `options` want at `place`."""
        is_shown = self.options.least_probability <= options.least_probability
        return self.place == place and is_shown and self.purpose is not Purpose.WARM_UP


class Errands(QObject):
    """Sends the engine for one thing at a time."""

    progressed = Signal(object, object)
    """(Errand, Progress)"""
    ended = Signal(object, object)
    """(Errand, RequestEnd) of each that was not dropped; there is none under way any more."""

    def __init__(self, engine: EngineService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current: Errand | None = None
        self.model: LoadedModel | None = None
        self._engine = engine
        self._builder = PromptBuilder(None)
        queued = Qt.ConnectionType.QueuedConnection
        engine.value_received.connect(self._on_value_received, queued)
        engine.request_ended.connect(self._on_request_ended, queued)

    def use(self, model: LoadedModel | None) -> None:
        """Work with another model from now on."""
        self.drop()
        self.model = model
        self._builder = PromptBuilder(model.fim if model is not None else None)

    def forget(self, document: int) -> None:
        """Drop what is remembered of a closed document."""
        self._builder.forget(document)

    def send(
        self,
        purpose: Purpose,
        context: CaretContext,
        place: Place,
        options: CompletionOptions,
        alternative: int = 0,
    ) -> None:
        """Begin with something; a model must be loaded, and nothing else be under way."""
        model, builder = self.model, self._builder
        if model is None:
            return
        policy = line_policy(context.before, context.after, options.max_lines)
        context = as_read(context)
        if purpose is Purpose.WARM_UP:
            request = self._engine.submit(
                partial(warm_up, builder=builder, context=context, options=options, model=model)
            )
        else:
            request = self._engine.submit(
                partial(
                    suggest,
                    builder=builder,
                    context=context,
                    policy=policy,
                    options=options,
                    model=model,
                    alternative=alternative,
                )
            )
        self.current = Errand(request, purpose, context.document, place, policy, options)

    def drop(self) -> Errand | None:
        """Give up what is under way; return it."""
        errand, self.current = self.current, None
        if errand is not None:
            self._engine.cancel(errand.request)
        return errand

    @Slot(int, object)
    def _on_value_received(self, request: int, value: object) -> None:
        errand = self.current
        if errand is not None and request == errand.request and isinstance(value, Progress):
            errand.raw = value.text
            self.progressed.emit(errand, value)

    @Slot(int, object)
    def _on_request_ended(self, request: int, end: RequestEnd) -> None:
        errand = self.current
        if errand is None or request != errand.request:
            return
        # Let go of it first: who hears the last word may ask for the next suggestion at once.
        self.current = None
        if isinstance(end.value, Progress):
            errand.raw, errand.is_unsure = end.value.text, end.value.is_unsure
        self.ended.emit(errand, end)


def accepted(context: CaretContext, suggestion: str) -> CaretContext:
    """Return the text around the caret as it were with the suggestion accepted."""
    line, rest = context.before.rpartition("\n")[2], context.after.partition("\n")[0]
    quotes = brackets.quotes_of(context.language)
    surplus = brackets.surplus_closers(line, suggestion, rest, quotes)
    return replace(context, before=context.before + suggestion, after=context.after[surplus:])


def record_of(errand: Errand, progress: Progress, model: LoadedModel) -> RequestRecord:
    """Return what is kept of an errand that the engine has answered."""
    options = errand.options
    budget = prompt_tokens(
        options.budget_tokens, model.context_tokens, options.max_tokens, model.fim
    )
    return RequestRecord(
        model=model.name,
        prompt=progress.prompt or Prompt(()),
        budget_tokens=budget,
        max_tokens=options.max_tokens,
        context_tokens=model.context_tokens,
        figures=progress.figures,
        raw=progress.text,
        shown=trim(progress.text, errand.policy),
    )
