"""The need for memory follows from the header, and the verdict from the numbers."""

from dataclasses import replace
from pathlib import Path

import pytest

from gguf_files import STARCODER, Metadata, gguf, write
from starpad.core.load_options import KvType
from starpad.core.memory_fit import MemoryNeed, Verdict, estimate, fits, usable_kv_type
from starpad.core.model_file import ModelHeader, read_header

GB = 1_000_000_000


@pytest.fixture
def header(tmp_path: Path) -> ModelHeader:
    """Return the header of a StarCoder2 3B, with hardly any weights."""
    return read_header(write(tmp_path, gguf()))


def need_of(gigabytes: float) -> MemoryNeed:
    return MemoryNeed(weights_bytes=int(gigabytes * GB), kv_bytes=0, compute_bytes=0)


def test_the_cache_of_starcoder2_3b_is_what_llama_cpp_allocates(header: ModelHeader) -> None:
    need = estimate(header, context_tokens=4096, slots=2)
    # 30 layers, 2 KV heads of 128 numbers, keys and values, 2 bytes each: 30 KiB for a token
    assert need.kv_bytes == 8192 * 30 * 1024
    assert need.weights_bytes == 420
    assert need.total_bytes == need.weights_bytes + need.kv_bytes + need.compute_bytes
    assert (need.context_tokens, need.slots, need.kv_type) == (4096, 2, KvType.F16)


def test_work_grows_with_the_vocabulary_the_context_and_the_batch(header: ModelHeader) -> None:
    least = estimate(header, 1024, 1, batch_tokens=128).compute_bytes
    assert 40_000_000 < least < 100_000_000
    assert least < estimate(header, 1024, 1, batch_tokens=512).compute_bytes
    assert least < estimate(header, 1024, 2, batch_tokens=128).compute_bytes
    wordy = replace(header, vocabulary_tokens=49152)
    assert least < estimate(wordy, 1024, 1, batch_tokens=128).compute_bytes


@pytest.mark.parametrize(
    ("kv_type", "part"), [(KvType.F16, 1), (KvType.Q8_0, 17 / 32), (KvType.Q4_0, 9 / 32)]
)
def test_quantized_numbers_take_less(header: ModelHeader, kv_type: KvType, part: float) -> None:
    need = estimate(header, 1024, 1, kv_type)
    assert need.kv_bytes == estimate(header, 1024, 1).kv_bytes * part
    assert need.kv_type is kv_type


def test_heads_that_cannot_be_cut_into_blocks_are_reckoned_as_they_will_be_loaded(
    header: ModelHeader,
) -> None:
    for odd in (replace(header, key_values=80), replace(header, value_values=80)):
        assert usable_kv_type(odd, KvType.Q4_0) is KvType.F16
        need = estimate(odd, 1024, 1, KvType.Q4_0)
        assert need == estimate(odd, 1024, 1, KvType.F16)
        assert need.kv_type is KvType.F16
    assert usable_kv_type(replace(header, key_values=96), KvType.Q4_0) is KvType.Q4_0


def test_a_context_beyond_the_training_is_not_paid_for(header: ModelHeader) -> None:
    assert estimate(header, 1 << 20, 2) == estimate(header, header.context_tokens, 2)


def test_a_header_that_says_nothing_still_gives_a_number(tmp_path: Path) -> None:
    metadata: Metadata = {"tokenizer.ggml.model": "gpt2"}
    need = estimate(read_header(write(tmp_path, gguf(metadata))), 1024, 2)
    assert need.kv_bytes == 0
    assert need.total_bytes > 420


def test_layers_that_differ_are_reckoned_by_the_largest(tmp_path: Path) -> None:
    uneven: Metadata = STARCODER | {"starcoder2.attention.head_count_kv": [2, 1]}
    need = estimate(read_header(write(tmp_path, gguf(uneven))), 4096, 2)
    assert need.kv_bytes == 8192 * 30 * 1024


def test_a_need_that_fits_says_so_with_all_numbers() -> None:
    need = MemoryNeed(1_900_000_000, 534_773_760, 90_000_000, 16384, 2, KvType.Q8_0)
    fit = fits(need, 12_100_000_000)
    assert (fit.verdict, fit.is_enough) == (Verdict.FITS, True)
    assert fit.sentence == (
        "The model needs 2.5 GB of memory (1.9 GB for its weights, 535 MB for 2 contexts of "
        "16,384 tokens in q8_0, 90 MB for work), and 12.1 GB are free."
    )
    assert fit.short == "needs 2.5 of 12.1 GB free"


def test_a_need_that_does_not_fit_says_how_much_is_free() -> None:
    need = need_of(9.86)
    assert fits(need, need.total_bytes).is_enough
    fit = fits(need, need.total_bytes - 1)
    assert (fit.verdict, fit.is_enough) == (Verdict.DOES_NOT_FIT, False)
    assert "only 9.9 GB are free" in fit.sentence
    assert "9.9 GB for its weights" in fit.sentence


def test_small_numbers_are_not_rounded_to_nothing() -> None:
    assert fits(need_of(0.053), 12 * GB).short == "needs 53 MB of 12.0 GB free"
    assert fits(need_of(0.053), 12_000_000).short == "needs 53 of 12 MB free"


@pytest.mark.parametrize(
    ("need_gb", "free_gb", "verdict"),
    [
        (2, 2.99, Verdict.TIGHT),  # less than 1 GB would be left
        (2, 3.0, Verdict.FITS),
        (20, 21.9, Verdict.TIGHT),  # less than a tenth of the need: the estimate's doubt
        (20, 22.0, Verdict.FITS),
        (0.05, 0.11, Verdict.FITS),  # a tiny model takes nobody's room
        (0.05, 0.09, Verdict.TIGHT),
    ],
)
def test_a_model_that_leaves_little_is_tight(
    need_gb: float, free_gb: float, verdict: Verdict
) -> None:
    assert fits(need_of(need_gb), int(free_gb * GB)).verdict is verdict


def test_a_gpu_with_room_takes_weights_and_context_and_leaves_the_work() -> None:
    fit = fits(MemoryNeed(8 * GB, 1 * GB, 90_000_000), 2 * GB, gpu_free_bytes=24 * GB)
    assert fit.verdict is Verdict.FITS
    assert "go to the GPU, which has 24.0 GB free" in fit.sentence
    assert "the other 90 MB go to the memory, where 2.0 GB are free" in fit.sentence
    assert fit.short == "needs 9.0 of 24.0 GB free on the GPU"


def test_a_gpu_that_is_too_small_takes_a_part() -> None:
    need = MemoryNeed(8 * GB, 1 * GB, 90_000_000)
    on_gpu = 4 * GB - (1 << 30)
    fit = fits(need, 12 * GB, gpu_free_bytes=4 * GB)
    assert fit.verdict is Verdict.FITS
    assert "2.9 GB of it go to the GPU" in fit.sentence
    assert "the other 6.2 GB go to the memory" in fit.sentence
    assert fit.short == "needs 6.2 of 12.0 GB free beside the GPU"
    assert fits(need, need.total_bytes - on_gpu, 4 * GB).is_enough
    short = fits(need, need.total_bytes - on_gpu - 1, 4 * GB)
    assert not short.is_enough
    assert "where only 6.2 GB are free" in short.sentence


def test_a_gpu_that_is_full_does_not_count() -> None:
    assert fits(need_of(2), 12 * GB, gpu_free_bytes=GB) == fits(need_of(2), 12 * GB)
