"""Damages model files in every way a file can be damaged, the same way for the same seed."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from gguf_files import metadata_value, text

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_NASTY = [0, 1, 2, 3, 7, 8, 9, 31, 33, 255, 256, 65535, 1 << 20, 1 << 31, (1 << 32) - 1,
          1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 32]  # fmt: skip
_KEYS = ["general.alignment", "split.count", "split.no", "split.tensors.count",
         "general.architecture", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.model",
         "starcoder2.block_count", "starcoder2.attention.head_count"]  # fmt: skip
_VALUES: list[str | int | float | bool | list[str] | list[int]] = [
    0, 1, 3, 7, 33, 4096, 1 << 31, "", "starcoder", "x" * 5000, 0.5, True, [1, 2], ["a"]
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """A number in a header: what it is, where, and how many bytes."""

    what: str
    at: int
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything in a whole GGUF file is."""

    fields: list[Field]
    names: list[tuple[int, int]]
    """Beginning and end of each key and each tensor's name."""
    metadata_at: int
    header_end: int


def layout(data: bytes) -> Layout:
    """Return where the numbers and names of a GGUF file are."""
    fields = [Field("magic", 0, 4), Field("version", 4, 4)]
    names: list[tuple[int, int]] = []
    at = 8

    def number(what: str, size: int) -> int:
        nonlocal at
        fields.append(Field(what, at, size))
        at += size
        return int.from_bytes(data[at - size : at], "little")

    def name(what: str) -> None:
        nonlocal at
        length = number(f"length of a {what}", 8)
        names.append((at, at + length))
        at += length

    def value(kind: int) -> None:
        nonlocal at
        if kind == _STRING:
            length = number("length of a text", 8)
            at += length
        elif kind == _ARRAY:
            item, length = number("type of an array", 4), number("length of an array", 8)
            for _ in range(length if item == _STRING else 0):
                at += 8 + int.from_bytes(data[at : at + 8], "little")
            at += 0 if item == _STRING else length * _SIZES[item]
        else:
            number("value", _SIZES[kind])

    tensors, entries = number("tensor count", 8), number("metadata count", 8)
    for _ in range(entries):
        name("key")
        value(number("type of a value", 4))
    metadata_at = at
    for _ in range(tensors):
        name("tensor's name")
        for _ in range(number("dimension count", 4)):
            number("dimension", 8)
        number("tensor's type", 4)
        number("tensor's offset", 8)
    return Layout(fields, names, metadata_at, at)


Mutate = Callable[[random.Random, bytearray, Layout], str]


def _field(numbers: random.Random, data: bytearray, places: Layout) -> str:
    kind = numbers.choice(sorted({field.what for field in places.fields}))
    field = numbers.choice([field for field in places.fields if field.what == kind])
    old = int.from_bytes(data[field.at : field.at + field.size], "little")
    near = [old + 1, old - 1, old * 2, old // 2, old ^ 1 << numbers.randrange(8 * field.size)]
    new = numbers.choice(_NASTY + near) % (1 << 8 * field.size)
    data[field.at : field.at + field.size] = new.to_bytes(field.size, "little")
    return f"{kind} at {field.at}: {old} -> {new}"


def _bytes(numbers: random.Random, data: bytearray, places: Layout) -> str:
    for _ in range(count := numbers.choice([1, 2, 10, 200])):
        data[numbers.randrange(places.header_end)] = numbers.randrange(256)
    return f"{count} bytes of the header"


def _cut(numbers: random.Random, data: bytearray, places: Layout) -> str:
    length = numbers.choice([numbers.randrange(64), numbers.randrange(places.header_end),
                             numbers.randrange(len(data)), len(data) - 1])  # fmt: skip
    del data[length:]
    return f"cut after {length}"


def _twice(numbers: random.Random, data: bytearray, places: Layout) -> str:
    start, end = numbers.choice(places.names)
    same = [(a, b) for a, b in places.names if b - a == end - start and a != start]
    if not same:
        return _field(numbers, data, places)
    other = numbers.choice(same)
    data[start:end] = data[other[0] : other[1]]
    return f"two names {bytes(data[start:end])!r}"


def _more(numbers: random.Random, data: bytearray, places: Layout) -> str:
    """Add an entry, with or without moving the weights to where they are then looked for."""
    key, value = numbers.choice(_KEYS), numbers.choice(_VALUES)
    added = text(key) + metadata_value(value)
    count = struct.unpack_from("<Q", data, 16)[0]
    struct.pack_into("<Q", data, 16, count + 1)
    old_pad, end = -places.header_end % 32, places.header_end + len(added)
    data[places.metadata_at : places.metadata_at] = added
    if numbers.random() < 0.8:
        data[end : end + old_pad] = bytes(-end % 32)
    return f"{key} = {str(value)[:20]!r}"


def _weights(numbers: random.Random, data: bytearray, places: Layout) -> str:
    start = numbers.randrange(places.header_end, len(data))
    length = min(len(data) - start, numbers.choice([16, 1000, 100_000]))
    data[start : start + length] = (
        bytes([255]) * length if numbers.random() < 0.5 else numbers.randbytes(length)
    )
    return f"{length} bytes of the weights at {start}"


def _swapped(numbers: random.Random, data: bytearray, places: Layout) -> str:
    length = numbers.choice([8, 100, 4000])
    one, two = (numbers.randrange(len(data) - length) for _ in range(2))
    if numbers.random() < 0.7:
        one = numbers.randrange(max(1, places.header_end - length))
    data[one : one + length] = data[two : two + length]
    return f"{length} bytes of {two} at {one}"


_WAYS: list[Mutate] = [_field, _field, _field, _bytes, _cut, _twice, _more, _weights, _swapped]


def mutant(seed: int, whole: bytes, places: Layout) -> tuple[str, bytes]:
    """Return what was done to a GGUF file, and the damaged copy."""
    numbers, data = random.Random(seed), bytearray(whole)
    done = numbers.choice(_WAYS)(numbers, data, places)
    return f"{seed}: {done}", bytes(data)


def plain_mutant(seed: int, whole: bytes, header_bytes: int) -> tuple[str, bytes]:
    """Return the same for a file of any kind whose first `header_bytes` say what follows."""
    numbers, data = random.Random(seed), bytearray(whole)
    way = numbers.randrange(4)
    if way == 0:
        del data[(length := numbers.randrange(len(data))) :]
        return f"{seed}: cut after {length}", bytes(data)
    if way == 1:
        at = numbers.randrange(header_bytes // 4) * 4
        new = numbers.choice(_NASTY) % (1 << 32)
        data[at : at + 4] = new.to_bytes(4, "little")
        return f"{seed}: number at {at}: {new}", bytes(data)
    end = header_bytes if way == 2 else len(data)
    for _ in range(count := numbers.choice([1, 10, 200])):
        data[numbers.randrange(4, end)] = numbers.randrange(256)
    return f"{seed}: {count} bytes before {end}", bytes(data)
