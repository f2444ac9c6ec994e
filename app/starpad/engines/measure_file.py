"""A benchmark of a model file: loaded into an engine of its own, measured, unloaded."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starpad.core.benchmark import BenchmarkPlan, BenchmarkProgress, BenchmarkResult, Setup
from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import EngineError
from starpad.core.load_options import LoadOptions, Speculation
from starpad.engines import session
from starpad.engines.machine import this_machine
from starpad.engines.measure import Emit, measure, peak_bytes
from starpad.engines.process import new_log

_EXIT_S = 2.0
"""A connection that broke and the end of the process come at nearly the same time."""


async def measure_file(
    options: LoadOptions,
    plan: BenchmarkPlan,
    emit: Emit,
    *,
    note: str = "",
    gpu_free_bytes: int = 0,
) -> BenchmarkResult:
    """Load a model by itself and return what was measured; cancelling ends its process.

    Without speculation: what a model writes when nobody steers it repeats itself, and would make
    guessing look better than it is. `note` says what is special about the options, `gpu_free_bytes`
    what a GPU with memory of its own has free. Raises StarpadError.
    """
    options = replace(options, speculation=Speculation.OFF, draft_model=None)
    emit(BenchmarkProgress("Loading…", 0.0))
    prepared = session.prepare(options, gpu_free_bytes=gpu_free_bytes)
    loaded: asyncio.Future[session.Loaded] = asyncio.get_running_loop().create_future()
    began = time.perf_counter()
    holding = asyncio.create_task(
        session.hold_model(prepared, new_log(), loaded.set_result, lambda _fraction: None)
    )
    measuring: asyncio.Task[BenchmarkResult] | None = None
    try:
        either: set[asyncio.Future[Any]] = {loaded, holding}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not loaded.done():
            raise EngineError(holding.result().sentence)
        load_ms = (time.perf_counter() - began) * 1000
        measuring = asyncio.create_task(
            _measure(loaded.result(), prepared, plan, emit, load_ms, note)
        )
        either = {measuring, holding}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return await _outcome(measuring, holding)
    finally:
        tasks = [task for task in (measuring, holding) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure_loaded(
    loaded: session.Loaded, plan: BenchmarkPlan, emit: Emit
) -> BenchmarkResult:
    """Return what was measured of a model that is loaded already, as on somebody else's server."""
    model = loaded.model
    figures = await measure(loaded.client, model.context_tokens, plan, emit)
    return BenchmarkResult(
        model=str(model.path),
        name=model.name,
        quantization=model.quantization,
        size_bytes=0,
        measured_at=datetime.now(UTC),
        machine=this_machine(),
        setup=Setup(
            model.kind,
            loaded.version,
            model.context_tokens,
            kv_type=model.kv_type,
            gpu_layers=model.gpu_layers,
            on_gpu=model.on_gpu,
        ),
        figures=figures,
        peak_bytes=peak_bytes(loaded.process_id) if loaded.process_id else 0,
        gpu_bytes=_gpu_bytes(model),
    )


async def _measure(
    loaded: session.Loaded,
    prepared: session.Prepared,
    plan: BenchmarkPlan,
    emit: Emit,
    load_ms: float,
    note: str,
) -> BenchmarkResult:
    result = await measure_loaded(loaded, plan, emit)
    spec = prepared.spec
    setup = replace(
        result.setup, threads=spec.threads, prompt_threads=spec.prompt_threads, note=note
    )
    return replace(result, setup=setup, size_bytes=prepared.header.size_bytes, load_ms=load_ms)


async def _outcome(
    measuring: asyncio.Task[BenchmarkResult], holding: asyncio.Task[ExitReport]
) -> BenchmarkResult:
    """Return the result; if the engine ended before it was there, say why."""
    if measuring.done() and measuring.exception() is None:
        return measuring.result()
    await asyncio.wait({holding}, timeout=_EXIT_S)
    if holding.done():
        raise EngineError(holding.result().sentence, "Nothing of its benchmark is kept.")
    return measuring.result()


def _gpu_bytes(model: LoadedModel) -> int:
    """Return what lies on GPUs; a buffer of the processor's own memory is named so."""
    return sum(
        size
        for name, size in model.placement.weights_bytes
        if not name.startswith("CPU") and not name.endswith("_Host")
    )
