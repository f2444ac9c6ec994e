"""Writes a model of StarCoderBase-1B's shape with random weights in Q4_0: as slow, and nonsense.

    python benchmarks/random_model.py FILE [--layers 24]

Its 49,152 tokens are the bytes and made-up words.
"""

import argparse
import random
import struct
import sys
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from gguf_files import Metadata, gguf

WIDTH, FEED_FORWARD, HEADS, CONTEXT_TOKENS, VOCABULARY = 2048, 8192, 16, 8192, 49152
LAYERS = 24
_F32, _Q4_0 = 0, 2
_BLOCK_VALUES, _BLOCK_BYTES = 32, 18
# A scale of 0.004 for numbers from -8 to 7: about the spread of trained weights.
_SCALE = struct.pack("<e", 0.004)

Wanted = tuple[str, tuple[int, ...], int]


def write(path: Path, layers: int = LAYERS) -> Path:
    """Write the model; 0.7 GB with all its layers."""
    wanted = _tensors(layers)
    placed, offset = [], 0
    for name, sizes, kind in wanted:
        placed.append((name, sizes, kind, offset))
        offset += _size_bytes(sizes, kind)
    numbers = random.Random(1)
    blocks = b"".join(_SCALE + numbers.randbytes(_BLOCK_BYTES - 2) for _ in range(1 << 16))
    with path.open("wb") as file:
        file.write(gguf(_metadata(layers), placed, data_bytes=0))
        for name, sizes, kind in wanted:
            size = _size_bytes(sizes, kind)
            if kind == _F32:
                one = struct.pack("<f", float("norm.weight" in name))
                file.write(one * (size // 4))
            else:
                start = numbers.randrange(1 << 16) * _BLOCK_BYTES
                _write_round(file, blocks, start, size)
    return path


def _write_round(file: BinaryIO, data: bytes, start: int, size: int) -> None:
    """Write `size` bytes of `data`, again and again from its beginning after its end."""
    while size:
        part = data[start : start + size]
        file.write(part)
        size, start = size - len(part), 0


def _size_bytes(sizes: tuple[int, ...], kind: int) -> int:
    values = sizes[0] * (sizes[1] if len(sizes) > 1 else 1)
    return values * 4 if kind == _F32 else values // _BLOCK_VALUES * _BLOCK_BYTES


def _tensors(layers: int) -> list[Wanted]:
    qkv = WIDTH + 2 * (WIDTH // HEADS)
    wanted: list[Wanted] = [
        ("token_embd.weight", (WIDTH, VOCABULARY), _Q4_0),
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
            wanted.append((f"{block}{name}.weight", sizes, _Q4_0))
            wanted.append((f"{block}{name}.bias", (sizes[1],), _F32))
    return wanted


def _metadata(layers: int) -> Metadata:
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelled = [*map(chr, visible), *(chr(256 + i) for i in range(256 - len(visible)))]
    words = [f"w{number}" for number in range(VOCABULARY - 1 - len(spelled))]
    return {
        "general.architecture": "starcoder",
        "general.name": "Random 1B",
        "general.file_type": _Q4_0,
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
    arguments = parser.parse_args()
    write(arguments.file, arguments.layers)


if __name__ == "__main__":
    main()
