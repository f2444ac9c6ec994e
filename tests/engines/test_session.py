"""What is decided before an engine is started: context, threads, name, memory."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gguf_files import STARCODER, Metadata, gguf, write
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import EngineError, NotEnoughMemoryError
from starpad.core.load_options import KvType, LoadOptions
from starpad.core.memory_fit import Verdict
from starpad.engines import devices, session
from starpad.engines.client import EngineClient
from starpad.engines.process import new_log
from starpad.engines.session import Loaded, Prepared, hold_model, prepare
from starpad.engines.spec import EngineSpec
from zero_model import Shape, write_zero_model


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "physical_cores", lambda: 4)


def plan(path: Path, *, context_tokens: int = 4096, threads: int = 0) -> EngineSpec:
    """Return what would be started."""
    return prepare(LoadOptions(path, context_tokens, threads)).spec


def held(prepared: Prepared) -> tuple[LoadedModel, EngineClient, list[float]]:
    """Return a model that was ready and then let go, its client, and the fractions before."""
    fractions: list[float] = []

    async def hold() -> tuple[LoadedModel, EngineClient]:
        loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(
            hold_model(prepared, new_log(), loaded.set_result, fractions.append)
        )
        first: set[asyncio.Future[Any]] = {holding, loaded}
        await asyncio.wait(first, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        if not loaded.done():
            await holding  # raises what went wrong
        model, client = loaded.result().model, loaded.result().client
        assert await client.health()
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        return model, client

    return *asyncio.run(hold()), fractions


def large_model(folder: Path) -> Path:
    path = write(folder, gguf(tensors=[("w", (1 << 27,), 24, 0)], data_bytes=0))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + (1 << 27))  # a hole: no byte is written
    return path


def test_the_smaller_of_setting_and_training_bounds_the_context(tmp_path: Path) -> None:
    path = write(tmp_path, gguf())
    assert plan(path, context_tokens=4096).context_tokens == 4096
    assert plan(path, context_tokens=1 << 20).context_tokens == 16384


def test_a_model_that_names_no_context_gets_the_setting(tmp_path: Path) -> None:
    path = write(tmp_path, gguf({"tokenizer.ggml.model": "gpt2"}))
    assert plan(path, context_tokens=777).context_tokens == 777


def test_a_model_takes_every_core_and_a_tiny_one_generates_on_one(tmp_path: Path) -> None:
    large = plan(large_model(tmp_path))
    assert (large.threads, large.prompt_threads) == (4, 4)
    tiny = plan(write(tmp_path, gguf()))
    assert (tiny.threads, tiny.prompt_threads) == (1, 4)


def test_chosen_threads_are_taken_as_they_are(tmp_path: Path) -> None:
    spec = plan(write(tmp_path, gguf()), threads=3)
    assert (spec.threads, spec.prompt_threads) == (3, 3)


def test_a_model_without_a_name_is_called_like_its_file(tmp_path: Path) -> None:
    nameless: Metadata = STARCODER | {"general.name": ""}
    assert plan(write(tmp_path, gguf())).name == "Test Coder"
    assert plan(write(tmp_path, gguf(nameless), "my-1b.gguf")).name == "my-1b"


def test_too_little_memory_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "available_memory_bytes", lambda: 1 << 27)
    with pytest.raises(NotEnoughMemoryError, match="only 134 MB are free"):
        plan(large_model(tmp_path))


def test_what_the_present_model_gives_back_counts_as_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large_model(tmp_path)
    need = prepare(LoadOptions(path)).need.total_bytes
    monkeypatch.setattr(devices, "available_memory_bytes", lambda: need - 1000)
    with pytest.raises(NotEnoughMemoryError):
        prepare(LoadOptions(path))
    prepared = prepare(LoadOptions(path), freed_bytes=1000)
    assert (prepared.available_bytes, prepared.fit.verdict) == (need, Verdict.TIGHT)


def test_a_gpu_counts_unless_it_is_not_to_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "available_memory_bytes", lambda: 200_000_000)
    options = LoadOptions(large_model(tmp_path))
    assert prepare(options, gpu_free_bytes=8 << 30).fit.is_enough
    with pytest.raises(NotEnoughMemoryError):
        prepare(replace(options, gpu_layers=0), gpu_free_bytes=8 << 30)


def test_a_held_model_is_described_and_its_client_closed_when_it_is_let_go(
    demo_model: Path,
) -> None:
    options = LoadOptions(demo_model, 256, 1, KvType.Q8_0, gpu_layers=0)
    model, client, _ = held(prepare(options))
    assert (model.context_tokens, model.on_gpu, model.is_demo) == (256, False, True)
    assert (model.kv_type, model.gpu_layers) == (KvType.Q8_0, 0)
    assert model.need_bytes == prepare(options).need.total_bytes
    assert [device.is_gpu for device in model.devices if device.name == "CPU"] == [False]
    with pytest.raises((EngineError, RuntimeError)):
        asyncio.run(client.properties())


def test_progress_grows_and_is_whole_when_the_model_is_ready(demo_model: Path) -> None:
    _, _, fractions = held(prepare(LoadOptions(demo_model, 256)))
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1.0
    assert all(0 < fraction < 1 for fraction in fractions[:-1])


def test_heads_that_cannot_be_cut_into_blocks_keep_their_numbers_whole(tmp_path: Path) -> None:
    path = write_zero_model(tmp_path, Shape(embedding=80, heads=2))  # 40 numbers a head
    prepared = prepare(LoadOptions(path, 512, kv_type=KvType.Q8_0))
    assert prepared.need.kv_type is prepared.spec.kv_type is KvType.F16
    model, _, _ = held(prepared)
    assert model.kv_type is KvType.F16
    # were it asked for all the same, llama.cpp would refuse
    forced = replace(prepared, spec=replace(prepared.spec, kv_type=KvType.Q8_0))
    with pytest.raises(EngineError, match="could not be loaded"):
        held(forced)


def test_a_demo_model_that_was_removed_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(session, "demo_model", missing)
    assert not session._is_demo(tmp_path)
