"""Model files are known by their bytes; every unusable one gets its own clear sentence."""

import contextlib
import io
import os
import random
import struct
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gguf_files import ARRAY, STARCODER, STRING, U64, Metadata, gguf, text, write
from starpad.core.errors import ModelFileError
from starpad.core.model_file import parse_beginning, parse_header, read_header

NOWHERE = Path("remote.gguf")


def header_with(count: int, entry: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, count) + entry


def entry(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def refusal_of(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    assert caught.value.hint
    return caught.value.message


def test_the_model_in_the_box_is_what_its_card_says(demo_model: Path) -> None:
    header = read_header(demo_model)
    assert header.architecture == "starcoder2"
    assert header.name == "starpad-demo"
    assert header.quantization == "Q8_0"
    assert header.context_tokens == 1024
    assert header.vocabulary_tokens == 8192
    assert header.parameters == 6_244_096  # as llama.cpp counts them
    assert header.end_offset_bytes == header.size_bytes == demo_model.stat().st_size
    assert header.has_tokenizer
    assert header.part_count == 1


def test_a_header_tells_the_shape(tmp_path: Path) -> None:
    header = read_header(write(tmp_path, gguf()))
    assert (header.name, header.quantization) == ("Test Coder", "Q4_K_M")
    assert (header.layers, header.embedding, header.heads, header.kv_heads) == (30, 3072, 24, 2)
    assert (header.key_values, header.value_values) == (128, 128)
    assert (header.context_tokens, header.vocabulary_tokens) == (16384, 3)
    assert (header.parameters, header.tensor_data_bytes) == (512, 420)


def test_a_header_tells_the_chat_template_if_there_is_one(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, gguf())).chat_template == ""
    with_one: Metadata = {**STARCODER, "tokenizer.chat_template": "{{ messages }}"}
    assert read_header(write(tmp_path, gguf(with_one))).chat_template == "{{ messages }}"
    strange: Metadata = {**STARCODER, "tokenizer.chat_template": 7}
    assert read_header(write(tmp_path, gguf(strange))).chat_template == ""


def test_version_2_is_read_like_version_3(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, gguf(version=2))).layers == 30


def test_heads_given_for_each_layer_count_as_the_largest(tmp_path: Path) -> None:
    metadata = STARCODER | {"starcoder2.attention.head_count_kv": [1, 4, 2]}
    assert read_header(write(tmp_path, gguf(metadata))).kv_heads == 4


def test_what_the_header_does_not_say_is_zero_or_empty(tmp_path: Path) -> None:
    metadata: Metadata = {
        "tokenizer.ggml.model": "gpt2", "general.name": 7, "general.file_type": 9999,
        "starcoder2.block_count": "many", "llama.attention.head_count": [],
        "general.architecture": "llama", "llama.vocab_size": 77, "llama.use": True, "llama.f": 0.5,
    }  # fmt: skip
    header = read_header(write(tmp_path, gguf(metadata)))
    assert (header.name, header.quantization, header.layers, header.heads) == ("", "", 0, 0)
    assert header.vocabulary_tokens == 77


def test_names_do_not_matter(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, gguf(), "renamed.txt")).layers == 30
    assert "JSON" in refusal_of(write(tmp_path, b'{"a": 1}', "real.gguf"))


@pytest.mark.skipif(sys.gettrace() is not None, reason="measuring coverage takes the time")
def test_a_large_vocabulary_is_read_in_less_than_a_tenth_of_a_second(tmp_path: Path) -> None:
    tokens = [f"token-{i}" for i in range(49152)]
    metadata = STARCODER | {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.merges": [f"{t} {t}" for t in tokens],
        "tokenizer.ggml.token_type": [1] * 49152,
    }
    path = write(tmp_path, gguf(metadata))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert read_header(path).vocabulary_tokens == 49152
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1


def test_the_first_bytes_of_a_remote_file_are_enough() -> None:
    whole = gguf(data_bytes=0)
    header = parse_header(io.BytesIO(whole), NOWHERE, size_bytes=10**10)
    assert (header.layers, header.size_bytes) == (30, 10**10)


def test_too_few_bytes_of_a_remote_file_ask_for_more() -> None:
    whole = gguf(data_bytes=0)
    for length in range(4, len(whole.rstrip(b"\0")) - 8, 7):
        with pytest.raises(EOFError):
            parse_header(io.BytesIO(whole[:length]), NOWHERE, size_bytes=10**10)


def test_a_stream_may_give_its_bytes_in_drops() -> None:
    class Drops(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 3, 3) if size != 512 else 20)

    assert parse_header(Drops(gguf()), NOWHERE, size_bytes=0).layers == 30


@pytest.mark.parametrize("cut", [5, 30, 200, 350])
def test_a_file_cut_in_its_header_is_called_truncated(tmp_path: Path, cut: int) -> None:
    message = refusal_of(write(tmp_path, gguf()[:cut]))
    assert "truncated" in message
    assert f"{cut:,} bytes" in message


def test_a_file_cut_in_its_weights_is_called_truncated_with_the_numbers(tmp_path: Path) -> None:
    whole = gguf()
    message = refusal_of(write(tmp_path, whole[:-1]))
    assert f"{len(whole) - 1:,} of {len(whole):,} bytes" in message


def test_the_real_model_cut_in_half_is_called_truncated(tmp_path: Path, demo_model: Path) -> None:
    data = demo_model.read_bytes()
    message = refusal_of(write(tmp_path, data[: len(data) // 2]))
    assert f"{len(data) // 2:,} of {len(data):,} bytes" in message


def test_alignment_counts_when_the_end_is_reckoned(tmp_path: Path) -> None:
    metadata = STARCODER | {"general.alignment": 4096}
    header = read_header(write(tmp_path, gguf(metadata)))
    assert header.end_offset_bytes == 4096 + 420


def test_a_tensor_type_of_the_future_is_left_to_the_engine(tmp_path: Path) -> None:
    data = gguf(tensors=[("w", (256, 2), 4242, 64)], data_bytes=64)
    assert read_header(write(tmp_path, data)).parameters == 512


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"ggml" + bytes(60), "legacy GGML"),
        (b"lmgg" + bytes(60), "legacy GGML"),
        (b"fmgg" + bytes(60), "legacy GGML"),
        (b"tjgg" + bytes(60), "legacy GGML"),
        (b"ggjt" + bytes(60), "legacy GGML"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf<html lang=en>", "web page"),
        (b'<?xml version="1.0"?><Error/>', "web page"),
        (b'{"error": "Access to model is restricted"}', "JSON"),
        (b"[1, 2]", "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "Git LFS"),
        (struct.pack("<Q", 81) + b'{"__metadata__": {}}', "safetensors"),
        (b"PK\x03\x04" + bytes(60), "PyTorch"),
        (b"\x80\x02}q\x00.", "PyTorch"),
        (bytes(600), "zeros"),
        (b"def main():\n    pass\n", "not a model file"),
        (b"GG", "not a model file"),
        (b"\x7fELF\x02\x01", "not a model file"),
    ],
)
def test_other_files_are_called_what_they_are(tmp_path: Path, data: bytes, word: str) -> None:
    assert word in refusal_of(write(tmp_path, data))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal_of(tmp_path / "none.gguf")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    assert "folder" in refusal_of(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, gguf())
    path.chmod(0)
    assert "permission" in refusal_of(path)


def test_the_systems_refusals_become_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, gguf())

    def refuse(error: OSError) -> str:
        def fail(*_args: object, **_kwargs: object) -> None:
            raise error

        monkeypatch.setattr(Path, "open", fail)
        return refusal_of(path)

    assert "permission" in refuse(PermissionError(13, "Permission denied"))
    assert "Input/output error" in refuse(OSError(5, "Input/output error"))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (gguf(version=1), "version 1"),
        (gguf(version=4), "version 4"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 2000, "number of tensors"),
        (header_with(1 << 50, b""), "number of metadata entries"),
        (header_with(1, struct.pack("<Q", 1 << 60)), "length of a text"),
        (header_with(1, entry("a", STRING, struct.pack("<Q", 1 << 60))), "length of a text"),
        (header_with(1, entry("a", 99, b"")), "unknown type 99"),
        (header_with(1, entry("a", ARRAY, struct.pack("<IQ", ARRAY, 1))), "unknown type 9"),
        (header_with(1, entry("a", ARRAY, struct.pack("<IQ", U64, 1 << 62))), "length of an array"),
        (
            header_with(
                1, entry("a", ARRAY, struct.pack("<IQ", STRING, 3)) + struct.pack("<Q", 1 << 61)
            ),
            "length of a text",
        ),
        (gguf(STARCODER | {"general.alignment": 0}), "alignment"),
        (header_with(1, entry("general.alignment", STRING, text("wide"))), "alignment"),
        (gguf(tensors=[("w", (1, 1, 1, 1, 1), 0, 0)]), "5 dimensions"),
        (gguf(tensors=[("w", (1 << 60,), 0, 0)]), "dimension of the tensor 'w'"),
        (gguf(tensors=[("w", (32,), 0, 1 << 62)]), "place of the tensor 'w'"),
        (gguf(tensors=[]), "no weights"),
        (gguf({"general.architecture": "llama"}), "no tokenizer"),
    ],
)
def test_damage_is_named(tmp_path: Path, data: bytes, word: str) -> None:
    assert word in refusal_of(write(tmp_path, data))


def test_claims_of_absurd_size_cost_no_time(tmp_path: Path) -> None:
    many_texts = header_with(1, entry("a", ARRAY, struct.pack("<IQ", STRING, 1 << 22)))
    arrays = entry("a", ARRAY, struct.pack("<IQ", U64, 1 << 22)) + bytes(8 << 20)
    start = time.perf_counter()
    assert "truncated" in refusal_of(write(tmp_path, many_texts + bytes(1 << 20)))
    assert "truncated" in refusal_of(write(tmp_path, header_with(40, arrays)))
    assert time.perf_counter() - start < 3


def test_a_header_larger_than_any_models_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.gguf"
    array = entry("a", ARRAY, struct.pack("<IQ", U64, 1 << 22))
    with path.open("wb") as file:
        file.write(header_with(100, b""))
        for _ in range(10):
            file.write(array)
            file.seek(8 << 22, os.SEEK_CUR)
        file.truncate(1 << 29)
    assert "larger than any model's" in refusal_of(path)


@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_no_damage_leads_to_anything_but_a_sentence(chance: random.Random, places: int) -> None:
    data = bytearray(gguf())
    for _ in range(places):
        data[chance.randrange(4, len(data))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
    with contextlib.suppress(EOFError, ModelFileError):
        parse_header(io.BytesIO(data), NOWHERE, len(data))


def test_a_split_model_counts_all_its_parts(tmp_path: Path) -> None:
    first = write(tmp_path, gguf(STARCODER | {"split.count": 3}), "m-00001-of-00003.gguf")
    write(tmp_path, bytes(1000), "m-00002-of-00003.gguf")
    assert "m-00003-of-00003.gguf" in refusal_of(first)
    write(tmp_path, bytes(500), "m-00003-of-00003.gguf")
    header = read_header(first)
    assert header.size_bytes == first.stat().st_size + 1500
    assert header.tensor_data_bytes == 420 + 1500


def test_a_split_model_under_another_name_is_left_to_the_engine(tmp_path: Path) -> None:
    path = write(tmp_path, gguf(STARCODER | {"split.count": 3}), "renamed.gguf")
    assert read_header(path).part_count == 3


def test_another_part_than_the_first_points_to_the_first(tmp_path: Path) -> None:
    metadata: Metadata = {"general.architecture": "starcoder2", "split.count": 3, "split.no": 1}
    assert "part 2 of 3" in refusal_of(write(tmp_path, gguf(metadata)))


def test_the_beginning_of_a_remote_file_tells_what_memory_it_will_need() -> None:
    data = gguf(STARCODER | {"tokenizer.ggml.tokens": ["token"] * 49152})
    header = parse_beginning(data[: 64 << 10], NOWHERE, 1_850_000_000)
    assert (header.layers, header.embedding, header.vocabulary_tokens) == (30, 3072, 49152)
    assert (header.kv_heads, header.key_values, header.context_tokens) == (2, 128, 16384)
    assert header.size_bytes == header.tensor_data_bytes == 1_850_000_000


def test_a_beginning_without_the_dimensions_asks_for_more() -> None:
    data = gguf({"general.description": "x" * 5000} | STARCODER)
    with pytest.raises(EOFError):
        parse_beginning(data[:4096], NOWHERE, len(data))


def test_the_beginning_of_something_else_is_named() -> None:
    for data, word in (
        (b"<!doctype html>", "web page"),
        (b"tjgg" + bytes(9), "legacy"),
        (b"", "empty"),
    ):
        with pytest.raises(ModelFileError, match=word):
            parse_beginning(data, NOWHERE, 1000)
    with pytest.raises(ModelFileError, match="version 9"):
        parse_beginning(gguf(version=9), NOWHERE, 1000)
