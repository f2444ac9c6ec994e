"""Generates from a legacy model, step by step, as events of llama-server's protocol."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from starpad.core.sampling import Sampling
from starpad.engines.ggml_model import GgmlModel
from starpad.engines.ggml_sampling import Sampler
from starpad.engines.ggml_tokens import TokenTexts
from starpad.engines.text_stream import TextStream

# What ends a text, as llama.cpp recognizes it by name.
_ENDS = ("<|endoftext|>", "<|end|>", "<|end_of_turn|>", "<|im_end|>", "<EOT>")
Event = dict[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Order:
    """What one request asks for, checked."""

    prompt: tuple[int, ...]
    max_tokens: int
    """-1 generates until the context is full."""
    sampling: Sampling = field(default_factory=Sampling)
    stop_texts: tuple[str, ...] = ()
    is_cached: bool = True
    has_progress: bool = False
    has_timings: bool = False


class _Clock:
    """The figures of one request, in llama-server's words."""

    def __init__(self) -> None:
        self.cached = self.evaluated = self.generated = 0
        self._started = time.perf_counter()
        self._first: float | None = None
        self._last = self._started

    def has_read(self, tokens: int) -> None:
        """Count tokens of the prompt."""
        self.evaluated += tokens
        self._last = time.perf_counter()

    def has_generated(self) -> None:
        """Count one token."""
        self.generated += 1
        self._last = time.perf_counter()
        if self._first is None:
            self._first = self._last

    @property
    def prompt_ms(self) -> float:
        """Return the time until the first token."""
        return ((self._first or self._last) - self._started) * 1000

    def timings(self) -> Event:
        """Return the figures so far."""
        generated_ms = 0.0 if self._first is None else (self._last - self._first) * 1000
        return {
            "cache_n": self.cached,
            "prompt_n": self.evaluated,
            "prompt_ms": self.prompt_ms,
            "prompt_per_token_ms": self.prompt_ms / max(1, self.evaluated),
            "prompt_per_second": _per_second(self.evaluated, self.prompt_ms),
            "predicted_n": self.generated,
            "predicted_ms": generated_ms,
            "predicted_per_token_ms": generated_ms / max(1, self.generated - 1),
            "predicted_per_second": _per_second(self.generated - 1, generated_ms),
        }


class Generator:
    """The one way to a model. Requests take their turns in the order in which they came.

    The model computes in a thread of its own, so that the event loop hears of closed connections
    meanwhile. Between two steps, a batch of the prompt or a token, a request can be cancelled; the
    step that is under way ends before the next request's first one, as both are that thread's.
    """

    def __init__(self, model: GgmlModel, tokens: TokenTexts, name: str) -> None:
        self._model = model
        self._tokens = tokens
        self._name = name
        self._turn = asyncio.Lock()  # first come, first served
        self._thread = ThreadPoolExecutor(1, "model")
        self._ends = {tokens.id_of(text) for text in _ENDS} - {None}

    @property
    def context_tokens(self) -> int:
        """Return how long prompt and answer together can be."""
        return self._model.context_tokens

    async def run(self, order: Order) -> AsyncGenerator[Event, None]:
        """Yield the events of a request; close or cancel it to end it. Raises GgmlError."""
        async with self._turn:
            clock = _Clock()
            async for event in self._read(order, clock):
                yield event
            async for event in self._generate(order, clock):
                yield event

    async def _step(self, step: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)

    async def _read(self, order: Order, clock: _Clock) -> AsyncGenerator[Event, None]:
        prompt = order.prompt
        keep = partial(self._model.keep, prompt, is_reuse_wanted=order.is_cached)
        position = clock.cached = await self._step(keep)
        if order.has_progress:
            yield self._progress(order, clock)
        while position < len(prompt):
            batch = prompt[position : position + self._model.batch_at(position)]
            await self._step(partial(self._model.read, batch))
            position += len(batch)
            clock.has_read(len(batch))
            if order.has_progress:
                yield self._progress(order, clock)

    async def _generate(self, order: Order, clock: _Clock) -> AsyncGenerator[Event, None]:
        sampler, text = Sampler(order.sampling), TextStream(order.stop_texts)
        context = list(order.prompt)
        room = self.context_tokens - len(context)
        wanted = room if order.max_tokens < 0 else min(order.max_tokens, room)
        unsent: list[int] = []
        stop_type = "limit"
        while clock.generated < wanted:
            newest = context[-1:] if clock.generated else []
            token = await self._step(partial(self._next, sampler, context, newest))
            context.append(token)
            unsent.append(token)
            clock.has_generated()
            data = self._tokens.bytes_of(token)
            # A special token's text is empty. Whoever stops at it wants all that stands before it.
            piece = text.add(data) if data else text.rest()
            if text.stopped_by:
                stop_type = "word"
                break
            if piece or not data or not text.is_within_a_character:
                yield self._part(order, clock, piece, unsent)
                unsent = []
            if token in self._ends:
                stop_type = "eos"
                break
        last = piece if text.stopped_by else text.rest()
        is_full = clock.generated == room and not 0 <= order.max_tokens <= room
        yield self._last(order, clock, last, unsent) | {
            "truncated": is_full and stop_type == "limit",
            "stop_type": stop_type,
            "stopping_word": text.stopped_by,
        }

    def _next(self, sampler: Sampler, context: list[int], newest: list[int]) -> int:
        if newest:
            self._model.read(newest)
        return sampler.choose(self._model.logits(), context)

    def _part(self, order: Order, clock: _Clock, text: str, tokens: list[int]) -> Event:
        event: Event = {
            "index": 0,
            "content": text,
            "tokens": tokens,
            "stop": False,
            "id_slot": 0,
            "tokens_predicted": clock.generated,
            "tokens_evaluated": len(order.prompt),
        }
        return event | {"timings": clock.timings()} if order.has_timings else event

    def _progress(self, order: Order, clock: _Clock) -> Event:
        return self._part(order, clock, "", [0]) | {
            "timings": clock.timings(),
            "prompt_progress": {
                "total": len(order.prompt),
                "cache": clock.cached,
                "processed": clock.cached + clock.evaluated,
                "time_ms": int(clock.prompt_ms),
            },
        }

    def _last(self, order: Order, clock: _Clock, text: str, tokens: list[int]) -> Event:
        return self._part(order, clock, text, tokens) | {
            "stop": True,
            "model": self._name,
            "tokens_cached": len(order.prompt) + max(0, clock.generated - 1),
            "timings": clock.timings(),
        }


def _per_second(tokens: int, took_ms: float) -> float:
    return tokens * 1000 / took_ms if tokens > 0 and took_ms > 0 else 0.0
