"""Writes small GGUF files, whole or damaged, for tests."""

import struct
from collections.abc import Sequence
from pathlib import Path

U32, F32, BOOL, STRING, ARRAY, U64 = 4, 6, 7, 8, 9, 10

MetadataValue = str | int | float | bool | list[str] | list[int]
Metadata = dict[str, MetadataValue]

STARCODER: Metadata = {
    "general.architecture": "starcoder2",
    "general.name": "Test Coder",
    "general.file_type": 15,
    "starcoder2.context_length": 16384,
    "starcoder2.block_count": 30,
    "starcoder2.embedding_length": 3072,
    "starcoder2.attention.head_count": 24,
    "starcoder2.attention.head_count_kv": 2,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": ["a", "b", "c"],
}


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def metadata_value(value: MetadataValue) -> bytes:
    """Return the type number and the value as GGUF stores them."""
    if isinstance(value, bool):
        return struct.pack("<IB", BOOL, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + text(value)
    if isinstance(value, int):
        return struct.pack("<II", U32, value)
    if isinstance(value, float):
        return struct.pack("<If", F32, value)
    kind = STRING if value and isinstance(value[0], str) else U32
    data = b"".join(metadata_value(item)[4:] for item in value)
    return struct.pack("<IIQ", ARRAY, kind, len(value)) + data


def gguf(
    metadata: Metadata = STARCODER,
    tensors: Sequence[tuple[str, Sequence[int], int, int]] = (("w", (256, 2), 14, 0),),
    *,
    version: int = 3,
    data_bytes: int = 420,
) -> bytes:
    """Return a file; a tensor is (name, dimensions, ggml type, offset). 14 is Q6_K: 210 for 256."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += text(key) + metadata_value(value)
    for name, dimensions, kind, offset in tensors:
        head += text(name) + struct.pack("<I", len(dimensions))
        head += struct.pack(f"<{len(dimensions)}QIQ", *dimensions, kind, offset)
    alignment = metadata.get("general.alignment", 32)
    assert isinstance(alignment, int)
    padding = -len(head) % alignment if alignment else 0
    return head + bytes(padding) + bytes(data_bytes)


def write(folder: Path, data: bytes, name: str = "model.gguf") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
