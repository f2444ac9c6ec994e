"""The routes of the engine for legacy files: those of llama-server that `engines.client` uses."""

import asyncio
import hmac
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from starpad.core.sampling import Sampling
from starpad.engines.ggml_generation import Event, Generator, Order
from starpad.engines.ggml_library import GgmlError
from starpad.engines.ggml_tokens import TokenTexts
from starpad.engines.spec import EngineSpec

_PUBLIC = frozenset({"/health", "/v1/health"})
_END_OF_TEXT = "<|endoftext|>"


def make_app(generator: Generator, tokens: TokenTexts, spec: EngineSpec, key: str) -> ASGIApp:
    """Return the application; it answers only to those who know the key."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def props(_request: Request) -> Response:
        end = _END_OF_TEXT if tokens.id_of(_END_OF_TEXT) is not None else ""
        return JSONResponse(
            {
                "default_generation_settings": {"n_ctx": generator.context_tokens},
                "total_slots": 1,
                "model_alias": spec.name,
                "model_path": str(spec.model),
                "chat_template": spec.chat_template,
                "bos_token": end,
                "eos_token": end,
            }
        )

    async def tokenize(request: Request) -> Response:
        body = await _body(request)
        text = body.get("content", "")
        if not isinstance(text, str):
            raise _invalid('"content" must be a text')
        parses = bool(body.get("parse_special", True))
        # A long text takes long: in a thread, so that others are answered meanwhile. No token of
        # these vocabularies has to come first, so `add_special` adds none.
        ids = await asyncio.to_thread(tokens.encode, text, parse_special=parses)
        return JSONResponse({"tokens": ids})

    async def detokenize(request: Request) -> Response:
        ids = (await _body(request)).get("tokens", [])
        if not isinstance(ids, list) or not all(
            type(token) is int and 0 <= token < len(tokens) for token in ids
        ):
            raise _invalid('"tokens" must be a list of token ids')
        return JSONResponse({"content": tokens.decode(ids)})

    async def completion(request: Request) -> Response:
        body = await _body(request)
        order = _order(body, tokens)
        limit = generator.context_tokens
        if len(order.prompt) >= limit:
            return _too_long(len(order.prompt), limit)
        return _Answer(generator.run(order), is_stream=bool(body.get("stream", False)))

    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/health", health),
            Route("/props", props),
            Route("/tokenize", tokenize, methods=["POST"]),
            Route("/detokenize", detokenize, methods=["POST"]),
            Route("/completion", completion, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _on_http_error, GgmlError: _on_ggml_error},
    )
    return _KeyGuard(app, key)


class _KeyGuard:
    """Turns away whoever does not know the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._authorization = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _PUBLIC:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._authorization):
                refusal = _error(401, "authentication_error", "Invalid API Key")
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Answer(Response):
    """Sends events as they come, or all at once, and ends their source when nobody listens.

    The source does not wait for the listener: one who never reads would hold the model forever.
    """

    def __init__(self, events: AsyncGenerator[Event, None], *, is_stream: bool) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._is_stream = is_stream
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = asyncio.create_task(self._collect())
        gone = asyncio.create_task(_until_closed(receive))
        if self._is_stream:
            sending = asyncio.create_task(self._send_all(send))
        else:
            sending = asyncio.create_task(self._send_whole(scope, receive, send))
        tasks = (work, gone, sending)
        try:
            await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _collect(self) -> None:
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    self._waiting.put_nowait(event)
        except GgmlError as error:
            self._waiting.put_nowait({"error": _failure(500, "server_error", str(error))})
        finally:
            self._waiting.put_nowait(None)

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while (event := await self._waiting.get()) is not None:
            line = f"data: {json.dumps(event)}\n\n".encode()
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        text, ids, last = "", list[int](), Event()
        while (event := await self._waiting.get()) is not None:
            last = event
            if "content" in event and "prompt_progress" not in event:
                text += event["content"]
                ids += event["tokens"]
        if "error" not in last:
            last |= {"content": text, "tokens": ids}
        await JSONResponse(last, 500 if "error" in last else 200)(scope, receive, send)


async def _until_closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise _invalid("the body is not JSON") from error
    if not isinstance(body, dict):
        raise _invalid("the body is not a JSON object")
    return body


def _order(body: Mapping[str, Any], tokens: TokenTexts) -> Order:
    usual = Sampling()
    try:
        stops = body.get("stop") or ()
        return Order(
            prompt=_prompt(body.get("prompt"), tokens),
            max_tokens=int(body.get("n_predict", -1)),
            sampling=Sampling(
                temperature=float(body.get("temperature", 0.8)),
                top_p=float(body.get("top_p", usual.top_p)),
                top_k=int(body.get("top_k", usual.top_k)),
                min_p=float(body.get("min_p", 0.05)),
                repeat_penalty=float(body.get("repeat_penalty", usual.repeat_penalty)),
                seed=int(body.get("seed", usual.seed)),
            ),
            stop_texts=(stops,) if isinstance(stops, str) else tuple(str(stop) for stop in stops),
            is_cached=bool(body.get("cache_prompt", True)),
            has_progress=bool(body.get("return_progress", False)),
            has_timings=bool(body.get("timings_per_token", False)),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise _invalid(str(error)) from error


def _prompt(value: object, tokens: TokenTexts) -> tuple[int, ...]:
    """Return the prompt's ids: the library would read beyond its table for an unknown one."""
    if isinstance(value, str):
        value = tokens.encode(value, parse_special=True)
    if not isinstance(value, list) or not value:
        raise ValueError('"prompt" must be a text or token ids, one at least')
    for token in value:
        if type(token) is not int or not 0 <= token < len(tokens):
            raise ValueError("Prompt contains invalid tokens")
    return tuple(value)


def _invalid(message: str) -> HTTPException:
    return HTTPException(400, message)


def _too_long(count: int, limit: int) -> Response:
    message = (
        f"request ({count} tokens) exceeds the available context size ({limit} tokens), "
        "try increasing it"
    )
    failure = _failure(400, "exceed_context_size_error", message)
    return JSONResponse({"error": failure | {"n_prompt_tokens": count, "n_ctx": limit}}, 400)


def _failure(status: int, kind: str, message: str) -> dict[str, Any]:
    return {"code": status, "message": message, "type": kind}


def _error(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": _failure(status, kind, message)}, status)


async def _on_http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    if status == 404:
        return _error(404, "not_found_error", "File Not Found")
    return _error(status, "invalid_request_error", detail)


async def _on_ggml_error(_request: Request, error: Exception) -> Response:
    return _error(500, "server_error", str(error))
