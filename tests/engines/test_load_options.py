"""Every way to load a model reaches the real engine, and a wrong one is said in words."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from starpad.core.errors import EngineError, ModelFileError, StarpadError
from starpad.core.load_options import (
    FlashAttention,
    KvType,
    LoadOptions,
    LoraAdapter,
    Speculation,
    Weights,
)
from starpad.core.paths import demo_model
from starpad.core.speculation import SpeculationVerdict
from starpad.engines import session
from starpad.engines.process import new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.session import Loaded
from zero_model import Shape, write_zero_model

T = TypeVar("T")
LINES = "".join(f"    self.value_{n} = value_{n}\n    self.check(value_{n})\n" for n in range(10))
CODE = f"class A:\n    def __init__(self):\n{LINES}\n    def again(self):\n{LINES[:60]}"
DEMO = LoadOptions(demo_model(), context_tokens=1024)


def with_model(
    options: LoadOptions,
    job: Callable[[Loaded], Awaitable[T]],
    lines: deque[str] | None = None,
    on_verdict: Callable[[SpeculationVerdict], None] = lambda _: None,
) -> T:
    """Load a model as the application does, run a job with it, unload it."""

    async def main() -> T:
        loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(
            session.hold_model(
                session.prepare(options),
                new_log() if lines is None else lines,
                loaded.set_result,
                lambda _fraction: None,
                on_verdict,
            )
        )
        await asyncio.wait((holding, loaded), return_when=asyncio.FIRST_COMPLETED)
        if not loaded.done():
            await holding
        try:
            return await job(loaded.result())
        finally:
            holding.cancel()
            await asyncio.wait((holding,))

    return asyncio.run(main())


async def write(loaded: Loaded, prompt: str = CODE, tokens: int = 48) -> list[int]:
    ids = tuple(await loaded.client.tokenize(prompt))
    async with aclosing(loaded.client.complete(CompletionRequest(ids, tokens))) as stream:
        return [token async for chunk in stream for token in chunk.token_ids]


@pytest.fixture(scope="module")
def plain() -> list[int]:
    return with_model(DEMO, write)


@pytest.mark.parametrize(
    "options",
    [
        replace(DEMO, weights=Weights.MAPPED),
        replace(DEMO, weights=Weights.LOCKED),
        replace(DEMO, flash_attention=FlashAttention.ON),
        replace(DEMO, flash_attention=FlashAttention.OFF),
        replace(DEMO, batch_tokens=32),
        replace(DEMO, batch_tokens=1024),
        replace(DEMO, threads=2),
        replace(DEMO, gpu_layers=0),
        replace(DEMO, speculation=Speculation.NGRAM),
        replace(DEMO, speculation=Speculation.DRAFT, draft_model=demo_model()),
    ],
    ids=lambda options: str(options).partition("long_preamble")[2][:90],
)
def test_the_most_likely_text_is_the_same_however_it_is_loaded(
    options: LoadOptions, plain: list[int]
) -> None:
    assert with_model(options, write) == plain


def test_options_that_change_numbers_are_really_used() -> None:
    lines = new_log()
    options = replace(
        DEMO, batch_tokens=64, flash_attention=FlashAttention.OFF, weights=Weights.MAPPED
    )
    with_model(options, write, lines)
    log = "\n".join(lines)
    assert re.search(r"n_batch +=\s*64", log)
    assert re.search(r"flash_attn +=\s*disabled", log)
    assert "load_mode = mmap" in log


def test_smaller_context_numbers_need_flash_attention_and_say_so() -> None:
    options = replace(DEMO, kv_type=KvType.Q8_0, flash_attention=FlashAttention.OFF)
    with pytest.raises(EngineError, match="flash"):
        with_model(options, write)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (replace(DEMO, device="CUDA7"), "no GPU CUDA7"),
        (
            replace(DEMO, lora=(LoraAdapter(Path("missing.gguf")),)),
            "missing.gguf does not exist",
        ),
        (
            replace(DEMO, speculation=Speculation.DRAFT, draft_model=Path("none.gguf")),
            "none.gguf does not exist",
        ),
        (replace(DEMO, lora=(LoraAdapter(demo_model()),)), "could not be loaded"),
    ],
)
def test_what_cannot_be_is_said(options: LoadOptions, words: str) -> None:
    with pytest.raises(StarpadError, match=words):
        with_model(options, write)


def test_a_draft_of_another_vocabulary_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    other = write_zero_model(tmp_path, Shape())
    options = replace(DEMO, speculation=Speculation.DRAFT, draft_model=other)
    with pytest.raises(ModelFileError, match="its vocabulary differs"):
        session.prepare(options)


def test_what_is_loaded_beside_the_model_is_reckoned_with(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.gguf"
    adapter.write_bytes(bytes(5_000_000))
    alone = session.prepare(DEMO).need.total_bytes
    with_adapter = session.prepare(replace(DEMO, lora=(LoraAdapter(adapter),))).need.total_bytes
    assert with_adapter - alone == 5_000_000
    draft = replace(DEMO, speculation=Speculation.DRAFT, draft_model=demo_model())
    assert session.prepare(draft).need.total_bytes - alone > demo_model().stat().st_size


def test_guessing_is_judged_after_enough_tokens() -> None:
    verdicts: list[SpeculationVerdict] = []

    async def job(loaded: Loaded) -> None:
        for number in range(24):
            await write(loaded, CODE.replace("value", f"item{number}"), 64)
            if verdicts:
                return

    with_model(replace(DEMO, speculation=Speculation.NGRAM), job, on_verdict=verdicts.append)
    [verdict] = verdicts
    assert verdict.guesses >= verdict.right > 0
    assert verdict.plain_ms > 0
    assert verdict.guessing_ms > 0
    assert "guesses were right" in verdict.sentence
