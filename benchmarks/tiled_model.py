"""Writes a model that says what the demonstration model says, but is as slow as a large one.

    python benchmarks/tiled_model.py FILE [--times 8]

Every vector is the small one's, several times over: each matrix stands in a grid of copies of
itself, divided by their number, so that sums stay what they are. Eight times make 0.3 GB.
"""

import argparse
import struct
from collections.abc import Iterator
from pathlib import Path

from starpad.core import gguf
from starpad.core.paths import demo_model

_WIDTHS = ("embedding_length", "feed_forward_length", "attention.head_count",
           "attention.head_count_kv")  # fmt: skip
_F32, _Q8_0 = 0, 8
_BLOCK_VALUES, _BLOCK_BYTES = 32, 34
_FIRST = b"token_embd.weight"


def write(path: Path, times: int = 8) -> Path:
    """Write the model; `times` must be a power of two, or its numbers are not exact."""
    data = demo_model().read_bytes()
    with demo_model().open("rb") as file:
        small = gguf.read(file)
    infos_at = data.index(len(_FIRST).to_bytes(8, "little") + _FIRST)
    head = bytearray(data[:infos_at])
    for dimension in _WIDTHS:
        key = f"starcoder2.{dimension}".encode()
        at = head.index(len(key).to_bytes(8, "little") + key) + 8 + len(key) + 4
        struct.pack_into("<I", head, at, struct.unpack_from("<I", head, at)[0] * times)
    width = _number(small, "starcoder2.embedding_length")
    sizes: dict[str, tuple[int, ...]] = {}
    offset = 0
    for tensor in small.tensors:
        sizes[tensor.name] = shape = _shape(small, tensor.name, tensor.values, width)
        is_embedding = tensor.name == "token_embd.weight"
        large = [shape[0] * times, *(n * (1 if is_embedding else times) for n in shape[1:])]
        kind = _F32 if len(shape) == 1 else _Q8_0
        name = tensor.name.encode()
        head += len(name).to_bytes(8, "little") + name + struct.pack("<I", len(large))
        head += struct.pack(f"<{len(large)}QIQ", *large, kind, offset)
        offset += _size_bytes(large)
        offset += -offset % 32
    with path.open("wb") as out:
        out.write(head + bytes(-len(head) % 32))
        for tensor in small.tensors:
            start = small.data_offset_bytes + tensor.offset_bytes
            values = data[start : start + tensor.size_bytes]
            written = sum(map(out.write, _tiled(values, tensor.name, sizes[tensor.name], times)))
            out.write(bytes(-written % 32))
    return path


def _tiled(values: bytes, name: str, shape: tuple[int, ...], times: int) -> Iterator[bytes]:
    if len(shape) == 1:
        yield values * times
        return
    row_bytes = shape[0] // _BLOCK_VALUES * _BLOCK_BYTES
    rows = [values[at : at + row_bytes] for at in range(0, len(values), row_bytes)]
    if name == "token_embd.weight":
        yield from (row * times for row in rows)
        return
    divided = [_divided(row, times) * times for row in rows]
    for _ in range(times):
        yield from divided


def _divided(row: bytes, times: int) -> bytes:
    parts = bytearray(row)
    for at in range(0, len(row), _BLOCK_BYTES):
        struct.pack_into("<e", parts, at, struct.unpack_from("<e", row, at)[0] / times)
    return bytes(parts)


def _shape(file: gguf.Gguf, name: str, values: int, width: int) -> tuple[int, ...]:
    """Return (numbers in, numbers out) of a matrix, the length of a vector."""
    if name.endswith("bias") or "norm" in name:
        return (values,)
    into = _number(file, "starcoder2.feed_forward_length") if "ffn_down" in name else width
    return (into, values // into)


def _number(file: gguf.Gguf, key: str) -> int:
    value = file.metadata[key]
    assert isinstance(value, int)
    return value


def _size_bytes(sizes: list[int]) -> int:
    if len(sizes) == 1:
        return sizes[0] * 4
    return sizes[0] * sizes[1] // _BLOCK_VALUES * _BLOCK_BYTES


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--times", type=int, default=8)
    arguments = parser.parse_args()
    write(arguments.file, arguments.times)


if __name__ == "__main__":
    main()
