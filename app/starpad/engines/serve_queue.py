"""Who may use the model: one request at a time, in the order in which they came."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starpad.core.serving import Activity
from starpad.engines.openai_api import ApiError

MOST_WAITING = 128
_BUSY = "Too many requests wait for the model already. Ask again later."


class TurnQueue:
    """Requests that wait for the model, and the one that has it; used on one event loop."""

    def __init__(self, on_change: Callable[[Activity], None]) -> None:
        self._on_change = on_change
        self._lock = asyncio.Lock()  # hands itself over in order of arrival
        self._clients: dict[object, str] = {}
        self._active: object = None

    @property
    def activity(self) -> Activity:
        """Return who waits and works."""
        active = int(self._active is not None)
        clients = tuple(dict.fromkeys(self._clients.values()))
        return Activity(active, len(self._clients) - active, clients)

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Wait until the model is free, and keep it as long as this lasts.

        Who is cancelled while waiting leaves the queue. Raises ApiError when too many wait.
        """
        if len(self._clients) > MOST_WAITING:
            raise ApiError(429, _BUSY, "rate_limit_error", "rate_limit_exceeded")
        request = object()
        self._clients[request] = client
        self._tell()
        try:
            async with self._lock:
                self._active = request
                self._tell()
                try:
                    yield
                finally:
                    self._active = None
        finally:
            del self._clients[request]
            self._tell()

    def _tell(self) -> None:
        self._on_change(self.activity)
