"""Writes a model of StarCoderBase-1B's shape with random weights: as slow, and nonsense.

    python benchmarks/random_model.py FILE [--layers 24] [--quantization Q4_0|Q4_K|Q8_0]

Its 49,152 tokens are the bytes and made-up words.
"""

import argparse
import random
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from gguf_files import Metadata, gguf

WIDTH, FEED_FORWARD, HEADS, CONTEXT_TOKENS, VOCABULARY = 2048, 8192, 16, 8192, 49152
LAYERS = 24
_F32 = 0
# Scales with which the numbers spread about as trained weights do; Q4_K's second is a minimum.
_SCALE, _SMALL = struct.pack("<e", 0.004), struct.pack("<e", 0.0002)


@dataclass(frozen=True, slots=True)
class Quantization:
    """GGUF's number of a type, the values and bytes of its blocks, and how each begins."""

    number: int
    values: int
    size_bytes: int
    start: bytes


QUANTIZATIONS = {
    "Q4_0": Quantization(2, 32, 18, _SCALE),
    "Q8_0": Quantization(8, 32, 34, _SMALL),
    "Q4_K": Quantization(12, 256, 144, _SMALL + _SMALL),
}
# GGUF's number for a file that is mostly of a type: Q4_K's is that of Q4_K_M.
_FILE_TYPES = {2: 2, 8: 7, 12: 15}

Wanted = tuple[str, tuple[int, ...], int]


def write(path: Path, layers: int = LAYERS, quantization: str = "Q4_0") -> Path:
    """Write the model; 0.7 GB with all its layers in four bits."""
    chosen = QUANTIZATIONS[quantization]
    wanted = _tensors(layers, chosen.number)
    placed, offset = [], 0
    for name, sizes, kind in wanted:
        placed.append((name, sizes, kind, offset))
        offset += _size_bytes(sizes, kind, chosen)
    numbers = random.Random(1)
    rest = chosen.size_bytes - len(chosen.start)
    blocks = b"".join(chosen.start + numbers.randbytes(rest) for _ in range(1 << 14))
    with path.open("wb") as file:
        file.write(gguf(_metadata(layers, chosen.number), placed, data_bytes=0))
        for name, sizes, kind in wanted:
            size = _size_bytes(sizes, kind, chosen)
            if kind == _F32:
                one = struct.pack("<f", float("norm.weight" in name))
                file.write(one * (size // 4))
            else:
                start = numbers.randrange(1 << 14) * chosen.size_bytes
                _write_round(file, blocks, start, size)
    return path


def _write_round(file: BinaryIO, data: bytes, start: int, size: int) -> None:
    """Write `size` bytes of `data`, again and again from its beginning after its end."""
    while size:
        part = data[start : start + size]
        file.write(part)
        size, start = size - len(part), 0


def _size_bytes(sizes: tuple[int, ...], kind: int, chosen: Quantization) -> int:
    values = sizes[0] * (sizes[1] if len(sizes) > 1 else 1)
    return values * 4 if kind == _F32 else values // chosen.values * chosen.size_bytes


def _tensors(layers: int, kind: int) -> list[Wanted]:
    qkv = WIDTH + 2 * (WIDTH // HEADS)
    wanted: list[Wanted] = [
        ("token_embd.weight", (WIDTH, VOCABULARY), kind),
        ("position_embd.weight", (WIDTH, CONTEXT_TOKENS), _F32),
        ("output_norm.weight", (WIDTH,), _F32),
        ("output_norm.bias", (WIDTH,), _F32),
    ]
    matrices = {"attn_qkv": (WIDTH, qkv), "attn_output": (WIDTH, WIDTH),
                "ffn_up": (WIDTH, FEED_FORWARD), "ffn_down": (FEED_FORWARD, WIDTH)}  # fmt: skip
    for layer in range(layers):
        block = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            wanted += [(f"{block}{norm}.{part}", (WIDTH,), _F32) for part in ("weight", "bias")]
        for name, sizes in matrices.items():
            wanted.append((f"{block}{name}.weight", sizes, kind))
            wanted.append((f"{block}{name}.bias", (sizes[1],), _F32))
    return wanted


def _metadata(layers: int, kind: int) -> Metadata:
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelled = [*map(chr, visible), *(chr(256 + i) for i in range(256 - len(visible)))]
    words = [f"w{number}" for number in range(VOCABULARY - 1 - len(spelled))]
    return {
        "general.architecture": "starcoder",
        "general.name": "Random 1B",
        "general.file_type": _FILE_TYPES[kind],
        "starcoder.context_length": CONTEXT_TOKENS,
        "starcoder.block_count": layers,
        "starcoder.embedding_length": WIDTH,
        "starcoder.feed_forward_length": FEED_FORWARD,
        "starcoder.attention.head_count": HEADS,
        "starcoder.attention.head_count_kv": 1,
        "starcoder.attention.layer_norm_epsilon": 1e-5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "starcoder",
        "tokenizer.ggml.tokens": ["<|endoftext|>", *spelled, *words],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.eos_token_id": 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--quantization", choices=QUANTIZATIONS, default="Q4_0")
    arguments = parser.parse_args()
    write(arguments.file, arguments.layers, arguments.quantization)


if __name__ == "__main__":
    main()
