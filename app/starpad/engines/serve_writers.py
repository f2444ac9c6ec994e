"""How answers are written down: as OpenAI's clients read them, and as llama.cpp's do."""

from collections.abc import Mapping, Sequence
from typing import Any

from starpad.engines.openai_api import AnswerShape
from starpad.engines.protocol import StopReason
from starpad.engines.serve_generate import Progress

_STOP_TYPES = {
    StopReason.END_OF_TEXT: "eos",
    StopReason.STOP_TOKEN: "eos",
    StopReason.STOP_TEXT: "word",
    StopReason.LIMIT: "limit",
    StopReason.TIME: "limit",
}


class OpenAiWriter:
    """OpenAI's shapes, for completions and for chat."""

    has_done_mark = True

    def __init__(self, model: str, *, is_chat: bool, has_usage: bool) -> None:
        self._shape = AnswerShape(model, is_chat=is_chat)
        self._has_usage = has_usage

    def first(self) -> list[dict[str, Any]]:
        """Return who speaks, in a chat."""
        first = self._shape.first()
        return [] if first is None else [first]

    def piece(self, progress: Progress) -> list[dict[str, Any]]:
        """Return a piece; none for tokens whose text has not come yet."""
        return [self._shape.part(progress.text)] if progress.text else []

    def last(self, progress: Progress) -> list[dict[str, Any]]:
        """Return why it ended, and the figures if they are wanted."""
        last = [self._shape.last(progress.finish_reason)]
        if self._has_usage:
            last.append(self._shape.usage(*_figures(progress)))
        return last

    def whole(self, text: str, _token_ids: list[int], progress: Progress) -> dict[str, Any]:
        """Return all at once."""
        return self._shape.whole(text, progress.finish_reason, *_figures(progress))


class LlamaWriter:
    """llama-server's shapes, for `/infill` and `/completion`."""

    has_done_mark = False

    def __init__(
        self,
        model: str,
        slot: int,
        fields: Sequence[str] = (),
        *,
        is_truncated: bool = False,
        has_timings: bool = False,
    ) -> None:
        """`has_timings` puts them into each piece, not only the last."""
        self._model = model
        self._slot = slot
        self._fields = fields
        self._is_truncated = is_truncated
        self._has_timings = has_timings

    def first(self) -> list[dict[str, Any]]:
        """Return nothing: the first piece is the first."""
        return []

    def piece(self, progress: Progress) -> list[dict[str, Any]]:
        """Return a piece."""
        if progress.stop_reason is not None and not progress.text:
            return []
        return [self._part(progress.text, progress.token_ids, progress)]

    def last(self, progress: Progress) -> list[dict[str, Any]]:
        """Return the figures, without text."""
        return [self._end("", [], progress)]

    def whole(self, text: str, token_ids: list[int], progress: Progress) -> dict[str, Any]:
        """Return all at once: the fields that were asked for, if some were."""
        whole = self._end(text, token_ids, progress)
        return _chosen(whole, self._fields) if self._fields else whole

    def _part(self, text: str, token_ids: Sequence[int], progress: Progress) -> dict[str, Any]:
        part = {
            "index": 0,
            "content": text,
            "tokens": list(token_ids),
            "stop": False,
            "id_slot": self._slot,
            "tokens_predicted": progress.generated_tokens,
            "tokens_evaluated": progress.prompt_tokens,
        }
        return part | {"timings": _timings(progress)} if self._has_timings else part

    def _end(self, text: str, token_ids: list[int], progress: Progress) -> dict[str, Any]:
        reason = progress.stop_reason or StopReason.LIMIT
        return self._part(text, token_ids, progress) | {
            "stop": True,
            "model": self._model,
            "has_new_line": "\n" in text,
            "truncated": self._is_truncated,
            "stop_type": _STOP_TYPES[reason],
            "stopping_word": "",
            "tokens_cached": progress.prompt_tokens + max(0, progress.generated_tokens - 1),
            "timings": _timings(progress),
        }


def _figures(progress: Progress) -> tuple[int, int, int]:
    return progress.prompt_tokens, progress.cached_tokens, progress.generated_tokens


def _timings(progress: Progress) -> dict[str, Any]:
    return {
        "cache_n": progress.cached_tokens,
        "prompt_n": progress.evaluated_tokens,
        "prompt_ms": progress.prompt_ms,
        **_speed("prompt", progress.evaluated_tokens, progress.prompt_ms),
        "predicted_n": progress.generated_tokens,
        "predicted_ms": progress.generated_ms,
        **_speed("predicted", progress.generated_tokens, progress.generated_ms),
    }


def _speed(name: str, tokens: int, took_ms: float) -> dict[str, float]:
    return {
        f"{name}_per_token_ms": took_ms / tokens if tokens else 0.0,
        f"{name}_per_second": tokens * 1000 / took_ms if took_ms > 0 else 0.0,
    }


def _chosen(whole: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Return the named fields, as llama-server does: `timings/prompt_n` under just this name."""
    chosen = {}
    for path in fields:
        value: Any = whole
        for name in path.split("/"):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            chosen[path] = value
    return chosen
