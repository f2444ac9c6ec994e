"""What the loaded engine is and what it is doing."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from starpad.core.fim import FimTokens


class EngineState(StrEnum):
    """The states of the one engine that `EngineService` owns."""

    EMPTY = "no model"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """The model that the engine holds."""

    path: Path
    name: str
    quantization: str
    context_tokens: int
    """Of one slot, as the engine reports it after loading."""
    fim: FimTokens | None
    stop_ids: frozenset[int]
    on_gpu: bool
    is_demo: bool


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A state, the model when there is one, and in FAILED why."""

    state: EngineState
    model: LoadedModel | None = None
    reason: str = ""
