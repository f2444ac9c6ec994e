"""Reads the header of a GGUF file: its metadata and where its tensors lie, never the weights.

Format: docs/gguf.md of the ggml project; block sizes: ggml-common.h.
"""

import contextlib
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"GGUF"

# A damaged file can claim any length. These bounds lie far above every real model and keep the
# time and memory for reading nonsense small.
_MAX_HEADER_BYTES = 256 << 20
_MAX_TEXT_BYTES = 16 << 20
_MAX_NAME_BYTES = 1 << 16
_MAX_METADATA = 1 << 16
_MAX_TENSORS = 1 << 17
_MAX_ARRAY = 1 << 22
_MAX_KEPT_ARRAY = 1024
_CHUNK_BYTES = 1 << 20
_MOST_SHOWN = 64

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_SCALARS = {
    number: struct.Struct("<" + code)
    for number, code in enumerate(["B", "b", "H", "h", "I", "i", "f", "?", "", "", "Q", "q", "d"])
    if code
}
_STRING, _ARRAY = 8, 9

# ggml type -> (values in a block, bytes of a block)
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4),
    27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


class CorruptGgufError(ValueError):
    """The bytes cannot be a GGUF header; the text says which part."""


@dataclass(frozen=True, slots=True)
class LongArray:
    """Stands for an array that was skipped: all strings, and numbers beyond a thousand."""

    length: int


Value = str | int | float | bool | tuple[int | float, ...] | LongArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's place: `offset_bytes` from the start of the tensor data."""

    name: str
    values: int
    offset_bytes: int
    size_bytes: int
    """0 for a type that this version does not know; then its end is not checked."""


@dataclass(frozen=True, slots=True)
class Gguf:
    """The header of one GGUF file."""

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    data_offset_bytes: int

    @property
    def end_offset_bytes(self) -> int:
        """Return where the last tensor ends, that is how long the file must at least be."""
        ends = (tensor.offset_bytes + tensor.size_bytes for tensor in self.tensors)
        return self.data_offset_bytes + max(ends, default=0)


class _Reader:
    """Little-endian values from a stream that is read once, forwards, in chunks."""

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self._stream = stream
        self._buffer = head
        self._at = 0
        self._passed_bytes = 0

    @property
    def position(self) -> int:
        return self._passed_bytes + self._at

    def _need(self, count: int) -> None:
        """Have `count` bytes in the buffer at `_at`."""
        if self.position + count > _MAX_HEADER_BYTES:
            raise CorruptGgufError("its header claims to be larger than any model's")
        missing = count - (len(self._buffer) - self._at)
        if missing <= 0:
            return
        parts = [self._buffer[self._at :]]
        while missing > 0:
            part = self._stream.read(max(missing, _CHUNK_BYTES))
            if not part:
                raise EOFError("the header ends early")
            parts.append(part)
            missing -= len(part)
        self._passed_bytes += self._at
        self._buffer, self._at = b"".join(parts), 0

    def take(self, count: int) -> bytes:
        self._need(count)
        self._at += count
        return self._buffer[self._at - count : self._at]

    def number(self, form: struct.Struct) -> int | float | bool:
        value: int | float | bool = form.unpack(self.take(form.size))[0]
        return value

    def u32(self) -> int:
        return int(self.number(_U32))

    def u64(self, limit: int, what: str) -> int:
        value = int(self.number(_U64))
        if value > limit:
            raise CorruptGgufError(f"{what} is {value}")
        return value

    def text(self, limit: int) -> str:
        return self.take(self.u64(limit, "the length of a text")).decode("utf-8", "replace")

    def skip(self, count: int) -> None:
        while count:
            step = min(count, _CHUNK_BYTES)
            self._need(step)
            self._at += step
            count -= step

    def skip_texts(self, count: int) -> None:
        # A vocabulary has a hundred thousand of them: the common case makes no call.
        length_of = _U64.unpack_from
        for _ in range(count):
            buffer, at = self._buffer, self._at
            if at + 8 <= len(buffer) and (end := at + 8 + length_of(buffer, at)[0]) <= len(buffer):
                self._at = end
            else:
                self.skip(self.u64(_MAX_TEXT_BYTES, "the length of a text"))

    def value(self, kind: int) -> Value:
        if kind == _STRING:
            return self.text(_MAX_TEXT_BYTES)
        if kind not in _SCALARS:
            raise CorruptGgufError(f"a value has the unknown type {kind}")
        return self.number(_SCALARS[kind])

    def array_head(self) -> tuple[int, int]:
        return self.u32(), self.u64(_MAX_ARRAY, "the length of an array")

    def array_body(self, kind: int, length: int) -> tuple[int | float, ...] | LongArray:
        if kind == _STRING:
            self.skip_texts(length)
            return LongArray(length)
        if kind not in _SCALARS:
            raise CorruptGgufError(f"an array holds the unknown type {kind}")
        form = _SCALARS[kind]
        if length > _MAX_KEPT_ARRAY:
            self.skip(length * form.size)
            return LongArray(length)
        return tuple(self.number(form) for _ in range(length))

    def tensor(self) -> Tensor:
        name = self.text(_MAX_NAME_BYTES)
        dimensions = self.u32()
        if dimensions > 4:
            raise CorruptGgufError(f"the tensor {_shown(name)} has {dimensions} dimensions")
        values = 1
        for _ in range(dimensions):
            values *= self.u64(1 << 48, f"a dimension of the tensor {_shown(name)}")
        block_values, block_bytes = _BLOCKS.get(self.u32(), (1, 0))
        offset = self.u64(1 << 60, f"the place of the tensor {_shown(name)}")
        return Tensor(name, values, offset, -(-values // block_values) * block_bytes)


def _shown(name: str) -> str:
    """Return a name fit for a sentence: that of a damaged file may be anything, and long."""
    return repr(name if len(name) <= _MOST_SHOWN else name[:_MOST_SHOWN] + "…")


def read(stream: BinaryIO, head: bytes = b"") -> Gguf:
    """Read a header from a binary stream that need neither seek nor hold the whole file.

    `head` are bytes already taken from the stream. Raises EOFError when the stream ends inside
    the header and CorruptGgufError when the bytes make no sense.
    """
    reader = _Reader(stream, head)
    metadata: dict[str, Value] = {}
    version, tensor_count = _read_metadata(reader, metadata)
    tensors = tuple(reader.tensor() for _ in range(tensor_count))
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        shown = alignment if isinstance(alignment, int) else "not a number"
        raise CorruptGgufError(f"the alignment is {shown}")
    return Gguf(version, metadata, tensors, -(-reader.position // alignment) * alignment)


def read_beginning(stream: BinaryIO) -> Mapping[str, Value]:
    """Return the metadata in a stream that may end inside the header.

    Of an array that is cut off its length is there. Raises CorruptGgufError when the bytes make
    no sense.
    """
    metadata: dict[str, Value] = {}
    with contextlib.suppress(EOFError):
        _read_metadata(_Reader(stream, b""), metadata)
    return metadata


def digest_texts(stream: BinaryIO, key: str) -> bytes:
    """Return what tells one array of texts from another; empty if there is none of that name.

    Raises EOFError when the stream ends before, CorruptGgufError when the bytes make no sense.
    """
    reader = _Reader(stream, b"")
    _, _, entries = _read_counts(reader)
    for _ in range(entries):
        name, kind = reader.text(_MAX_NAME_BYTES), reader.u32()
        if kind != _ARRAY:
            reader.value(kind)
            continue
        item_kind, length = reader.array_head()
        if name != key or item_kind != _STRING:
            reader.array_body(item_kind, length)
            continue
        digest = hashlib.blake2b()
        for _ in range(length):
            text = reader.take(reader.u64(_MAX_TEXT_BYTES, "the length of a text"))
            digest.update(len(text).to_bytes(4, "little") + text)
        return digest.digest()
    return b""


def _read_metadata(reader: _Reader, metadata: dict[str, Value]) -> tuple[int, int]:
    """Read up to the tensors; return the version and how many tensors there are."""
    version, tensor_count, entries = _read_counts(reader)
    for _ in range(entries):
        key, kind = reader.text(_MAX_NAME_BYTES), reader.u32()
        if kind == _ARRAY:
            item_kind, length = reader.array_head()
            metadata[key] = LongArray(length)
            metadata[key] = reader.array_body(item_kind, length)
        else:
            metadata[key] = reader.value(kind)
    return version, tensor_count


def _read_counts(reader: _Reader) -> tuple[int, int, int]:
    """Return the version, how many tensors there are and how many metadata entries."""
    if reader.take(len(MAGIC)) != MAGIC:
        raise CorruptGgufError("its first bytes are not GGUF")
    version = reader.u32()
    if version & 0xFFFF == 0:
        raise CorruptGgufError("it is written for big-endian machines")
    if version not in (2, 3):
        raise CorruptGgufError(f"it is of GGUF version {version}, readable are 2 and 3")
    tensor_count = reader.u64(_MAX_TENSORS, "the number of tensors")
    return version, tensor_count, reader.u64(_MAX_METADATA, "the number of metadata entries")
