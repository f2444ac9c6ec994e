"""A prompt is read in small steps that begin where the engine's own knowledge ends."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import LoadedModel
from starpad.core.fim import FimOrder, FimTokens
from starpad.core.suggestion import CompletionOptions
from starpad.engines.caret_priority import CaretPriority
from starpad.engines.caret_prompt import caret_prompt
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason, Timings
from starpad.engines.warm_up import warm_up

FIM = FimTokens(prefix=1001, suffix=1002, middle=1003, order=FimOrder.SPMV2, stop_ids=frozenset())
MODEL = LoadedModel(Path("m.gguf"), "m", "", 4096, FIM, frozenset(), on_gpu=False, is_demo=False)


class Engine:
    """Holds what it was sent last, and takes `ms_per_token`; one token a character."""

    reads_prompts_in_steps = True
    follows_grammars = False

    def __init__(self, ms_per_token: float = 1.0) -> None:
        self.caret = CaretPriority()
        self.ms_per_token = ms_per_token
        self.held: tuple[int, ...] = ()
        self.read: list[int] = []
        self.tokenized = 0
        self.on_step = lambda: None

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        self.tokenized += 1
        return [ord(character) for character in text]

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        assert request.max_tokens == 0
        ids = request.prompt
        same = next(
            (i for i, (a, b) in enumerate(zip(ids, self.held, strict=False)) if a != b),
            min(len(ids), len(self.held)),
        )
        new = max(1, len(ids) - same)
        self.held = ids
        self.read.append(new)
        self.on_step()
        await asyncio.sleep(0)
        yield Chunk("", (), Timings(new, same, new * self.ms_per_token, 1, 0.0), StopReason.LIMIT)


def _warm(engine: Engine, builder: PromptBuilder, before: str, after: str = "\nend\n") -> int:
    return asyncio.run(
        warm_up(
            engine,  # type: ignore[arg-type]
            lambda _: None,
            builder=builder,
            context=CaretContext(1, "python", 0, before, after),
            options=CompletionOptions(),
            model=MODEL,
        )
    )


def test_all_of_the_prompt_is_read_in_small_steps() -> None:
    engine, builder = Engine(), PromptBuilder(FIM)
    read = _warm(engine, builder, "x" * 500)
    assert read == len(engine.held) == sum(engine.read)
    assert max(engine.read) <= 130, "a step takes as long as it may"
    assert builder.latest_ids == engine.held


def test_a_fast_engine_gets_larger_steps() -> None:
    slow, fast = Engine(5.0), Engine(0.05)
    for engine in (slow, fast):
        _warm(engine, PromptBuilder(FIM), "x" * 1500)
    assert len(fast.read) * 3 < len(slow.read)


def test_what_is_held_is_neither_read_again_nor_dropped() -> None:
    engine, builder = Engine(), PromptBuilder(FIM)
    _warm(engine, builder, "x" * 500)
    engine.read.clear()
    assert _warm(engine, builder, "x" * 500 + "y" * 40) == 40
    assert sum(engine.read) == 40
    engine.read.clear()
    assert _warm(engine, builder, "x" * 500 + "y" * 40) == 0
    assert engine.read == []


def test_it_gives_way_to_chat() -> None:
    engine, builder = Engine(), PromptBuilder(FIM)
    context = engine.caret.chatting()
    steps = 0

    def on_step() -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            context.__enter__()

    engine.on_step = on_step
    _warm(engine, builder, "x" * 500)
    assert len(engine.read) == 2
    assert builder.latest_ids == engine.held, "the next one goes on there"
    context.__exit__(None, None, None)
    engine.on_step = lambda: None
    _warm(engine, builder, "x" * 500)
    assert sum(engine.read) == len(engine.held)


def test_a_server_that_keeps_nothing_is_not_asked() -> None:
    engine = Engine()
    engine.reads_prompts_in_steps = False
    assert _warm(engine, PromptBuilder(FIM), "x" * 100) == 0
    assert engine.read == []


def test_the_request_after_it_asks_for_no_token() -> None:
    engine, builder = Engine(), PromptBuilder(FIM)
    context = CaretContext(1, "python", 0, "x" * 50, "\nend\n")
    _warm(engine, builder, context.before, context.after)
    asked = engine.tokenized
    # Who asks with Ctrl+Space does so with other options.
    options = CompletionOptions(least_probability=0.5)
    client: Any = engine
    prompt = asyncio.run(caret_prompt(client, builder, context, options, MODEL)).prompt
    assert (prompt.ids, engine.tokenized) == (engine.held, asked)
    other = replace(context, before="y")
    assert asyncio.run(caret_prompt(client, builder, other, options, MODEL)).prompt != prompt
