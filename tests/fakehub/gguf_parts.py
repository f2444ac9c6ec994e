"""Makes variants of a GGUF file, so that one small model can stand for many."""

import struct

_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32

FILE_TYPES = {
    "F16": 1, "Q4_0": 2, "Q8_0": 7, "Q5_0": 8, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12,
    "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18,
    "IQ4_XS": 30,
}  # fmt: skip
"""llama_ftype, of the quantizations that are given out."""


def named(data: bytes, quantization: str, tail: bytes) -> tuple[bytes | memoryview, ...]:
    """Return the file with another quantization in its header and bytes of its own at its end.

    Engines read neither; what they load stays the same. The parts share `data`'s memory.
    """
    key = b"general.file_type"
    position = data.index(struct.pack("<Q", len(key)) + key) + 8 + len(key) + 4
    view = memoryview(data)
    number = struct.pack("<I", FILE_TYPES[quantization])
    return view[:position], number, view[position + 4 :], tail


def split(data: bytes) -> tuple[bytes, bytes]:
    """Return the file as two parts, in the way of llama.cpp's gguf-split."""
    _, tensor_count, value_count = struct.unpack_from("<IQQ", data, 4)
    values_start = position = 24
    for _ in range(value_count):
        position = _after_string(data, position)
        position = _after_value(data, position)
    values = data[values_start:position]
    tensors = []
    for _ in range(tensor_count):
        start = position
        position = _after_string(data, position)
        dimensions = struct.unpack_from("<I", data, position)[0]
        position += 4 + 8 * dimensions + 4
        tensors.append((data[start:position], struct.unpack_from("<Q", data, position)[0]))
        position += 8
    weights = data[_aligned(position) :]
    ends = [offset for _, offset in tensors[1:]] + [len(weights)]
    pieces = [
        (head, weights[offset:end]) for (head, offset), end in zip(tensors, ends, strict=True)
    ]
    half = len(pieces) // 2
    return (
        _part(0, values, value_count, pieces[:half], tensor_count),
        _part(1, b"", 0, pieces[half:], tensor_count),
    )


def _part(
    number: int,
    values: bytes,
    value_count: int,
    pieces: list[tuple[bytes, bytes]],
    tensor_count: int,
) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(pieces), value_count + 3) + values
    for key, kind, code, value in (
        (b"split.no", 2, "H", number),
        (b"split.count", 2, "H", 2),
        (b"split.tensors.count", 5, "i", tensor_count),
    ):
        head += struct.pack("<Q", len(key)) + key + struct.pack(f"<I{code}", kind, value)
    weights = b""
    for tensor, data in pieces:
        head += tensor + struct.pack("<Q", len(weights))
        weights += data + bytes(_aligned(len(data)) - len(data))
    return head + bytes(_aligned(len(head)) - len(head)) + weights


def _aligned(position: int) -> int:
    return position + -position % _ALIGNMENT


def _after_string(data: bytes, position: int) -> int:
    return position + 8 + int(struct.unpack_from("<Q", data, position)[0])


def _after_value(data: bytes, position: int) -> int:
    kind = struct.unpack_from("<I", data, position)[0]
    if kind != _ARRAY:
        return _after(data, position + 4, kind)
    item_kind, count = struct.unpack_from("<IQ", data, position + 4)
    position += 16
    for _ in range(count):
        position = _after(data, position, item_kind)
    return position


def _after(data: bytes, position: int, kind: int) -> int:
    return _after_string(data, position) if kind == _STRING else position + _SCALAR_BYTES[kind]
