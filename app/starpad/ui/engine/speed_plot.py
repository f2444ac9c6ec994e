"""A plot of benchmark results: how fast each model writes and reads, and what memory it takes."""

from starpad.core.benchmark import BenchmarkResult, Spread
from starpad.core.benchmark_report import memory_text, rate_text, sentence
from starpad.ui.engine.bar_plot import BarPlot, Panel


def _reading(result: BenchmarkResult) -> Spread:
    known = (prompt.tokens_per_second for prompt in result.figures.prompts)
    return next((spread for spread in known if spread.count), Spread())


def _memory(result: BenchmarkResult) -> Spread:
    return Spread.of([result.peak_bytes]) if result.peak_bytes else Spread()


_PANELS: tuple[Panel[BenchmarkResult], ...] = (
    Panel(
        "Writing, tok/s",
        lambda result: result.figures.generation,
        lambda result: rate_text(result.figures.generation.median),
    ),
    Panel("Reading, tok/s", _reading, lambda result: rate_text(_reading(result).median)),
    Panel("Memory", _memory, memory_text, is_less_better=True),
)


class SpeedPlot(BarPlot[BenchmarkResult]):
    """Rows of models, beside each three bars."""

    def __init__(self) -> None:
        super().__init__("Plot of speed and memory", _PANELS, lambda result: result.title, sentence)
