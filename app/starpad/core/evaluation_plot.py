"""The rows of an evaluation as a picture: SVG, which every browser shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from starpad.core.benchmark_report import duration_text
from starpad.core.evaluation import EvaluationRow, HoleKind
from starpad.core.evaluation_report import percent_text, sentence

_ROW = 24
_EDGE = 16
_NAMES = 380
_PANEL = 170
_BAR = 100
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.head{fill:#777}rect.bar{fill:#4c72d6}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.head{fill:#999}.paper{fill:#1e1f22}}"
    ".paper{fill:#fff}"
)


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    value: Callable[[EvaluationRow], float]
    text: Callable[[EvaluationRow], str]


_PANELS = (
    _Panel("Exact", lambda row: row.exact, lambda row: percent_text(row.exact)),
    _Panel("Similar", lambda row: row.similarity, lambda row: percent_text(row.similarity)),
    _Panel(
        "First 4 right", lambda row: row.starts_right, lambda row: percent_text(row.starts_right)
    ),
    _Panel(
        "First token", lambda row: row.first_token_ms, lambda row: duration_text(row.first_token_ms)
    ),
)


def to_svg(rows: Sequence[EvaluationRow]) -> str:
    """Return a drawing with four bars for each row, those of one kind of holes together."""
    kinds = list(HoleKind)
    ordered = sorted(rows, key=lambda row: kinds.index(row.kind))
    width = 2 * _EDGE + _NAMES + _PANEL * len(_PANELS)
    height = 2 * _EDGE + _ROW * (len(ordered) + 1)
    words = escape("\n".join(map(sentence, ordered)))
    body = "\n".join(
        [*_names(ordered), *(line for n in range(len(_PANELS)) for line in _bars(ordered, n))]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img">\n'
        f"<title>Evaluation</title><desc>{words}</desc><style>{_STYLE}</style>\n"
        f'<rect class="paper" width="{width}" height="{height}"/>\n{body}\n</svg>\n'
    )


def _names(rows: Sequence[EvaluationRow]) -> Iterator[str]:
    for number, row in enumerate(rows, 1):
        yield _text(_EDGE, number, row.title)


def _bars(rows: Sequence[EvaluationRow], number: int) -> Iterator[str]:
    panel, left = _PANELS[number], _EDGE + _NAMES + _PANEL * number
    yield _text(left, 0, panel.title, "head")
    longest = max((panel.value(row) for row in rows), default=0.0) or 1.0
    for place, row in enumerate(rows, 1):
        length = max(1.0, panel.value(row) / longest * _BAR)
        top = _EDGE + _ROW * place + _ROW // 4
        yield (
            f'<rect class="bar" x="{left}" y="{top}" width="{length:.1f}" height="{_ROW // 2}"/>'
        )
        yield _text(left + length + 6, place, panel.text(row))


def _text(left: float, row: int, text: str, kind: str = "") -> str:
    y = _EDGE + _ROW * row + _ROW * 0.7
    return f'<text class="{kind}" x="{left:.1f}" y="{y:.1f}">{escape(text)}</text>'
