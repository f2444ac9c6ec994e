"""One model's life in an engine: checked, loaded, asked what it knows, held until it ends."""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starpad.core import fim
from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import NotEnoughMemoryError
from starpad.core.load_options import LoadOptions
from starpad.core.memory_fit import Fit, MemoryNeed, estimate, fits, usable_kv_type
from starpad.core.model_file import ModelHeader, read_header
from starpad.core.paths import demo_model
from starpad.engines import devices
from starpad.engines.process import EngineProcess
from starpad.engines.spec import EngineReady, EngineSpec

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient

# Below this, threads spend more time waiting for each other than computing a token (measured:
# the demonstration model takes 1.9 ms a token with one thread and 2 to 60 with two).
_SMALL_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that was found loadable, and how it will be loaded."""

    spec: EngineSpec
    header: ModelHeader
    need: MemoryNeed
    fit: Fit
    available_bytes: int
    """What the fit was reckoned against, `freed_bytes` included."""
    options: LoadOptions


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready, and the way to ask it."""

    model: LoadedModel
    client: "EngineClient"


def prepare(options: LoadOptions, *, freed_bytes: int = 0, gpu_free_bytes: int = 0) -> Prepared:
    """Return how the model will be loaded; reads the file's header and starts nothing.

    `freed_bytes` is the memory that the present model will give back before, `gpu_free_bytes`
    that of a GPU with memory of its own.
    Raises ModelFileError, and NotEnoughMemoryError when it does not fit.
    """
    header = read_header(options.path)
    spec = _spec(header, options)
    need = estimate(header, spec.context_tokens, spec.slots, spec.kv_type, spec.batch_tokens)
    available = devices.available_memory_bytes() + freed_bytes
    fit = fits(need, available, gpu_free_bytes)
    if not fit.is_enough:
        hint = "Choose a smaller model or a smaller context, or close programs."
        raise NotEnoughMemoryError(fit.sentence, hint)
    return Prepared(spec, header, need, fit, available, options)


async def hold_model(
    prepared: Prepared,
    lines: deque[str],
    on_loaded: Callable[[Loaded], None],
    on_progress: Callable[[float], None],
) -> ExitReport:
    """Load a model, report it, and return only when its process has ended by itself.

    `lines` receives the log; `on_progress` a growing fraction while it loads, 1.0 when it is
    ready, just before `on_loaded`. Cancelling unloads. Raises EngineError.
    """
    key = secrets.token_urlsafe(32)
    process = await EngineProcess.start(prepared.spec, key, lines)
    try:
        from starpad.engines.client import EngineClient  # takes 80 ms: now, while the model loads

        ready = await process.wait_ready()
        async with EngineClient(ready.url, key) as client:
            model = await _describe(client, prepared, ready)
            on_progress(1.0)
            on_loaded(Loaded(model, client))
            return await process.wait()
    finally:
        await process.stop()


def _spec(header: ModelHeader, options: LoadOptions) -> EngineSpec:
    cores = devices.physical_cores()
    is_small = header.tensor_data_bytes < _SMALL_BYTES
    return EngineSpec(
        model=options.path,
        name=header.name or options.path.stem,
        context_tokens=min(options.context_tokens, header.context_tokens or options.context_tokens),
        threads=options.threads or (1 if is_small else cores),
        prompt_threads=options.threads or cores,
        kv_type=usable_kv_type(header, options.kv_type),
        gpu_layers=options.gpu_layers,
    )


async def _describe(client: "EngineClient", prepared: Prepared, ready: EngineReady) -> LoadedModel:
    header, spec = prepared.header, prepared.spec
    ids = {text: await client.tokenize(text, special=True) for text in fim.SPECIAL_TOKEN_TEXTS}
    tokens = fim.resolve(ids)
    return LoadedModel(
        path=header.path,
        name=spec.name,
        quantization=header.quantization,
        context_tokens=(await client.properties()).context_tokens,
        fim=tokens,
        stop_ids=tokens.stop_ids if tokens else fim.stop_ids(ids),
        on_gpu=spec.gpu_layers != 0 and any(device.is_gpu for device in ready.devices),
        is_demo=_is_demo(header.path),
        kv_type=spec.kv_type,
        gpu_layers=spec.gpu_layers,
        need_bytes=prepared.need.total_bytes,
        devices=ready.devices,
    )


def _is_demo(path: Path) -> bool:
    try:
        return path.samefile(demo_model())
    except OSError:  # one of them has gone; the model is loaded all the same
        return False
