"""How requests reach a hub: bounded in time, and stoppable at any moment from another thread."""

import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 20.0
"""A server that sends nothing for so long is given up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a download is, and what it leaves free."""

    silence_s: float = SILENCE_SECONDS
    """Without a byte for so long, the connection is made anew."""
    first_wait_s: float = 1.0
    """Before the next try; doubled each time that no byte arrived, up to `longest_wait_s`."""
    longest_wait_s: float = 30.0
    lock_look_s: float = 1.0
    """How often to look whether another window has ended."""
    spare_bytes: int = 512_000_000
    """Left free on the disk."""


_watch: ContextVar["_Watch | None"] = ContextVar("watch", default=None)
"""That of the thread, while it is inside `StopSignal.watching`."""


class StopSignal:
    """Ends what a worker thread does on the network, from any thread and for good.

    Requests made inside `watching()` (on that thread) break off with an httpx2.TransportError
    within a millisecond of `stop()`, stalled or not; so does `wait`. Only a name look-up and a
    connection that is being made run on until they time out. After any exception the worker asks
    `is_stopped` before it believes the exception.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._event.is_set()

    def stop(self) -> None:
        """Break off the requests under way and refuse further ones; returns at once."""
        with self._lock:
            self._event.set()
            for connection in self._sockets:
                _shut_down(connection)

    def wait(self, seconds: float) -> bool:
        """Sleep, at most until `stop`; return whether it was called."""
        return self._event.wait(seconds)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Let `stop` break off the requests that this thread makes inside, one after another."""
        watch = _Watch(self)
        token = _watch.set(watch)
        try:
            yield
        finally:
            _watch.reset(token)
            watch.release()

    def hold(self, connection: socket.socket) -> None:
        """Shut `connection` down when `stop` is called, or now if it was."""
        with self._lock:
            self._sockets.add(connection)
            if self.is_stopped:
                _shut_down(connection)

    def release(self, connection: socket.socket) -> None:
        """Close `connection`, which `hold` was called with."""
        with self._lock:
            self._sockets.discard(connection)
            connection.close()


class _Watch:
    """Follows the requests of one thread: holds each socket until its response has ended."""

    def __init__(self, signal: StopSignal) -> None:
        self.signal = signal
        self._connections: list[socket.socket] = []

    def on_trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take what httpcore2 reports of a request."""
        if event.endswith("connect_tcp.complete"):
            # A duplicate outlives the original's move into a TLS socket.
            connection = info["return_value"].get_extra_info("socket").dup()
            self._connections.append(connection)
            self.signal.hold(connection)
        elif event.endswith("response_closed.complete"):
            self.release()

    def release(self) -> None:
        """Let go of the sockets; only then the server sees them closed."""
        while self._connections:
            self.signal.release(self._connections.pop())


@functools.cache
def prepare() -> None:
    """Let huggingface_hub use our kind of client; call it before the first request."""
    from huggingface_hub import set_client_factory

    set_client_factory(new_client)


def new_client() -> "httpx2.Client":
    """Return a client for a hub, with time limits, whose requests a StopSignal can break off."""
    from huggingface_hub.utils._http import hf_request_event_hook

    # The library's own hook keeps its offline mode and request ids.
    return plain_client(hf_request_event_hook)


def plain_client(*hooks: Callable[["httpx2.Request"], object]) -> "httpx2.Client":
    """Return a client for any server, limited and stoppable, too; `hooks` see each request."""
    import httpx2

    return httpx2.Client(
        event_hooks={"request": [*hooks, _on_request]},
        follow_redirects=True,
        # A connection that is used again would have been made, and watched, by another request.
        limits=httpx2.Limits(max_keepalive_connections=0),
    )


def _on_request(request: "httpx2.Request") -> None:
    import httpx2

    # huggingface_hub asks for no limit at all with most of its calls.
    if not any((request.extensions.get("timeout") or {}).values()):
        limits = httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        request.extensions["timeout"] = limits.as_dict()
    watch = _watch.get()
    if watch is not None:
        if watch.signal.is_stopped:
            raise httpx2.ReadError("stopped", request=request)
        request.extensions["trace"] = watch.on_trace


def _shut_down(connection: socket.socket) -> None:
    # Unlike close(), this wakes a thread that waits for data. The server may have been quicker.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
