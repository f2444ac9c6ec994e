"""The outcomes of an evaluation as rows: for a table, a plot, a spreadsheet, in words."""

import csv
import io
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields

from starpad.core.benchmark_report import duration_text, rate_text
from starpad.core.evaluation import Asked, EvaluationRow, HoleKind, Outcome

_HEADS = (
    "Model", "Quantization", "Order", "Context", "Holes", "Exact", "Similar", "First 4", "Parses",
    "First token", "p90", "Tok/s", "Prompt", "Read",
)  # fmt: skip
_TEXT_COLUMNS = 2
_WIDTHS = (24, 12, 14, 7, 14, 7, 7, 7, 7, 11, 8, 7, 7, 7)


def row_of(asked: Asked, kind: HoleKind, outcomes: Sequence[Outcome]) -> EvaluationRow:
    """Return what outcomes of one kind, asked in one way, come to; there must be some."""
    scores = [outcome.score for outcome in outcomes]
    parsed = [score.still_parses for score in scores if score.still_parses is not None]
    waits = sorted(each.first_token_ms for each in outcomes if each.first_token_ms > 0)
    speeds = [each.tokens_per_second for each in outcomes if each.tokens_per_second > 0]
    return EvaluationRow(
        name=asked.name,
        quantization=asked.quantization,
        order=outcomes[0].order,
        has_context=asked.way.has_context,
        heals=asked.way.heals,
        kind=kind,
        holes=len(outcomes),
        exact=statistics.fmean(score.is_exact for score in scores),
        similarity=statistics.fmean(score.similarity for score in scores),
        starts_right=statistics.fmean(score.starts_right for score in scores),
        still_parses=statistics.fmean(parsed) if parsed else None,
        first_token_ms=statistics.median(waits) if waits else 0.0,
        first_token_p90_ms=waits[len(waits) * 9 // 10] if waits else 0.0,
        tokens_per_second=statistics.median(speeds) if speeds else 0.0,
        prompt_tokens=statistics.fmean(each.prompt_tokens for each in outcomes),
        evaluated_tokens=statistics.fmean(each.evaluated_tokens for each in outcomes),
    )


def percent_text(share: float | None) -> str:
    """Return as in `14.5 %`; nothing for what cannot be told."""
    return "" if share is None else f"{share * 100:.1f} %"


def context_text(row: EvaluationRow) -> str:
    """Return whether other files could be read."""
    return "with" if row.has_context else "without"


def table_head() -> str:
    """Return the line above `table_row`s."""
    return _line(_HEADS)


def table_row(row: EvaluationRow) -> str:
    """Return a row as one line of a table in a font of equal widths."""
    return _line(
        (
            row.name,
            row.quantization,
            row.order if row.heals else f"{row.order} unhealed",
            context_text(row),
            f"{row.holes} {row.kind}",
            percent_text(row.exact),
            percent_text(row.similarity),
            percent_text(row.starts_right),
            percent_text(row.still_parses),
            duration_text(row.first_token_ms),
            duration_text(row.first_token_p90_ms),
            rate_text(row.tokens_per_second),
            f"{row.prompt_tokens:,.0f}",
            f"{row.evaluated_tokens:,.0f}",
        )
    )


def sentence(row: EvaluationRow) -> str:
    """Return a row in words, for who cannot see a plot of it."""
    parts = [
        f"{percent_text(row.exact)} exact",
        f"{percent_text(row.similarity)} similar",
        f"{percent_text(row.starts_right)} right in the first four characters",
        f"{percent_text(row.still_parses)} still parse" if row.still_parses is not None else "",
        f"first token after {duration_text(row.first_token_ms)}" if row.first_token_ms else "",
    ]
    return f"{row.title}, {row.holes} holes: {', '.join(filter(None, parts))}."


def to_csv(rows: Iterable[EvaluationRow]) -> str:
    """Return a table with a head for a spreadsheet; shares are 0 to 1, times in milliseconds."""
    written = io.StringIO(newline="")
    columns = [field.name for field in fields(EvaluationRow)]
    writer = csv.DictWriter(written, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(row).items()
        }
        for row in rows
    )
    return written.getvalue()


def _line(cells: Sequence[str]) -> str:
    padded = (
        f"{cut:<{width}}" if column < _TEXT_COLUMNS else f"{cut:>{width}}"
        for column, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
        for cut in [cell if len(cell) <= width else f"{cell[: width - 1]}…"]
    )
    return "  ".join(padded).rstrip()
