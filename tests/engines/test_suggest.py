"""One suggestion by a scripted engine: what is emitted, when it stops, what comes of it."""

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import LoadedModel
from starpad.core.suggestion import CompletionOptions, line_policy
from starpad.engines import suggest as module
from starpad.engines.caret_priority import CaretPriority
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason, Timings
from starpad.engines.suggest import Progress, suggest

MODEL = LoadedModel(
    path=Path("m.gguf"), name="m", quantization="Q8_0", context_tokens=2048, fim=None,
    stop_ids=frozenset(), on_gpu=False, is_demo=False,
)  # fmt: skip
Piece = tuple[str, float]


class Scripted:
    """An engine that says what it is given, one token each, and then why it ends."""

    tells_candidates = True
    follows_grammars = False

    def __init__(self, pieces: Sequence[Piece], reason: StopReason) -> None:
        self.caret = CaretPriority()
        self.pieces, self.reason = pieces, reason
        self.said = 0
        self.request: CompletionRequest | None = None

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        return [ord(character) for character in text]

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        self.request = request
        for text, probability in self.pieces:
            self.said += 1
            known = (math.log(probability),) if request.candidates else ()
            timings = Timings(1, 0, 1.0, self.said, 1.0)
            yield Chunk(text, (self.said,), timings, log_probabilities=known)
        yield Chunk("", (), Timings(1, 0, 1.0, self.said, 1.0), self.reason)


def _asked(
    engine: Scripted, before: str = "x", after: str = "", **options: float
) -> tuple[str, list[str]]:
    seen: list[str] = []

    def emit(value: object) -> None:
        assert isinstance(value, Progress)
        seen.append(value.text)

    async def run() -> str:
        progress = await suggest(
            engine,  # type: ignore[arg-type]
            emit,
            builder=PromptBuilder(None),
            context=CaretContext(1, "python", 0, before, after),
            policy=line_policy(before, after, 8),
            options=CompletionOptions(**options),  # type: ignore[arg-type]
            model=MODEL,
        )
        return progress.text

    return asyncio.run(run()), seen


@pytest.fixture(autouse=True)
def _every_token_is_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FRAME_S", -1.0)


def _pieces(text: str, probability: float) -> list[Piece]:
    return [(word, probability) for word in text.split("|")]


def test_what_the_model_is_not_sure_of_is_never_shown() -> None:
    engine = Scripted(_pieces(" =| 1| +| y", 0.1), StopReason.END_OF_TEXT)
    assert _asked(engine, least_probability=0.15) == ("", [])


def test_a_model_that_guesses_on_is_stopped() -> None:
    engine = Scripted([(f" a{n}", 0.01) for n in range(50)], StopReason.LIMIT)
    assert _asked(engine, least_probability=0.15)[0] == ""
    assert engine.said < 12


def test_one_doubtful_word_among_sure_ones_is_shown() -> None:
    pieces = [*_pieces(" =| f(", 0.9), ("y", 0.05), (")", 0.9)]
    text, seen = _asked(Scripted(pieces, StopReason.END_OF_TEXT), least_probability=0.15)
    assert text == " = f(y)"
    assert seen[0] == " ="


def test_a_blank_holds_up_no_word_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FRAME_S", 1000.0)
    _, seen = _asked(Scripted(_pieces(" | |= 1| + y", 0.9), StopReason.END_OF_TEXT))
    assert seen == ["  = 1"]


def test_what_is_cut_anyway_does_not_count() -> None:
    pieces = [*_pieces(" = 1", 0.9), ("\n", 0.9), ("x = 1", 0.9), *_pieces("\nx = 1|\nz", 0.0001)]
    text, _ = _asked(Scripted(pieces, StopReason.END_OF_TEXT), least_probability=0.3)
    assert text.startswith(" = 1\nx = 1")


def test_probabilities_are_asked_for_only_where_they_decide() -> None:
    for least, candidates in ((0.0, 0), (0.2, 1)):
        engine = Scripted(_pieces(" = 1", 0.1), StopReason.END_OF_TEXT)
        _asked(engine, least_probability=least)
        assert engine.request is not None
        assert engine.request.candidates == candidates


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (StopReason.LIMIT, " = 1\ny = 2"),
        (StopReason.TIME, " = 1\ny = 2"),
        (StopReason.END_OF_TEXT, " = 1\ny = 2\nz = "),
    ],
)
def test_the_line_in_which_a_limit_ends_it_is_left_out(reason: StopReason, text: str) -> None:
    engine = Scripted(_pieces(" = 1|\ny = 2|\nz = ", 0.9), reason)
    assert _asked(engine)[0] == text


def test_a_single_line_stays_where_a_limit_ends_it() -> None:
    assert _asked(Scripted(_pieces(" =| [1, 2", 0.9), StopReason.LIMIT))[0] == " = [1, 2"
    assert _asked(Scripted(_pieces("a,| b", 0.9), StopReason.LIMIT), "f(", ")")[0] == "a, b"


def test_the_engine_stops_where_more_could_not_change_the_offer() -> None:
    engine = Scripted(
        [("a", 0.9), (")", 0.9), (" + b", 0.9), *_pieces("c|d", 0.9)], StopReason.LIMIT
    )
    _asked(engine, "f(", "):")
    assert engine.said == 2
