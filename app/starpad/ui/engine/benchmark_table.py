"""The results of benchmarks as a table, the latest first."""

from pathlib import Path

from starpad.core.benchmark import BenchmarkResult
from starpad.core.benchmark_report import (
    duration_text,
    memory_text,
    reading_text,
    spread_text,
)
from starpad.ui.engine.result_table import Column, ResultTable


def _name(result: BenchmarkResult) -> str:
    return ", ".join(filter(None, (result.name, result.setup.note)))


def _gpu(result: BenchmarkResult) -> str:
    return f" + {result.gpu_bytes / 1e9:.1f} GB on the GPU" if result.gpu_bytes else ""


_COLUMNS: tuple[Column[BenchmarkResult], ...] = (
    Column("Model", _name, is_number=False),
    Column("Quantization", lambda result: result.quantization, is_number=False),
    Column(
        "Writing tok/s",
        lambda result: spread_text(result.figures.generation),
        "Tokens written in a second: the median, and how far single measurements were from it",
    ),
    Column(
        "Reading tok/s",
        lambda result: reading_text(result.figures),
        "Tokens of a new prompt read in a second, behind it the prompt's length",
    ),
    Column(
        "First token",
        lambda result: duration_text(result.figures.first_token_ms.median),
        "Time until the first token comes after a short prompt that is new",
    ),
    Column(
        "While typing",
        lambda result: duration_text(result.figures.warm_token_ms.median),
        "The same after a long prompt of which only the last token is new",
    ),
    Column(
        "Memory",
        lambda result: memory_text(result) + _gpu(result),
        "The most that the engine held, its context included",
    ),
    Column(
        "Loading",
        lambda result: duration_text(result.load_ms),
        "From the start of the engine until it could be asked",
    ),
    Column("Engine", lambda result: result.setup.engine, is_number=False),
    Column("Measured", lambda result: f"{result.measured_at.astimezone():%Y-%m-%d %H:%M}"),
)


class BenchmarkTable(ResultTable[BenchmarkResult]):
    """A row for each benchmark."""

    def __init__(self) -> None:
        super().__init__("Benchmark results", _COLUMNS, _how)


def _how(result: BenchmarkResult) -> str:
    """Return where the model lies, how it was loaded, and on what."""
    setup, machine = result.setup, result.machine
    threads = f", {setup.threads} threads" if setup.threads else ""
    return (
        f"{Path(result.model)}\n"
        f"{setup.engine} {setup.engine_version}, context {setup.context_tokens:,} in "
        f"{setup.kv_type}{threads}{', on the GPU' if setup.on_gpu else ''}\n"
        f"{machine.processor}, {machine.cores} cores, {machine.system}"
    )
