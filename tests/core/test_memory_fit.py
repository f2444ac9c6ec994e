"""The need for memory follows from the header."""

from pathlib import Path

from gguf_files import Metadata, gguf, write
from starpad.core.load_options import KvType
from starpad.core.memory_fit import MemoryNeed, estimate, fits
from starpad.core.model_file import read_header


def test_the_cache_of_starcoder2_3b_is_what_llama_cpp_allocates(tmp_path: Path) -> None:
    need = estimate(read_header(write(tmp_path, gguf())), context_tokens=4096, slots=2)
    # 30 layers, 2 KV heads of 128 numbers, keys and values, 2 bytes each: 30 KiB for a token
    assert need.kv_bytes == 8192 * 30 * 1024
    assert need.weights_bytes == 420
    assert need.total_bytes == need.weights_bytes + need.kv_bytes + need.compute_bytes


def test_work_grows_with_the_vocabulary_and_the_batch(tmp_path: Path) -> None:
    header = read_header(write(tmp_path, gguf()))
    small = estimate(header, 1024, 1, batch_tokens=128).compute_bytes
    large = estimate(header, 1024, 1, batch_tokens=512).compute_bytes
    assert 0 < small < large < 1 << 30


def test_smaller_cache_values_need_less(tmp_path: Path) -> None:
    header = read_header(write(tmp_path, gguf()))
    q8 = estimate(header, 1024, 1, KvType.Q8_0).kv_bytes
    assert q8 * 32 == estimate(header, 1024, 1).kv_bytes * 17


def test_a_header_that_says_nothing_still_gives_a_number(tmp_path: Path) -> None:
    metadata: Metadata = {"tokenizer.ggml.model": "gpt2"}
    need = estimate(read_header(write(tmp_path, gguf(metadata))), 1024, 2)
    assert need.kv_bytes == 0
    assert need.total_bytes > 420


def test_a_need_that_fits_says_so_with_numbers() -> None:
    need = MemoryNeed(weights_bytes=1_900_000_000, kv_bytes=250_000_000, compute_bytes=150_000_000)
    fit = fits(need, 8_000_000_000)
    assert fit.is_enough
    assert "2.3 GB" in fit.sentence
    assert "8.0 GB are free" in fit.sentence


def test_a_need_that_does_not_fit_says_how_much_is_free() -> None:
    need = MemoryNeed(weights_bytes=9_860_000_000, kv_bytes=0, compute_bytes=0)
    assert fits(need, need.total_bytes).is_enough
    fit = fits(need, need.total_bytes - 1)
    assert not fit.is_enough
    assert "only 9.9 GB are free" in fit.sentence
    assert "9.9 GB for its weights" in fit.sentence
