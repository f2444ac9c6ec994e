"""Reads GGML files of 2023, from before GGUF: StarCoder's and GPT-2's, which share one layout.

Layout, all numbers little-endian 32-bit: the magic; vocabulary, context, embedding, heads, layers,
file type; the vocabulary again and each token with its length; then, up to the file's end, each
tensor: dimensions, length of its name, type; sizes; name; data. The library that runs such a file
checks little of it and reads beyond its buffers where it is wrong, so all of it is checked here.
Sources: ggml's starcoder example; ctransformers 0.2.27, which is what loads them.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = b"lmgg"
"""0x67676d6c, four letters as a number."""
OTHER_MAGICS = frozenset(
    order for magic in (b"ggml", b"ggmf", b"ggjt", b"ggla") for order in (magic, magic[::-1])
) - {MAGIC}
"""LLaMA's own formats of that year, and those of big-endian machines: no engine opens them."""

_NUMBERS = struct.Struct("<7i")
_ENTRY = struct.Struct("<3i")
_INT = struct.Struct("<i")

# Bounds far above every real model, so that nonsense is refused at once.
_MAX_VOCABULARY = 1 << 20
_MAX_TOKEN_BYTES = 1 << 12
_MAX_LAYERS = 1 << 10
_MAX_NAME_BYTES = 64
# The library counts a tensor's numbers, and all of a context's keys, in a signed 32-bit integer.
_MAX_VALUES = (1 << 31) - 1

_VERSION_FACTOR = 1000
"""A file type is the version of its quantization's layout times this, plus the type."""
_VERSION = 2


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a file's matrices are kept."""

    name: str
    tensor_type: int
    block_values: int
    block_bytes: int

    def size_bytes(self, values: int) -> int:
        return values // self.block_values * self.block_bytes


_F32 = _Kind("F32", 0, 1, 4)
# By GGML's file type, which is another number than a tensor's type.
_KINDS = {
    0: _F32,
    1: _Kind("F16", 1, 1, 2),
    2: _Kind("Q4_0", 2, 32, 18),
    3: _Kind("Q4_1", 3, 32, 20),
    7: _Kind("Q8_0", 8, 32, 34),
    8: _Kind("Q5_0", 6, 32, 22),
    9: _Kind("Q5_1", 7, 32, 24),
    10: _Kind("Q2_K", 10, 256, 84),
    11: _Kind("Q3_K", 11, 256, 110),
    12: _Kind("Q4_K", 12, 256, 144),
    13: _Kind("Q5_K", 13, 256, 176),
    14: _Kind("Q6_K", 14, 256, 210),
}
_OUTPUT = "model/lm_head"
"""May be missing: then the embedding serves for it."""


class CorruptLegacyGgmlError(ValueError):
    """The bytes cannot be such a file; the text says which part."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers at the beginning of a file."""

    vocabulary_tokens: int
    context_tokens: int
    embedding: int
    heads: int
    layers: int
    kind: _Kind
    version: int

    @property
    def quantization(self) -> str:
        """As in Q4_0."""
        return self.kind.name


@dataclass(frozen=True, slots=True)
class LegacyGgml:
    """A file whose table of tensors has been checked."""

    shape: Shape
    parameters: int
    tensor_data_bytes: int
    """What the weights take in memory: an output that is the embedding is kept twice."""
    end_offset_bytes: int
    """Where the last tensor ends: a shorter file is truncated."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    sizes: tuple[int, ...]
    kind: _Kind

    @property
    def values(self) -> int:
        return self.sizes[0] * (self.sizes[1] if len(self.sizes) > 1 else 1)

    @property
    def size_bytes(self) -> int:
        return self.kind.size_bytes(self.values)

    def entry_bytes(self, name: str) -> int:
        return _ENTRY.size + 4 * len(self.sizes) + len(name) + self.size_bytes


def read_shape(stream: BinaryIO) -> Shape:
    """Return the numbers that follow the magic; leaves the stream before the first token.

    Raises EOFError, and CorruptLegacyGgmlError for numbers that no model has.
    """
    numbers = _NUMBERS.unpack(_take(stream, _NUMBERS.size))
    vocabulary, context, embedding, heads, layers, file_type, again = numbers
    version, type_number = divmod(file_type, _VERSION_FACTOR)
    kind = _KINDS.get(type_number)
    if kind is None or version < 0:
        raise CorruptLegacyGgmlError(f"its type of numbers, {file_type}, is unknown")
    shape = Shape(vocabulary, context, embedding, heads, layers, kind, version)
    if again != vocabulary or not 0 < again <= _MAX_VOCABULARY:
        raise CorruptLegacyGgmlError(f"its vocabulary cannot have {again:,} tokens")
    if min(context, embedding, heads, layers) < 1:
        raise CorruptLegacyGgmlError("a dimension of the model is not above zero")
    if embedding % heads or embedding % kind.block_values:
        raise CorruptLegacyGgmlError(f"its embedding cannot have {embedding:,} numbers")
    largest = max(layers * context, 4 * embedding, vocabulary) * embedding
    if largest > _MAX_VALUES or layers > _MAX_LAYERS:
        raise CorruptLegacyGgmlError("it claims to be larger than any model of its kind")
    return shape


def read(stream: BinaryIO, size_bytes: int) -> LegacyGgml:
    """Return what a whole file of `size_bytes` holds; `stream` stands behind the magic.

    A truncated file is told by `end_offset_bytes`, except within the vocabulary: EOFError. Raises
    CorruptLegacyGgmlError for every tensor that is not what a model of this shape has.
    """
    shape = read_shape(stream)
    for _ in _tokens(stream, shape.vocabulary_tokens):
        pass
    position = stream.tell()
    missing = dict(_tensors(shape))
    parameters = data_bytes = 0
    while missing and position < size_bytes:
        try:
            name, tensor = _entry(stream, missing, shape)
        except EOFError:
            break
        after = stream.tell() + tensor.size_bytes
        if after > size_bytes:
            break
        stream.seek(after)
        position = after
        del missing[name]
        parameters += tensor.values
        data_bytes += tensor.size_bytes
    if missing.keys() == {_OUTPUT} and position == size_bytes:
        data_bytes += missing.pop(_OUTPUT).size_bytes
    if not missing and position < size_bytes:
        raise CorruptLegacyGgmlError(f"{size_bytes - position:,} bytes follow its last tensor")
    end = position + sum(tensor.entry_bytes(name) for name, tensor in missing.items())
    return LegacyGgml(shape, parameters, data_bytes, end)


def read_tokens(path: Path) -> list[bytes]:
    """Return the vocabulary of the file at `path`: each token's bytes, by id.

    Raises OSError, EOFError, and CorruptLegacyGgmlError for what is no such file.
    """
    with path.open("rb") as stream:
        if _take(stream, len(MAGIC)) != MAGIC:
            raise CorruptLegacyGgmlError("it is not a GGML file of 2023")
        return list(_tokens(stream, read_shape(stream).vocabulary_tokens))


def _tokens(stream: BinaryIO, count: int) -> Iterator[bytes]:
    read, unpack, size = stream.read, _INT.unpack, _INT.size
    for _ in range(count):
        head = read(size)
        if len(head) < size:
            raise EOFError("the vocabulary ends early")
        (length,) = unpack(head)
        if not 0 <= length <= _MAX_TOKEN_BYTES:
            raise CorruptLegacyGgmlError(f"a token cannot have {length:,} bytes")
        token = read(length)
        if len(token) < length:
            raise EOFError("the vocabulary ends early")
        yield token


def _tensors(shape: Shape) -> Iterator[tuple[str, _Tensor]]:
    """Yield every tensor of a model of this shape: keys and values stand there for every head."""
    width, kind = shape.embedding, shape.kind

    def vector(size: int) -> _Tensor:
        return _Tensor((size,), _F32)

    def matrix(columns: int, rows: int) -> _Tensor:
        return _Tensor((columns, rows), kind)

    yield "model/wte", matrix(width, shape.vocabulary_tokens)
    yield "model/wpe", _Tensor((width, shape.context_tokens), _F32)
    yield _OUTPUT, matrix(width, shape.vocabulary_tokens)
    yield "model/ln_f/g", vector(width)
    yield "model/ln_f/b", vector(width)
    for layer in range(shape.layers):
        place = f"model/h{layer}/"
        for norm in ("ln_1", "ln_2"):
            yield f"{place}{norm}/g", vector(width)
            yield f"{place}{norm}/b", vector(width)
        for name, columns, rows in (
            ("attn/c_attn", width, 3 * width),
            ("attn/c_proj", width, width),
            ("mlp/c_fc", width, 4 * width),
            ("mlp/c_proj", 4 * width, width),
        ):
            yield f"{place}{name}/w", matrix(columns, rows)
            yield f"{place}{name}/b", vector(rows)


def _entry(stream: BinaryIO, missing: dict[str, _Tensor], shape: Shape) -> tuple[str, _Tensor]:
    """Return the next tensor of the table; leaves the stream before its data."""
    dimensions, length, type_number = _ENTRY.unpack(_take(stream, _ENTRY.size))
    if not (1 <= dimensions <= 2 and 0 < length <= _MAX_NAME_BYTES):
        raise CorruptLegacyGgmlError(_where(shape, "its table of tensors is damaged"))
    sizes = struct.unpack(f"<{dimensions}i", _take(stream, 4 * dimensions))
    name = _take(stream, length).decode("ascii", "replace")
    tensor = missing.get(name)
    if tensor is None:
        what = f"{name!r} is no tensor of a StarCoder model, or there twice"
        raise CorruptLegacyGgmlError(_where(shape, what))
    if sizes != tensor.sizes or type_number != tensor.kind.tensor_type:
        raise CorruptLegacyGgmlError(f"the tensor {name} has another shape or type than its model")
    return name, tensor


def _where(shape: Shape, what: str) -> str:
    """Name the reason that is likelier than damage, where there is one."""
    if shape.version < _VERSION and shape.kind.block_values > 1:
        return f"it is quantized in a layout that was given up in May 2023 ({what})"
    return what


def _take(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the file ends early")
    return data
