"""What the loaded engine is and what it is doing."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from starpad.core.chat_format import ChatFormat
from starpad.core.fim import FimTokens
from starpad.core.load_options import EngineKind, KvType


class EngineState(StrEnum):
    """The states of the one engine that `EngineService` owns."""

    EMPTY = "no model"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    ASLEEP = "asleep"
    """Unloaded because nobody asked; the next request loads the model again."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Device:
    """Something that the engine can compute on, as the engine itself names it."""

    name: str
    description: str
    is_gpu: bool
    memory_bytes: int
    memory_free_bytes: int
    """Before the model was loaded; 0 for all that shares the processor's memory."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the engine really put a model, as its own log says; empty if it does not say."""

    layers: int = 0
    """All of them, the output counted as one."""
    gpu_layers: int = 0
    weights_bytes: tuple[tuple[str, int], ...] = ()
    """By the engine's name for each place, the processor's memory among them."""


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
    """Layers of it really are on one, says the engine; never what was asked for."""
    is_demo: bool
    kv_type: KvType = KvType.F16
    """As loaded: F16 also where a smaller type was asked for that the model cannot use."""
    gpu_layers: int = -1
    """As asked for; -1 let the engine choose."""
    need_bytes: int = 0
    """What it was reckoned to take, and gives back."""
    devices: tuple[Device, ...] = ()
    chat: ChatFormat = field(default_factory=ChatFormat)
    chat_stop_ids: frozenset[int] = frozenset()
    """Tokens that end an answer: the format's, and `stop_ids`."""
    bos_text: str = ""
    """What an embedded chat template writes at the beginning; `eos_text` at an answer's end."""
    eos_text: str = ""
    kind: EngineKind = EngineKind.LLAMA
    placement: Placement = field(default_factory=Placement)
    device: str = ""
    """The only one that was to be used, by the engine's name for it; empty let it choose."""
    program: str = ""
    """The user's own llama-server, where that holds the model."""
    pack: str = ""
    """The folder of the engine pack that really holds it; empty for the engine in the box."""
    engine_version: str = ""
    """As the engine says itself."""
    adds_bos: bool = False
    """Every text must begin with the token that `bos_text` names, says the vocabulary."""

    @property
    def host(self) -> str:
        """Return where text goes that it is asked about; empty if it stays in our processes."""
        return self.program if self.kind is EngineKind.REMOTE else ""


@dataclass(frozen=True, slots=True)
class Loading:
    """A model on its way into the memory."""

    path: Path
    fraction: float = 0.0
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A state, the model when there is one, and in FAILED why.

    While another model is loaded beside the present one, the state is the present one's and
    `loading` says which is to come. ASLEEP, and the LOADING that ends it, keep the model.
    """

    state: EngineState
    model: LoadedModel | None = None
    reason: str = ""
    loading: Loading | None = None
