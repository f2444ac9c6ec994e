"""Talks HTTP to one engine: tokens, properties, streamed completions."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2

from starpad.core.errors import EngineError, PromptTooLongError
from starpad.engines.caret_priority import CaretPriority
from starpad.engines.loopback import ADDRESS, LoopbackTransport
from starpad.engines.patience import Host, Patience
from starpad.engines.protocol import (
    MOST_BYTES,
    Chunk,
    CompletionRequest,
    EventDecoder,
    Timings,
    is_web_page,
    read_chunk,
)

# How long an answer may take is for Patience to say, which sees whether the engine computes.
_TIMEOUT = httpx2.Timeout(None, connect=10)
_HEALTH_TIMEOUT = httpx2.Timeout(30)
_MOST_REFUSAL_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class EngineProperties:
    """What the engine says about itself."""

    context_tokens: int
    """Of one slot."""
    slots: int
    bos_text: str = ""
    """The special tokens at a text's beginning and end, as an embedded chat template wants them."""
    eos_text: str = ""


class EngineClient:
    """One engine's routes; every failure is an EngineError. Used on one event loop.

    Importing this module takes about 80 ms for httpx2: import it where an engine is started.
    """

    reads_prompts_in_steps = True
    """Whether a long prompt may be sent again and again, a bit more of it each time."""
    tells_candidates = True
    """Whether it is worth asking for a token's probability and what could stand in its place."""
    follows_grammars = True
    """Whether a text can be made to begin in a certain way."""

    def __init__(
        self,
        base_url: str,
        key: str,
        host: Host | None = None,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        """`http` asks in another way than an engine on this computer needs."""
        self.caret = CaretPriority()
        self.base_url, self.key = base_url, key
        self.on_cost: Callable[[Timings], None] | None = None
        """Is told what each completion has cost, also one that was left early."""
        self._host = host
        self._http = http or httpx2.AsyncClient(
            base_url=base_url,
            transport=LoopbackTransport() if base_url.startswith(ADDRESS) else None,
            headers={
                "Authorization": f"Bearer {key}",
                # Nothing compressed: not worth the time, and a few bytes could unpack to gigabytes.
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            timeout=_TIMEOUT,
            # llama-server drops a connection after a streamed answer without saying so.
            limits=httpx2.Limits(max_keepalive_connections=0),
            # A proxy named in the environment must never see the user's text.
            trust_env=False,
            # Reading the certificates takes another 80 ms, and loopback is not encrypted.
            verify=not base_url.startswith("http:"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection, which cancels what still runs on them."""
        await self._http.aclose()

    async def health(self) -> bool:
        """Return whether the engine answers and is ready; False too when nobody answers."""
        try:
            return (await self._http.get("/health", timeout=_HEALTH_TIMEOUT)).is_success
        except httpx2.TransportError:
            return False

    async def properties(self) -> EngineProperties:
        """Return the engine's properties."""
        answer = await self._ask("GET", "/props")
        try:
            context = answer["default_generation_settings"]["n_ctx"]
            slots = int(answer["total_slots"])
            bos, eos = answer.get("bos_token", ""), answer.get("eos_token", "")
            return EngineProperties(int(context), slots, str(bos), str(eos))
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable() from error

    async def adds_bos(self) -> bool:
        """Return whether every text must begin with the vocabulary's token for that."""
        body = {"content": "", "add_special": True}
        return bool((await self._ask("POST", "/tokenize", body)).get("tokens"))

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Return the token ids of `text`; no token is added in front.

        With `special`, the text of a special token becomes that token. Never so for user text,
        in which `<fim_middle>` is only text.
        """
        body = {"content": text, "add_special": False, "parse_special": special}
        answer = await self._ask("POST", "/tokenize", body)
        try:
            return [int(token) for token in answer["tokens"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable() from error

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones by their names; U+FFFD for half a character."""
        answer = await self._ask("POST", "/detokenize", {"tokens": list(ids)})
        text = answer.get("content")
        if not isinstance(text, str):
            raise _unreadable()
        return text

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        """Yield the completion as it is generated; the last chunk says why it ended.

        Closing this generator, or cancelling the task that reads it, closes the connection, and
        that stops the engine: at the next token, or within a prompt after the present batch.
        Raises PromptTooLongError when the prompt does not fit the loaded context, EngineError
        when nothing comes for as long as `engines.patience` says.
        """
        decoder, last = EventDecoder(), None
        try:
            with Patience(self._host) as patience:
                async with self._response(
                    "POST", "/completion", request.body(), patience
                ) as response:
                    pieces = response.aiter_raw()
                    while data := await patience.wait_for(anext(pieces, b"")):
                        for event in decoder.feed(data):
                            chunk = _chunk(event, request)
                            if chunk is not None:
                                last = chunk
                                yield chunk
                                if chunk.is_last:
                                    return
                            patience.renew()
                    if decoder.is_web_page:
                        raise _web_page()
            raise _broken()
        finally:
            if self.on_cost is not None and last is not None:
                self.on_cost(last.timings)

    async def _ask(self, method: str, route: str, body: object = None) -> dict[str, Any]:
        with Patience(self._host) as patience:
            async with self._response(method, route, body, patience) as response:
                content = await patience.wait_for(_content(response, MOST_BYTES))
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise (_web_page() if is_web_page(content) else _unreadable()) from error
        if not isinstance(answer, dict):
            raise _unreadable()
        return answer

    @asynccontextmanager
    async def _response(
        self, method: str, route: str, body: object, patience: Patience
    ) -> AsyncIterator[httpx2.Response]:
        """Give a successful answer whose content is not read yet; EngineError for any other."""
        try:
            request = self._http.build_request(method, route, json=body, timeout=_TIMEOUT)
            response = await patience.wait_for(self._http.send(request, stream=True))
            try:
                if not response.is_success:
                    content = await patience.wait_for(_content(response, _MOST_REFUSAL_BYTES))
                    raise _refusal(response.status_code, content, response.headers)
                yield response
            finally:
                await response.aclose()
        except httpx2.TransportError as error:
            raise _broken(error) from error


async def _content(response: httpx2.Response, most_bytes: int) -> bytes:
    pieces, size_bytes = [], 0
    async for piece in response.aiter_raw():
        pieces.append(piece)
        size_bytes += len(piece)
        if size_bytes > most_bytes:
            raise EngineError("The engine's answer does not end.", retryable=True)
    return b"".join(pieces)


def _chunk(event: dict[str, Any], request: CompletionRequest) -> Chunk | None:
    try:
        return read_chunk(event, request)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _unreadable() from error


def _broken(error: httpx2.TransportError | None = None) -> EngineError:
    is_nonsense = isinstance(error, httpx2.RemoteProtocolError) and not any(
        words in str(error) for words in ("disconnected", "closed connection")
    )
    if is_nonsense:
        return _unreadable()
    message = "The engine does not answer: it stopped, or the connection broke."
    return EngineError(message, "Restart it.", retryable=True)


def _unreadable() -> EngineError:
    return EngineError("The engine's answer is not what Starpad expects.", "Look at its log.")


def _web_page() -> EngineError:
    message = "A web page came instead of an engine's answer."
    return EngineError(message, "Look at the address: another program answers there.")


def _refusal(status: int, content: bytes, headers: Mapping[str, str]) -> EngineError:
    """Translate llama-server's error answers."""
    try:
        failure = json.loads(content)["error"]
        kind, text = failure["type"], failure["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        failure, kind, text = {}, "", f"HTTP status {status}"
    if kind == "exceed_context_size_error":
        return PromptTooLongError(
            f"The prompt has {failure.get('n_prompt_tokens')} tokens, "
            f"and the loaded context holds {failure.get('n_ctx')}.",
            "Shorten it, or load the model with a larger context.",
        )
    if status == 401:
        return EngineError("The engine refused the key.", "Restart the engine.")
    if 300 <= status < 400:
        place = headers.get("location", "nowhere")[:200]
        message = f"The engine's address leads elsewhere: to {place}."
        return EngineError(message, "If that is where it is, use that address.")
    words = str(text).rstrip(".")
    return EngineError(f"The engine refused the request: {words}.", retryable=status >= 500)
