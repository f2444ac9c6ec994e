"""The model that is shared: its engine's client, what is known of its tokens, its slot."""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Sequence

from starpad.core.fim import SPECIAL_TOKEN_TEXTS
from starpad.engines.caret_priority import CaretPriority
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.client import EngineClient
from starpad.engines.converse import CHAT_SLOT
from starpad.engines.serve_protocol import Upstream

_KEPT_TEXTS = 256
"""Pieces of other files come again with every keystroke of a client."""
_LEAST_KEPT_CHARACTERS = 100


class ServedModel:
    """One loaded model, for as long as it is loaded; used on one event loop."""

    def __init__(self, upstream: Upstream, caret: CaretPriority) -> None:
        self.model = upstream.model
        self.client = EngineClient(upstream.url, upstream.key)
        self.client.caret = caret
        self.prompter = ChatPrompter(upstream.model)
        self.prompting = asyncio.Lock()
        """The prompter remembers one conversation at a time."""
        self.slot = CHAT_SLOT
        self.held: Sequence[int] = ()
        """The tokens that the slot is believed to hold."""
        self._conversations = itertools.count(1)
        self._users = 0
        self._is_left = False
        self._is_known = False
        self._specials: dict[str, int | None] = {}
        self._texts: OrderedDict[str, list[int]] = OrderedDict()
        # A long text takes the engine's processor time from whoever waits for a token.
        self._tokenizing = asyncio.Lock()

    async def __aenter__(self) -> "ServedModel":
        """Keep the client open for a request."""
        self._users += 1
        try:
            if not self._is_known:
                slots = (await self.client.properties()).slots
                # One of its own, where there is one beside the editor's two.
                self.slot = slots - 1 if slots > CHAT_SLOT + 1 else min(CHAT_SLOT, slots - 1)
                self._is_known = True
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        await self._close()

    async def leave(self) -> None:
        """Close the client when the last request has ended; its engine is gone or going."""
        self._is_left = True
        await self._close()

    async def _close(self) -> None:
        if self._is_left and not self._users:
            await self.client.aclose()

    def new_conversation(self) -> int:
        """Return a number for the prompter."""
        return next(self._conversations)

    def known_tokens(self, prompt: Sequence[int]) -> int:
        """Return how many of the prompt's first tokens the slot should still hold."""
        pairs = enumerate(zip(self.held, prompt, strict=False))
        least = min(len(self.held), len(prompt))
        return next((at for at, (held, wanted) in pairs if held != wanted), least)

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Return the ids of a text; with `special`, names of special tokens become those."""
        if not text:
            return []
        if not special and text in self._texts:
            self._texts.move_to_end(text)
            return self._texts[text]
        async with self._tokenizing:
            ids = await self.client.tokenize(text, special=special)
        if not special and len(text) >= _LEAST_KEPT_CHARACTERS:
            self._texts[text] = ids
            if len(self._texts) > _KEPT_TEXTS:
                self._texts.popitem(last=False)
        return ids

    async def special_id(self, text: str) -> int | None:
        """Return the id of a special token; None if the vocabulary has no such token."""
        if text not in self._specials:
            ids = await self.tokenize(text, special=True)
            self._specials[text] = ids[0] if len(ids) == 1 else None
        return self._specials[text]

    async def beginning(self) -> list[int]:
        """Return what every text of this model begins with: nothing, for most."""
        if not self.model.adds_bos or not self.model.bos_text:
            return []
        token = await self.special_id(self.model.bos_text)
        return [] if token is None else [token]

    async def unspecial(self, text: str) -> list[int]:
        """Return the ids of user text in which no name of a special token becomes one.

        Some vocabularies see their special tokens in plain text, too: such a name is cut in two.
        """
        ids = await self.tokenize(text)
        names = [name for name in SPECIAL_TOKEN_TEXTS if name in text]
        if not names:
            return ids
        specials = {await self.special_id(name) for name in names} - {None}
        if specials.isdisjoint(ids):
            return ids
        parts = [text]
        for name in names:
            parts = [piece for part in parts for piece in _cut(part, name)]
        return [token for part in parts for token in await self.tokenize(part)]


def _cut(text: str, name: str) -> list[str]:
    """Return `text` in pieces, none of which holds all of `name`."""
    pieces = text.split(name)
    joined = [pieces[0]]
    for piece in pieces[1:]:
        joined[-1] += name[0]
        joined.append(name[1:] + piece)
    return joined
