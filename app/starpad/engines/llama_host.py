"""The engine's process: holds one model in llama.cpp's own HTTP server, on loopback only.

Started by `engines.process`. One line on stdin says what to load, one line on stdout says that
it is ready or why not, stderr is the log. It ends when its stdin does.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from starpad.core.child_process import die_with_parent, protected_stdout
from starpad.core.engine_status import Device
from starpad.core.load_options import FlashAttention, Speculation, Weights
from starpad.engines.pack_import import import_engine
from starpad.engines.placement import LOG_LEVEL
from starpad.engines.spec import (
    KEY_VARIABLE,
    NGRAM_GUESSES,
    NGRAM_TOKENS,
    PLAIN_TEMPLATE,
    EngineReady,
    EngineSpec,
)

_GPU_BATCH_TOKENS = 512

# Read into our own memory unless something else is wanted. llama.cpp copies 4-bit weights into an
# order that the processor likes, and mapped originals would stay beside them: 3.4 GB instead of
# 1.9 for StarCoder2 3B in Q4_0. And a file that is not mapped may be deleted, on Windows too, moved
# or replaced while its model is at work.
_LOAD_MODES = {Weights.READ: "NONE", Weights.MAPPED: "MMAP", Weights.LOCKED: "MLOCK"}
_FLASH = {
    FlashAttention.AUTO: "AUTO",
    FlashAttention.ON: "ENABLED",
    FlashAttention.OFF: "DISABLED",
}

# How often GNU OpenMP's threads look before they sleep, at each of a token's hundreds of barriers.
# By default they spin away the very time slice that the thread they wait for needs. Measured on
# two cores beside one busy program, a StarCoder2-shaped model of 0.4 GB: 124 ms a token by
# default, 55 like this; on an idle machine 34 and 33. Other systems' OpenMP ignores it.
_SPIN_COUNT = "1000"


def run() -> int:
    """Load the model, serve it until stdin ends, return the exit code."""
    answers = protected_stdout()
    spec = EngineSpec.from_json(sys.stdin.buffer.readline())
    key = os.environ.pop(KEY_VARIABLE)
    watcher = die_with_parent()
    try:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
        xllamacpp, pack = import_engine()
        devices = devices_of(xllamacpp)
        server, is_refused = serve(xllamacpp, spec, key, devices)
    except Exception as error:  # whatever llama.cpp throws is the answer
        print(json.dumps({"event": "failed", "reason": str(error)}), file=answers)
        return 1
    version = xllamacpp.__version__
    ready = EngineReady(server.listening_address, version, devices, is_refused, pack)
    print(ready.to_json(), file=answers)
    watcher.join()  # it ends the process; the kernel frees a model faster than its destructor
    return 0


def devices_of(xllamacpp: Any) -> tuple[Device, ...]:
    """Return what the engine can compute on, as it says itself."""
    return tuple(_device(info) for info in xllamacpp.get_device_info())


def serve(
    xllamacpp: Any, spec: EngineSpec, key: str, devices: tuple[Device, ...]
) -> tuple[Any, bool]:
    """Return the server, and whether it refused the chat template that comes with the model.

    Raises what llama.cpp throws.
    """
    try:
        return xllamacpp.Server(_parameters(xllamacpp, spec, key, devices)), False
    except Exception:
        if not spec.may_refuse_template:
            raise
    # llama.cpp does not say why; if it was something else, it will be again.
    plain = replace(spec, chat_template=PLAIN_TEMPLATE)
    return xllamacpp.Server(_parameters(xllamacpp, plain, key, devices)), True


def _parameters(xllamacpp: Any, spec: EngineSpec, key: str, devices: tuple[Device, ...]) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(spec.model)
    parameters.model_alias = {spec.name}
    parameters.n_gpu_layers = spec.gpu_layers
    parameters.n_parallel = spec.slots
    parameters.n_ctx = spec.context_tokens * spec.slots
    has_gpu = spec.gpu_layers != 0 and any(device.is_gpu for device in devices)
    usual = _GPU_BATCH_TOKENS if has_gpu else spec.processor_batch_tokens
    parameters.n_batch = parameters.n_ubatch = spec.batch_tokens or usual
    parameters.cpuparams.n_threads = spec.threads
    parameters.cpuparams_batch.n_threads = spec.prompt_threads or spec.threads
    kv_type = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{spec.kv_type.upper()}")
    parameters.cache_type_k = parameters.cache_type_v = kv_type
    parameters.cache_ram_mib = spec.cache_ram_mib
    parameters.cache_idle_slots = spec.cache_ram_mib > 0
    parameters.use_jinja = True
    parameters.chat_template = spec.chat_template
    parameters.warmup = True
    # A damaged file may hold numbers that are none, and would write nonsense without a word.
    parameters.check_tensors = True
    parameters.load_mode = getattr(
        xllamacpp.llama_load_mode, f"LLAMA_LOAD_MODE_{_LOAD_MODES[spec.weights]}"
    )
    parameters.flash_attn_type = getattr(
        xllamacpp.llama_flash_attn_type, f"LLAMA_FLASH_ATTN_TYPE_{_FLASH[spec.flash_attention]}"
    ).value
    _choose_device(xllamacpp, parameters, spec, devices)
    _add_lora(xllamacpp, parameters, spec)
    _speculate(xllamacpp, parameters, spec)
    # Looking for what fits onto a GPU reads the vocabulary a second time.
    parameters.fit_params = has_gpu
    # Nobody but us: loopback, our key, no page, no other origin, no download, no file access.
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = spec.port
    parameters.api_keys = [key]
    parameters.ui = False
    parameters.cors_origins = ""
    parameters.cors_credentials = False
    parameters.offline = True
    # At its usual level llama.cpp keeps silent about what it put where: see `engines.placement`.
    parameters.verbosity = LOG_LEVEL
    parameters.endpoint_props = False
    return parameters


def _choose_device(
    xllamacpp: Any, parameters: Any, spec: EngineSpec, devices: tuple[Device, ...]
) -> None:
    """Put the model on one GPU alone. Raises ValueError if there is none of that name."""
    if not spec.device:
        return
    names = [device.name for device in devices if device.is_gpu]
    if spec.device not in names:
        known = ", ".join(names) or "none"
        raise ValueError(f"there is no GPU {spec.device} here; the engine sees: {known}")
    parameters.main_gpu = names.index(spec.device)
    parameters.split_mode = xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE


def _add_lora(xllamacpp: Any, parameters: Any, spec: EngineSpec) -> None:
    adapters = []
    for lora in spec.lora:
        if not lora.path.is_file():
            raise ValueError(f"the adapter {lora.path} does not exist")
        adapter = xllamacpp.CommonAdapterLoraInfo()
        adapter.path, adapter.scale = str(lora.path), lora.scale
        adapters.append(adapter)
    parameters.lora_adapters = adapters


def _speculate(xllamacpp: Any, parameters: Any, spec: EngineSpec) -> None:
    kinds = xllamacpp.common_speculative_type
    speculative = parameters.speculative
    if spec.speculation is Speculation.NGRAM:
        speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_MAP_K]
        speculative.ngram_map_k.size_n = NGRAM_TOKENS
        speculative.ngram_map_k.size_m = NGRAM_GUESSES
    elif spec.speculation is Speculation.DRAFT:
        if not Path(spec.draft_model).is_file():
            raise ValueError(f"the draft model {spec.draft_model} does not exist")
        speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
        speculative.draft.mparams.path = spec.draft_model
        speculative.draft.n_gpu_layers = spec.gpu_layers
        speculative.draft.cpuparams.n_threads = spec.threads
        speculative.draft.cpuparams_batch.n_threads = spec.prompt_threads or spec.threads


def _device(info: dict[str, Any]) -> Device:
    kind = info["type"].name.split("_TYPE_")[-1]
    is_shared = kind != "GPU" or sys.platform == "darwin"
    return Device(
        name=info["name"],
        description=info["description"],
        is_gpu="GPU" in kind,
        memory_bytes=info["memory_total"],
        memory_free_bytes=0 if is_shared else info["memory_free"],
    )
