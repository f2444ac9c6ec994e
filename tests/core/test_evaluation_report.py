"""Outcomes as rows, as text, as CSV."""

import csv
import io
from dataclasses import replace

from starpad.core.evaluation import Asked, EvaluationRow, HoleKind, Outcome, Score, Way
from starpad.core.evaluation_report import row_of, sentence, table_head, table_row, to_csv

ASKED = Asked("StarCoder2 3B", "Q4_K_M", "ab12", "context 8192", Way(has_context=True))


def outcome(*, exact: bool, parses: bool | None, waited: float = 10.0) -> Outcome:
    score = Score(exact, 1.0 if exact else 0.5, exact, parses)
    return Outcome("x", score, "SPMv2", waited, 100.0 if waited else 0.0, 300, 200)


def row() -> EvaluationRow:
    outcomes = [outcome(exact=number < 2, parses=None, waited=number + 1) for number in range(10)]
    outcomes += [outcome(exact=False, parses=True), outcome(exact=False, parses=False, waited=0)]
    return row_of(ASKED, HoleKind.BLOCK, outcomes)


def test_a_row_is_the_mean_of_scores_and_the_median_of_times() -> None:
    found = row()
    assert found.holes == 12
    assert round(found.exact, 4) == round(2 / 12, 4)
    assert round(found.similarity, 4) == round((2 + 5) / 12, 4)
    assert found.still_parses == 0.5, "of the two where it can be told"
    assert found.first_token_ms == 6.0, "without the one that got no token"
    assert found.first_token_p90_ms == 10.0
    assert (found.prompt_tokens, found.evaluated_tokens) == (300, 200)
    assert found.title == "block · SPMv2 · with context · StarCoder2 3B · Q4_K_M"


def test_nothing_that_could_be_told_leaves_blanks() -> None:
    found = row_of(ASKED, HoleKind.LINE, [outcome(exact=False, parses=None, waited=0)])
    assert (found.still_parses, found.first_token_ms, found.tokens_per_second) == (None, 0, 0)
    assert "parse" not in sentence(found)
    assert "first token" not in sentence(found)


def test_the_table_stands_in_columns() -> None:
    long = replace(row(), name="A model with a name that is far too long")
    head, first, second = table_head(), table_row(row()), table_row(long)
    assert len(head) == len(first) == len(second)
    assert head.index("Exact") + len("Exact") == first.index("16.7 %") + len("16.7 %")
    assert "…" in second


def test_a_row_in_words_says_all_figures() -> None:
    assert sentence(row()) == (
        "block · SPMv2 · with context · StarCoder2 3B · Q4_K_M, 12 holes: 16.7 % exact, "
        "58.3 % similar, 16.7 % right in the first four characters, 50.0 % still parse, "
        "first token after 6.0 ms."
    )


def test_the_csv_has_a_column_for_each_figure() -> None:
    [read] = csv.DictReader(io.StringIO(to_csv([row()])))
    assert read["kind"] == "block"
    assert read["exact"] == "0.1667"
    assert read["has_context"] == "True"
    assert set(read) == set(EvaluationRow.__slots__)
