"""Turns away whoever may not ask: without the key, from a web page, or under another name.

A web page that a person looks at can reach 127.0.0.1, too. So a request that names an origin
is refused unless the origin is listed, whatever key it has, and so is one under a host name that
is not this computer's own, which is how pages get around the first rule (DNS rebinding).
"""

import hmac
import re
from collections.abc import Sequence

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from starpad.engines.openai_api import ApiError
from starpad.engines.serve_journal import Journal, Record

_PUBLIC = frozenset({"/health", "/v1/health"})
_HOST = re.compile(rb"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_MOST_NAME_CHARACTERS = 60
_MOST_ROUTE_CHARACTERS = 80
_NO_KEY = "The key is missing or wrong. Starpad shows it under Engine, Sharing."
_ORIGIN = "Web pages of {origin} may not ask. Their origin can be listed in Starpad's settings."
_WRONG_HOST = "Ask for 127.0.0.1 or localhost: this computer has no other name here."
CLIENT_CLOSED = 499

Headers = Sequence[tuple[bytes, bytes]]


class Guard:
    """The outermost layer: decides who comes in, and has every request noted."""

    def __init__(self, app: ASGIApp, key: str, origins: Sequence[str], journal: Journal) -> None:
        self._app = app
        self.key = key
        self._origins = frozenset(origin.strip().rstrip("/").lower() for origin in origins)
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        record = Record(
            _client_name(scope["headers"]), _printable(scope["path"], _MOST_ROUTE_CHARACTERS)
        )
        record.is_told = scope["method"] == "POST"
        scope["starpad.record"] = record
        extra = self._cors_headers(scope)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = record.status or message["status"]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            await self._answer(scope, receive, noting)
        finally:
            record.status = record.status or CLIENT_CLOSED
            self._journal.close(record)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
        except ApiError as error:
            scope["starpad.record"].notes.append(error.message)
            await JSONResponse(error.body(), error.status)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await Response(status_code=204)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """Raise ApiError for who may not come in; a preflight needs no key, it has none."""
        headers = dict(scope["headers"])
        if not _HOST.fullmatch(headers.get(b"host", b"")):
            raise ApiError(403, _WRONG_HOST, code="wrong_host")
        origin = headers.get(b"origin")
        if origin is not None and not self._is_listed(origin):
            name = _printable(origin.decode("latin-1"), _MOST_NAME_CHARACTERS)
            raise ApiError(403, _ORIGIN.format(origin=name), code="origin_not_allowed")
        is_preflight = scope["method"] == "OPTIONS" and origin is not None
        if not is_preflight and scope["path"] not in _PUBLIC and not self._has_key(headers):
            raise ApiError(401, _NO_KEY, code="invalid_api_key")

    def _is_listed(self, origin: bytes) -> bool:
        return origin.decode("latin-1").lower() in self._origins

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        kind, _, given = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() != b"bearer":
            given = headers.get(b"x-api-key", b"")
        return hmac.compare_digest(given.strip(), self.key.encode())

    def _cors_headers(self, scope: Scope) -> Headers:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None or not self._is_listed(origin):
            return ()
        wanted = headers.get(b"access-control-request-headers", b"authorization, content-type")
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", wanted),
            (b"access-control-max-age", b"600"),
            (b"vary", b"Origin"),
        )


def _client_name(headers: Headers) -> str:
    """Return what a program calls itself."""
    given = dict(headers).get(b"user-agent", b"").decode("latin-1")
    return _printable(given, _MOST_NAME_CHARACTERS) or "unnamed"


def _printable(text: str, most: int) -> str:
    return "".join(c for c in text[:most] if c.isprintable()).strip()
