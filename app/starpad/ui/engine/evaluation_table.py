"""What came of an evaluation as a table, in the order in which it was asked."""

from starpad.core.benchmark_report import duration_text, rate_text
from starpad.core.evaluation import EvaluationRow
from starpad.core.evaluation_report import context_text, percent_text
from starpad.ui.engine.result_table import Column, ResultTable

_COLUMNS: tuple[Column[EvaluationRow], ...] = (
    Column("Model", lambda row: row.name, is_number=False),
    Column("Quantization", lambda row: row.quantization, is_number=False),
    Column("Order", lambda row: row.order, "Of the prompt's parts", is_number=False),
    Column("Context", context_text, "Whether it could read other files", is_number=False),
    Column("What", lambda row: row.kind, "What was cut out", is_number=False),
    Column("Holes", lambda row: f"{row.holes:,}"),
    Column(
        "Exact",
        lambda row: percent_text(row.exact),
        "How often the suggestion was what had been cut out, blanks at its end aside",
    ),
    Column(
        "Similar",
        lambda row: percent_text(row.similarity),
        "How much of the characters both have in common, on average (difflib's ratio)",
    ),
    Column(
        "First 4 right",
        lambda row: percent_text(row.starts_right),
        "How often the first four characters were right",
    ),
    Column(
        "Parses",
        lambda row: percent_text(row.still_parses),
        "How often the file was still right with the suggestion in it: Python is parsed, of other "
        "languages the brackets are looked at",
    ),
    Column(
        "First token",
        lambda row: duration_text(row.first_token_ms),
        "The time until the first token, of a prompt that is new as a whole: the median",
    ),
    Column(
        "Slow",
        lambda row: duration_text(row.first_token_p90_ms),
        "One in ten took this long or longer",
    ),
    Column("Tok/s", lambda row: rate_text(row.tokens_per_second), "Tokens written in a second"),
    Column("Prompt", lambda row: f"{row.prompt_tokens:,.0f}", "Tokens of the prompt, on average"),
)


class EvaluationTable(ResultTable[EvaluationRow]):
    """A row for each model, way of asking and kind of hole."""

    def __init__(self) -> None:
        super().__init__("Evaluation results", _COLUMNS)
