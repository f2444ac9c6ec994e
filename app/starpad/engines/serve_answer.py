"""Sends an answer to a client: whole or as events, while it waits and while it reads slowly.

The model never waits for a client: what is generated is kept until it is sent. A client that has
gone, or has read nothing for a while, ends the generation.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from starpad.core.errors import PromptTooLongError, StarpadError
from starpad.engines.openai_api import ApiError
from starpad.engines.serve_generate import Progress
from starpad.engines.serve_guard import CLIENT_CLOSED
from starpad.engines.serve_journal import Record

log = logging.getLogger(__name__)

_PING_S = 3.0
"""Without a sign of life programs take a server for dead."""
_SLOW_S = 20.0
_PING = b": waiting for the model\n\n"
_DONE = b"data: [DONE]\n\n"
_SLOW = "the client did not read its answer"

Event = dict[str, Any]


class Writer(Protocol):
    """How one answer's pieces are written down."""

    has_done_mark: bool

    def first(self) -> list[Event]:
        """Return what comes before the first piece."""
        ...

    def piece(self, progress: Progress) -> list[Event]:
        """Return what says a piece."""
        ...

    def last(self, progress: Progress) -> list[Event]:
        """Return what ends the stream; the last piece was written before."""
        ...

    def whole(self, text: str, token_ids: list[int], progress: Progress) -> Event:
        """Return the answer that is not streamed."""
        ...


class Answer(Response):
    """One answer; its source is closed when it is sent, or when nobody wants it any more."""

    def __init__(
        self,
        source: AsyncGenerator[Progress, None],
        writer: Writer,
        record: Record,
        *,
        is_stream: bool,
    ) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-cache"
        self._source = source
        self._writer = writer
        self._record = record
        self._is_stream = record.is_streamed = is_stream
        self._waiting: asyncio.Queue[Progress | ApiError | None] = asyncio.Queue()
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = asyncio.create_task(self._collect())
        gone = asyncio.create_task(_until_closed(receive))
        sending = asyncio.create_task(
            self._send_stream(scope, receive, send)
            if self._is_stream
            else self._send_whole(scope, receive, send)
        )
        try:
            await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                self._record.status = CLIENT_CLOSED
            elif isinstance(sending.exception(), TimeoutError):
                self._record.status = CLIENT_CLOSED
                self._record.notes.append(_SLOW)
        finally:
            for task in (work, gone, sending):
                task.cancel()
            await asyncio.gather(work, gone, sending, return_exceptions=True)

    async def _collect(self) -> None:
        try:
            async with aclosing(self._source) as source:
                async for progress in source:
                    self._record.prompt_tokens = progress.prompt_tokens
                    self._record.generated_tokens = progress.generated_tokens
                    self._waiting.put_nowait(progress)
        except (ApiError, StarpadError) as error:
            self._waiting.put_nowait(as_api_error(error))
        except Exception as error:
            log.exception("a request failed")
            self._waiting.put_nowait(as_api_error(error))
        finally:
            self._waiting.put_nowait(None)

    async def _send_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        text, ids, last = "", list[int](), Progress()
        while (item := await self._waiting.get()) is not None:
            if isinstance(item, ApiError):
                await self._refuse(item, scope, receive, send)
                return
            text += item.text
            ids += item.token_ids
            last = item
        body = self._writer.whole(text, ids, last)
        async with asyncio.timeout(_SLOW_S):
            await JSONResponse(body)(scope, receive, send)

    async def _send_stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        last = Progress()
        while True:
            try:
                item = await asyncio.wait_for(self._waiting.get(), _PING_S)
            except TimeoutError:
                await self._send(send, _PING)
                continue
            if item is None:
                break
            if isinstance(item, ApiError):
                await self._fail(item, scope, receive, send)
                return
            last = item
            await self._send(send, _events(self._writer.piece(item)))
        end = _events(self._writer.last(last)) + (_DONE if self._writer.has_done_mark else b"")
        await self._send(send, end, has_more=False)

    async def _fail(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what went wrong: as the answer, or in the stream if it has begun."""
        if not self._has_begun:
            await self._refuse(error, scope, receive, send)
            return
        self._record.status = error.status
        self._record.notes.append(error.message)
        await self._send(send, _events([error.body()]), has_more=False)

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        self._record.notes.append(error.message)
        self._has_begun = True
        await JSONResponse(error.body(), error.status)(scope, receive, send)

    async def _send(self, send: Send, data: bytes, *, has_more: bool = True) -> None:
        """Send a part; TimeoutError if the client reads too slowly."""
        async with asyncio.timeout(_SLOW_S):
            if not self._has_begun:
                self._has_begun = True
                start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
                await send(start)
                data = _events(self._writer.first()) + data
            await send({"type": "http.response.body", "body": data, "more_body": has_more})


def as_api_error(error: Exception) -> ApiError:
    """Return what a client is told of a failure."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, PromptTooLongError):
        return ApiError(400, str(error), code="context_length_exceeded")
    if isinstance(error, StarpadError):
        return ApiError(503, str(error), "server_error", "engine_error")
    return ApiError(500, "An error in Starpad; see its log.", "server_error")


def _events(events: list[Event]) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)


async def _until_closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
