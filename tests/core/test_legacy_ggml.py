"""GGML files of 2023 are known by their magic, and checked before any library reads them."""

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from legacy_ggml_files import (
    MAGIC,
    Shape,
    entry,
    header,
    legacy,
    noise,
    packed,
    tensors,
    vocabulary,
    write_legacy,
)
from starpad.core.errors import ModelFileError
from starpad.core.legacy_ggml import CorruptLegacyGgmlError, read, read_tokens
from starpad.core.memory_fit import estimate, fits
from starpad.core.model_file import parse_beginning, read_header

SHAPE = Shape(layers=2, embedding=32, heads=2, context_tokens=64)
TOKENS = vocabulary()
FILE = legacy(SHAPE, TOKENS, noise())
HEAD = len(header(SHAPE, TOKENS))
TABLE = tensors(SHAPE, len(TOKENS))


def refusal(folder: Path, data: bytes) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_header(write_legacy(folder, data))
    return caught.value.message


def changed(place: int, number: int) -> bytes:
    """Return the file with another number at a place."""
    return FILE[:place] + struct.pack("<i", number) + FILE[place + 4 :]


def rewritten(change: Callable[[list[bytes]], object]) -> bytes:
    """Return a file whose tensors were changed, each with its data."""
    parts = []
    for tensor in TABLE:
        numbers = noise()(tensor.name, tensor.values)
        parts.append(entry(tensor) + packed(numbers, is_half=tensor.is_matrix))
    change(parts)
    return FILE[:HEAD] + b"".join(parts)


@pytest.mark.parametrize("name", ["starcoder.ggmlv3.f16.bin", "renamed.gguf", "model"])
def test_a_file_is_known_by_its_magic_whatever_its_name(tmp_path: Path, name: str) -> None:
    found = read_header(write_legacy(tmp_path, FILE, name))
    assert found.is_legacy_ggml
    assert (found.architecture, found.quantization) == ("gpt_bigcode", "F16")
    assert (found.layers, found.embedding, found.heads, found.context_tokens) == (2, 32, 2, 64)
    assert (found.kv_heads, found.key_values, found.vocabulary_tokens) == (2, 16, len(TOKENS))
    assert found.size_bytes == found.end_offset_bytes == len(FILE)
    assert found.parameters == sum(tensor.values for tensor in TABLE)
    assert found.tensor_data_bytes == sum(t.values * (2 if t.is_matrix else 4) for t in TABLE)


def test_the_vocabulary_is_read_as_bytes(tmp_path: Path) -> None:
    assert read_tokens(write_legacy(tmp_path, FILE)) == TOKENS
    with pytest.raises(CorruptLegacyGgmlError, match="not a GGML file"):
        read_tokens(write_legacy(tmp_path, b"GGUF" + FILE[4:]))


def test_an_output_that_is_the_embedding_is_kept_twice(tmp_path: Path) -> None:
    without = read_header(write_legacy(tmp_path, rewritten(lambda parts: parts.pop())))
    assert without.tensor_data_bytes == read_header(write_legacy(tmp_path, FILE)).tensor_data_bytes
    assert without.end_offset_bytes == without.size_bytes < len(FILE)


def test_the_beginning_of_a_remote_file_tells_what_memory_it_will_need() -> None:
    found = parse_beginning(FILE[:64], Path("model.bin"), 10_746_563_472)
    assert found.is_legacy_ggml
    assert (found.layers, found.embedding, found.vocabulary_tokens) == (2, 32, len(TOKENS))
    assert found.tensor_data_bytes == found.size_bytes == 10_746_563_472
    with pytest.raises(EOFError):
        parse_beginning(FILE[:20], Path("model.bin"), len(FILE))
    with pytest.raises(ModelFileError, match="legacy GGML"):
        parse_beginning(MAGIC + bytes(60), Path("model.bin"), 64)


@pytest.mark.parametrize("cut", [1, 100, 3000])
def test_a_truncated_file_says_how_much_is_there(tmp_path: Path, cut: int) -> None:
    message = refusal(tmp_path, FILE[:-cut])
    assert f"truncated: {len(FILE) - cut:,} of {len(FILE):,} bytes" in message


def test_a_file_may_end_anywhere_and_is_never_taken_for_whole(tmp_path: Path) -> None:
    ends = [HEAD]
    for tensor in TABLE[:-1]:
        ends.append(ends[-1] + len(entry(tensor)) + tensor.values * (2 if tensor.is_matrix else 4))
    # Without its last tensor, which is the output, it is a model.
    for end in [*ends[:-1], *(end + 7 for end in ends), *(end - 3 for end in ends), 8, 200]:
        assert "truncated" in refusal(tmp_path, FILE[:end])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (changed(4, 0), "vocabulary cannot have"),
        (changed(4, -5), "vocabulary cannot have"),
        (changed(28, len(TOKENS) + 1), "vocabulary cannot have"),
        (changed(8, 0), "not above zero"),
        (changed(12, -1), "not above zero"),
        (changed(16, 3), "embedding cannot have 32"),
        (changed(8, 2**31 - 1), "larger than any model"),
        (changed(12, 1 << 20), "larger than any model"),
        (changed(20, 2000), "larger than any model"),
        (changed(24, 4), "type of numbers, 4"),
        (changed(24, -2001), "type of numbers"),
        (changed(32, -1), "a token cannot have"),
        (changed(32, 1 << 30), "a token cannot have"),
        (changed(HEAD, 3), "table of tensors is damaged"),
        (changed(HEAD, 0), "table of tensors is damaged"),
        (changed(HEAD + 4, 1 << 20), "table of tensors is damaged"),
        (changed(HEAD + 8, 0), "another shape or type"),
        (changed(HEAD + 12, 33), "another shape or type"),
        (changed(HEAD + 20, 0), "no tensor of a StarCoder model"),
        (FILE + b"\0", "1 bytes follow"),
        (FILE + bytes(100), "100 bytes follow"),
        (rewritten(lambda parts: parts.insert(1, parts[0])), "there twice"),
        (rewritten(lambda parts: parts.pop(3)), "truncated"),
    ],
)
def test_what_the_library_would_stumble_over_is_refused_with_its_reason(
    tmp_path: Path, data: bytes, words: str
) -> None:
    message = refusal(tmp_path, data)
    assert words in message
    assert message.startswith("model.ggmlv3.f16.bin ")


def test_numbers_in_the_layout_of_before_may_2023_are_named(tmp_path: Path) -> None:
    old = header(SHAPE, TOKENS, 2) + FILE[HEAD:]
    assert "given up in May 2023" not in refusal(
        tmp_path, header(SHAPE, TOKENS, 2002) + FILE[HEAD:]
    )
    # Blocks of 20 bytes: the next entry is looked for in the middle of the data.
    rows = len(TOKENS)
    embedding = struct.pack("<3i2i", 2, 9, 2, 32, rows) + b"model/wte" + b"\1" * 20 * rows
    message = refusal(tmp_path, old[:HEAD] + embedding + FILE[HEAD:])
    assert "given up in May 2023" in message


def test_any_mutation_is_read_or_refused(tmp_path: Path) -> None:
    source = random.Random(3)
    refused = []
    for _ in range(400):
        data = bytearray(FILE)
        for _ in range(source.randint(1, 3)):
            end = HEAD + 60 if source.random() < 0.7 else len(data)
            data[source.randrange(4, end)] = source.randrange(256)
        end = source.choice((len(data), len(data) // 2))
        try:
            read_header(write_legacy(tmp_path, bytes(data[:end])))
        except ModelFileError as error:
            refused.append(error.message)
    assert 200 < len(refused) < 400
    assert all(message.startswith("model.ggmlv3.f16.bin ") for message in refused)


def test_a_stream_behind_the_magic_is_enough() -> None:
    stream = io.BytesIO(FILE)
    stream.seek(4)
    assert read(stream, len(FILE)).end_offset_bytes == len(FILE)


def test_such_a_model_has_one_context_in_32_bits_whatever_is_wished(tmp_path: Path) -> None:
    found = read_header(write_legacy(tmp_path, FILE))
    need = estimate(found, 8192, slots=2)
    assert (need.context_tokens, need.slots) == (64, 1)
    assert need.kv_bytes == 64 * 2 * 32 * 2 * 4
    assert need.weights_bytes == found.tensor_data_bytes
    assert "a context of 64 tokens in f32, for every head" in fits(need, 10**9).sentence
    assert estimate(found, 32, slots=1).kv_bytes == need.kv_bytes // 2
