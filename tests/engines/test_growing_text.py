"""Typing costs the tokens of the last lines, and the ids are those of the whole text."""

import asyncio
import random
import re
from pathlib import Path

import pytest

from every_engine import running
from starpad.engines.growing_text import GrowingText

CODE = "def add(one, two):\n    return one + two\n\n\nx = [\n    '\u00e9',  # 12\n]\n"


class _Counting:
    """Tokenizes by words and signs; counts characters."""

    def __init__(self, pattern: str = r"\w+|\n+\s*|\s|[^\w\s]+") -> None:
        self.pattern = pattern
        self.characters = 0

    async def tokenize(self, text: str) -> list[int]:
        self.characters += len(text)
        return [hash(piece) for piece in re.findall(self.pattern, text)]


def _all_ids(tokenizer: _Counting, texts: list[str]) -> list[list[int]]:
    growing = GrowingText()

    async def ask() -> list[list[int]]:
        return [await growing.ids(tokenizer, text) for text in texts]

    return asyncio.run(ask())


def _typed(text: str, more: str) -> list[str]:
    return [text + more[:count] for count in range(len(more))]


def test_a_key_costs_the_last_lines_only() -> None:
    tokenizer = _Counting()
    texts = _typed(CODE * 200, CODE * 10)
    ids = _all_ids(tokenizer, texts)
    assert tokenizer.characters < 1_600 * len(texts) + 3 * len(texts[-1])
    reference = _Counting()
    assert ids == [asyncio.run(reference.tokenize(text)) for text in texts]


@pytest.mark.parametrize("pattern", [r".{1,3}|\n", r"(?s).{1,4}", r"\w+\n?|\s+|[^\w\s]+"])
def test_a_tokenizer_that_joins_what_is_divided_gets_the_whole_text(pattern: str) -> None:
    texts = _typed(CODE * 50, CODE)
    ids = _all_ids(_Counting(pattern), texts)
    assert ids == [asyncio.run(_Counting(pattern).tokenize(text)) for text in texts]


def test_another_text_is_no_continuation() -> None:
    texts = [CODE * 50, "y = 1\n" + CODE * 50, "", "short", CODE * 50]
    assert _all_ids(_Counting(), texts) == [
        asyncio.run(_Counting().tokenize(text)) for text in texts
    ]


@pytest.mark.parametrize("name", ["llama", "ggml"])
def test_real_tokenizers_give_the_same_ids(name: str, tmp_path: Path) -> None:
    with running(name, tmp_path) as engine:
        growing, chance = GrowingText(), random.Random(1)
        text = CODE * 30
        for _ in range(60):
            text += "".join(chance.choices("ab_1 \n\t(\u00e9\U0001f600", k=chance.randint(1, 60)))
            ids = engine.run(growing.ids(engine.client, text))
            assert ids == engine.run(engine.client.tokenize(text))
