"""What a benchmark measures of a model, and how its results are written down."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

# A prompt needs room behind it for the token that is waited for.
_ROOM_TOKENS = 16
LEAST_PROMPT_TOKENS = 32


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """How much is measured."""

    prompt_tokens: tuple[int, ...] = (512, 2048)
    """Lengths of the prompts to be read, in ascending order."""
    generated_tokens: int = 96
    repeat: int = 3
    step_budget_ms: float = 60_000
    """What would take longer is left out or repeated less, but measured once in any case."""

    def fitting(self, context_tokens: int) -> tuple[int, ...]:
        """Return the prompts' lengths that such a context has room for, at least one."""
        room = max(LEAST_PROMPT_TOKENS, context_tokens - _ROOM_TOKENS)
        return tuple(dict.fromkeys(min(length, room) for length in self.prompt_tokens))


@dataclass(frozen=True, slots=True)
class Spread:
    """What several repetitions gave."""

    median: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    count: int = 0
    """0 where nothing could be measured."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Return the spread of these values."""
        if not values:
            return cls()
        return cls(statistics.median(values), min(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class PromptSpeed:
    """How fast a prompt of which nothing was known was read."""

    tokens: int
    tokens_per_second: Spread


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one loaded model."""

    prompts: tuple[PromptSpeed, ...]
    """In ascending order of their lengths."""
    generation: Spread
    """Tokens per second."""
    first_token_ms: Spread
    """For a short prompt of which nothing was known; as who asks sees it."""
    warm_token_ms: Spread
    """For a longer prompt of which all but the last token was known."""
    prompt_tokens_warm: int
    """The length of that longer prompt."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was measured on."""

    processor: str
    cores: int
    """Physical ones that may be used."""
    system: str


@dataclass(frozen=True, slots=True)
class Setup:
    """How the model was loaded."""

    engine: str
    """The kind, as in `llama`."""
    engine_version: str = ""
    context_tokens: int = 0
    threads: int = 0
    """For generating; 0 where somebody else's server decides."""
    prompt_threads: int = 0
    kv_type: str = ""
    gpu_layers: int = -1
    """As asked for: -1 let the engine choose."""
    on_gpu: bool = False
    note: str = ""
    """What is special about it, as in `kv=q8_0`; empty for what is usual."""


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One model, measured once."""

    model: str
    """The file's path, or a server's address."""
    name: str
    quantization: str
    size_bytes: int
    """On the disk; 0 if unknown."""
    measured_at: datetime
    """In UTC."""
    machine: Machine
    setup: Setup
    figures: Figures
    load_ms: float = 0.0
    """From the start of the engine's process until it could be asked; 0 if it was loaded before."""
    peak_bytes: int = 0
    """The most memory that the engine's processes held; 0 if unknown."""
    gpu_bytes: int = 0
    """Weights on GPUs, as the engine reports them; 0 if none or unknown."""

    @property
    def title(self) -> str:
        """As in `StarCoder2 3B · Q4_K_M`, with what was special about how it was loaded."""
        return " · ".join(filter(None, (self.name, self.quantization, self.setup.note)))


@dataclass(frozen=True, slots=True)
class BenchmarkProgress:
    """What is being measured now."""

    sentence: str
    fraction: float
    """0 to 1, of this model."""


def latest(results: Sequence[BenchmarkResult]) -> list[BenchmarkResult]:
    """Return the last result of each model and way of loading, in the order of their names."""
    found = {
        (result.model, result.setup.engine, result.setup.note): result
        for result in sorted(results, key=lambda result: result.measured_at)
    }
    return sorted(found.values(), key=lambda result: (result.title.casefold(), result.model))
