"""Talks to servers that somebody else runs, with an engine client's methods."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2

from starpad.core.errors import EngineError, PromptTooLongError
from starpad.core.fim import SPECIAL_TOKEN_TEXTS
from starpad.core.remote_server import Abilities, RemoteServer
from starpad.engines.client import EngineClient, EngineProperties
from starpad.engines.patience import Patience
from starpad.engines.protocol import Chunk, CompletionRequest, EventDecoder, StopReason, Timings
from starpad.engines.remote_dialect import Dialect, Piece
from starpad.engines.remote_http import SILENCE_S, answered, explained
from starpad.engines.text_stream import TextStream
from starpad.engines.text_tokens import TextTokens, broken_up

_MOST_CHARACTERS = 200
"""Of a token: who sends more than this for each has lost count."""


class RemoteLlamaClient(EngineClient):
    """A llama-server elsewhere: the same routes, but other errors and no steps over a network."""

    reads_prompts_in_steps = False
    follows_grammars = False  # another Starpad has this route, but gives no grammars on

    def __init__(
        self, server: RemoteServer, key: str, http: httpx2.AsyncClient, abilities: Abilities
    ) -> None:
        super().__init__(server.address, key, http=http)
        self._server = server
        self._slots = abilities.slots

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        """Yield the completion as it is generated, as EngineClient does."""
        slot = request.slot if request.slot < self._slots else -1
        chunks = super().complete(replace(request, slot=slot))
        async with aclosing(_in_time(chunks, self._server)) as in_time:
            async for chunk in in_time:
                yield chunk

    @asynccontextmanager
    async def _response(
        self, method: str, route: str, body: object, patience: Patience
    ) -> AsyncIterator[httpx2.Response]:
        patience.quiet_s = max(SILENCE_S, self._server.first_token_s)
        async with answered(self._http, self._server, route, body, method=method) as response:
            yield response


class RemoteClient(EngineClient):
    """Any other server, in its dialect; every failure is an EngineError."""

    reads_prompts_in_steps = False
    tells_candidates = False
    follows_grammars = False

    def __init__(
        self,
        server: RemoteServer,
        key: str,
        http: httpx2.AsyncClient,
        abilities: Abilities,
        dialect: Dialect,
        tokens: TextTokens | None,
    ) -> None:
        """`tokens` is for servers that take text only."""
        super().__init__(server.address, key, http=http)
        self._server = server
        self._abilities = abilities
        self._dialect = dialect
        self._tokens = tokens

    async def health(self) -> bool:
        """Return whether the server answers."""
        try:
            return (await self._http.get("/v1/models", timeout=10)).is_success
        except httpx2.HTTPError:
            return False

    async def properties(self) -> EngineProperties:
        """Return what the server said when it was connected."""
        return EngineProperties(self._abilities.context_tokens, 1)

    async def adds_bos(self) -> bool:
        """Return whether every text must begin with a special token; a server sees to it."""
        return False

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Return the token ids of `text`, the server's own or those that stand for text."""
        if self._tokens is not None:
            return self._tokens.encode(text, special=special)
        if not text:
            return []
        if not special:
            text = broken_up(text, SPECIAL_TOKEN_TEXTS)  # it knows no text that is only text
        body = {"model": self._abilities.model, "prompt": text, "add_special_tokens": False}
        answer = await self._ask("POST", "/tokenize", body)
        try:
            return [int(token) for token in answer["tokens"]]
        except (KeyError, TypeError, ValueError) as error:
            message = f"{self._server.host} does not tokenize as vLLM does."
            raise EngineError(message, "Look at its log.") from error

    async def detokenize(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones by their names."""
        if self._tokens is not None:
            return self._tokens.decode(ids)
        body = {"model": self._abilities.model, "tokens": list(ids)}
        answer = await self._ask("POST", "/detokenize", body)
        return str(answer.get("prompt", ""))

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        """Yield the completion as it is generated; the last chunk says why it ended.

        Closing this generator closes the connection, which stops the server.
        """
        async with aclosing(_in_time(self._complete(request), self._server)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        if not request.max_tokens:
            yield Chunk("", (), _timings(request, 0.0, 0.0, 0), StopReason.LIMIT)
            return
        limit = self._abilities.context_tokens
        if limit and len(request.prompt) >= limit:
            raise PromptTooLongError(
                f"The prompt has about {len(request.prompt)} tokens, and the context of "
                f"{self._server.host} holds {limit}.",
                "Shorten it.",
            )
        route, body = self._dialect.order(request, self._abilities.model, self._tokens)
        answer = _Answer(request, self._stop_texts(request), self._tokens)
        async with answered(self._http, self._server, route, body) as response:
            async for piece in self._pieces(response):
                chunk = answer.take(piece)
                if chunk is not None:
                    yield chunk
                    if chunk.is_last:
                        return
        message = f"{self._server.host} ended its answer in the middle."
        raise EngineError(message, "Ask again.", retryable=True)

    async def _pieces(self, response: httpx2.Response) -> AsyncIterator[Piece]:
        decoder, translate = EventDecoder(), self._dialect.translator()
        try:
            async for data in response.aiter_raw():
                for event in decoder.feed(translate(data)):
                    yield self._read(event)
        except httpx2.HTTPError as error:
            raise explained(error, self._server) from error
        if decoder.is_web_page:
            message = f"A web page came from {self._server.host} instead of an answer."
            raise EngineError(message, "Check its address.")

    def _read(self, event: dict[str, Any]) -> Piece:
        try:
            return self._dialect.read(event)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            message = f"The answer of {self._server.host} is not what Starpad expects."
            raise EngineError(message, "Look at the server's log.") from error

    def _stop_texts(self, request: CompletionRequest) -> tuple[str, ...]:
        """Return what ends the text: for servers without ids the special tokens' names, too."""
        if self._tokens is None:
            return request.stop_texts
        names = (self._tokens.decode([token]) for token in sorted(request.stop_ids))
        return (*request.stop_texts, *names)

    @asynccontextmanager
    async def _response(
        self, method: str, route: str, body: object, patience: Patience
    ) -> AsyncIterator[httpx2.Response]:
        async with answered(self._http, self._server, route, body, method=method) as response:
            yield response


async def _in_time(
    chunks: AsyncGenerator[Chunk, None], server: RemoteServer
) -> AsyncGenerator[Chunk, None]:
    """Give the chunks on; EngineError when the first, or a further one, is too long in coming.

    A server that sends signs of life and no token is silent, too.
    """
    limit_s: float = server.first_token_s
    async with aclosing(chunks):
        while True:
            try:
                async with asyncio.timeout(limit_s):
                    chunk = await anext(chunks, None)
            except TimeoutError as error:
                message = f"{server.host} gave no token for {limit_s:.0f} s."
                hint = "Ask again, or raise the limit in the server's settings."
                raise EngineError(message, hint, retryable=True) from error
            if chunk is None:
                return
            yield chunk
            limit_s = SILENCE_S


class _Answer:
    """One streamed answer: its text as far as it may be shown, and what it has cost."""

    def __init__(
        self, request: CompletionRequest, stops: tuple[str, ...], tokens: TextTokens | None
    ) -> None:
        self._request = request
        self._stream = TextStream(stops)
        self._tokens = tokens
        self._started_s = time.perf_counter()
        self._first_s = 0.0
        self._count = 0
        self._characters = 0

    def take(self, piece: Piece) -> Chunk | None:
        """Return the chunk that a piece gives; None for news without text."""
        now_s = time.perf_counter()
        if piece.text or piece.ids:
            self._first_s = self._first_s or now_s
            self._count += len(piece.ids) or 1
        self._count = piece.generated_tokens or self._count
        self._characters += len(piece.text)
        first_s = self._first_s or now_s
        timings = _timings(self._request, first_s - self._started_s, now_s - first_s, self._count)
        if not self._request.stop_ids.isdisjoint(piece.ids):
            return Chunk("", (), timings, StopReason.STOP_TOKEN, self._stream.rest())
        text = self._stream.add(piece.text.encode("utf-8", "surrogatepass"))
        if self._stream.stopped_by:
            return Chunk(text, self._ids(text, ()), timings, self._stopped(self._stream.stopped_by))
        reason = piece.reason or self._own_reason(timings)
        if reason is not None:
            text += self._stream.rest()
        if not text and not piece.ids and reason is None:
            return None
        return Chunk(text, self._ids(text, piece.ids), timings, reason)

    def _stopped(self, stop: str) -> StopReason:
        return StopReason.STOP_TEXT if stop in self._request.stop_texts else StopReason.STOP_TOKEN

    def _own_reason(self, timings: Timings) -> StopReason | None:
        if 0 < self._request.time_budget_ms <= timings.generated_ms:
            return StopReason.TIME
        is_endless = self._characters > self._request.max_tokens * _MOST_CHARACTERS
        return StopReason.LIMIT if is_endless else None

    def _ids(self, text: str, ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self._tokens.encode(text)) if self._tokens is not None else ids


def _timings(
    request: CompletionRequest, first_s: float, generating_s: float, tokens: int
) -> Timings:
    return Timings(
        evaluated_tokens=len(request.prompt),
        cached_tokens=0,
        prompt_ms=first_s * 1000,
        generated_tokens=tokens,
        generated_ms=generating_s * 1000,
    )
