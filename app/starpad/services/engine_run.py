"""One model's way through the engine: room made for it, loaded, held until it ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import EngineState, EngineStatus, LoadedModel, Loading
from starpad.core.errors import EngineError, NotEnoughMemoryError, StarpadError
from starpad.core.load_options import LoadOptions
from starpad.core.memory_fit import Fit, Verdict
from starpad.core.model_file import ModelHeader
from starpad.core.remote_server import RemoteOptions
from starpad.engines import process, remote_session, session
from starpad.services.inference_thread import Emit, Job, RequestEnd

if TYPE_CHECKING:
    from collections import deque

    from starpad.engines.client import EngineClient

log = logging.getLogger(__name__)

LOAD_BUG = "The model could not be loaded because of an error in Starpad; see its log."

AnyOptions = LoadOptions | RemoteOptions
EngineJob = Callable[["EngineClient", Emit], Awaitable[object]]


@dataclass(eq=False, slots=True)
class EngineRun:
    """What the GUI thread knows of a run; from `pack` on, the inference thread writes it."""

    options: AnyOptions
    request_id: int = 0
    fraction: float = 0.0
    client: "EngineClient | None" = None
    model: LoadedModel | None = None
    lines: "deque[str]" = field(default_factory=process.new_log)
    pack: str = ""
    """The folder of the engine pack, once a process is started with it."""
    has_begun: bool = False
    """Whether `ended` will be set: a request that is cancelled at once never begins."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the model is there, or will not come."""


class RoomNeeded:
    """Sent out when the present model has to leave before the new one can be loaded."""


async def hold(
    run: EngineRun, present: EngineRun | None, leaving: Sequence[EngineRun], emit: Emit
) -> ExitReport:
    """Load `run`'s model and return when its process has ended by itself.

    Sends out RoomNeeded, fractions, and one `session.Loaded`. Raises what `session` raises;
    `present` then still stands, unless RoomNeeded was sent.
    """
    run.has_begun = True
    try:
        for other in leaving:
            await _end_of(other)
        on_loaded = partial(_tell, run, emit)
        if isinstance(run.options, RemoteOptions):
            return await remote_session.hold_remote(run.options, on_loaded, emit)
        prepared = await _prepare(run.options, present, emit)
        run.pack = prepared.spec.pack
        return await session.hold_model(prepared, run.lines, on_loaded, emit, on_verdict=emit)
    finally:
        run.ended.set()
        run.answered.set()


def _tell(run: EngineRun, emit: Emit, loaded: session.Loaded) -> None:
    run.client, run.model = loaded.client, loaded.model
    run.answered.set()
    emit(loaded)


async def ask(run: EngineRun | None, job: EngineJob, emit: Emit) -> object:
    """Run a job with a model's client, when it is there. Raises EngineError if it does not come."""
    if run is not None:
        await run.answered.wait()
    if run is None or run.client is None:
        raise EngineError("No model is loaded.", "Load one first.")
    return await job(run.client, emit)


async def hold_apart(run: EngineRun, leaving: Sequence[EngineRun], job: Job, emit: Emit) -> object:
    """Run a job that brings an engine of its own, after the models that leave have left."""
    run.has_begun = True
    try:
        for other in leaving:
            await _end_of(other)
        return await job(emit)
    finally:
        run.ended.set()


async def _prepare(options: LoadOptions, present: EngineRun | None, emit: Emit) -> session.Prepared:
    """Return a model that fits into the memory, if need be after `present` has left it."""
    model = present.model if present is not None else None
    if present is None or model is None:
        return session.prepare(options)
    # Two models on one GPU would push each other's layers out.
    if not model.on_gpu:
        try:
            prepared = session.prepare(options)
            if prepared.fit.verdict is Verdict.FITS:
                return prepared
        except NotEnoughMemoryError:
            pass
    gpu = gpu_free_for(options, model)
    session.prepare(options, freed_bytes=model.need_bytes, gpu_free_bytes=gpu)
    emit(RoomNeeded())
    await _end_of(present)
    return session.prepare(options, gpu_free_bytes=gpu)


async def _end_of(run: EngineRun) -> None:
    if run.has_begun:
        await run.ended.wait()


def gpu_free_bytes(model: LoadedModel | None) -> int:
    """Return the memory that GPUs had free before this model, which saw them, was loaded."""
    gpus = [device for device in model.devices if device.is_gpu] if model is not None else []
    return sum(gpu.memory_free_bytes for gpu in gpus)


def gpu_free_for(options: LoadOptions, model: LoadedModel | None) -> int:
    """Return what of that memory a model with these options could be given.

    None of it where another program or pack is to hold it: it may see other GPUs, or none.
    """
    is_other = model is None or (options.program, options.pack) != (model.program, model.pack)
    if model is None or is_other or not options.gpu_layers:
        return 0
    if options.device:
        named = [device for device in model.devices if device.name == options.device]
        return gpu_free_bytes(replace(model, devices=tuple(named)))
    return gpu_free_bytes(model)


def fit_instead(present: LoadedModel | None, header: ModelHeader, options: LoadOptions) -> Fit:
    """Return how a model would fit in place of the present one, with the memory of now."""
    freed = present.need_bytes if present is not None else 0
    gpu = gpu_free_for(options, present)
    return session.reckon(header, options, freed_bytes=freed, gpu_free_bytes=gpu).fit


def error_of(run: EngineRun, end: RequestEnd) -> StarpadError:
    """Return why a model did not come, and keep it in our log together with the engine's."""
    error = end.error if isinstance(end.error, StarpadError) else EngineError(LOAD_BUG)
    if isinstance(end.value, ExitReport):
        error = EngineError(end.value.sentence)
    log.warning("%s\n%s", error, process.tail(run.lines))
    return error


def status_of(
    held: EngineRun | None,
    coming: EngineRun | None,
    asleep: EngineRun | None,
    *,
    is_busy: bool,
) -> EngineStatus:
    """Return what the runs amount to, other than a failure."""
    loading = Loading(coming.options.path, coming.fraction) if coming is not None else None
    if held is not None:
        state = EngineState.BUSY if is_busy else EngineState.READY
        return EngineStatus(state, held.model, loading=loading)
    otherwise = EngineState.ASLEEP if asleep is not None else EngineState.EMPTY
    model = asleep.model if asleep is not None else None
    return EngineStatus(EngineState.LOADING if loading else otherwise, model, loading=loading)
