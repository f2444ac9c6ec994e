"""The text of each token, from the real engine and from one without special tokens."""

from collections.abc import Iterator

import pytest

from running_engine import ask, engine
from starpad.engines.client import EngineClient
from starpad.engines.token_texts import token_texts

TEXT = "def foo(é, '日本🎉'):\n    return <fim_pad> + 1\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


@pytest.mark.parametrize("has_separator", [True, False])
def test_the_tokens_texts_make_the_text_again(url: str, has_separator: bool) -> None:
    async def run(client: EngineClient) -> None:
        (pad,) = await client.tokenize("<fim_pad>", special=True)
        ids = await client.tokenize(TEXT)
        texts = await token_texts(client, ids, pad if has_separator else None)
        assert len(texts) == len(ids)
        assert "".join(texts) == TEXT
        assert "é" in texts

    ask(url, run)


def test_special_tokens_have_their_names_the_separator_among_them(url: str) -> None:
    async def run(client: EngineClient) -> None:
        (pad,) = await client.tokenize("<fim_pad>", special=True)
        word = await client.tokenize(" return")
        ids = [pad, *word, pad, pad, 1, *word]
        texts = await token_texts(client, ids, pad)
        assert texts[0] == texts[2] == texts[3] == "<fim_pad>"
        assert texts[4] == "<fim_prefix>"
        assert texts[1] == texts[5] == " return"

    ask(url, run)
