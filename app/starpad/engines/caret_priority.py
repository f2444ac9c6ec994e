"""Lets the caret go first: chat reads its prompts in steps, and steps aside for suggestions."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Who types without a pause must not keep an answer from ever beginning.
_LONGEST_WAIT_S = 2.0
_TYPING_S = 2.0
"""A suggestion so long ago makes the next one likely."""


class CaretPriority:
    """Knows whether the caret wants the engine. One for each engine, used on one event loop."""

    def __init__(self) -> None:
        self._claims = 0
        self._free = asyncio.Event()
        self._free.set()
        self._last_claim = float("-inf")

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold chat's prompt back as long as this lasts."""
        self._claims += 1
        self._free.clear()
        try:
            yield
        finally:
            self._claims -= 1
            self._last_claim = time.monotonic()
            if not self._claims:
                self._free.set()

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
