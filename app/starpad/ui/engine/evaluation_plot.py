"""A plot of an evaluation: how often each model was right, and how soon it answered."""

from collections.abc import Callable, Sequence

from starpad.core.benchmark import Spread
from starpad.core.benchmark_report import duration_text
from starpad.core.evaluation import EvaluationRow, HoleKind
from starpad.core.evaluation_report import percent_text, sentence
from starpad.ui.engine.bar_plot import BarPlot, Panel


def _share(title: str, share: Callable[[EvaluationRow], float]) -> Panel[EvaluationRow]:
    return Panel(title, lambda row: Spread.of([share(row)]), lambda row: percent_text(share(row)))


def _wait(row: EvaluationRow) -> Spread:
    if not row.first_token_ms:
        return Spread()
    return Spread(row.first_token_ms, row.first_token_ms, row.first_token_p90_ms, row.holes)


_PANELS = (
    _share("Exact", lambda row: row.exact),
    _share("Similar", lambda row: row.similarity),
    _share("First 4 right", lambda row: row.starts_right),
    Panel("First token", _wait, lambda row: duration_text(row.first_token_ms), is_less_better=True),
)


class EvaluationPlot(BarPlot[EvaluationRow]):
    """Rows of what was asked, beside each four bars; what is comparable stands together."""

    def __init__(self) -> None:
        super().__init__(
            "Plot of the evaluation",
            _PANELS,
            lambda row: row.title,
            sentence,
            group=lambda row: row.kind,
        )

    def show_results(self, results: Sequence[EvaluationRow]) -> None:
        """Show these, by kinds of holes."""
        kinds = list(HoleKind)
        super().show_results(sorted(results, key=lambda row: kinds.index(row.kind)))
