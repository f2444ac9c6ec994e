"""OpenAI's HTTP interface as values: what a request asks for, and the shapes of answers."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starpad.core.sampling import Sampling
from starpad.engines.chat_text import sendable

Body = Mapping[str, Any]

# What a completion is limited to where the request does not say.
_USUAL_TOKENS = 16
_MOST_STOPS = 64
_MOST_CHOICES = 1 << 20
_IGNORED = (
    "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format",
    "presence_penalty", "frequency_penalty", "logit_bias", "audio", "modalities", "prediction",
)  # fmt: skip
# Sent by many programs with values that ask for nothing.
_EMPTY: tuple[object, ...] = (None, False, 0, "", [], {}, "none", "auto", ["text"])


class ApiError(Exception):
    """A request that is refused, as OpenAI's clients expect to be told."""

    def __init__(
        self, status: int, message: str, kind: str = "invalid_request_error", code: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": None,
                "code": self.code or None,
            }
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for beside its prompt."""

    max_tokens: int | None
    """None: as many as there is room for."""
    sampling: Sampling
    stop_texts: tuple[str, ...]
    is_stream: bool
    has_usage: bool
    """Whether a stream ends with the figures."""
    ignored: tuple[str, ...]
    """What was asked for and does not count here."""
    time_budget_ms: float = 0


def read_completion(body: Body) -> Wanted:
    """Return what a `/v1/completions` asks for. Raises ApiError."""
    refuse(body, {"echo": False, "logprobs": 0, "best_of": 1})
    most = integer(body, "max_tokens", None, 0)
    return _read(body, _USUAL_TOKENS if most is None else most)


def read_chat(body: Body) -> Wanted:
    """Return what a `/v1/chat/completions` asks for. Raises ApiError."""
    refuse(body, {"logprobs": False, "top_logprobs": 0})
    most = integer(body, "max_completion_tokens", None, -1)
    if most is None:
        most = integer(body, "max_tokens", None, -1)
    return _read(body, None if most == -1 else most)


def _read(body: Body, max_tokens: int | None) -> Wanted:
    if body.get("n") not in (None, 1):
        raise ApiError(400, '"n": Starpad gives one answer to a request.')
    options = body.get("stream_options")
    return Wanted(
        max_tokens=max_tokens,
        sampling=read_sampling(body, temperature=1.0, top_p=1.0, top_k=0),
        stop_texts=read_stops(body.get("stop")),
        is_stream=bool(body.get("stream")),
        has_usage=isinstance(options, dict) and bool(options.get("include_usage")),
        ignored=tuple(name for name in _IGNORED if body.get(name) not in _EMPTY),
    )


def read_sampling(body: Body, *, temperature: float, top_p: float, top_k: int) -> Sampling:
    """Return how tokens are to be chosen; llama.cpp's further fields count, too."""
    usual = Sampling()
    return Sampling(
        temperature=number(body, "temperature", temperature, 0, 2),
        top_p=number(body, "top_p", top_p, 0, 1),
        top_k=min(max(0, integer(body, "top_k", top_k, -1) or 0), _MOST_CHOICES),
        min_p=number(body, "min_p", usual.min_p, 0, 1),
        repeat_penalty=number(body, "repeat_penalty", usual.repeat_penalty, 0, 10),
        # The engine keeps seeds in 32 bits.
        seed=_folded(integer(body, "seed", usual.seed, None)),
    )


def read_stops(value: object) -> tuple[str, ...]:
    """Return the texts that end an answer. Raises ApiError."""
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(each, str) for each in stops):
        raise ApiError(400, '"stop" must be a text or a list of texts.')
    if len(stops) > _MOST_STOPS:
        raise ApiError(400, f'"stop" must have at most {_MOST_STOPS} texts.')
    return tuple(sendable(stop) for stop in stops if stop)


def refuse(body: Body, usual: Mapping[str, object]) -> None:
    """Raise ApiError for a field that asks for what there is not."""
    for name, value in usual.items():
        if body.get(name) not in (None, False, value):
            raise ApiError(400, f'"{name}": Starpad does not have that. Leave it out.')


def integer(body: Body, name: str, usual: int | None, least: int | None) -> int | None:
    """Return a whole number of the body. Raises ApiError."""
    value = body.get(name)
    if value is None:
        return usual
    is_whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    if not is_whole or (least is not None and value < least):
        bound = "" if least is None else f", {least} or more"
        raise ApiError(400, f'"{name}" must be a whole number{bound}.')
    return int(value)


def number(body: Body, name: str, usual: float, least: float, most: float) -> float:
    """Return a number of the body. Raises ApiError."""
    value = body.get(name)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ApiError(400, f'"{name}" must be a number from {least:g} to {most:g}.')
    return float(value)


def _folded(seed: int | None) -> int:
    return -1 if seed is None or seed < 0 else seed % (1 << 31)


class AnswerShape:
    """Writes one answer's objects, whole or streamed."""

    def __init__(self, model: str, *, is_chat: bool) -> None:
        self._is_chat = is_chat
        self._id = f"{'chatcmpl' if is_chat else 'cmpl'}-{secrets.token_hex(12)}"
        self._model = model
        self._created = int(time.time())

    def first(self) -> dict[str, Any] | None:
        """Return what a stream begins with: in a chat, who speaks."""
        if not self._is_chat:
            return None
        return self._object(self._delta({"role": "assistant", "content": ""}, None), is_part=True)

    def part(self, text: str) -> dict[str, Any]:
        """Return a streamed piece of text."""
        if self._is_chat:
            return self._object(self._delta({"content": text}, None), is_part=True)
        return self._object(self._text(text, None), is_part=True)

    def last(self, finish_reason: str) -> dict[str, Any]:
        """Return what ends a stream."""
        if self._is_chat:
            return self._object(self._delta({}, finish_reason), is_part=True)
        return self._object(self._text("", finish_reason), is_part=True)

    def usage(self, prompt_tokens: int, cached_tokens: int, tokens: int) -> dict[str, Any]:
        """Return the figures that a stream may end with."""
        figures = _usage(prompt_tokens, cached_tokens, tokens)
        return self._object([], is_part=True) | {"usage": figures}

    def whole(
        self, text: str, finish_reason: str, prompt_tokens: int, cached_tokens: int, tokens: int
    ) -> dict[str, Any]:
        """Return an answer that is not streamed."""
        if self._is_chat:
            message = {"role": "assistant", "content": text, "refusal": None}
            choice = {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": finish_reason,
            }
            choices: Sequence[Any] = [choice]
        else:
            choices = self._text(text, finish_reason)
        figures = _usage(prompt_tokens, cached_tokens, tokens)
        return self._object(choices, is_part=False) | {"usage": figures}

    def _object(self, choices: Sequence[Any], *, is_part: bool) -> dict[str, Any]:
        kind = "text_completion"
        if self._is_chat:
            kind = "chat.completion.chunk" if is_part else "chat.completion"
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }

    def _delta(self, delta: dict[str, Any], finish_reason: str | None) -> list[dict[str, Any]]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]

    def _text(self, text: str, finish_reason: str | None) -> list[dict[str, Any]]:
        return [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason}]


def models_list(name: str, context_tokens: int, created: int) -> list[dict[str, Any]]:
    """Return the list of the one model; empty without a name."""
    if not name:
        return []
    model = {"id": name, "object": "model", "created": created, "owned_by": "starpad"}
    return [model | {"meta": {"n_ctx": context_tokens}, "max_model_len": context_tokens}]


def _usage(prompt_tokens: int, cached_tokens: int, tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens,
        "total_tokens": prompt_tokens + tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
    }
