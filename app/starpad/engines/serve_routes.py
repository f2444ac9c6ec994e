"""The routes that other programs ask: OpenAI's, and llama-server's for its editor plugins."""

import json
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from starpad.core.errors import StarpadError
from starpad.engines import openai_api as api
from starpad.engines.chat_memory import PromptMemory
from starpad.engines.openai_api import ApiError, Wanted
from starpad.engines.protocol import CompletionRequest
from starpad.engines.serve_answer import Answer, Writer, as_api_error
from starpad.engines.serve_chat import chat_prompt, read_turns
from starpad.engines.serve_generate import Progress, generate
from starpad.engines.serve_journal import Record
from starpad.engines.serve_model import ServedModel
from starpad.engines.serve_prompts import completion_prompt, infill_prompt
from starpad.engines.serve_queue import TurnQueue
from starpad.engines.serve_writers import LlamaWriter, OpenAiWriter

MOST_BODY_BYTES = 16 << 20
_LLAMA_TOKENS = 128
"""Of an infill that does not say how many it wants."""
_MOST_MS = 1e9
_NOT_HERE = (
    "Starpad does not have {path}. It has /v1/models, /v1/completions, /v1/chat/completions, "
    "/infill, /completion, /tokenize, /props and /health."
)


class Shared:
    """What the routes work with: the model of the moment, and the queue for it."""

    def __init__(self, queue: TurnQueue) -> None:
        self.queue = queue
        self.model: ServedModel | None = None
        self.reason = ""
        """Why there is no model, a sentence."""
        self.changed_s = int(time.time())

    def served(self) -> ServedModel:
        """Return the model. Raises ApiError if there is none."""
        if self.model is None:
            raise ApiError(503, self.reason, "server_error", "no_model")
        return self.model


class Routes:
    """The handlers."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def application(self) -> Starlette:
        """Return the application, without what keeps strangers out."""
        post = {
            "/v1/completions": self._completions,
            "/v1/chat/completions": self._chat,
            "/chat/completions": self._chat,
            "/infill": self._infill,
            "/completion": self._completion,
            "/completions": self._completion,
            "/tokenize": self._tokenize,
        }
        get = {
            "/health": self._health,
            "/v1/health": self._health,
            "/v1/models": self._models,
            "/models": self._models,
            "/v1/models/{name:path}": self._model,
            "/props": self._props,
        }
        return Starlette(
            routes=[
                *(Route(path, handler, methods=["POST"]) for path, handler in post.items()),
                *(Route(path, handler) for path, handler in get.items()),
            ],
            exception_handlers={
                HTTPException: _on_http_error,
                ApiError: _on_error,
                StarpadError: _on_error,
            },
        )

    # -- OpenAI's -----------------------------------------------------------------------------

    async def _completions(self, request: Request) -> Response:
        body = await _body(request)
        wanted = api.read_completion(body)
        async with self._shared.served() as served:
            record = _begin(request, served, body, wanted)
            prompt = await completion_prompt(served, body)
        order = _order(served, prompt, wanted, served.model.stop_ids, wanted.stop_texts)
        name = served.model.name
        writer = OpenAiWriter(name, is_chat=False, has_usage=wanted.has_usage)
        return self._answer(served, order, writer, record, wanted.is_stream)

    async def _chat(self, request: Request) -> Response:
        body = await _body(request)
        wanted = api.read_chat(body)
        turns = read_turns(body.get("messages"))
        async with self._shared.served() as served:
            record = _begin(request, served, body, wanted)
            start = await chat_prompt(served, turns, wanted.max_tokens)
        model = served.model
        stops = (*model.chat.stop_texts, *wanted.stop_texts)
        order = _order(served, start.ids, wanted, model.chat_stop_ids, stops)
        writer = OpenAiWriter(model.name, is_chat=True, has_usage=wanted.has_usage)
        return self._answer(served, order, writer, record, wanted.is_stream, start.memory)

    async def _models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": self._list()})

    async def _model(self, request: Request) -> Response:
        for model in self._list():
            if model["id"] == request.path_params["name"]:
                return JSONResponse(model)
        raise ApiError(404, "There is no such model here.", code="model_not_found")

    def _list(self) -> list[dict[str, Any]]:
        if self._shared.model is None:
            return []
        model = self._shared.model.model
        return api.models_list(model.name, model.context_tokens, self._shared.changed_s)

    # -- llama-server's -----------------------------------------------------------------------

    async def _infill(self, request: Request) -> Response:
        body = await _body(request)
        wanted = _read_llama(body, _LLAMA_TOKENS)
        async with self._shared.served() as served:
            record = _begin(request, served, body, wanted)
            most = _LLAMA_TOKENS if wanted.max_tokens is None else wanted.max_tokens
            prompt = await infill_prompt(served, body, most)
        order = _order(served, prompt.ids, wanted, served.model.stop_ids, wanted.stop_texts)
        is_truncated = prompt.is_truncated
        writer = LlamaWriter(
            served.model.name,
            served.slot,
            _fields(body),
            is_truncated=is_truncated,
            has_timings=bool(body.get("timings_per_token")),
        )
        return self._answer(served, order, writer, record, wanted.is_stream)

    async def _completion(self, request: Request) -> Response:
        body = await _body(request)
        wanted = _read_llama(body, None)
        async with self._shared.served() as served:
            record = _begin(request, served, body, wanted)
            prompt = await completion_prompt(served, body)
        order = _order(served, prompt, wanted, served.model.stop_ids, wanted.stop_texts)
        has_timings = bool(body.get("timings_per_token"))
        writer = LlamaWriter(served.model.name, served.slot, _fields(body), has_timings=has_timings)
        return self._answer(served, order, writer, record, wanted.is_stream)

    async def _tokenize(self, request: Request) -> Response:
        body = await _body(request)
        text = body.get("content", "")
        if not isinstance(text, str):
            raise ApiError(400, '"content" must be a text.')
        async with self._shared.served() as served:
            _begin(request, served, body, None)
            # Only on demand: llama-server's own default would make tokens of what is only text.
            is_special = body.get("parse_special") is True
            ids = await (
                served.tokenize(text, special=True) if is_special else served.unspecial(text)
            )
            return JSONResponse({"tokens": ids})

    async def _props(self, _request: Request) -> Response:
        model = self._shared.served().model
        return JSONResponse(
            {
                "default_generation_settings": {"n_ctx": model.context_tokens},
                "total_slots": 1,
                "model_alias": model.name,
                "chat_template": model.chat.template,
                "bos_token": model.bos_text,
                "eos_token": model.eos_text,
            }
        )

    async def _health(self, _request: Request) -> Response:
        if self._shared.model is None:
            return JSONResponse({"status": "no model"}, 503)
        return JSONResponse({"status": "ok"})

    def _answer(
        self,
        served: ServedModel,
        order: CompletionRequest,
        writer: Writer,
        record: Record,
        is_stream: bool,
        memory: PromptMemory | None = None,
    ) -> Response:
        source = self._in_turn(served, order, record, memory)
        return Answer(source, writer, record, is_stream=is_stream)

    async def _in_turn(
        self,
        served: ServedModel,
        order: CompletionRequest,
        record: Record,
        memory: PromptMemory | None,
    ) -> AsyncGenerator[Progress, None]:
        async with served, self._shared.queue.turn(record.client):
            if served is not self._shared.model:  # it was unloaded while this waited
                raise ApiError(503, "The model was unloaded meanwhile.", "server_error", "no_model")
            source = generate(served, order, memory)
            try:
                async for progress in source:
                    yield progress
            finally:
                await source.aclose()


def _order(
    served: ServedModel,
    prompt: tuple[int, ...],
    wanted: Wanted,
    stop_ids: frozenset[int],
    stop_texts: tuple[str, ...],
) -> CompletionRequest:
    """Return what the engine is to do; an answer ends at the context's end at the latest."""
    room = max(1, served.model.context_tokens - 1 - len(prompt))
    return CompletionRequest(
        prompt=prompt,
        max_tokens=room if wanted.max_tokens is None else min(wanted.max_tokens, room),
        sampling=wanted.sampling,
        stop_texts=stop_texts,
        stop_ids=stop_ids,
        time_budget_ms=wanted.time_budget_ms,
        slot=served.slot,
    )


def _begin(
    request: Request, served: ServedModel, body: Mapping[str, Any], wanted: Wanted | None
) -> Record:
    """Note in the record what is asked, as far as it may be told."""
    record: Record = request.scope["starpad.record"]
    record.model = served.model.name
    ignored = wanted.ignored if wanted is not None else ()
    if ignored:
        record.notes.append(f"ignored: {', '.join(ignored)}")
    if body.get("model") not in (None, "", served.model.name):
        record.notes.append("asked for another model")
    return record


def _read_llama(body: Mapping[str, Any], usual_tokens: int | None) -> Wanted:
    """Return what a request in llama-server's terms asks for. Raises ApiError.

    Its plugins leave the temperature out when they name other samplers: the likeliest token then.
    """
    most = api.integer(body, "n_predict", None, -2)
    if most is None:
        most = api.integer(body, "max_tokens", usual_tokens, -2)
    return Wanted(
        max_tokens=None if most is not None and most < 0 else most,
        sampling=api.read_sampling(body, temperature=0.0, top_p=0.95, top_k=40),
        stop_texts=api.read_stops(body.get("stop")),
        is_stream=bool(body.get("stream")),
        has_usage=False,
        ignored=tuple(name for name in ("lora", "grammar", "json_schema") if body.get(name)),
        time_budget_ms=api.number(body, "t_max_predict_ms", 0, -1, _MOST_MS),
    )


def _fields(body: Mapping[str, Any]) -> tuple[str, ...]:
    fields = body.get("response_fields")
    return tuple(map(str, fields)) if isinstance(fields, list) else ()


async def _body(request: Request) -> Mapping[str, Any]:
    pieces, size_bytes = [], 0
    async for piece in request.stream():
        pieces.append(piece)
        size_bytes += len(piece)
        if size_bytes > MOST_BODY_BYTES:
            most_mib = MOST_BODY_BYTES >> 20
            raise ApiError(413, f"A request may have {most_mib} MiB at most.")
    try:
        body = json.loads(b"".join(pieces))
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise ApiError(400, "The body is not a JSON object.")
    return body


async def _on_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        path = "".join(c for c in request.url.path[:80] if c.isprintable())
        return JSONResponse(ApiError(404, _NOT_HERE.format(path=path)).body(), 404)
    message = "POST it." if status == 405 and request.method == "GET" else "That does not work."
    return JSONResponse(ApiError(status, message).body(), status)


async def _on_error(request: Request, error: Exception) -> Response:
    failure = as_api_error(error)
    record: Record = request.scope["starpad.record"]
    record.notes.append(failure.message)
    return JSONResponse(failure.body(), failure.status)
