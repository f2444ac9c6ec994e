"""The door to the loaded model for other programs of this computer: one port, one key."""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Callable, Sequence

import uvicorn

from starpad.core.errors import EngineError
from starpad.core.serving import Activity, LogEntry
from starpad.engines.caret_priority import EngineNews
from starpad.engines.converse import CHAT_SLOT
from starpad.engines.serve_guard import Guard
from starpad.engines.serve_journal import Journal
from starpad.engines.serve_model import ServedModel
from starpad.engines.serve_priority import EditorPriority
from starpad.engines.serve_protocol import Upstream
from starpad.engines.serve_queue import TurnQueue
from starpad.engines.serve_routes import Routes, Shared

HOST = "127.0.0.1"
"""Never another one: this is for programs of this computer."""
_WAITING = 128
"""Connections that the system accepts for us."""
_MOST_CONNECTIONS = 512
_FLUSH_S = 0.5
_DEAD_CLIENT_MS = 60_000
_NO_MODEL = "No model is loaded in Starpad. Load one there."


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this computer's own address alone; port 0 takes a free one.

    Raises EngineError when the port cannot be had.
    """
    try:
        listener = socket.create_server((HOST, port), backlog=_WAITING)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            is_taken = error.errno == errno.EADDRINUSE
            reason = "taken by another program" if is_taken else "not for everybody to use"
            hint = "Choose another port, or end that program." if is_taken else "Choose another."
            raise EngineError(f"Port {port} is {reason}.", hint, retryable=True) from error
        reason = error.strerror or str(error)
        raise EngineError(f"Port {port} cannot be used: {reason}.", "Choose another.") from error
    if sys.platform == "linux":
        # Accepted connections inherit it: who takes nothing for so long is cut off.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_CLIENT_MS)
    return listener


class Gateway:
    """Serves one model after the other under the same address; used on one event loop."""

    def __init__(
        self,
        key: str,
        origins: Sequence[str],
        report: Callable[[LogEntry | Activity], None],
    ) -> None:
        self._report = report
        self._journal = Journal(report)
        self._queue = TurnQueue(report)
        self._shared = Shared(self._queue)
        self._shared.reason = _NO_MODEL
        self._guard = Guard(Routes(self._shared).application(), key, origins, self._journal)
        self._editor = EditorPriority()
        self._claim = contextlib.ExitStack()
        self._leaving: set[asyncio.Task[None]] = set()
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._guard,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_level="critical",
                access_log=False,
                server_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=1,
            )
        )

    def set_key(self, key: str) -> None:
        """Let nobody in any more who has another key."""
        self._guard.key = key

    def set_model(self, upstream: Upstream | None, reason: str = "") -> None:
        """Serve another model from now on, or none, and then say why."""
        if self._shared.model is not None:
            leaving = asyncio.get_running_loop().create_task(self._shared.model.leave())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        self._claim.close()  # what the editor did with another engine
        self._editor.chat_ended()
        self._shared.model = None if upstream is None else ServedModel(upstream, self._editor)
        self._shared.reason = reason or _NO_MODEL

    def hear(self, news: EngineNews) -> None:
        """Take the editor's use of the engine into account."""
        model = self._shared.model
        match news:
            case EngineNews.CHAT if model is not None and model.slot == CHAT_SLOT:
                model.held = ()
                self._editor.chat_began()
            case EngineNews.CHAT_OVER:
                self._editor.chat_ended()
            case EngineNews.CARET:
                self._claim.close()
                self._claim.enter_context(self._editor.claim())
            case EngineNews.REST:
                self._claim.close()

    async def serve(self, listener: socket.socket, on_started: Callable[[], None]) -> None:
        """Answer until `stop` is called, or a signal ends it; `on_started` is called once."""
        serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started and not serving.done():  # uvicorn has no event for it
            await asyncio.sleep(0.001)
        if self._server.started:
            on_started()
        telling = asyncio.create_task(self._tell_refused())
        try:
            await serving
        finally:
            telling.cancel()
            self.set_model(None)
            await asyncio.gather(telling, *self._leaving, return_exceptions=True)

    def stop(self) -> None:
        """End `serve` soon."""
        self._server.should_exit = True

    async def _tell_refused(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            self._journal.flush()


def address_of(listener: socket.socket) -> str:
    """Return the address to ask at."""
    return f"http://{HOST}:{listener.getsockname()[1]}"
