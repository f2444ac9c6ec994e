"""Suggestions at the caret: what is asked, when it is refused, what comes back."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.errors import StarpadError
from starpad.core.repository_context import RepositoryContext
from starpad.core.suggestion import (
    CompletionOptions,
    Figures,
    SuggestionState,
    trim,
)
from starpad.engines.suggest import Progress
from starpad.services.engine import EngineService
from starpad.services.errand import Errand, Errands, Purpose, accepted, record_of
from starpad.services.inference_thread import RequestEnd
from starpad.services.pacing import Pace, Pacing
from starpad.services.project_context import ProjectContext
from starpad.services.suggestion_cache import Place, SuggestionCache, place_of

_CHARACTERS_PER_TOKEN = 6
"""More than code has: what `reach` hands over is enough for any budget."""


@dataclass(frozen=True, slots=True)
class SuggestionUpdate:
    """News of the current request, with the whole text so far."""

    document: int
    state: SuggestionState
    text: str = ""
    is_final: bool = False
    reason: str = ""


class CompletionService(QObject):
    """Has the engine do one thing at a time for the caret; a new request cancels the old one.

    While a suggestion is looked at, the next one is fetched (`look_ahead`), and while the caret
    rests, the prompt is read (`prepare`): neither ever delays a request.
    """

    updated = Signal(object)
    """A SuggestionUpdate, only ever of the current request."""
    state_changed = Signal(object, str)
    """A SuggestionState and, when it failed, why."""
    figures_changed = Signal(object)
    """The Figures of the last request that generated something."""
    recorded = Signal(object)
    """A RequestRecord, of each request that the engine has answered."""
    prompt_changed = Signal()
    """There is another model, or something else for it to read: a prompt is worth warming up."""

    def __init__(
        self, engine: EngineService, project: ProjectContext, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.options = CompletionOptions()
        self.pacing = Pacing(self)
        self._engine = engine
        self._project = project
        self._errands = Errands(engine, self)
        self._errands.progressed.connect(self._on_progressed)
        self._errands.ended.connect(self._on_ended)
        self._cache = SuggestionCache()
        self._known: tuple[CaretContext, str] | None = None
        self._warm: Place | None = None
        self._noted = (SuggestionState.IDLE, "")
        self._repository = RepositoryContext()
        engine.status_changed.connect(self._on_engine_status_changed)
        project.changed.connect(self._on_project_changed)

    @property
    def reach(self) -> int:
        """How many characters around the caret a prompt can use at most."""
        return self.options.budget_tokens * _CHARACTERS_PER_TOKEN

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
        if self._errands.model is None:
            return SuggestionState.NO_MODEL
        if not is_asked and self.pacing.pace_for(self.options.pause_ms) is Pace.ON_DEMAND:
            return SuggestionState.TOO_SLOW
        return None

    def is_private(self, context: CaretContext) -> bool:
        """Return whether a caret is in a file for secrets, where only the user asks."""
        return self._project.is_private(context)

    def note(self, state: SuggestionState, reason: str = "") -> None:
        """Tell the status bar where suggestions stand, if it is news."""
        if self._noted != (noted := (state, reason)):
            self._noted = noted
            self.state_changed.emit(state, reason)

    # -- asking -------------------------------------------------------------------------------

    def request(
        self, context: CaretContext, alternative: int = 0, *, is_asked: bool = False
    ) -> bool:
        """Ask for a suggestion, or for another one; return whether an answer will come.

        Who asks for one sees it, however sure the model is. What is known already leaves from the
        event loop like any other answer.
        """
        refusal = self.refusal(context.language, is_asked=True)
        if refusal is not None or self._errands.model is None:
            self._drop()
            self.note(refusal or SuggestionState.NO_MODEL)
            return False
        context = self._completed(context)
        place = self._place(context, alternative)
        options = replace(self.options, least_probability=0.0) if is_asked else self.options
        errand = self._errands.current
        if errand and errand.answers(place, options):
            # It was asked for in advance: what has come of it is shown, and so is the rest.
            self._known = None
            errand.adopt()
            QTimer.singleShot(0, self._on_known_timeout)
            self.note(SuggestionState.GENERATING)
            return True
        self._drop()
        text = self._cache.find(place)
        if text is not None and not (is_asked and self._cache.is_doubted(place)):
            self._known = (context, text)
            QTimer.singleShot(0, self._on_known_timeout)
        else:
            self.note(SuggestionState.GENERATING)
            self._errands.send(Purpose.ANSWER, context, place, options, alternative)
        return True

    def look_ahead(self, context: CaretContext, suggestion: str) -> None:
        """Fetch what would come if `suggestion`, which is on the screen, were accepted.

        Not from a server elsewhere: there each request may cost somebody something.
        """
        model, errand = self._errands.model, self._errands.current
        is_busy = errand is not None and errand.purpose is not Purpose.WARM_UP
        if model is None or model.host or is_busy:
            return
        self._drop()
        ahead = accepted(replace(context, repository=self._repository), suggestion)
        place = self._place(ahead)
        if self._cache.find(place) is None:
            self._errands.send(Purpose.AHEAD, ahead, place, self.options)

    def prepare(self, purpose: Purpose, context: CaretContext) -> None:
        """Have the prompt at a caret read, or begin with what will be requested in a moment.

        Nothing is shown, and nothing done where something else wants the engine.
        """
        is_free = self._engine.status.state is EngineState.READY and self._errands.current is None
        if not is_free or self._errands.model is None or self._errands.model.host:
            return
        context = self._completed(context)
        place = self._place(context)
        is_warm = purpose is Purpose.WARM_UP and self._warm == place
        if not is_warm and self._cache.find(place) is None:
            self._errands.send(purpose, context, place, self.options)

    def cancel(self, document: int) -> None:
        """Give up what is under way for a document, fetched in advance or not."""
        errand, known = self._errands.current, self._known
        about = errand.document if errand else known[0].document if known else None
        if about != document:
            return
        is_awaited = known is not None or (errand and errand.purpose is Purpose.ANSWER)
        self._drop()
        if is_awaited:
            self.note(SuggestionState.CANCELLED)

    def forget(self, document: int) -> None:
        """Drop what is remembered of a closed document."""
        self._errands.forget(document)
        self._project.forget(document)

    def _completed(self, context: CaretContext) -> CaretContext:
        if self._errands.model is not None:
            context = self._project.completed(context, self.options, self._errands.model)
        self._repository = context.repository
        return context

    def _place(self, context: CaretContext, alternative: int = 0) -> Place:
        model = self._errands.model
        how = (model.path if model is not None else None, self.options, alternative)
        return place_of(context, how, self.reach)

    def _drop(self) -> None:
        self._known = None
        errand = self._errands.drop()
        if errand and errand.is_for_caret and not errand.is_timed:
            self.pacing.note_given_up(errand.waited_ms)

    # -- what comes back ----------------------------------------------------------------------

    @Slot()
    def _on_known_timeout(self) -> None:
        known, self._known = self._known, None
        errand = self._errands.current
        if known is not None:
            context, text = known
            is_unsure, cached = self._cache.is_doubted(self._place(context)), SuggestionState.CACHED
            state = _state_of(text, cached, is_final=True, is_unsure=is_unsure)
            self._emit(SuggestionUpdate(context.document, state, text, is_final=True))
        elif errand is not None and errand.purpose is Purpose.ANSWER:
            self._publish(errand)

    @Slot(object, object)
    def _on_progressed(self, errand: Errand, progress: Progress) -> None:
        self._time(errand, progress.figures)
        if errand.purpose is Purpose.ANSWER:
            self._publish(errand)

    @Slot(object, object)
    def _on_ended(self, errand: Errand, end: RequestEnd) -> None:
        value, model = end.value, self._errands.model
        is_awaited = errand.purpose is Purpose.ANSWER
        if errand.purpose is Purpose.WARM_UP:
            self._warm = None if value is None else errand.place
        elif isinstance(value, Progress):
            self._warm = errand.place
            self._cache.put(
                errand.place, trim(value.text, errand.policy), is_sure=not value.is_unsure
            )
            if errand.is_for_caret and model is not None:
                self.recorded.emit(record_of(errand, value, model))
                if value.figures.tokens:
                    self._time(errand, value.figures)
                    self.figures_changed.emit(value.figures)
            if is_awaited:
                self._publish(errand, is_final=True)
        elif is_awaited:
            reason = end.error.message if isinstance(end.error, StarpadError) else ""
            state = SuggestionState.CANCELLED if end.cancelled else SuggestionState.FAILED
            self._emit(SuggestionUpdate(errand.document, state, reason=reason))

    def _publish(self, errand: Errand, *, is_final: bool = False) -> None:
        text = trim(errand.raw, errand.policy)
        if text == errand.published and not is_final:
            return
        errand.published = text
        state = _state_of(text, is_final=is_final, is_unsure=errand.is_unsure)
        self._emit(SuggestionUpdate(errand.document, state, text, is_final))

    def _emit(self, update: SuggestionUpdate) -> None:
        self.note(update.state, update.reason)
        self.updated.emit(update)

    def _time(self, errand: Errand, figures: Figures) -> None:
        if errand.is_for_caret and not errand.is_timed and figures.time_to_first_token_ms:
            errand.is_timed = True
            self.pacing.note_first_token(figures.time_to_first_token_ms)

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        if status.state is EngineState.LOADING:
            self.note(SuggestionState.LOADING)
        elif status.model is None:
            self.note(SuggestionState.NO_MODEL)
        elif self._errands.model is None:
            self.note(SuggestionState.IDLE)
        model = status.model
        if model == self._errands.model:
            return
        self._drop()
        self._errands.use(model)
        self._warm = None
        self.pacing.restart(on_gpu=model is not None and model.on_gpu)
        if model is not None:
            self.prompt_changed.emit()

    @Slot(int)
    def _on_project_changed(self, _document: int) -> None:
        self._warm = None
        self.prompt_changed.emit()


def _state_of(
    text: str,
    shown: SuggestionState = SuggestionState.SHOWN,
    *,
    is_final: bool,
    is_unsure: bool,
) -> SuggestionState:
    """Return where a request stands of which there is `text` to show, or why there is none."""
    if text:
        return shown
    if not is_final:
        return SuggestionState.GENERATING
    return SuggestionState.UNSURE if is_unsure else SuggestionState.NOTHING
