"""Which ids of a loaded model are special: fill-in-the-middle, the end of text, of an answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starpad.core import fim
from starpad.core.chat_format import ChatFormat
from starpad.core.fim import FimTokens

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient


_AT_ONCE = 4
"""Not all: some forty connections at a time are a burst for any server, above all a distant one."""


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """A model's, as LoadedModel has them."""

    fim: FimTokens | None
    stop_ids: frozenset[int]
    chat_stop_ids: frozenset[int]


def names(chat: ChatFormat) -> tuple[str, ...]:
    """Return the texts of the special tokens to ask a vocabulary for."""
    return tuple(dict.fromkeys((*fim.SPECIAL_TOKEN_TEXTS, *chat.stop_tokens)))


async def ask(client: "EngineClient", chat: ChatFormat) -> SpecialIds:
    """Return what the engine's tokenizer says of `names`. Raises EngineError."""
    texts = names(chat)
    few = asyncio.Semaphore(_AT_ONCE)

    async def tokenized(text: str) -> list[int]:
        async with few:
            return await client.tokenize(text, special=True)

    answers = await asyncio.gather(*map(tokenized, texts))
    return resolve(dict(zip(texts, answers, strict=True)), chat)


def resolve(ids: Mapping[str, Sequence[int]], chat: ChatFormat) -> SpecialIds:
    """Return the ids from those of each of `names`: one if the model knows it, else pieces."""
    tokens = fim.resolve(ids)
    stops = tokens.stop_ids if tokens else fim.stop_ids(ids)
    chat_stops = (ids[text] for text in chat.stop_tokens)
    known = (found for found in chat_stops if len(found) == 1)
    return SpecialIds(tokens, stops, stops.union(*known))
