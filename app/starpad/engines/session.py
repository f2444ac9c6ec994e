"""One model's life in an engine: checked, loaded, asked what it knows, held until it ends."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from starpad.core.chat_format import ChatFormat
from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import LoadedModel, Placement
from starpad.core.errors import NotEnoughMemoryError
from starpad.core.load_options import EngineKind, LoadOptions, Speculation
from starpad.core.memory_fit import Fit, MemoryNeed, estimate, fits
from starpad.core.model_file import ModelHeader, read_header
from starpad.core.paths import demo_model
from starpad.core.speculation import SpeculationVerdict
from starpad.engines import devices, special_tokens
from starpad.engines.chat_choice import format_of
from starpad.engines.companions import companion_bytes, draft_share, require_companions
from starpad.engines.load_progress import report_progress
from starpad.engines.process import EngineProcess
from starpad.engines.spec import BATCH_TOKENS, LARGE_BATCH_TOKENS, SLOTS, EngineReady, EngineSpec
from starpad.engines.speculation import SpeculationWatch

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient

# Below this, threads spend more time waiting for each other than computing a token (measured:
# the demonstration model takes 1.9 ms a token with one thread and 2 to 60 with two).
_SMALL_BYTES = 64 << 20

_REFUSED = "The engine cannot use the chat template that comes with this model."


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that was found loadable, and how it will be loaded."""

    spec: EngineSpec
    header: ModelHeader
    need: MemoryNeed
    fit: Fit
    options: LoadOptions
    available_bytes: int
    """What the fit was reckoned against, with what the present model will give back."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready, and the way to ask it."""

    model: LoadedModel
    client: "EngineClient"
    process_id: int = 0
    """0 where the engine is no process of this computer."""
    version: str = ""
    """Of what holds the model, as it says itself."""


def prepare(options: LoadOptions, *, freed_bytes: int = 0, gpu_free_bytes: int = 0) -> Prepared:
    """Return how the model will be loaded; reads the file's header and starts nothing.

    `freed_bytes` is the memory that the present model will give back before, `gpu_free_bytes`
    that of a GPU with memory of its own.
    Raises ModelFileError, and NotEnoughMemoryError when the model does not fit.
    """
    header = read_header(options.path)
    require_companions(header, options)
    prepared = reckon(header, options, freed_bytes=freed_bytes, gpu_free_bytes=gpu_free_bytes)
    if not prepared.fit.is_enough:
        hint = "Choose a smaller model or a smaller context, or close programs."
        raise NotEnoughMemoryError(prepared.fit.sentence, hint)
    return prepared


def reckon(
    header: ModelHeader, options: LoadOptions, *, freed_bytes: int = 0, gpu_free_bytes: int = 0
) -> Prepared:
    """Return what `prepare` does for a header that may be a remote file's; refuses nothing."""
    batch_tokens = options.batch_tokens or BATCH_TOKENS
    need = estimate(header, options.context_tokens, SLOTS, options.kv_type, batch_tokens)
    need = replace(need, weights_bytes=need.weights_bytes + companion_bytes(options, need))
    available = devices.available_memory_bytes() + freed_bytes
    fit = fits(need, available, gpu_free_bytes if options.gpu_layers else 0)
    return Prepared(_spec(header, options, need), header, need, fit, options, available)


async def hold_model(
    prepared: Prepared,
    lines: deque[str],
    on_loaded: Callable[[Loaded], None],
    on_progress: Callable[[float], None],
    on_verdict: Callable[[SpeculationVerdict], None] = lambda _verdict: None,
) -> ExitReport:
    """Load a model, report it, and return only when its process has ended by itself.

    `lines` receives the log; `on_progress` a growing fraction while it loads, 1.0 when it is
    ready, just before `on_loaded`; `on_verdict` later whether speculation pays, if there is any.
    Cancelling unloads. Raises EngineError.
    """
    key = secrets.token_urlsafe(32)
    chat = format_of(prepared.header, long_preamble=prepared.options.long_preamble)
    spec = replace(
        prepared.spec, chat_template=chat.template, may_refuse_template=not chat.is_trusted
    )
    process = await EngineProcess.start(spec, key, lines)
    try:
        from starpad.engines.client import EngineClient  # takes 80 ms: now, while the model loads

        need_bytes, file_bytes = prepared.need.total_bytes, prepared.header.size_bytes
        watching = asyncio.create_task(
            report_progress(
                process.pid,
                need_bytes,
                file_bytes,
                on_progress,
                has_children=spec.kind is EngineKind.EXTERNAL,
            )
        )
        try:
            ready = await process.wait_ready()
        finally:
            watching.cancel()
        async with EngineClient(ready.url, key, process) as client:
            model = await _describe(client, prepared, ready, chat, await process.placement())
            if spec.speculation is not Speculation.OFF:
                watch = SpeculationWatch(on_verdict, draft_share(prepared.header, prepared.options))
                await watch.probe(client)
                client.on_cost = watch.note
            on_progress(1.0)
            on_loaded(Loaded(model, client, process.pid, ready.version))
            return await process.wait()
    finally:
        await process.stop()


def _spec(header: ModelHeader, options: LoadOptions, need: MemoryNeed) -> EngineSpec:
    cores = devices.physical_cores()
    is_small = header.tensor_data_bytes < _SMALL_BYTES
    return EngineSpec(
        model=options.path,
        name=header.name or options.path.stem,
        context_tokens=need.context_tokens,
        threads=options.threads or (1 if is_small else cores),
        prompt_threads=options.threads or cores,
        gpu_layers=options.gpu_layers,
        kv_type=need.kv_type,
        kind=_kind(header, options),
        program=options.program,
        pack=options.pack if _kind(header, options) is EngineKind.LLAMA else "",
        batch_tokens=options.batch_tokens,
        processor_batch_tokens=BATCH_TOKENS if is_small else LARGE_BATCH_TOKENS,
        flash_attention=options.flash_attention,
        weights=options.weights,
        device=options.device,
        speculation=options.speculation,
        draft_model=str(options.draft_model or ""),
        lora=options.lora,
    )


def _kind(header: ModelHeader, options: LoadOptions) -> EngineKind:
    if header.is_legacy_ggml:
        return EngineKind.GGML
    return EngineKind.EXTERNAL if options.program else EngineKind.LLAMA


async def _describe(
    client: "EngineClient",
    prepared: Prepared,
    ready: EngineReady,
    chat: ChatFormat,
    placement: Placement,
) -> LoadedModel:
    header, spec = prepared.header, prepared.spec
    special = await special_tokens.ask(client, chat)
    properties = await client.properties()
    if ready.is_template_refused:
        chat = replace(chat, problem=_REFUSED)
    return LoadedModel(
        path=header.path,
        name=spec.name,
        quantization=header.quantization,
        context_tokens=properties.context_tokens,
        fim=special.fim,
        stop_ids=special.stop_ids,
        on_gpu=placement.gpu_layers > 0,
        is_demo=_is_demo(header.path),
        kv_type=spec.kv_type,
        gpu_layers=spec.gpu_layers,
        need_bytes=prepared.need.total_bytes,
        devices=ready.devices,
        chat=chat,
        chat_stop_ids=special.chat_stop_ids,
        bos_text=properties.bos_text,
        eos_text=properties.eos_text,
        kind=spec.kind,
        placement=placement,
        device=spec.device,
        program=spec.program if spec.kind is EngineKind.EXTERNAL else "",
        pack=ready.pack,
        engine_version=ready.version,
        adds_bos=await client.adds_bos(),
    )


def _is_demo(path: Path) -> bool:
    try:
        return path.samefile(demo_model())
    except OSError:  # one of them has gone; the model is loaded all the same
        return False
