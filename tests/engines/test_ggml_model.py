"""What a model holds is kept as long as it fits, and no batch overflows the library's buffers."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from legacy_ggml_files import write_legacy
from starpad.core.memory_fit import GGML_SCRATCH_BYTES
from starpad.core.model_file import ModelHeader, read_header
from starpad.engines import ggml_library, ggml_model
from starpad.engines.ggml_library import Gpu, NativeModel, cpu_build
from starpad.engines.ggml_model import GgmlModel, load
from starpad.engines.spec import EngineSpec


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_legacy(tmp_path)


@pytest.fixture
def header(file: Path) -> ModelHeader:
    return read_header(file)


@pytest.fixture
def model(file: Path, header: ModelHeader) -> GgmlModel:
    return load(_spec(file), header)[0]


def _spec(file: Path, context_tokens: int = 512, **changes: int) -> EngineSpec:
    return replace(EngineSpec(file, "tiny", context_tokens, 1), **changes)  # type: ignore[arg-type]


def test_the_longest_beginning_that_is_held_is_not_read_again(model: GgmlModel) -> None:
    assert model.keep([5, 6, 7]) == 0
    model.read([5, 6, 7])
    assert model.keep([5, 6, 8, 9]) == 2
    model.read([8, 9])
    # Of a prompt that is held as a whole, the last token is read again, for what follows it.
    assert model.keep([5, 6, 8, 9]) == 3
    assert model.keep([1, 6, 8]) == 0
    model.read([1, 6, 8])
    assert model.keep([1, 6, 8, 9], is_reuse_wanted=False) == 0


def test_what_was_held_before_has_no_influence(model: GgmlModel) -> None:
    prompt = [40, 50, 60, 70, 80]

    def logits() -> list[float]:
        model.read(prompt[model.keep(prompt) :])
        return list(model.logits())

    fresh = logits()
    model.keep([40, 50, 99])
    model.read([99, 98, 97, 96])
    assert logits() == pytest.approx(fresh, abs=1e-3)
    model.keep([1])
    model.read([1])
    assert logits() == pytest.approx(fresh, abs=1e-3)


def test_a_batch_never_overflows_the_librarys_buffer(file: Path, header: ModelHeader) -> None:
    # StarCoder 15.5B: with 128 tokens at place 4,224 the library reads beyond its buffer (seen).
    for width, heads, context in ((6144, 48, 8192), (8192, 64, 8192), (2048, 256, 8192)):
        large = replace(header, embedding=width, heads=heads, context_tokens=context)
        native = NativeModel(cpu_build(), file, 0)
        model = GgmlModel(native, large, _spec(file, context, batch_tokens=128))
        assert model.batch_at(0) == 32
        assert model.context_tokens > 7800
        for position in range(model.context_tokens):
            tokens = model.batch_at(position)
            behind = position + tokens
            needed = 4 * (behind * width + behind * tokens * heads + 21 * tokens * width)
            assert tokens >= 1
            assert needed < GGML_SCRATCH_BYTES
    assert model.batch_at(8000) < 32


def test_a_context_is_as_long_as_wanted_and_as_the_file_and_the_buffer_allow(
    file: Path, header: ModelHeader
) -> None:
    native = NativeModel(cpu_build(), file, 0)
    assert GgmlModel(native, header, _spec(file, 100)).context_tokens == 100
    assert GgmlModel(native, header, _spec(file, 9999)).context_tokens == 512
    wide = replace(header, embedding=20_000, heads=100, context_tokens=8192)
    assert 1000 < GgmlModel(native, wide, _spec(file, 8192)).context_tokens < 8192


def test_a_context_that_the_system_has_no_memory_for_is_said_so(
    file: Path, header: ModelHeader
) -> None:
    endless = replace(header, layers=1 << 20, heads=1 << 20)
    with pytest.raises(MemoryError, match="the system does not give"):
        load(_spec(file), endless)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("flags", "build"),
    [
        ({"avx", "avx2", "fma", "f16c", "sse2"}, "avx2"),
        ({"avx", "avx2", "f16c"}, "avx"),
        ({"avx"}, "basic"),
        (set(), "basic"),
    ],
)
def test_the_build_is_one_that_this_processor_can_run(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], build: str
) -> None:
    monkeypatch.setattr(ggml_library, "_cpu_flags", lambda: frozenset(flags))
    monkeypatch.setattr(ggml_library.platform, "machine", lambda: "x86_64")
    assert cpu_build().parent.name == build


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the flags have other sources")
def test_the_processors_flags_are_read_from_the_system() -> None:
    assert ggml_library._cpu_flags() & {"sse2", "avx", "avx2"} or cpu_build().parent.name == "basic"


def test_a_processor_without_a_build_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ggml_library.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(ggml_library.sys, "platform", "linux")
    with pytest.raises(ggml_library.GgmlError, match="no build for this processor"):
        cpu_build()


def test_without_a_gpu_that_its_build_can_use_the_processor_computes(
    file: Path, header: ModelHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ggml_library, "_first_gpu", lambda _runtime: None)
    assert ggml_library.cuda_build() is None
    _, gpu, layers = load(_spec(file, gpu_layers=99), header)
    assert (gpu, layers) == (None, 0)


def test_as_many_layers_go_to_a_gpu_as_are_wanted_or_fit(header: ModelHeader) -> None:
    large = replace(header, layers=40, tensor_data_bytes=10 << 30)
    gpu = Gpu("CUDA0", 8 << 30, 6 << 30)
    assert ggml_model._gpu_layers(large, 7, gpu) == 7
    assert ggml_model._gpu_layers(large, 99, gpu) == 40
    assert ggml_model._gpu_layers(large, -1, gpu) == 20
    assert ggml_model._gpu_layers(large, -1, replace(gpu, memory_free_bytes=100)) == 0
