"""An evaluation: each model asked for what was cut out of files, as the editor would ask it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from starpad import __version__
from starpad.core.context_window import CaretContext, as_read
from starpad.core.errors import StarpadError
from starpad.core.evaluation import (
    Asked,
    EvaluationEnd,
    EvaluationFailure,
    EvaluationPlan,
    EvaluationProgress,
    EvaluationRow,
    Hole,
    HoleKind,
    Outcome,
    Way,
)
from starpad.core.evaluation_holes import punch
from starpad.core.evaluation_log import EvaluationLog
from starpad.core.evaluation_report import row_of
from starpad.core.evaluation_scores import score
from starpad.core.evaluation_sources import sources_in
from starpad.core.load_options import LoadOptions, Speculation
from starpad.core.model_file import read_header
from starpad.core.model_fingerprint import fingerprint
from starpad.core.repository_context import RepositoryContext
from starpad.core.suggestion import CompletionOptions, line_policy, trim
from starpad.engines import session
from starpad.engines.client import EngineClient
from starpad.engines.own_engine import in_own_engine
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import CompletionRequest
from starpad.engines.suggest import SLOT, suggest

Emit = Callable[[object], None]
ContextOf = Callable[[Hole], RepositoryContext]


@dataclass(frozen=True, slots=True)
class _Limit:
    """How much may be written into a hole."""

    lines: int
    tokens: int


_LINE = _Limit(1, 96)
_LIMITS = {
    HoleKind.LINE_REST: _LINE,
    HoleKind.ANY_COLUMN: _LINE,
    HoleKind.LINE: _LINE,
    HoleKind.BLOCK: _Limit(12, 256),
    HoleKind.FUNCTION: _Limit(48, 768),
}
_CONTEXT_SHARE = 4
"""Of a model's context an answer takes no more than this part: the prompt needs the rest."""
_CHARACTERS_PER_TOKEN = 6
"""More than code has."""
_ROWS_S = 0.3
"""The rows are reckoned anew this often at most."""


async def evaluate(plan: EvaluationPlan, emit: Emit, context_of: ContextOf) -> EvaluationEnd:
    """Ask what has not been asked yet, emitting EvaluationProgress and EvaluationFailure.

    `context_of` returns what may be read besides a hole's file.

    Each outcome is on the disk before the next hole; cancelling ends the engine, and the same
    plan goes on from there. Raises StarpadError where nothing can be done.
    """
    emit(EvaluationProgress("Choosing holes…", 0.0))
    log = EvaluationLog(plan.folder)
    holes = punch(sources_in(plan.paths, plan.selection.seed), plan.selection)
    if not holes:
        raise StarpadError("Nothing in these files can be cut out.", "Choose others, or more.")
    return await _Evaluation(plan, holes, log, emit, context_of).run()


@dataclass(frozen=True, slots=True)
class _Question:
    """A hole, and how which model is asked for it."""

    asked: Asked
    hole: Hole
    context: RepositoryContext
    key: str


class _Evaluation:
    """One run through a plan."""

    def __init__(
        self,
        plan: EvaluationPlan,
        holes: list[Hole],
        log: EvaluationLog,
        emit: Emit,
        context_of: ContextOf,
    ) -> None:
        self._plan = plan
        self._holes = holes
        self._log = log
        self._emit = emit
        self._context_of = context_of
        self._contexts: list[RepositoryContext] = []
        """Of the holes, where one is wanted."""
        self._questions: list[_Question] = []
        self._rows: tuple[EvaluationRow, ...] = ()
        self._rows_s = 0.0
        self._done = 0
        self._total = len(holes) * len(plan.models) * len(plan.ways)

    async def run(self) -> EvaluationEnd:
        if any(way.has_context for way in self._plan.ways):
            self._tell("Looking for what is related in the folder…")
            self._contexts = [self._context_of(hole) for hole in self._holes]
        has_failed = False
        for number, options in enumerate(self._plan.models, 1):
            try:
                await self._ask_model(options)
            except StarpadError as error:
                has_failed = True
                self._emit(EvaluationFailure(options.path, error))
            self._done = number * len(self._holes) * len(self._plan.ways)
        return EvaluationEnd(self._rows_now(), has_failed)

    async def _ask_model(self, options: LoadOptions) -> None:
        """Load a model if there is something left to ask it."""
        options = replace(options, speculation=Speculation.OFF, draft_model=None)
        questions = [
            question for way in self._plan.ways for question in self._about(_asked(options, way))
        ]
        self._questions += questions
        missing = [question for question in questions if self._log.get(question.key) is None]
        self._done += len(questions) - len(missing)
        if not missing:
            return
        self._tell(f"{options.path.stem}: loading…")
        prepared = await asyncio.to_thread(session.prepare, options)

        async def job(loaded: session.Loaded) -> None:
            for question in missing:
                hole = question.hole
                self._tell(f"{options.path.stem}: {hole.kind} in {hole.source.name}")
                outcome = await ask(loaded, hole, question.asked.way, question.context)
                self._log.add(question.key, outcome)
                self._done += 1

        await in_own_engine(prepared, job, "Start it again: it goes on where it was.")

    def _about(self, asked: Asked) -> Iterator[_Question]:
        for number, hole in enumerate(self._holes):
            context = self._contexts[number] if asked.way.has_context else RepositoryContext()
            yield _Question(asked, hole, context, asked.key(hole, context))

    def _tell(self, sentence: str) -> None:
        if time.monotonic() - self._rows_s > _ROWS_S:
            self._rows, self._rows_s = self._rows_now(), time.monotonic()
        self._emit(EvaluationProgress(sentence, self._done / self._total, self._rows))

    def _rows_now(self) -> tuple[EvaluationRow, ...]:
        """Return what is known by now, in the plan's order."""
        found: dict[tuple[Asked, HoleKind], list[Outcome]] = {}
        for question in self._questions:
            outcomes = found.setdefault((question.asked, question.hole.kind), [])
            if (outcome := self._log.get(question.key)) is not None:
                outcomes.append(outcome)
        asked = dict.fromkeys(question.asked for question in self._questions)
        groups = ((one, kind) for one in asked for kind in self._plan.selection.kinds)
        return tuple(row_of(*group, found[group]) for group in groups if found.get(group))


async def ask(
    loaded: session.Loaded, hole: Hole, way: Way, repository: RepositoryContext
) -> Outcome:
    """Return what the editor would offer where the hole is. Raises EngineError.

    Nothing of the prompt is known to the engine, as on coming to a new place: so an outcome does
    not depend on what was asked before it, and a run that was stopped ends as one that was not.
    """
    model, limit = loaded.model, _LIMITS[hole.kind]
    options = CompletionOptions(
        max_tokens=min(limit.tokens, model.context_tokens // _CONTEXT_SHARE),
        max_lines=limit.lines,
        time_budget_ms=0,
        order=way.order,
        heals=way.heals,
    )
    context = _context(hole, options, repository)
    policy = line_policy(context.before, context.after, options.max_lines)
    await _forget(loaded.client, model.stop_ids)
    progress = await suggest(
        loaded.client,
        _ignore,
        builder=PromptBuilder(model.fim),
        context=as_read(context),
        policy=policy,
        options=options,
        model=model,
    )
    text, figures = trim(progress.text, policy), progress.figures
    return Outcome(
        text=text,
        score=score(hole, text),
        order=str(way.order or model.fim.order) if model.fim else "",
        first_token_ms=figures.time_to_first_token_ms,
        tokens_per_second=figures.tokens_per_second,
        prompt_tokens=figures.prompt_tokens,
        evaluated_tokens=figures.evaluated_tokens,
    )


def _asked(options: LoadOptions, way: Way) -> Asked:
    """Return what is asked, without loading the model. Raises ModelFileError."""
    header = read_header(options.path)
    return Asked(
        name=header.name or options.path.stem,
        quantization=header.quantization,
        fingerprint=fingerprint(options.path),
        settings=(
            f"Starpad {__version__}, {options.program or options.pack or 'engine in the box'}, "
            f"context {options.context_tokens}, {options.kv_type}, GPU layers {options.gpu_layers}"
            + "".join(f", {lora.path} {lora.scale}" for lora in options.lora)
        ),
        way=way,
    )


def _context(hole: Hole, options: CompletionOptions, repository: RepositoryContext) -> CaretContext:
    """Return the text around the hole, as much of it as a prompt can hold, from a line's start."""
    reach = options.budget_tokens * _CHARACTERS_PER_TOKEN
    text = hole.source.text
    start = text.rfind("\n", 0, max(0, hole.start - reach)) + 1
    return CaretContext(
        document=0,
        language=hole.source.language,
        first_line=text.count("\n", 0, start),
        before=text[start : hole.start],
        after=text[hole.end : hole.end + reach],
        repository=repository,
    )


async def _forget(client: EngineClient, stop_ids: frozenset[int]) -> None:
    """Have the engine's slot forget the last prompt, by one that has nothing in common with it."""
    request = CompletionRequest((min(stop_ids, default=0),), max_tokens=0, slot=SLOT)
    async with aclosing(client.complete(request)) as stream:
        async for _ in stream:
            pass


def _ignore(_progress: object) -> None:
    """Nobody looks on."""
