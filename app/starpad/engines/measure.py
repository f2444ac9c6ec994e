"""The benchmark itself: how fast an engine reads and writes, and what its processes take."""

import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import psutil

from starpad.core.benchmark import (
    LEAST_PROMPT_TOKENS,
    BenchmarkPlan,
    BenchmarkProgress,
    Figures,
    PromptSpeed,
    Spread,
)
from starpad.core.benchmark_prompt import code_text
from starpad.engines.client import EngineClient
from starpad.engines.protocol import CompletionRequest

Emit = Callable[[object], None]

_CHARACTERS_PER_TOKEN = 6
"""More than code has."""
_SHORT_TOKENS = 32
_WARM_TOKENS = 512
_NEW_TOKENS = 8
"""What a further start of generating has in front of it that no earlier one had."""
_MOST_STARTS = 12
"""A model may end its text at once, whatever stands before."""
_MIN_TOKENS = 8
_LEAST_MS = 250
"""What is over sooner, as with the smallest models, says more about the moment than the model."""


async def measure(
    client: EngineClient, context_tokens: int, plan: BenchmarkPlan, emit: Emit
) -> Figures:
    """Measure the model that `client` asks, emitting BenchmarkProgress; cancelling stops it.

    Nobody else should ask the engine meanwhile. Every prompt is new, but for those that are meant
    to be known. Raises EngineError.
    """
    return await _Measurement(client, context_tokens, plan, emit).run()


def peak_bytes(process_id: int) -> int:
    """Return the most memory that a process and its children have held; 0 if nobody can tell.

    Where the system keeps no such record (macOS) it is what they hold now.
    """
    try:
        process = psutil.Process(process_id)
        return sum(_peak_of(one) for one in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def _peak_of(process: psutil.Process) -> int:
    if sys.platform == "linux":
        try:
            with open(f"/proc/{process.pid}/status", encoding="utf-8", errors="replace") as status:
                line = next((line for line in status if line.startswith("VmHWM:")), "")
        except OSError:
            return 0
        return int(line.split()[1]) * 1024 if line else 0
    memory = process.memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))


@dataclass(frozen=True, slots=True)
class _Run:
    """What one request cost: by the engine's own clock where it tells, else by ours."""

    read_tokens: int
    read_ms: float
    generated_tokens: int
    generated_ms: float
    """From the first generated token on."""
    first_token_ms: float
    """By our own clock."""


class _Measurement:
    """One model's, from the first request to the last."""

    def __init__(
        self, client: EngineClient, context_tokens: int, plan: BenchmarkPlan, emit: Emit
    ) -> None:
        self._client = client
        self._plan = plan
        self._emit = emit
        self._lengths = plan.fitting(context_tokens)
        self._warm_tokens = min(_WARM_TOKENS, self._lengths[-1])
        self._context_tokens = context_tokens
        # Not the same texts in each run: a server of somebody else's may remember.
        self._seed = random.SystemRandom().getrandbits(48)
        self._done = 0
        self._steps = 1 + plan.repeat * (len(self._lengths) + 3)

    async def run(self) -> Figures:
        pace = await self._pace()
        prompts = []
        for length in self._affordable(pace):
            text = f"Reading {length:,} tokens"
            speeds = await self._repeat(text, partial(self._read, length))
            prompts.append(PromptSpeed(length, Spread.of(speeds)))
        # The lengths that were left out are done, too.
        self._done = 1 + self._plan.repeat * len(self._lengths)
        first = await self._repeat("Waiting for the first token", self._first_token)
        warm_prompt = await self._tokens(self._warm_tokens)
        await self._complete(warm_prompt, 1)
        warm = await self._repeat(
            "Waiting for the first token of a known text", partial(self._warm_token, warm_prompt)
        )
        speeds = await self._repeat("Writing", self._generate)
        return Figures(
            prompts=tuple(prompts),
            generation=Spread.of([speed for speed in speeds if speed > 0]),
            first_token_ms=Spread.of(first),
            warm_token_ms=Spread.of(warm),
            prompt_tokens_warm=self._warm_tokens,
        )

    async def _repeat(self, text: str, step: Callable[[], Awaitable[float]]) -> list[float]:
        """Return what each repetition gave; fewer of them where they take too long."""
        values: list[float] = []
        began = time.perf_counter()
        for number in range(1, self._plan.repeat + 1):
            self._tell(f"{text} ({number} of {self._plan.repeat})")
            values.append(await step())
            self._done += 1
            elapsed_ms = (time.perf_counter() - began) * 1000
            if elapsed_ms * (number + 1) / number > self._plan.step_budget_ms:
                self._done += self._plan.repeat - number
                break
        return values

    def _tell(self, sentence: str) -> None:
        self._emit(BenchmarkProgress(f"{sentence}…", min(1.0, self._done / self._steps)))

    async def _pace(self) -> float:
        """Return about how many tokens a second are read; the first request is never typical."""
        self._tell("Warming up")
        await self._complete(await self._tokens(LEAST_PROMPT_TOKENS), 2)
        run = await self._complete(await self._tokens(LEAST_PROMPT_TOKENS), 1)
        self._done = 1
        return run.read_tokens * 1000 / max(run.read_ms, 0.001)

    def _affordable(self, pace: float) -> list[int]:
        """Return the prompts' lengths that do not take too long, at least a short one."""
        most = pace * self._plan.step_budget_ms / 1000
        lengths = [length for length in self._lengths if length <= most]
        return lengths or [min(self._lengths[0], max(LEAST_PROMPT_TOKENS, int(most)))]

    async def _read(self, length: int) -> float:
        """Return how many tokens of a new prompt are read in a second."""
        run = await self._complete(await self._tokens(length), 1)
        return run.read_tokens * 1000 / max(run.read_ms, 0.001)

    async def _first_token(self) -> float:
        prompt = await self._tokens(min(_SHORT_TOKENS, self._lengths[-1]))
        return (await self._complete(prompt, 1)).first_token_ms

    async def _warm_token(self, known: tuple[int, ...]) -> float:
        """Return the time to the first token when only the last token of the prompt is new."""
        new = (await self._tokens(_NEW_TOKENS))[-1]
        return (await self._complete((*known, new), 1)).first_token_ms

    async def _generate(self) -> float:
        """Return how many tokens a second are written; 0 if the model wrote none."""
        room = self._context_tokens - _SHORT_TOKENS - _MIN_TOKENS
        wanted = max(_MIN_TOKENS, min(self._plan.generated_tokens, room))
        beginning = await self._tokens(_SHORT_TOKENS - _NEW_TOKENS)
        tokens, took_ms = 0, 0.0
        for _ in range(_MOST_STARTS):
            prompt = (*beginning, *await self._tokens(_NEW_TOKENS))
            left = wanted - tokens if tokens < wanted else wanted
            run = await self._complete(prompt, max(_MIN_TOKENS, left))
            if run.generated_tokens > 1:
                tokens += run.generated_tokens - 1
                took_ms += run.generated_ms
            is_enough = tokens + 1 >= wanted and took_ms >= _LEAST_MS
            if is_enough or took_ms >= self._plan.step_budget_ms:
                break
        return tokens * 1000 / took_ms if took_ms else 0.0

    async def _tokens(self, count: int) -> tuple[int, ...]:
        """Return so many tokens of a text that the engine has never seen."""
        characters = count * _CHARACTERS_PER_TOKEN
        while True:
            self._seed += 1
            ids = await self._client.tokenize(code_text(self._seed, characters))
            if len(ids) >= count:
                return tuple(ids[:count])
            characters *= 2

    async def _complete(self, prompt: tuple[int, ...], max_tokens: int) -> _Run:
        request = CompletionRequest(
            prompt, max_tokens, time_budget_ms=self._plan.step_budget_ms if max_tokens > 1 else 0
        )
        timings = None
        tokens, first_tokens = 0, 0
        started = time.perf_counter()
        first = last = 0.0
        async with aclosing(self._client.complete(request)) as stream:
            async for chunk in stream:
                count = len(chunk.token_ids) or bool(chunk.text)
                if (count or chunk.is_last) and not first:
                    first, first_tokens = time.perf_counter(), count
                if count:
                    tokens += count
                    last = time.perf_counter()
                timings = chunk.timings or timings
        first_token_ms = (first - started) * 1000
        if timings is not None:
            return _Run(
                timings.evaluated_tokens,
                timings.prompt_ms,
                timings.generated_tokens,
                timings.generated_ms,
                first_token_ms,
            )
        generated_ms = max(0.0, last - first) * 1000
        # What came at once with the first token is not part of the time that is measured.
        generated = tokens - first_tokens + 1 if generated_ms else 0
        return _Run(len(prompt), first_token_ms, generated, generated_ms, first_token_ms)
