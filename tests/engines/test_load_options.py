"""Every way to load a model reaches the real engine, and a wrong one is said in words."""

import random
import re
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gguf_files import Metadata, gguf
from gguf_files import write as write_file
from running_engine import with_held
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

    def hold(on_loaded: Callable[[Loaded], None]) -> Coroutine[Any, Any, object]:
        prepared = session.prepare(options)
        ring = new_log() if lines is None else lines
        return session.hold_model(prepared, ring, on_loaded, lambda _fraction: None, on_verdict)

    return with_held(hold, job)


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
        (replace(DEMO, lora=(LoraAdapter(demo_model()),)), "starpad-demo-q8_0.gguf is no LoRA"),
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


def test_a_draft_with_one_other_token_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    """llama.cpp would load it, leave it unused, and say so in its log alone."""
    data = bytearray(demo_model().read_bytes())
    at = data.index(b"self", data.index(b"tokenizer.ggml.tokens"))
    data[at : at + 4] = b"zelf"
    other = tmp_path / "other.gguf"
    other.write_bytes(data)
    options = replace(DEMO, speculation=Speculation.DRAFT, draft_model=other)
    with pytest.raises(ModelFileError, match=r"other\.gguf cannot guess for .*vocabulary differs"):
        session.prepare(options)


def _adapter(folder: Path, architecture: str, *, rows: int, name: str) -> Path:
    """Write a LoRA adapter for a layer of the demonstration model, which is 256 numbers wide."""
    metadata: Metadata = {
        "general.architecture": architecture,
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 8.0,
    }
    layer, f32 = "blk.0.ffn_down.weight", 0
    first, second = 1024 * rows * 4, rows * 256 * 4
    tensors = [
        (f"{layer}.lora_a", (1024, rows), f32, 0),
        (f"{layer}.lora_b", (rows, 256 if name != "odd.gguf" else 128), f32, first),
    ]
    head = gguf(metadata, tensors, data_bytes=0)
    numbers = random.Random(1)
    weights = (numbers.gauss(0, 0.1) for _ in range((first + second) // 4))
    return write_file(folder, head + b"".join(struct.pack("<f", one) for one in weights), name)


def test_an_adapter_changes_what_is_written_by_as_much_as_it_counts(
    tmp_path: Path, plain: list[int]
) -> None:
    path = _adapter(tmp_path, "starcoder2", rows=4, name="lora.gguf")
    strong = with_model(replace(DEMO, lora=(LoraAdapter(path, 4.0),)), write)
    assert strong != plain
    assert with_model(replace(DEMO, lora=(LoraAdapter(path, 0.0),)), write) == plain


@pytest.mark.parametrize(
    ("architecture", "name", "words"),
    [
        ("llama", "lora.gguf", r"lora\.gguf is made for a llama model"),
        ("starcoder2", "odd.gguf", r"odd\.gguf"),
    ],
)
def test_an_adapter_that_does_not_fit_is_named(
    tmp_path: Path, architecture: str, name: str, words: str
) -> None:
    path = _adapter(tmp_path, architecture, rows=4, name=name)
    with pytest.raises(StarpadError, match=words):
        with_model(replace(DEMO, lora=(LoraAdapter(path),)), write)


def test_a_file_that_is_no_gguf_is_no_adapter(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not an adapter")
    with pytest.raises(ModelFileError, match=r"notes\.txt cannot be used"):
        session.prepare(replace(DEMO, lora=(LoraAdapter(path),)))


def test_a_model_guesses_for_itself_without_a_miss() -> None:
    verdicts: list[SpeculationVerdict] = []

    async def job(loaded: Loaded) -> None:
        for number in range(24):
            await write(loaded, CODE.replace("value", f"item{number}"), 64)
            if verdicts:
                return

    options = replace(DEMO, speculation=Speculation.DRAFT, draft_model=demo_model())
    with_model(options, job, on_verdict=verdicts.append)
    [verdict] = verdicts
    assert verdict.right == verdict.guesses > 0


def test_what_is_loaded_beside_the_model_is_reckoned_with(tmp_path: Path) -> None:
    adapter = _adapter(tmp_path, "starcoder2", rows=4, name="adapter.gguf")
    alone = session.prepare(DEMO).need.total_bytes
    with_adapter = session.prepare(replace(DEMO, lora=(LoraAdapter(adapter),))).need.total_bytes
    assert with_adapter - alone == adapter.stat().st_size
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
