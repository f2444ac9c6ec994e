"""The token that the caret has cut is taken back, and what stands there already is not shown."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from running_engine import ask, engine, model_in
from starpad.core.chat_format import ChatFormat
from starpad.core.context_window import CaretContext
from starpad.core.fim import FimOrder
from starpad.core.suggestion import CompletionOptions, line_policy
from starpad.engines.client import EngineClient
from starpad.engines.healing import (
    healed,
    is_complete,
    unfinished_tokens,
    without_beginning,
    word_before,
)
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason, Timings
from starpad.engines.suggest import Progress, suggest

TIMINGS = Timings(1, 0, 1.0, 1, 1.0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


def _suggested(url: str, before: str, after: str = "", **more: object) -> Progress:
    async def run(client: EngineClient) -> Progress:
        model = await model_in(client, ChatFormat())
        alternative = more.pop("alternative", 0)
        return await suggest(
            client, lambda _value: None, builder=PromptBuilder(model.fim),
            context=CaretContext(1, "python", 0, before, after), model=model,
            policy=line_policy(before, after, 4), alternative=alternative,  # type: ignore[arg-type]
            options=replace(CompletionOptions(max_tokens=8), **more),  # type: ignore[arg-type]
        )  # fmt: skip

    return ask(url, run)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("import os\nimpo", "rt "),
        ("import os\nimport sys\n\n\nde", "f "),
        ("class Tree:\n    def __ini", "t__("),
        ("import os\n\ndef cwd():\n    retu", "rn cwd()"),
        ("def add(a, b):\n    ", '"""Add'),
    ],
)
def test_half_a_word_becomes_a_whole_one(url: str, before: str, expected: str) -> None:
    assert _suggested(url, before).text.startswith(expected)
    assert not _suggested(url, before, heals=False).text.startswith(expected)


@pytest.mark.parametrize("order", list(FimOrder))
@pytest.mark.parametrize(
    "before",
    [
        "x = '🙂", "x = '日本", "a\n\n", 'say("', "path = 'C:\\", "\tif x:\n\t\t", "naïve_wor",
        "x" * 300, "]", "    ", "\n",
    ],
)  # fmt: skip
def test_whatever_the_caret_has_cut_the_answer_goes_on_right_there(
    url: str, before: str, order: FimOrder
) -> None:
    progress = _suggested(url, before, "\n\nprint(1)\n", order=order)
    assert progress.figures.tokens > 0
    progress.text.encode()


def test_alternatives_begin_with_what_was_taken_back(url: str) -> None:
    before = "import os\nimport sys\nimport re\n\nprint(os.pa"
    texts = [_suggested(url, before, alternative=number).text for number in (0, 1, 2)]
    assert len(set(texts)) == 3
    assert all(text.startswith("th") for text in texts)


def test_taking_back_keeps_the_cache(url: str) -> None:
    async def run(client: EngineClient) -> list[int]:
        model = await model_in(client, ChatFormat())
        builder, evaluated = PromptBuilder(model.fim), []
        for typed in ("impo", "impor", "import", "import o"):
            before = "import re\n" * 20 + typed
            progress = await suggest(
                client, lambda _value: None, builder=builder, model=model,
                context=CaretContext(1, "python", 0, before, "\nx = 1\n"),
                policy=line_policy(before, "\nx = 1\n", 4), options=CompletionOptions(max_tokens=4),
            )  # fmt: skip
            evaluated.append(progress.figures.evaluated_tokens)
        return evaluated

    assert max(ask(url, run)[1:]) <= 4


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_prompt_and_beginning_together_are_what_stood_there(url: str, before: str) -> None:
    async def run(client: EngineClient) -> None:
        model = await model_in(client, ChatFormat())
        assert model.fim is not None
        context = CaretContext(1, "python", 0, before, "\nx\n")
        prompt = await PromptBuilder(model.fim).build(client, context, 500)
        shorter, beginning = await healed(client, prompt, context, model.fim.middle)
        pairs = zip(prompt.ids, shorter.ids, strict=False)
        same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        left = await client.detokenize(shorter.ids[same:]) if shorter.ids[same:] else ""
        assert await client.detokenize(prompt.ids[same:]) == left + beginning
        assert before.endswith(beginning)
        assert len(shorter.ids) <= len(prompt.ids), "never over budget"

    ask(url, run)


@pytest.mark.parametrize(
    ("texts", "word", "count"),
    [
        (["x", " =", " im", "po"], "impo", 2),
        (["self", "._", "na"], "_na", 2),
        (["(", "fro", "bn", "ic"], "frobnic", 3),
        (["x", " =", " "], "", 1),
        (["a", ").", "foo"], "foo", 1),
        ([], "", 0),
    ],
)
def test_what_is_unfinished_is_the_last_token_and_the_word_that_it_belongs_to(
    texts: list[str], word: str, count: int
) -> None:
    assert unfinished_tokens(texts, len(word)) == count


@pytest.mark.parametrize(
    ("text", "word"),
    [("x = impo", "impo"), ("x = ", ""), ("f(", ""), ("", ""), ("naïve_1", "naïve_1")],
)
def test_the_word_at_the_caret_is_of_letters_digits_and_underscores(text: str, word: str) -> None:
    assert word_before(text) == word


@pytest.mark.parametrize(
    ("word", "before", "after", "complete"),
    [
        ("self", "def f(self): ", "", True),
        ("self", "", "self.x", True),
        ("self", "", "myself", False),
        ("in", "for x in y: int", "", False),
        ("impo", "import os", "", False),
        ("new", "old", "", False),
    ],
)
def test_a_word_is_complete_if_it_stands_elsewhere_and_no_longer_one_does(
    word: str, before: str, after: str, complete: bool
) -> None:
    assert is_complete(word, before, after) is complete


def test_of_indentation_only_the_last_blank_is_taken_back(url: str) -> None:
    """It is the one that a tokenizer puts to the word behind it."""

    async def run(client: EngineClient) -> list[str]:
        model = await model_in(client, ChatFormat())
        found = []
        for before in ("if x:\n        ", "if x:\n", "if x:\n\t\t", "x = "):
            context = CaretContext(1, "python", 0, before, "")
            prompt = await PromptBuilder(model.fim).build(client, context, 500)
            found.append((await healed(client, prompt, context, None))[1])
        return found

    assert ask(url, run) == [" ", "\n", "\n\t\t", " "]


def test_of_signs_the_last_token_is_taken_back(url: str) -> None:
    before = "names = {"
    suggested = _suggested(url, before, "\n")
    assert suggested.prompt != _suggested(url, before, "\n", heals=False).prompt
    assert not suggested.text.startswith("{")


def test_a_complete_word_is_left_as_it_is(url: str) -> None:
    for before in ("def f(self):\n    self", ""):
        healing, plain = (
            _suggested(url, before, "\n", heals=heals).prompt for heals in (True, False)
        )
        assert healing == plain


async def _streamed(texts: tuple[str, ...]) -> AsyncGenerator[Chunk, None]:
    for number, text in enumerate(texts):
        last = StopReason.LIMIT if number == len(texts) - 1 else None
        yield Chunk(text, (number,), TIMINGS, last, log_probabilities=(-1.0,))


@pytest.mark.parametrize(
    ("texts", "shown", "judged"),
    [
        (("impo", "rt os"), "rt os", 1),
        (("im", "port", " os"), "rt os", 1),
        (("import", " os"), "rt os", 1),
        (("im",), "", 0),
        (("export", " x"), "", 0),
    ],
)
def test_what_stands_before_the_caret_is_not_shown(
    texts: tuple[str, ...], shown: str, judged: int
) -> None:
    async def run() -> list[Chunk]:
        async with aclosing(without_beginning(_streamed(texts), "impo")) as chunks:
            return [chunk async for chunk in chunks]

    chunks = asyncio.run(run())
    assert "".join(chunk.text for chunk in chunks) == shown
    assert sum(len(chunk.log_probabilities) for chunk in chunks) == judged


def test_a_grammar_says_how_the_text_begins() -> None:
    grammar = CompletionRequest((5,), 9, beginning='say("\\\n\t').body()["grammar"]
    assert grammar == r'root ::= "say(\"\\\n\t" [^\x00]*'
    assert CompletionRequest((5,), 9).body()["grammar"] == ""
