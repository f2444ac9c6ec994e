"""How often both engines find the same token likeliest, with the same StarCoder 1 weights.

Writes one model of random numbers twice: as GGUF, with one head of keys and values (as StarCoder 1
was trained), and as a GGML file of 2023, with that head repeated for every head of queries. Both
have F16 matrices and the same vocabulary. Each is loaded in the engine's own process, as Starpad
does it, and asked through Starpad's client for the likeliest token after each beginning of the same
ids, one at a time, so that nearly all of a beginning is in the engine's cache.

The matrices are drawn so that each layer changes the sum that goes through the model by about its
own size, and all tokens are possible answers: near ties are as frequent as chance makes them.

    python benchmarks/ggml_agreement.py [--positions 1000] [--layers 4] [--embedding 256]
"""

import argparse
import asyncio
import math
import random
import secrets
import string
import sys
import tempfile
import time
from array import array
from collections.abc import Sequence
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from gguf_files import Metadata, gguf
from legacy_ggml_files import SPECIAL, Shape, legacy, packed, tensors
from starpad.core.load_options import EngineKind
from starpad.core.model_file import read_header
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.spec import EngineSpec

BAR = 0.98
# No token may be half a character: llama-server keeps such a one to itself until the rest comes.
_PAIRS = [bytes(pair) for pair in product(string.ascii_lowercase.encode(), repeat=2)]
TOKENS = [*(text.encode() for text in SPECIAL), *(bytes([byte]) for byte in range(128)), *_PAIRS]
_F32, _F16 = 0, 1
# What a tensor of the older file is called in a GGUF.
_NAMES = {
    "model/wte": "token_embd.weight", "model/wpe": "position_embd.weight",
    "model/lm_head": "output.weight", "model/ln_f/g": "output_norm.weight",
    "model/ln_f/b": "output_norm.bias", "ln_1": "attn_norm", "ln_2": "ffn_norm",
    "attn/c_attn": "attn_qkv", "attn/c_proj": "attn_output", "mlp/c_fc": "ffn_up",
    "mlp/c_proj": "ffn_down", "g": "weight", "w": "weight", "b": "bias",
}  # fmt: skip


class Weights:
    """The numbers of one model: of keys and values, those of one head."""

    def __init__(self, shape: Shape, tokens: int, seed: int = 1) -> None:
        self._shape = shape
        self._head = shape.embedding // shape.heads
        self._seed = seed
        self.tensors = tensors(shape, tokens)
        self._known: dict[str, array[float]] = {}

    def once(self, name: str) -> "array[float]":
        """Return a tensor with one head of keys and values."""
        if name not in self._known:
            self._known[name] = self._draw(name)
        return self._known[name]

    def repeated(self, name: str, _count: int) -> Sequence[float]:
        """Return a tensor with that head for every head of queries."""
        values = self.once(name)
        if "c_attn" not in name:
            return values
        row = self._shape.embedding if name.endswith("/w") else 1
        cuts = (self._shape.embedding * row, (self._shape.embedding + self._head) * row)
        queries, keys, others = values[: cuts[0]], values[cuts[0] : cuts[1]], values[cuts[1] :]
        return queries + keys * self._shape.heads + others * self._shape.heads

    def rows(self, name: str) -> int:
        """Return how many rows (or numbers, of a vector) a tensor has."""
        if "c_attn" in name:
            return self._shape.embedding + 2 * self._head
        return next(tensor.sizes[-1] for tensor in self.tensors if tensor.name == name)

    def _draw(self, name: str) -> "array[float]":
        tensor = next(tensor for tensor in self.tensors if tensor.name == name)
        columns = tensor.sizes[0] if len(tensor.sizes) > 1 else 1
        source = random.Random(f"{self._seed} {name}")
        if name.endswith("/g"):
            middle, spread = 1.0, 0.1
        else:
            middle, spread = 0.0, (1 / math.sqrt(columns) if columns > 1 else 0.1)
        if name in ("model/wte", "model/wpe"):
            spread = 1.0
        count = columns * self.rows(name)
        return array("f", (source.gauss(middle, spread) for _ in range(count)))


def _gguf_name(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    layer, *middle, part = name.removeprefix("model/h").split("/")
    return f"blk.{layer}.{_NAMES['/'.join(middle)]}.{_NAMES[part]}"


def _spelled(token: bytes) -> str:
    """Return a token as GPT-2's vocabulary writes it."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    letters = {byte: chr(byte) for byte in visible}
    letters |= {byte: chr(256 + place) for place, byte in enumerate(hidden)}
    return "".join(letters[byte] for byte in token)


def write_gguf(path: Path, shape: Shape, weights: Weights) -> None:
    """Write the model as llama.cpp reads it."""
    texts = [*SPECIAL, *map(_spelled, TOKENS[len(SPECIAL) :])]
    metadata: Metadata = {
        "general.architecture": "starcoder", "general.file_type": 1,
        "starcoder.context_length": shape.context_tokens, "starcoder.block_count": shape.layers,
        "starcoder.embedding_length": shape.embedding,
        "starcoder.feed_forward_length": 4 * shape.embedding,
        "starcoder.attention.head_count": shape.heads, "starcoder.attention.head_count_kv": 1,
        "starcoder.attention.layer_norm_epsilon": 1e-5,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "starcoder",
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.merges": [f"{chr(first)} {chr(second)}" for first, second in _PAIRS],
        "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 0,
    }  # fmt: skip
    table, data = [], bytearray()
    for tensor in weights.tensors:
        values = weights.once(tensor.name)
        rows = weights.rows(tensor.name)
        sizes = (len(values) // rows, rows) if len(tensor.sizes) > 1 else (len(values),)
        # llama.cpp wants the positions in F32 as the older library does.
        kind = _F16 if tensor.is_matrix else _F32
        table.append((_gguf_name(tensor.name), sizes, kind, len(data)))
        data += packed(values, is_half=tensor.is_matrix)
        data += bytes(-len(data) % 32)
    path.write_bytes(gguf(metadata, table, data_bytes=0) + bytes(data))


async def _likeliest(path: Path, ids: Sequence[int], context: int) -> list[int]:
    """Return the token that an engine takes after each beginning of `ids`."""
    is_legacy = read_header(path).is_legacy_ggml
    kind = EngineKind.GGML if is_legacy else EngineKind.LLAMA
    spec = EngineSpec(path, path.name, context, threads=1, prompt_threads=2, slots=1, kind=kind)
    key = secrets.token_urlsafe(32)
    process = await EngineProcess.start(spec, key, new_log())
    found = []
    started = time.perf_counter()
    try:
        ready = await process.wait_ready()
        async with EngineClient(ready.url, key) as client:
            for count in range(1, len(ids) + 1):
                request = CompletionRequest(tuple(ids[:count]), 1)
                chunks = [chunk async for chunk in client.complete(request)]
                found += [token for chunk in chunks for token in chunk.token_ids][:1]
    finally:
        await process.stop()
    print(f"{path.name}: {time.perf_counter() - started:.1f} s, {len(set(found))} different tokens")
    return found


def agreement(folder: Path, shape: Shape, positions: int) -> float:
    """Return the share of positions at which both engines take the same token."""
    weights = Weights(shape, len(TOKENS))
    old, new = folder / "same.ggml.bin", folder / "same.gguf"
    old.write_bytes(legacy(shape, TOKENS, weights.repeated))
    write_gguf(new, shape, weights)
    source = random.Random(2)
    ids = [source.randrange(len(SPECIAL), len(TOKENS)) for _ in range(positions)]
    context = shape.context_tokens
    answers = [asyncio.run(_likeliest(path, ids, context)) for path in (old, new)]
    assert len(answers[0]) == len(answers[1]) == positions
    return sum(a == b for a, b in zip(*answers, strict=True)) / positions


def main() -> int:
    """Print the share; return 0 if it is at least the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--positions", type=int, default=1000)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--embedding", type=int, default=256)
    options = parser.parse_args()
    shape = Shape(options.layers, options.embedding, 4, options.positions + 24)
    with tempfile.TemporaryDirectory() as folder:
        share = agreement(Path(folder), shape, options.positions)
    print(f"the same token at {share:.1%} of {options.positions:,} positions; bar {BAR:.0%}")
    return 0 if share >= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())
