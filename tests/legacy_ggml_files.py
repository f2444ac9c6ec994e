"""Writes small GGML files of 2023, whole or damaged, whose every answer is known beforehand."""

import random
import struct
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"lmgg"
F16 = 1
SPECIAL = (
    "<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<filename>",
)  # fmt: skip
# Joined in this order, as a trained vocabulary would have it.
MERGES = (
    b"de", b"def", b" a", b" ad", b" add", b"re", b"ret", b"retu", b"retur", b"return", b"  ",
    b"    ", b"\n\n", b"on", b"one", b"tw", b"two", b"th", b"thr", b"thre", b"three", b"<f",
    b"<br", b"<br>", b"br",
)  # fmt: skip

Numbers = Callable[[str, int], Sequence[float]]
"""A tensor's numbers, from its name and how many there are."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of a model."""

    layers: int = 1
    embedding: int = 64
    heads: int = 2
    context_tokens: int = 512


@dataclass(frozen=True, slots=True)
class Tensor:
    """What stands in the table before a tensor's data."""

    name: str
    sizes: tuple[int, ...]
    is_matrix: bool

    @property
    def values(self) -> int:
        return self.sizes[0] * (self.sizes[1] if len(self.sizes) > 1 else 1)


def vocabulary(special: Sequence[str] = SPECIAL, added: Sequence[str] = ()) -> list[bytes]:
    """Return special tokens, the 256 bytes, what is joined of them, and tokens added later."""
    singles = [bytes([byte]) for byte in range(256)]
    first, last = ([text.encode() for text in texts] for texts in (special, added))
    return [*first, *singles, *MERGES, *last]


def tensors(shape: Shape, vocabulary_tokens: int) -> list[Tensor]:
    """Return the tensors of a model, in the order in which converters wrote them."""
    width = shape.embedding
    found = [
        Tensor("model/wte", (width, vocabulary_tokens), True),
        Tensor("model/wpe", (width, shape.context_tokens), False),
    ]
    for layer in range(shape.layers):
        place = f"model/h{layer}/"
        for norm in ("ln_1", "ln_2"):
            found += [Tensor(f"{place}{norm}/{part}", (width,), False) for part in "gb"]
        for name, columns, rows in (
            ("attn/c_attn", width, 3 * width),
            ("attn/c_proj", width, width),
            ("mlp/c_fc", width, 4 * width),
            ("mlp/c_proj", 4 * width, width),
        ):
            found.append(Tensor(f"{place}{name}/w", (columns, rows), True))
            found.append(Tensor(f"{place}{name}/b", (rows,), False))
    found += [Tensor(f"model/ln_f/{part}", (width,), False) for part in "gb"]
    return [*found, Tensor("model/lm_head", (width, vocabulary_tokens), True)]


def header(shape: Shape, tokens: Sequence[bytes], file_type: int = F16) -> bytes:
    """Return all that stands before the first tensor."""
    numbers = (len(tokens), shape.context_tokens, shape.embedding, shape.heads, shape.layers)
    listed = b"".join(struct.pack("<i", len(token)) + token for token in tokens)
    return MAGIC + struct.pack("<7i", *numbers, file_type, len(tokens)) + listed


def entry(tensor: Tensor) -> bytes:
    """Return a tensor's line in the table."""
    dimensions = len(tensor.sizes)
    numbers = struct.pack("<3i", dimensions, len(tensor.name), int(tensor.is_matrix))
    return numbers + struct.pack(f"<{dimensions}i", *tensor.sizes) + tensor.name.encode()


def packed(values: Sequence[float], *, is_half: bool) -> bytes:
    """Return numbers as a file has them."""
    if is_half:
        return struct.pack(f"<{len(values)}e", *values)
    return array("f", values).tobytes()


def legacy(shape: Shape, tokens: Sequence[bytes], numbers: Numbers) -> bytes:
    """Return a file: matrices in F16, all else in F32."""
    parts = [header(shape, tokens)]
    for tensor in tensors(shape, len(tokens)):
        values = numbers(tensor.name, tensor.values)
        parts += [entry(tensor), packed(values, is_half=tensor.is_matrix)]
    return b"".join(parts)


def following(shape: Shape, follows: Mapping[int, int], count: int) -> Numbers:
    """Return numbers with which a token is always followed by one, whatever came before.

    Nothing is added to a token's embedding, a row of random signs. The output's row of a token is
    the sum of the embeddings of those that it follows. What is not named follows itself.
    """
    signs = random.Random(1)
    width = shape.embedding
    rows = [[signs.choice((-1.0, 1.0)) for _ in range(width)] for _ in range(count)]
    wanted = [[0.0] * width for _ in range(count)]
    for token in range(count):
        target = wanted[follows.get(token, token)]
        for place, value in enumerate(rows[token]):
            target[place] += value

    def numbers(name: str, size: int) -> Sequence[float]:
        if name == "model/wte":
            return [value for row in rows for value in row]
        if name == "model/lm_head":
            return [value for row in wanted for value in row]
        return [1.0 if name.endswith("/g") else 0.0] * size

    return numbers


def noise(seed: int = 7, scale: float = 0.3) -> Numbers:
    """Return random numbers, so that every token depends on all before it."""

    def numbers(name: str, size: int) -> Sequence[float]:
        if name.endswith("/g"):
            return [1.0] * size
        source = random.Random(f"{seed} {name}")
        return [source.gauss(0, scale) for _ in range(size)]

    return numbers


def write_legacy(
    folder: Path, data: bytes | None = None, name: str = "model.ggmlv3.f16.bin"
) -> Path:
    """Write a file, by default a tiny model of random numbers."""
    path = folder / name
    path.write_bytes(legacy(Shape(), vocabulary(), noise()) if data is None else data)
    return path
