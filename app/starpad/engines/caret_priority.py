"""Lets the caret go first: chat reads its prompts in steps, and steps aside for suggestions."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

# Who types without a pause must not keep an answer from ever beginning.
_LONGEST_WAIT_S = 2.0
_TYPING_S = 2.0
"""A suggestion so long ago makes the next one likely."""


class EngineNews(StrEnum):
    """What the editor does with the engine, for others who use it, too."""

    CARET = "caret"
    """A suggestion was asked for."""
    REST = "rest"
    """The last one that was asked for has come, or is not wanted any more."""
    CHAT = "chat"
    """The chat's slot holds a conversation of the editor's from now on."""
    CHAT_OVER = "chat over"
    """The answer has come, or is not wanted any more."""


class CaretPriority:
    """Knows whether the caret wants the engine. One for each engine, used on one event loop."""

    def __init__(self) -> None:
        self.listener: Callable[[EngineNews], None] | None = None
        """Called on the event loop; it must only pass the news on."""
        self.is_slot_lent = False
        """Whether somebody else has used the chat's slot since chat did."""
        self._claims = 0
        self._free = asyncio.Event()
        self._free.set()
        self._last_claim = float("-inf")
        self._chats = 0

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold chat's prompt back as long as this lasts."""
        self._claims += 1
        self._free.clear()
        if self._claims == 1:
            self.tell(EngineNews.CARET)
        try:
            yield
        finally:
            self._claims -= 1
            self._last_claim = time.monotonic()
            if not self._claims:
                self._free.set()
                self.tell(EngineNews.REST)

    @contextmanager
    def chatting(self) -> Iterator[None]:
        """Let others who use the chat's slot wait as long as this lasts."""
        self._chats += 1
        self.tell(EngineNews.CHAT)
        try:
            yield
        finally:
            self._chats -= 1
            self.tell(EngineNews.CHAT_OVER)

    @property
    def is_chatting(self) -> bool:
        """Whether an answer is awaited or streams."""
        return self._chats > 0

    def tell(self, news: EngineNews) -> None:
        """Let whoever shares the engine know."""
        if self.listener is not None:
            self.listener(news)

    @property
    def is_likely(self) -> bool:
        """Whether the caret wants the engine, or did a moment ago."""
        return self._claims > 0 or time.monotonic() - self._last_claim < _TYPING_S

    async def give_way(self) -> None:
        """Return when the caret wants nothing, or has wanted something for too long."""
        try:
            await asyncio.wait_for(self._free.wait(), _LONGEST_WAIT_S)
        except TimeoutError:
            return
