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
from starpad.core.memory_fit import estimate, fits
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
class Loaded:
    """A model that is ready, and the way to ask it."""

    model: LoadedModel
    client: "EngineClient"


async def hold_model(
    path: Path,
    context_tokens: int,
    threads: int,
    lines: deque[str],
    on_loaded: Callable[[Loaded], None],
) -> ExitReport:
    """Load a model, report it, and return only when its process has ended by itself.

    `context_tokens` is an upper bound: the model's own training is the other. `threads` 0 takes
    what is fastest, usually the physical cores. `lines` receives the log. Cancelling unloads.
    Raises ModelFileError, NotEnoughMemoryError (both before anything is started), EngineError.
    """
    header = read_header(path)
    cores = devices.physical_cores()
    is_small = header.tensor_data_bytes < _SMALL_BYTES
    spec = EngineSpec(
        model=path,
        name=header.name or path.stem,
        context_tokens=min(context_tokens, header.context_tokens or context_tokens),
        threads=threads or (1 if is_small else cores),
        prompt_threads=threads or cores,
    )
    need = estimate(header, spec.context_tokens, spec.slots, batch_tokens=spec.batch_tokens)
    fit = fits(need, devices.available_memory_bytes())
    if not fit.is_enough:
        raise NotEnoughMemoryError(fit.sentence, "Choose a smaller model, or close programs.")
    key = secrets.token_urlsafe(32)
    process = await EngineProcess.start(spec, key, lines)
    try:
        from starpad.engines.client import EngineClient  # takes 80 ms: now, while the model loads

        ready = await process.wait_ready()
        async with EngineClient(ready.url, key) as client:
            model = await _describe(client, header, spec, ready)
            on_loaded(Loaded(model, client))
            return await process.wait()
    finally:
        await process.stop()


async def _describe(
    client: "EngineClient", header: ModelHeader, spec: EngineSpec, ready: EngineReady
) -> LoadedModel:
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
    )


def _is_demo(path: Path) -> bool:
    try:
        return path.samefile(demo_model())
    except OSError:  # one of them has gone; the model is loaded all the same
        return False
