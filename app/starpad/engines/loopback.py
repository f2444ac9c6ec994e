"""HTTP to an engine on this computer, with little work for each token.

The embedded model writes a token in 0.6 ms, on the cores that its client shares with it. httpx2's
own transport takes 0.2 ms of processor time for each piece of a stream; this one, which knows no
proxy, no encryption and no second request, less than a tenth of that
(benchmarks/engine_overhead.py).
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import httpx2

ADDRESS = "http://127.0.0.1:"
"""How the addresses begin that this is for."""
_READ_BYTES = 1 << 16
_MOST_HEAD_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 100
# Between two tokens that come faster than this, the client sleeps and takes several at once. The
# first reads are spared, so that nothing comes between a prompt and its first token.
_PAUSE_S = 0.003
_EAGER_READS = 8


class LoopbackTransport(httpx2.AsyncBaseTransport):
    """A connection for each request, closed with its response."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; return its answer as soon as the head is there."""
        connection = _Connection()
        try:
            await connection.open(request)
            await connection.send(request, await request.aread())
            status, headers = _parse_head(await connection.take_head())
        except BaseException:
            connection.close()
            raise
        return httpx2.Response(
            status, headers=headers, stream=_Body(connection, headers), request=request
        )


class _Connection:
    """One socket, and what has been read from it but not taken yet."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._reads = 0
        self._is_hurried = False
        self.rest = b""

    async def open(self, request: httpx2.Request) -> None:
        limit_s = request.extensions.get("timeout", {}).get("connect")
        place = (request.url.host, request.url.port)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(limit_s):
                await self._loop.sock_connect(self._socket, place)
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("nobody takes the connection") from error
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from error

    async def send(self, request: httpx2.Request, content: bytes) -> None:
        target = b"%b %b HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)
        lines = [b"%b: %b\r\n" % header for header in request.headers.raw]
        try:
            data = b"".join((target, *lines, b"\r\n", content))
            await self._loop.sock_sendall(self._socket, data)
        except OSError:
            # Who refuses a request may close before it is sent, and the reason waits to be read.
            return

    async def take_head(self) -> bytes:
        while True:
            while b"\r\n\r\n" not in self.rest:
                if len(self.rest) > _MOST_HEAD_BYTES:
                    raise httpx2.RemoteProtocolError("the head does not end")
                if not (data := await self.read()):
                    raise httpx2.RemoteProtocolError("disconnected before the head's end")
                self.rest += data
            head, _, self.rest = self.rest.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 1"):  # an interim answer: the real one follows
                return head

    async def read(self) -> bytes:
        """Return the next bytes, several tokens of them if tokens come fast; empty at the end."""
        if self._is_hurried and self._reads > _EAGER_READS:
            await asyncio.sleep(_PAUSE_S)
        self._reads += 1
        asked_s = time.monotonic()
        try:
            data = await self._loop.sock_recv(self._socket, _READ_BYTES)
        except OSError as error:
            raise httpx2.ReadError(str(error)) from error
        self._is_hurried = time.monotonic() - asked_s < _PAUSE_S
        return data

    def close(self) -> None:
        self._socket.close()


class _Body(httpx2.AsyncByteStream):
    """What follows a head, by its length, in chunks, or to the connection's end."""

    def __init__(self, connection: _Connection, headers: list[tuple[bytes, bytes]]) -> None:
        named = {name.lower(): value.lower() for name, value in headers}
        self._connection = connection
        self._is_chunked = named.get(b"transfer-encoding", b"").endswith(b"chunked")
        self._length = _number(named.get(b"content-length", b"-1"), 10)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        connection, chunks = self._connection, _Chunks()
        data, connection.rest = connection.rest, b""
        left = self._length
        while self._is_chunked or left:
            if data and self._is_chunked:
                content = chunks.feed(data)
                if content:
                    yield content
                if chunks.has_ended:
                    return
            elif data:
                yield data[:left] if left > 0 else data
                left = max(0, left - len(data)) if left > 0 else left
                if not left:
                    return
            data = await connection.read()
            if not data:
                if self._is_chunked or left > 0:
                    raise httpx2.RemoteProtocolError("closed connection before the answer's end")
                return

    async def aclose(self) -> None:
        self._connection.close()


class _Chunks:
    """Takes the sizes out of a body in chunks."""

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0
        """Bytes of the present chunk, with the line end after it, that have not come."""
        self.has_ended = False

    def feed(self, data: bytes) -> bytes:
        """Return the content in `data`; RemoteProtocolError when it is not in chunks."""
        data, contents, at = self._rest + data, [], 0
        self._rest = b""
        while at < len(data) and not self.has_ended:
            if self._left:
                end = min(at + self._left, len(data))
                content_end = min(end, at + max(0, self._left - 2))
                contents.append(data[at:content_end])
                self._left -= end - at
                at = end
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._rest = data[at:]
                if len(self._rest) > _LONGEST_LINE_BYTES:
                    raise httpx2.RemoteProtocolError("a chunk's size does not end")
                break
            size = _number(data[at:end].partition(b";")[0].strip(), 16)
            if size < 0:
                raise httpx2.RemoteProtocolError("a chunk has no size")
            at = end + 1
            self.has_ended = not size
            self._left = size + 2
        return b"".join(contents)


def _parse_head(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    status = _number(rest[:3], 10)
    if not version.startswith(b"HTTP/1.") or not 200 <= status < 600:
        raise httpx2.RemoteProtocolError("it does not speak HTTP")
    pairs = (line.partition(b":") for line in lines)
    return status, [(name.strip(), value.strip()) for name, colon, value in pairs if colon]


def _number(text: bytes, base: int) -> int:
    """Return a number of few digits; -1 for anything else."""
    try:
        value = int(text, base) if len(text) <= 15 and text.isalnum() else -1
    except ValueError:
        return -1
    return value
