"""Results of benchmarks for tests, as if they had been measured."""

from dataclasses import replace
from datetime import UTC, datetime

from starpad.core.benchmark import (
    BenchmarkResult,
    Figures,
    Machine,
    PromptSpeed,
    Setup,
    Spread,
)

MEASURED = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def result(
    name: str = "StarCoder2 3B",
    quantization: str = "Q4_K_M",
    *,
    writes: float = 14.2,
    reads: float = 81.0,
    gigabytes: float = 2.1,
    note: str = "",
) -> BenchmarkResult:
    """Return what might have been measured of a model; `writes` and `reads` in tokens a second."""
    return BenchmarkResult(
        model=f"/models/{name}-{quantization}.gguf",
        name=name,
        quantization=quantization,
        size_bytes=int(gigabytes * 9e8),
        measured_at=MEASURED,
        machine=Machine("A processor", 4, "Linux x86_64"),
        setup=Setup("llama", "1.2", 8192, 4, 4, "f16", note=note),
        figures=Figures(
            prompts=(
                PromptSpeed(512, Spread(reads, reads * 0.98, reads * 1.01, 3)),
                PromptSpeed(2048, Spread(reads * 0.9, reads * 0.89, reads * 0.9, 3)),
            ),
            generation=Spread(writes, writes * 0.95, writes * 1.02, 3),
            first_token_ms=Spread(420, 400, 450, 3),
            warm_token_ms=Spread(74.4, 70, 80, 3),
            prompt_tokens_warm=512,
        ),
        load_ms=2140,
        peak_bytes=int(gigabytes * 1e9),
    )


def later(earlier: BenchmarkResult, *, day: int, writes: float) -> BenchmarkResult:
    """Return the same model measured again on another day of that month."""
    generation = Spread(writes, writes, writes, 1)
    return replace(
        earlier,
        measured_at=MEASURED.replace(day=day),
        figures=replace(earlier.figures, generation=generation),
    )
