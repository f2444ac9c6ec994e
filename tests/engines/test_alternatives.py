"""Other answers than the likeliest: really different, the same each time, without a new prompt."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

from running_engine import ask, engine, model_in
from starpad.core.chat_format import ChatFormat
from starpad.core.context_window import CaretContext
from starpad.core.suggestion import CompletionOptions, line_policy, trim
from starpad.engines import alternatives
from starpad.engines.alternatives import others
from starpad.engines.client import EngineClient
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import Candidate, Chunk, CompletionRequest, StopReason, Timings
from starpad.engines.suggest import Progress, suggest

BEFORE = "import os\nimport sys\n\n\ndef read(path):\n    with open(path) as f:\n        return f."
STOP = 1


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


def _suggested(url: str, before: str, *numbers: int) -> list[Progress]:
    async def run(client: EngineClient) -> list[Progress]:
        model = await model_in(client, ChatFormat())
        builder, context = PromptBuilder(model.fim), CaretContext(1, "python", 0, before, "")
        return [
            await suggest(
                client, lambda _value: None, builder=builder, context=context, model=model,
                policy=line_policy(before, "", 4), options=CompletionOptions(max_tokens=20),
                alternative=number,
            )
            for number in numbers
        ]  # fmt: skip

    return ask(url, run)


def test_alternatives_differ_and_are_the_same_each_time(url: str) -> None:
    policy = line_policy(BEFORE, "", 4)
    found = [trim(one.text, policy) for one in _suggested(url, BEFORE, 0, 1, 2, 0, 1, 2)]
    assert all(found)
    assert len(set(found)) == 3
    assert found[:3] == found[3:]


def test_an_alternative_reads_no_prompt_and_is_no_longer_than_asked(url: str) -> None:
    _, one, two = _suggested(url, BEFORE, 0, 1, 2)
    assert one.figures.evaluated_tokens <= 4
    assert two.figures.evaluated_tokens <= 4
    assert one.figures.tokens <= 20
    assert one.prompt == two.prompt


def test_there_are_only_so_many(url: str) -> None:
    assert _suggested(url, BEFORE, 99)[0].text == ""


def test_where_the_first_word_is_certain_they_part_later_in_the_line(url: str) -> None:
    before = "import os\nimport sys\n\n\nif os.environ.ge"
    found = [one.text for one in _suggested(url, before, 0, 1, 2)]
    assert len(set(found)) == 3
    assert all(text.startswith("t(") for text in found)


def _candidates(*texts: str, log_probability: float = -0.5) -> list[Candidate]:
    return [Candidate(100 + at, text, log_probability) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "different"),
    [
        (("a", "b", "c"), ["b", "c"]),
        (("a", " a", "a ", "b", "\tb"), ["b"]),
        (("\n", "\n    ", "  ", "x"), ["x"]),
        (("a", "", "\ufffd", "b"), ["b"]),
        ((), []),
    ],
)
def test_what_differs_in_blanks_only_is_no_alternative(
    texts: tuple[str, ...], different: list[str]
) -> None:
    found = others(_candidates(*texts), CompletionRequest((5,), 9))
    assert [candidate.text for candidate in found] == different


def test_what_ends_the_answer_or_is_hardly_ever_right_is_no_alternative() -> None:
    request = CompletionRequest((5,), 9, stop_texts=("\n",), stop_ids=frozenset({STOP}))
    candidates = [
        Candidate(7, "a", -0.5), Candidate(STOP, "<end>", -1.0), Candidate(8, " \n", -1.1),
        Candidate(9, "b\n", -1.2), Candidate(10, "c", -9.0),
    ]  # fmt: skip
    assert [candidate.text for candidate in others(candidates, request)] == ["b\n"]


def test_where_the_likeliest_is_a_stop_the_next_one_is_the_first_alternative() -> None:
    request = CompletionRequest((5,), 9, stop_ids=frozenset({STOP}))
    candidates = [Candidate(STOP, "<end>", -0.5), Candidate(8, "a", -1.0)]
    assert [candidate.text for candidate in others(candidates, request)] == ["a"]


class Silent:
    """An engine that tells no candidates, asked or not."""

    def __init__(self, *, tells: bool) -> None:
        self.tells_candidates = tells
        self.requests: list[CompletionRequest] = []

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        self.requests.append(request)
        yield Chunk("x", (7,), Timings(1, 0, 1.0, 1, 1.0), StopReason.LIMIT)


@pytest.mark.parametrize("tells", [False, True])
def test_an_engine_that_tells_no_candidates_is_asked_with_a_seed(tells: bool) -> None:
    client = Silent(tells=tells)

    async def run() -> list[str]:
        chunks = alternatives.complete(client, CompletionRequest((5,), 9), 2)  # type: ignore[arg-type]
        async with aclosing(chunks):
            return [chunk.text async for chunk in chunks]

    assert asyncio.run(run()) == ["x"]
    last = client.requests[-1]
    assert (last.sampling.seed, last.max_tokens, last.prompt) == (2, 9, (5,))
    assert last.sampling.temperature > 0.5
