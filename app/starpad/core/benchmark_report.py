"""Results of benchmarks as text, CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starpad.core.benchmark import (
    BenchmarkResult,
    Figures,
    Machine,
    PromptSpeed,
    Setup,
    Spread,
)

Values = dict[str, Any]

_NAME_WIDTH = 36
_WIDTHS = (_NAME_WIDTH, 12, 26, 15, 12, 9, 9, 8)
_HEADS = (
    "Model", "Quantization", "Reading tok/s (tokens)", "Writing tok/s", "First token", "Warm",
    "Memory", "Load",
)  # fmt: skip


def rate_text(tokens_per_second: float) -> str:
    """Return as in `1,230` or `14.2`; nothing for what was not measured."""
    if tokens_per_second <= 0:
        return ""
    digits = 0 if tokens_per_second >= 99.95 else 1
    return f"{tokens_per_second:,.{digits}f}"


def spread_text(spread: Spread) -> str:
    """Return the median and how far the others were from it, as in `14.2 ±2 %`."""
    text = rate_text(spread.median)
    if not text or spread.count < 2:
        return text
    farthest = max(spread.highest - spread.median, spread.median - spread.lowest)
    return f"{text} ±{farthest / spread.median:.0%}".replace("%", " %")


def reading_text(figures: Figures) -> str:
    """Return the speeds of reading with the prompts' lengths, as in `812 (512), 640 (2,048)`."""
    known = (prompt for prompt in figures.prompts if prompt.tokens_per_second.count)
    return ", ".join(
        f"{rate_text(prompt.tokens_per_second.median)} ({prompt.tokens:,})" for prompt in known
    )


def duration_text(milliseconds: float) -> str:
    """Return as in `34 ms` or `2.1 s`; nothing for what was not measured."""
    if milliseconds <= 0:
        return ""
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:,.1f} s"


def memory_text(result: BenchmarkResult) -> str:
    """Return as in `1.9 GB`; nothing where it could not be seen."""
    if not result.peak_bytes:
        return ""
    if result.peak_bytes < 950_000_000:
        return f"{result.peak_bytes / 1e6:.0f} MB"
    return f"{result.peak_bytes / 1e9:,.1f} GB"


def table_head() -> str:
    """Return the line above `table_row`s."""
    return _line(_HEADS)


def table_row(result: BenchmarkResult) -> str:
    """Return a result as one line of a table in a font of equal widths."""
    name = ", ".join(filter(None, (result.name, result.setup.note)))
    figures = result.figures
    return _line(
        (
            name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…",
            result.quantization,
            reading_text(figures),
            spread_text(figures.generation),
            duration_text(figures.first_token_ms.median),
            duration_text(figures.warm_token_ms.median),
            memory_text(result),
            duration_text(result.load_ms),
        )
    )


def sentence(result: BenchmarkResult) -> str:
    """Return a result in words, for who cannot see a plot of it."""
    figures = result.figures
    parts = [
        f"writes {rate_text(figures.generation.median)} tokens per second"
        if figures.generation.count
        else "",
        *(
            f"reads {rate_text(prompt.tokens_per_second.median)} tokens per second "
            f"({prompt.tokens:,} tokens)"
            for prompt in figures.prompts
            if prompt.tokens_per_second.count
        ),
        f"takes {memory_text(result)} of memory" if result.peak_bytes else "",
    ]
    return f"{result.title}: {', '.join(filter(None, parts)) or 'its speed is unknown'}."


def to_csv(results: Sequence[BenchmarkResult]) -> str:
    """Return a table with a head, a result a line, for a spreadsheet."""
    lengths = sorted({prompt.tokens for result in results for prompt in result.figures.prompts})
    rows = [_flat(result) for result in results]
    columns = [
        *("measured_at", "name", "quantization", "note"),
        *(f"prompt_{length}_tokens_per_second" for length in lengths),
    ]
    columns += [name for name in (rows[0] if rows else {}) if name not in columns]
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def to_json(results: Sequence[BenchmarkResult]) -> str:
    """Return a list of objects."""
    return json.dumps([to_values(result) for result in results], indent=1, ensure_ascii=False)


def to_values(result: BenchmarkResult) -> Values:
    """Return a result as what JSON can hold."""
    return asdict(result) | {"measured_at": result.measured_at.isoformat()}


def from_values(values: Mapping[str, Any]) -> BenchmarkResult:
    """Return what `to_values` wrote. Raises KeyError, TypeError or ValueError for all else."""
    machine, setup, figures = values["machine"], values["setup"], values["figures"]
    return BenchmarkResult(
        model=_text(values["model"]),
        name=_text(values["name"]),
        quantization=_text(values["quantization"]),
        size_bytes=int(_number(values["size_bytes"])),
        measured_at=_time(values["measured_at"]),
        machine=Machine(
            _text(machine["processor"]), int(_number(machine["cores"])), _text(machine["system"])
        ),
        setup=_setup(setup),
        figures=Figures(
            prompts=tuple(
                PromptSpeed(int(_number(prompt["tokens"])), _spread(prompt["tokens_per_second"]))
                for prompt in figures["prompts"]
            ),
            generation=_spread(figures["generation"]),
            first_token_ms=_spread(figures["first_token_ms"]),
            warm_token_ms=_spread(figures["warm_token_ms"]),
            prompt_tokens_warm=int(_number(figures["prompt_tokens_warm"])),
        ),
        load_ms=_number(values["load_ms"]),
        peak_bytes=int(_number(values["peak_bytes"])),
        gpu_bytes=int(_number(values["gpu_bytes"])),
    )


def _flat(result: BenchmarkResult) -> Values:
    figures = result.figures
    row: Values = {
        "measured_at": result.measured_at.isoformat(timespec="seconds"),
        "name": result.name,
        "quantization": result.quantization,
        "note": result.setup.note,
    }
    for prompt in figures.prompts:
        speed = prompt.tokens_per_second.median
        row[f"prompt_{prompt.tokens}_tokens_per_second"] = round(speed, 2)
    return row | {
        "generation_tokens_per_second": round(figures.generation.median, 2),
        "generation_lowest": round(figures.generation.lowest, 2),
        "generation_highest": round(figures.generation.highest, 2),
        "repetitions": figures.generation.count,
        "first_token_ms": round(figures.first_token_ms.median, 2),
        "warm_token_ms": round(figures.warm_token_ms.median, 2),
        "load_ms": round(result.load_ms, 1),
        "peak_bytes": result.peak_bytes,
        "gpu_bytes": result.gpu_bytes,
        "size_bytes": result.size_bytes,
        **{name: value for name, value in asdict(result.setup).items() if name != "note"},
        **asdict(result.machine),
        "model": result.model,
    }


def _line(cells: Sequence[str]) -> str:
    first, *others = zip(cells, _WIDTHS, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return "  ".join(padded).rstrip()


def _setup(values: Mapping[str, Any]) -> Setup:
    on_gpu, gpu_layers = values["on_gpu"], values["gpu_layers"]
    if not isinstance(on_gpu, bool) or type(gpu_layers) is not int:
        raise TypeError("what is said of the GPU makes no sense")
    return Setup(
        engine=_text(values["engine"]),
        engine_version=_text(values["engine_version"]),
        context_tokens=int(_number(values["context_tokens"])),
        threads=int(_number(values["threads"])),
        prompt_threads=int(_number(values["prompt_threads"])),
        kv_type=_text(values["kv_type"]),
        gpu_layers=gpu_layers,
        on_gpu=on_gpu,
        note=_text(values["note"]),
    )


def _spread(values: Mapping[str, Any]) -> Spread:
    return Spread(
        _number(values["median"]),
        _number(values["lowest"]),
        _number(values["highest"]),
        int(_number(values["count"])),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is no text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number is no number")
    if not (math.isfinite(value) and 0 <= value < 1e18):
        raise ValueError("a number makes no sense")
    return value


def _time(value: object) -> datetime:
    try:
        return datetime.fromisoformat(_text(value)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time that no calendar has") from error
