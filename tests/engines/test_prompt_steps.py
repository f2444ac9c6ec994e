"""Chat reads in steps and lets the caret go first, but not for ever."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from starpad.core.sampling import Sampling
from starpad.engines import caret_priority
from starpad.engines.caret_priority import CaretPriority
from starpad.engines.chat_memory import PromptMemory
from starpad.engines.prompt_steps import read_in_steps
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason, Timings


class Reader:
    """An engine that takes `ms_per_token`, and holds what it was sent last."""

    reads_prompts_in_steps = True

    def __init__(self, ms_per_token: float, held: int = 0) -> None:
        self.caret = CaretPriority()
        self.ms_per_token = ms_per_token
        self.held = held
        self.ends: list[int] = []

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        assert request.max_tokens == 0
        end = len(request.prompt)
        new = max(1, end - self.held)
        self.ends.append(end)
        self.held = end
        await asyncio.sleep(0)
        timings = Timings(new, end - new, new * self.ms_per_token, 1, 0.0)
        yield Chunk("", (), timings, StopReason.LIMIT)


def read(reader: Reader, tokens: int, known: int = 0) -> tuple[int, PromptMemory]:
    memory = PromptMemory()
    request = CompletionRequest(tuple(range(tokens)), 9, Sampling(), slot=1)
    return asyncio.run(read_in_steps(reader, request, known, memory)), memory  # type: ignore[arg-type]


def steps(reader: Reader) -> list[int]:
    return [b - a for a, b in zip([0, *reader.ends], reader.ends, strict=False)]


def test_a_short_prompt_is_left_to_the_request_itself() -> None:
    reader = Reader(1.0)
    assert read(reader, 30)[0] == 0
    assert reader.ends == []


def test_what_is_held_is_not_read_again_nor_dropped() -> None:
    reader = Reader(1.0, held=900)
    evaluated, _ = read(reader, 1000, known=900)
    assert min(reader.ends) > 900
    assert evaluated == reader.ends[-1] - 900


def test_steps_are_as_long_as_their_time_allows() -> None:
    fast, slow = Reader(0.1), Reader(50.0)
    read(fast, 3000)
    read(slow, 300)
    assert max(steps(fast)) == 512
    assert set(steps(slow)) == {32}


def test_while_someone_types_steps_are_a_few_tokens() -> None:
    reader = Reader(10.0)
    with reader.caret.claim():
        pass
    read(reader, 60)
    assert set(steps(reader)) == {4}


def test_what_was_read_is_known_also_when_reading_is_given_up() -> None:
    reader = Reader(50.0)
    memory = PromptMemory()

    async def job() -> None:
        request = CompletionRequest(tuple(range(3000)), 9, Sampling(), slot=1)
        task = asyncio.create_task(read_in_steps(reader, request, 0, memory))  # type: ignore[arg-type]
        while len(reader.ends) < 3:
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(job())
    assert memory.held_tokens == reader.ends[-2]


def test_no_step_begins_while_the_caret_wants_the_engine() -> None:
    reader = Reader(50.0)

    async def job() -> tuple[list[int], list[int]]:
        with reader.caret.claim(), reader.caret.claim():
            request = CompletionRequest(tuple(range(100)), 9, Sampling(), slot=1)
            task = asyncio.create_task(read_in_steps(reader, request, 0, PromptMemory()))  # type: ignore[arg-type]
            for _ in range(20):
                await asyncio.sleep(0)
            meanwhile = list(reader.ends)
        await task
        return meanwhile, reader.ends

    meanwhile, after = asyncio.run(job())
    assert meanwhile == []
    assert after


def test_typing_without_a_pause_does_not_keep_an_answer_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caret_priority, "_LONGEST_WAIT_S", 0.01)
    reader = Reader(50.0)

    async def job() -> int:
        with reader.caret.claim():
            request = CompletionRequest(tuple(range(40)), 9, Sampling(), slot=1)
            return await read_in_steps(reader, request, 0, PromptMemory())  # type: ignore[arg-type]

    assert asyncio.run(job()) > 0


def test_the_caret_is_likely_for_a_while_after_it_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caret = CaretPriority()
    assert not caret.is_likely
    with caret.claim():
        assert caret.is_likely
    assert caret.is_likely
    monkeypatch.setattr(caret_priority, "_TYPING_S", 0.0)
    assert not caret.is_likely
