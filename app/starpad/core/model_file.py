"""What a model file is, read from its first bytes: never from its name, never its weights."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from starpad.core import gguf, legacy_ggml
from starpad.core.errors import ModelFileError
from starpad.core.gguf import Gguf, LongArray, Value

ENDINGS = (".gguf", ".bin")
"""What a file picked out of others is taken for a model by. Only its content says whether it is."""

_HEAD_BYTES = 512
_MOST_LETTERS = 120
_DOWNLOAD_AGAIN = "Download it again, or choose another model file."
_GET_GGUF = "Get the model as a GGUF file."

# llama_ftype: what `general.file_type` numbers mean. A number that is not here is not an error.
_QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M",
    30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """What a file says about its model; 0 or empty where it says nothing."""

    path: Path
    size_bytes: int
    """Of the file, or of all its parts when the model is split into several."""
    architecture: str
    name: str
    quantization: str
    context_tokens: int
    """What the model was trained for."""
    layers: int
    embedding: int
    heads: int
    kv_heads: int
    key_values: int
    """Numbers that one head keeps of one token as key; `value_values` as value."""
    value_values: int
    vocabulary_tokens: int
    parameters: int
    """Of this file: a split model's other parts hold the rest."""
    tensor_data_bytes: int
    end_offset_bytes: int
    """Where the last tensor ends: a shorter file is truncated."""
    part_number: int
    """Counted from 0, of `part_count`."""
    part_count: int
    has_tokenizer: bool
    chat_template: str
    """Jinja, as on the Hub."""
    is_legacy_ggml: bool = False
    """A GGML file of 2023, for the older engine. Its keys and values stand there for every head,
    and the engine keeps them all."""


def read_header(path: Path) -> ModelHeader:
    """Return the header of the model file at `path`, checked against the file's real size.

    Raises ModelFileError for everything that keeps the file from being loaded and that its
    first bytes can tell: missing, unreadable, another kind of file, damaged or cut off.
    """
    if path.is_dir():
        raise ModelFileError(f"{path.name} is a folder, not a model file.", "Choose a GGUF file.")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            header = parse_header(file, path, size)
    except FileNotFoundError as error:
        message = f"The model file {path} does not exist."
        raise ModelFileError(message, "Choose another model file.") from error
    except PermissionError as error:
        message = f"You have no permission to read {path.name}."
        raise ModelFileError(message, "Change the file's permissions.") from error
    except EOFError as error:
        message = f"{path.name} is truncated: it ends inside its header, after {size:,} bytes."
        raise ModelFileError(message, _DOWNLOAD_AGAIN) from error
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror or error}."
        raise ModelFileError(message, "Check the disk that it lies on.") from error
    if size < header.end_offset_bytes:
        raise ModelFileError(
            f"{path.name} is truncated: {size:,} of {header.end_offset_bytes:,} bytes are there.",
            _DOWNLOAD_AGAIN,
        )
    return _with_parts(header)


def parse_header(stream: BinaryIO, path: Path, size_bytes: int) -> ModelHeader:
    """Return the header at the start of a binary stream, which need not hold the whole file.

    `path` and `size_bytes` describe the whole file; of a GGML file of 2023 it must all be there,
    in a stream that can be positioned. Raises EOFError when the stream ends inside the header,
    ModelFileError when it does not start a usable model file.
    """
    head = stream.read(_HEAD_BYTES)
    if head.startswith(legacy_ggml.MAGIC):
        stream.seek(len(legacy_ggml.MAGIC))
        return _legacy_header(stream, path, size_bytes)
    if not head.startswith(gguf.MAGIC):
        raise _not_a_gguf(head, path.name)
    try:
        file = gguf.read(stream, head)
    except gguf.CorruptGgufError as error:
        raise ModelFileError(f"{path.name} cannot be used: {error}.", _DOWNLOAD_AGAIN) from error
    header = _header(file, path, size_bytes)
    if header.part_number:
        raise ModelFileError(
            f"{path.name} is part {header.part_number + 1} of {header.part_count} of a model.",
            "Choose the first part; the others are found by themselves.",
        )
    if not file.tensors and header.part_count == 1:
        raise ModelFileError(f"{path.name} holds no weights, only a description.", _DOWNLOAD_AGAIN)
    if not header.has_tokenizer:
        raise ModelFileError(f"{path.name} holds no tokenizer, so it cannot read text.", _GET_GGUF)
    return header


def parse_beginning(data: bytes, path: Path, size_bytes: int) -> ModelHeader:
    """Return what the first bytes of a model file tell: enough to reckon its memory.

    `path` and `size_bytes` describe the whole file, which stands for the weights: the table of
    tensors lies behind the vocabulary, megabytes further on. Raises EOFError when the model's
    dimensions lie further on too, ModelFileError when it is no usable model file.
    """
    if data.startswith(legacy_ggml.MAGIC):
        return _legacy_beginning(data, path, size_bytes)
    if not data.startswith(gguf.MAGIC):
        raise _not_a_gguf(data[:_HEAD_BYTES], path.name)
    try:
        metadata = gguf.read_beginning(io.BytesIO(data))
    except gguf.CorruptGgufError as error:
        raise ModelFileError(f"{path.name} cannot be used: {error}.", _DOWNLOAD_AGAIN) from error
    header = _header(Gguf(0, metadata, (), 0), path, size_bytes)
    if not (header.layers and header.embedding and header.vocabulary_tokens):
        raise EOFError("the model's dimensions lie further on")
    return replace(header, tensor_data_bytes=size_bytes, end_offset_bytes=size_bytes)


def _header(file: Gguf, path: Path, size_bytes: int) -> ModelHeader:
    metadata = file.metadata
    architecture = _text(metadata, "general.architecture")

    def number(key: str, default: int = 0) -> int:
        return _number(metadata, f"{architecture}.{key}", default)

    heads = number("attention.head_count")
    per_head = number("embedding_length") // max(heads, 1)
    tokens = metadata.get("tokenizer.ggml.tokens")
    vocabulary = tokens.length if isinstance(tokens, LongArray) else number("vocab_size")
    return ModelHeader(
        path=path,
        size_bytes=size_bytes,
        architecture=architecture,
        name=_one_line(_text(metadata, "general.name")),
        quantization=_QUANTIZATIONS.get(_number(metadata, "general.file_type", -1), ""),
        context_tokens=number("context_length"),
        layers=number("block_count"),
        embedding=number("embedding_length"),
        heads=heads,
        kv_heads=number("attention.head_count_kv", heads),
        key_values=number("attention.key_length", per_head),
        value_values=number("attention.value_length", per_head),
        vocabulary_tokens=vocabulary,
        parameters=sum(tensor.values for tensor in file.tensors),
        tensor_data_bytes=file.end_offset_bytes - file.data_offset_bytes,
        end_offset_bytes=file.end_offset_bytes if file.tensors else 0,
        part_number=_number(metadata, "split.no", 0),
        part_count=max(1, _number(metadata, "split.count", 1)),
        has_tokenizer="tokenizer.ggml.model" in metadata,
        chat_template=_text(metadata, "tokenizer.chat_template"),
    )


def _legacy_header(stream: BinaryIO, path: Path, size_bytes: int) -> ModelHeader:
    try:
        file = legacy_ggml.read(stream, size_bytes)
    except legacy_ggml.CorruptLegacyGgmlError as error:
        raise _unusable_legacy(path, error) from error
    return replace(
        _of_shape(file.shape, path, size_bytes),
        parameters=file.parameters,
        tensor_data_bytes=file.tensor_data_bytes,
        end_offset_bytes=file.end_offset_bytes,
    )


def _legacy_beginning(data: bytes, path: Path, size_bytes: int) -> ModelHeader:
    stream = io.BytesIO(data)
    stream.seek(len(legacy_ggml.MAGIC))
    try:
        return _of_shape(legacy_ggml.read_shape(stream), path, size_bytes)
    except legacy_ggml.CorruptLegacyGgmlError as error:
        raise _unusable_legacy(path, error) from error


def _unusable_legacy(path: Path, error: legacy_ggml.CorruptLegacyGgmlError) -> ModelFileError:
    message = f"{path.name} is a legacy GGML file of 2023 that cannot be used: {error}."
    return ModelFileError(message, "Get the model as a GGUF file, or download it again.")


def _of_shape(shape: legacy_ggml.Shape, path: Path, size_bytes: int) -> ModelHeader:
    per_head = shape.embedding // shape.heads
    return ModelHeader(
        path=path,
        size_bytes=size_bytes,
        architecture="gpt_bigcode",
        name="",
        quantization=shape.quantization,
        context_tokens=shape.context_tokens,
        layers=shape.layers,
        embedding=shape.embedding,
        heads=shape.heads,
        kv_heads=shape.heads,
        key_values=per_head,
        value_values=per_head,
        vocabulary_tokens=shape.vocabulary_tokens,
        parameters=0,
        tensor_data_bytes=size_bytes,
        end_offset_bytes=size_bytes,
        part_number=0,
        part_count=1,
        has_tokenizer=True,
        chat_template="",
        is_legacy_ggml=True,
    )


def _text(metadata: Mapping[str, Value], key: str) -> str:
    value = metadata.get(key, "")
    return value if isinstance(value, str) else ""


def _one_line(name: str) -> str:
    """Return a name fit for a list: that of a damaged file may be anything, and long."""
    visible = "".join(letter if letter.isprintable() else " " for letter in name[:_MOST_LETTERS])
    return " ".join(visible.split())


def _number(metadata: Mapping[str, Value], key: str, default: int) -> int:
    """Return a count; where a model gives one for each layer, the largest."""
    value = metadata.get(key, default)
    if isinstance(value, tuple):
        value = max(value, default=default)
    return value if isinstance(value, int) and value >= 0 else default


def _with_parts(header: ModelHeader) -> ModelHeader:
    """Count the other files of a split model; llama.cpp finds them by the same names."""
    name = re.fullmatch(r"(.*)-00001-of-(\d{5})\.gguf", header.path.name)
    if header.part_count == 1 or name is None:
        return header
    others_bytes = 0
    for number in range(2, header.part_count + 1):
        part = header.path.with_name(f"{name[1]}-{number:05}-of-{name[2]}.gguf")
        if not part.is_file():
            raise ModelFileError(
                f"Part {number} of {header.part_count} of the model is missing: {part.name}.",
                f"Put it beside {header.path.name}.",
            )
        others_bytes += part.stat().st_size
    return replace(
        header,
        size_bytes=header.size_bytes + others_bytes,
        tensor_data_bytes=header.tensor_data_bytes + others_bytes,
    )


def _not_a_gguf(head: bytes, name: str) -> ModelFileError:
    """Say what a file is instead, as far as its first bytes tell."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return ModelFileError(f"{name} is empty.", _DOWNLOAD_AGAIN)
    if head[:4] in legacy_ggml.OTHER_MAGICS:
        return ModelFileError(
            f"{name} is a legacy GGML file of 2023 of a kind that no engine here can open.",
            "Get a GGUF file of the same model.",
        )
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return ModelFileError(
            f"{name} is a web page, not a model: the download got a page instead of the file.",
            "Download it again; the site may want you to log in or to accept a license.",
        )
    if text.startswith(b"version https://git-lfs"):
        return ModelFileError(
            f"{name} is a Git LFS pointer, not the model itself.",
            "Fetch the real file, for example with `git lfs pull`.",
        )
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 30:
        return ModelFileError(f"{name} is a safetensors file, not a GGUF file.", _GET_GGUF)
    if head.startswith((b"PK\x03\x04", b"\x80\x02")):
        return ModelFileError(f"{name} is a PyTorch or zip file, not a GGUF file.", _GET_GGUF)
    if text.startswith((b"{", b"[")):
        return ModelFileError(f"{name} is a JSON text, not a model.", "Choose a GGUF file.")
    if not any(head):
        return ModelFileError(f"{name} starts with zeros only: it is unfinished.", _DOWNLOAD_AGAIN)
    return ModelFileError(f"{name} is not a model file that Starpad knows.", "Choose a GGUF file.")
