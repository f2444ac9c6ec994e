"""What the engine's process is asked to load, and what it answers."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from starpad.core.engine_status import Device
from starpad.core.load_options import (
    EngineKind,
    FlashAttention,
    KvType,
    LoraAdapter,
    Speculation,
    Weights,
)

KEY_VARIABLE = "STARPAD_ENGINE_KEY"
"""The environment variable that carries the key: a command line is everybody's to read."""

SLOTS = 2
"""Completion and chat each pin one, so that neither evicts the other's cache."""
BATCH_TOKENS = 128
"""Prompt tokens that are evaluated between two looks at whether the request was cancelled."""
LARGE_BATCH_TOKENS = 64
"""The same for a model that takes a good part of a second for 128. llama.cpp's server looks up
only when the next batch has begun: a cancelled prompt is read for up to two of them."""

NGRAM_TOKENS = 4
"""N-gram speculation guesses that what followed this many tokens before follows them again. Of
what was tried on repetitive code, this and the next had the most guesses right: 81 %."""
NGRAM_GUESSES = 8

PLAIN_TEMPLATE = "{% for message in messages %}{{ message['content'] + '\\n' }}{% endfor %}"
"""Instead of a chat template that does not work: llama.cpp would not load the model with it."""

_TYPES: dict[str, Callable[[str], object]] = {
    "model": Path,
    "kv_type": KvType,
    "kind": EngineKind,
    "flash_attention": FlashAttention,
    "weights": Weights,
    "speculation": Speculation,
}


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One model and how to load it."""

    model: Path
    name: str
    """Shown to HTTP clients instead of the file's path."""
    context_tokens: int
    """Of one slot."""
    threads: int
    """For generating."""
    prompt_threads: int = 0
    """For reading a prompt, many tokens at a time; 0 takes as many as for generating."""
    slots: int = SLOTS
    batch_tokens: int = 0
    """Prompt tokens read at a time; 0 takes `processor_batch_tokens`, more on a GPU."""
    processor_batch_tokens: int = BATCH_TOKENS
    gpu_layers: int = -1
    """-1 lets the engine choose."""
    kv_type: KvType = KvType.F16
    cache_ram_mib: int = 0
    """Memory for prompts beyond the slots' own caches; llama.cpp's own default is 8 GiB."""
    chat_template: str = ""
    """What external programs' conversations are written with; empty takes the model's own."""
    may_refuse_template: bool = False
    """Load the model all the same if llama.cpp cannot use the template."""
    port: int = 0
    """0 takes a free one."""
    kind: EngineKind = EngineKind.LLAMA
    program: str = ""
    """The executable, where the kind is EXTERNAL."""
    flash_attention: FlashAttention = FlashAttention.AUTO
    weights: Weights = Weights.READ
    device: str = ""
    """The only one to use, by the engine's name for it."""
    speculation: Speculation = Speculation.OFF
    draft_model: str = ""
    lora: tuple[LoraAdapter, ...] = ()
    pack: str = ""
    """The folder of the engine pack, where the kind is LLAMA; empty takes the one in the box."""

    def to_json(self) -> str:
        """Return one line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, line: str | bytes) -> Self:
        """Return what `to_json` wrote."""
        values = json.loads(line)
        values["lora"] = tuple(LoraAdapter(Path(a["path"]), a["scale"]) for a in values["lora"])
        for name, kind in _TYPES.items():
            values[name] = kind(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class EngineReady:
    """The process's answer when the model is loaded."""

    url: str
    version: str
    devices: tuple[Device, ...]
    is_template_refused: bool = False
    """llama.cpp could not use the chat template, and got a plain one instead."""
    pack: str = ""
    """The folder of the engine pack that the process really took the engine from."""

    def to_json(self) -> str:
        """Return one line."""
        return json.dumps({"event": "ready"} | asdict(self))

    @classmethod
    def from_json(cls, line: str | bytes) -> Self:
        """Return what `to_json` wrote; ValueError, KeyError or TypeError for anything else."""
        fields = json.loads(line)
        devices = tuple(Device(**device) for device in fields["devices"])
        refused, pack = fields["is_template_refused"], fields["pack"]
        return cls(fields["url"], fields["version"], devices, refused, pack)
