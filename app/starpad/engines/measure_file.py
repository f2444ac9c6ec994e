"""A benchmark of a model file: loaded into an engine of its own, measured, unloaded."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from starpad.core.benchmark import BenchmarkPlan, BenchmarkProgress, BenchmarkResult, Setup
from starpad.core.engine_status import LoadedModel
from starpad.core.load_options import LoadOptions, Speculation
from starpad.engines import session
from starpad.engines.machine import this_machine
from starpad.engines.measure import Emit, measure, peak_bytes
from starpad.engines.own_engine import in_own_engine


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
    began = time.perf_counter()

    async def job(loaded: session.Loaded) -> BenchmarkResult:
        load_ms = (time.perf_counter() - began) * 1000
        return await _measure(loaded, prepared, plan, emit, load_ms, note)

    return await in_own_engine(prepared, job, "Nothing of its benchmark is kept.")


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


def _gpu_bytes(model: LoadedModel) -> int:
    """Return what lies on GPUs; a buffer of the processor's own memory is named so."""
    return sum(
        size
        for name, size in model.placement.weights_bytes
        if not name.startswith("CPU") and not name.endswith("_Host")
    )
