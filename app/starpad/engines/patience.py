"""How long an engine may say nothing before it counts as hung."""

import asyncio
import time
from collections.abc import Awaitable
from types import TracebackType
from typing import Protocol, Self, TypeVar

from starpad.core.errors import EngineError

QUIET_S = 60.0
"""Without a token, or a word about the prompt, from an engine that rests."""
LONGEST_S = 600.0
"""The same from one that computes. A batch of 128 tokens of a 15B model can take more than a
minute on an old processor, or when its weights come from a slow disk; and a request may wait for
others to be answered. A minute's silence with the processor at work is no proof of a hang."""
_LOOKS = 4
# The engine's server takes less than a thousandth while it has nothing to do.
_WORKING_SHARE = 0.02
_LITTLE_S = 0.001

T = TypeVar("T")


class Host(Protocol):
    """The process behind an engine, as far as its client wants to know it."""

    def processor_s(self) -> float:
        """Return the processor time that it has used so far; 0 when it has ended."""

    def end_hung(self, quiet_s: float) -> None:
        """End it, as it has said nothing for `quiet_s` seconds."""


class Patience:
    """Bounds the silence within one request; `renew` it with each sign of progress.

    Without a `host`, whose work can be seen, an engine is given QUIET_S and no more. A ping is no
    progress: the thread that sends it is not the one that computes.
    """

    def __init__(self, host: Host | None = None) -> None:
        self.quiet_s = QUIET_S
        """How long nothing may come from who rests, or cannot be seen."""
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._limit: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._since_s = self._worked_s = time.monotonic()
        self._processor_s: float | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        self._timer = self._loop.call_later(QUIET_S / _LOOKS, self._look)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def renew(self) -> None:
        """Start the silence anew: something came, or nobody was listening."""
        self._since_s = time.monotonic()

    async def wait_for(self, awaitable: Awaitable[T]) -> T:
        """Return what `awaitable` gives; EngineError when the silence lasts too long meanwhile.

        The engine's process, where it is known, is ended then, so that it is started again.
        """
        self._limit = limit = asyncio.timeout(None)
        try:
            async with limit:
                value = await awaitable
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise self._given_up() from error
        finally:
            self._limit = None
        if self._is_over:  # a ping came in the very moment, before the time-out could
            raise self._given_up()
        return value

    def _given_up(self) -> EngineError:
        quiet_s = time.monotonic() - self._since_s
        message = f"The engine did not answer for {quiet_s:.0f} s."
        if self._host is None:
            return EngineError(message, "Restart it.", retryable=True)
        self._host.end_hung(quiet_s)
        return EngineError(message, "It was ended; start it again.", retryable=True)

    def _look(self) -> None:
        """Look now and then, rather than at each token, whether it is time to give up."""
        now = time.monotonic()
        if self._host is not None:
            self._look_at_work(self._host.processor_s(), now)
        left_s = self.quiet_s - (now - max(self._since_s, self._worked_s))
        if self._limit is not None and (left_s <= 0 or now - self._since_s >= LONGEST_S):
            self._is_over = True
            self._limit.reschedule(self._loop.time())
            return
        next_s = QUIET_S / _LOOKS
        if left_s > 0:
            next_s = min(next_s, left_s + _LITTLE_S)
        self._timer = self._loop.call_later(next_s, self._look)

    def _look_at_work(self, processor_s: float, now: float) -> None:
        if self._processor_s is None:
            self._processor_s, self._worked_s = processor_s, self._since_s
        elif processor_s - self._processor_s >= (now - self._worked_s) * _WORKING_SHARE:
            self._processor_s, self._worked_s = processor_s, now
