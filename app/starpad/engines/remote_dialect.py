"""How servers want to be asked for a completion, and what they answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starpad.engines.protocol import CompletionRequest, StopReason
from starpad.engines.text_tokens import TextTokens

ROLE_TOKENS = {
    "<|starpad:system|>": "system",
    "<|starpad:user|>": "user",
    "<|starpad:assistant|>": "assistant",
}
"""What stands before a message for servers that write the conversation down themselves."""
ROLE_TEMPLATE = (
    "{% for message in messages %}<|starpad:{{ message['role'] }}|>{{ message['content'] }}"
    "{% endfor %}{% if add_generation_prompt %}<|starpad:assistant|>{% endif %}"
)
_REASONS = {"length": StopReason.LIMIT, "max_tokens": StopReason.LIMIT}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of an answer brings."""

    text: str
    ids: tuple[int, ...] = ()
    reason: StopReason | None = None
    generated_tokens: int = 0
    """So far, where the server counts; else 0."""


class Dialect(Protocol):
    """One kind of server's."""

    def order(
        self, request: CompletionRequest, model: str, tokens: TextTokens | None
    ) -> tuple[str, dict[str, Any]]:
        """Return the route to ask and the body."""

    def translator(self) -> Callable[[bytes], bytes]:
        """Return what makes server-sent events of one answer's bytes."""

    def read(self, event: Mapping[str, Any]) -> Piece:
        """Return what an event brings; KeyError, IndexError, TypeError, ValueError for nonsense."""


class OpenAiDialect:
    """vLLM, TGI and everything that speaks OpenAI's API."""

    def __init__(self, *, knows_more: bool = False) -> None:
        """`knows_more`: as vLLM does, of sampling and of token ids, what OpenAI does not."""
        self._knows_more = knows_more

    def order(
        self, request: CompletionRequest, model: str, tokens: TextTokens | None
    ) -> tuple[str, dict[str, Any]]:
        """Return the route to ask and the body."""
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": model,
            "max_tokens": request.max_tokens,
            "temperature": sampling.temperature,
            "stream": True,
        }
        if sampling.top_p < 1:  # TGI refuses the 1 that changes nothing
            body["top_p"] = sampling.top_p
        if sampling.seed >= 0:
            body["seed"] = sampling.seed
        if request.stop_texts:
            body["stop"] = list(request.stop_texts[:4])  # OpenAI takes four; we cut all of them
        if self._knows_more:
            body |= {
                "top_k": sampling.top_k or -1,
                "min_p": sampling.min_p,
                "repetition_penalty": sampling.repeat_penalty,
                "stop_token_ids": sorted(request.stop_ids) if tokens is None else [],
                "return_token_ids": tokens is None,
            }
        if tokens is None:
            return "/v1/completions", body | {"prompt": list(request.prompt)}
        messages = _messages(request, tokens)
        if messages:
            return "/v1/chat/completions", body | {"messages": messages}
        return "/v1/completions", body | {"prompt": tokens.decode(request.prompt)}

    def translator(self) -> Callable[[bytes], bytes]:
        """Return what leaves everything as it is."""
        return bytes

    def read(self, event: Mapping[str, Any]) -> Piece:
        """Return what an event brings."""
        usage = event.get("usage") or {}
        count = int(usage.get("completion_tokens") or 0)
        if not event["choices"]:
            return Piece("", generated_tokens=count)
        choice = event["choices"][0]
        text = choice["delta"].get("content") if "delta" in choice else choice["text"]
        reason = choice.get("finish_reason")
        ids = choice.get("token_ids") or ()
        return Piece(
            str(text or ""),
            tuple(int(token) for token in ids),
            _REASONS.get(reason, StopReason.END_OF_TEXT) if reason else None,
            count,
        )


class OllamaDialect:
    """Ollama's own route, which alone lets a prompt be as it is."""

    def __init__(self, context_tokens: int) -> None:
        self._context_tokens = context_tokens

    def order(
        self, request: CompletionRequest, model: str, tokens: TextTokens | None
    ) -> tuple[str, dict[str, Any]]:
        """Return the route to ask and the body."""
        assert tokens is not None
        sampling = request.sampling
        options = {
            "num_predict": request.max_tokens,
            "num_ctx": self._context_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty,
            "stop": list(request.stop_texts),
        }
        if sampling.seed >= 0:
            options["seed"] = sampling.seed
        messages = _messages(request, tokens)
        if messages:
            return "/api/chat", {"model": model, "messages": messages, "options": options}
        body = {"model": model, "prompt": tokens.decode(request.prompt), "raw": True}
        return "/api/generate", body | {"options": options, "stream": True}

    def translator(self) -> Callable[[bytes], bytes]:
        """Return what makes events of lines of JSON."""
        beginnings = iter((b"data: ",))

        def translate(data: bytes) -> bytes:
            return next(beginnings, b"") + data.replace(b"\n", b"\ndata: ")

        return translate

    def read(self, event: Mapping[str, Any]) -> Piece:
        """Return what an event brings."""
        text = event["message"]["content"] if "message" in event else event["response"]
        if not event["done"]:
            return Piece(str(text))
        reason = _REASONS.get(event.get("done_reason", ""), StopReason.END_OF_TEXT)
        return Piece(str(text), (), reason, int(event.get("eval_count") or 0))


def _messages(request: CompletionRequest, tokens: TextTokens) -> list[dict[str, str]]:
    """Return the conversation in a prompt that ROLE_TEMPLATE wrote; nothing of any other."""
    roles = {
        token: role for text, role in ROLE_TOKENS.items() for token in tokens.special_ids(text)
    }
    messages: list[dict[str, str]] = []
    content: list[int] = []
    for token in request.prompt:
        if token in roles:
            _close(messages, content, tokens)
            messages.append({"role": roles[token], "content": ""})
            content = []
        elif messages:
            content.append(token)
        else:
            return []
    _close(messages, content, tokens)
    if messages and not messages[-1]["content"]:
        messages.pop()  # the answer to come
    return messages


def _close(messages: list[dict[str, str]], content: list[int], tokens: TextTokens) -> None:
    if messages:
        messages[-1]["content"] = tokens.decode(content)
