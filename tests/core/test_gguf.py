"""The GGUF reader itself; what it means for a user is in test_model_file."""

import io

import pytest

from gguf_files import STARCODER, gguf
from starpad.core.gguf import CorruptGgufError, LongArray, read, read_beginning


def test_metadata_keeps_its_types_and_long_arrays_are_only_counted() -> None:
    metadata = STARCODER | {"flag": True, "factor": 0.5, "sizes": [1, 2], "many": [7] * 1025}
    file = read(io.BytesIO(gguf(metadata)))
    assert file.metadata["flag"] is True
    assert file.metadata["factor"] == 0.5
    assert file.metadata["sizes"] == (1, 2)
    assert file.metadata["many"] == LongArray(1025)
    assert file.metadata["tokenizer.ggml.tokens"] == LongArray(3)


def test_tensors_have_a_place_and_a_size() -> None:
    file = read(io.BytesIO(gguf(tensors=[("a", (33,), 8, 0), ("b", (4, 2), 0, 96)])))
    assert [tensor.size_bytes for tensor in file.tensors] == [68, 32]  # 33 Q8_0 take two blocks
    assert file.end_offset_bytes == file.data_offset_bytes + 128
    assert file.data_offset_bytes % 32 == 0


def test_without_tensors_the_file_may_end_after_the_header() -> None:
    file = read(io.BytesIO(gguf(tensors=[])))
    assert file.end_offset_bytes == file.data_offset_bytes


def test_other_bytes_are_refused() -> None:
    with pytest.raises(CorruptGgufError, match="not GGUF"):
        read(io.BytesIO(b"lmgg" + bytes(60)))


def test_a_beginning_tells_what_came_before_its_end() -> None:
    data = gguf()
    end = data.index(b"tokenizer.ggml.model")
    metadata = read_beginning(io.BytesIO(data[:end]))
    assert metadata == {key: STARCODER[key] for key in list(STARCODER)[:-2]}


def test_an_array_that_is_cut_off_still_tells_its_length() -> None:
    data = gguf(STARCODER | {"tokenizer.ggml.tokens": ["token"] * 49152})
    assert read_beginning(io.BytesIO(data[:4096]))["tokenizer.ggml.tokens"] == LongArray(49152)


def test_a_beginning_of_other_bytes_is_refused() -> None:
    with pytest.raises(CorruptGgufError, match="not GGUF"):
        read_beginning(io.BytesIO(b"lmgg" + bytes(60)))
