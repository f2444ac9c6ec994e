"""How a model is to be loaded: by which engine, the context, threads, what goes onto a GPU."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class EngineKind(StrEnum):
    """What holds the model."""

    LLAMA = "llama"
    """llama.cpp in a process of ours: every GGUF."""
    GGML = "ggml"
    """ctransformers in a process of ours: the GGML files of 2023."""
    EXTERNAL = "llama-server"
    """The user's own llama-server, started by us."""
    REMOTE = "remote"
    """A server that somebody else runs."""


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


class FlashAttention(StrEnum):
    """Whether attention is computed without keeping its scores."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Weights(StrEnum):
    """Where a model's numbers are while it is loaded."""

    READ = "read"
    """Copied into the engine's own memory."""
    MAPPED = "mapped"
    """Left in the file, as the system's cache holds it."""
    LOCKED = "locked"
    """Copied, and never swapped out."""


class Speculation(StrEnum):
    """Who guesses the next tokens, so that the model checks several at once."""

    OFF = "off"
    NGRAM = "n-gram"
    """What followed the same words earlier in the prompt."""
    DRAFT = "draft model"
    """A small model of the same vocabulary."""


@dataclass(frozen=True, slots=True)
class LoraAdapter:
    """A GGUF file of changes to a model's weights, and how much they count."""

    path: Path
    scale: float = 1.0


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
    batch_tokens: int = 0
    """Prompt tokens evaluated at a time, between two looks whether the request was cancelled; 0
    takes 128 on a processor and 512 on a GPU."""
    flash_attention: FlashAttention = FlashAttention.AUTO
    weights: Weights = Weights.READ
    device: str = ""
    """The only device to use, by the engine's own name for it; empty lets the engine choose."""
    speculation: Speculation = Speculation.OFF
    draft_model: Path | None = None
    """For Speculation.DRAFT."""
    lora: tuple[LoraAdapter, ...] = ()
    program: str = ""
    """The user's llama-server that is to run a GGUF; empty runs it in the engine in the box."""
    pack: str = ""
    """The folder of the engine pack that takes the place of the engine in the box."""
