"""Writes a StarCoder2-shaped model of zeros that the real engine loads; shape and size at will."""

from dataclasses import dataclass
from pathlib import Path

from gguf_files import Metadata, gguf, write

_F32, _F16 = 0, 1


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of a model."""

    layers: int = 2
    embedding: int = 128
    heads: int = 2
    kv_heads: int = 2
    context_tokens: int = 16384


def write_zero_model(
    folder: Path, shape: Shape, name: str = "zeros.gguf", *, chat_template: str = ""
) -> Path:
    """Write a model whose weights are all zero, with the bytes as its vocabulary."""
    width, ff = shape.embedding, 4 * shape.embedding
    kv = width // shape.heads * shape.kv_heads
    tokens = _byte_tokens()
    vectors = {"attn_norm.weight": width, "attn_norm.bias": width, "attn_q.bias": width,
               "attn_k.bias": kv, "attn_v.bias": kv, "attn_output.bias": width,
               "ffn_norm.weight": width, "ffn_norm.bias": width, "ffn_up.bias": ff,
               "ffn_down.bias": width}  # fmt: skip
    matrices = {"attn_q.weight": (width, width), "attn_k.weight": (width, kv),
                "attn_v.weight": (width, kv), "attn_output.weight": (width, width),
                "ffn_up.weight": (width, ff), "ffn_down.weight": (ff, width)}  # fmt: skip
    wanted: list[tuple[str, tuple[int, ...], int]] = [
        ("token_embd.weight", (width, len(tokens)), _F16),
        ("output_norm.weight", (width,), _F32),
        ("output_norm.bias", (width,), _F32),
    ]
    for layer in range(shape.layers):
        wanted += [(f"blk.{layer}.{key}", (size,), _F32) for key, size in vectors.items()]
        wanted += [(f"blk.{layer}.{key}", sizes, _F16) for key, sizes in matrices.items()]
    tensors, offset = [], 0
    for tensor, sizes, kind in wanted:
        tensors.append((tensor, sizes, kind, offset))
        size_bytes = (sizes[0] if len(sizes) == 1 else sizes[0] * sizes[1]) * (4 - 2 * kind)
        offset += size_bytes + -size_bytes % 32
    metadata: Metadata = {
        "general.architecture": "starcoder2",
        "general.name": "Zeros",
        "general.file_type": 1,
        "starcoder2.context_length": shape.context_tokens,
        "starcoder2.block_count": shape.layers,
        "starcoder2.embedding_length": width,
        "starcoder2.feed_forward_length": ff,
        "starcoder2.attention.head_count": shape.heads,
        "starcoder2.attention.head_count_kv": shape.kv_heads,
        "starcoder2.attention.layer_norm_epsilon": 1e-5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "starcoder",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.eos_token_id": 0,
    }
    if chat_template:
        metadata["tokenizer.chat_template"] = chat_template
    path = write(folder, gguf(metadata, tensors, data_bytes=0), name)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + offset)  # a hole: no byte is written
    return path


def _byte_tokens() -> list[str]:
    """Return the 256 bytes as GPT-2's vocabulary spells them, and one word for one merge."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    spelled = [*map(chr, visible), *(chr(256 + i) for i in range(len(hidden)))]
    return ["<|endoftext|>", *spelled, "ab"]
