"""How a model is to be loaded: the context's size, its number type, threads, layers on a GPU."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class KvType(StrEnum):
    """How the context's keys and values are kept; smaller ones take less memory and more time."""

    F16 = "f16"
    Q8_0 = "q8_0"
    Q4_0 = "q4_0"

    @property
    def block_values(self) -> int:
        """Return how many numbers are kept together; a head's size must be a multiple of it."""
        return 1 if self is KvType.F16 else 32

    @property
    def bytes_per_value(self) -> float:
        """Return the size of one number; in a block a scale of two bytes comes on top."""
        return {KvType.F16: 2, KvType.Q8_0: 34 / 32, KvType.Q4_0: 18 / 32}[self]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """A model file and how to load it."""

    path: Path
    context_tokens: int = 8192
    """Of one slot; the model's own training is the other bound."""
    threads: int = 0
    """0 takes what is fastest, usually the physical cores."""
    kv_type: KvType = KvType.F16
    """A model whose heads cannot be cut into blocks keeps F16."""
    gpu_layers: int = -1
    """-1 lets the engine choose, 0 uses no GPU."""
    long_preamble: bool = False
    """Introduce a chat with a base model by example dialogues, about a thousand tokens of them."""
