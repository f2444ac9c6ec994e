"""Scores: exact, similar, right at the start, and whether the file is still right."""

import pytest

from starpad.core.evaluation import Hole, HoleKind, Source
from starpad.core.evaluation_scores import score


def hole(before: str, answer: str, after: str, language: str = "python") -> Hole:
    source = Source("x", language, before + answer + after)
    return Hole(source, HoleKind.LINE_REST, len(before), len(before) + len(answer))


def test_the_very_answer_is_exact_whatever_blanks_end_it() -> None:
    found = score(hole("x = ", "value", "\n"), "value  \n")
    assert (found.is_exact, found.similarity, found.starts_right) == (True, 1.0, True)


def test_the_start_is_four_characters_or_all_of_a_shorter_answer() -> None:
    assert score(hole("x = ", "valuable", "\n"), "value").starts_right
    assert not score(hole("x = ", "value", "\n"), "vale").starts_right
    assert score(hole("f(", "a)", "\n"), "a)").starts_right
    assert not score(hole("f(", "a)", "\n"), "a) + b").starts_right


def test_similarity_is_what_both_have_in_common() -> None:
    assert score(hole("x = ", "abcd", "\n"), "abxd").similarity == pytest.approx(0.75)
    assert score(hole("x = ", "abcd", "\n"), "").similarity == 0
    # difflib's heuristics for long texts would leave out what is frequent.
    assert score(hole("x = ", "ab" * 400, "\n"), "ab" * 400 + "!").similarity > 0.99


@pytest.mark.parametrize(
    ("language", "before", "answer", "after", "text", "expected"),
    [
        ("python", "x = f(", "1)", "\n", "2)", True),
        ("python", "x = f(", "1)", "\n", "2", False),
        ("python", "x = = f(", "1)", "\n", "2)", None),
        ("python", "x = ", "1", "\n", "'\\d'", True),
        ("c", "f(", "1);", "\n", "(2));", True),
        ("c", "f(", "1);", "\n", "(2);", False),
        ("c", "f(", "1);", "\n", "2]);", False),
        ("c", "f(", "1);", "\n", "')'); // :-)", True),
        ("c", "f)", "1", "\n", "2", None),
    ],
)
def test_whether_the_file_is_still_right(
    language: str, before: str, answer: str, after: str, text: str, expected: bool | None
) -> None:
    assert score(hole(before, answer, after, language), text).still_parses is expected


def test_what_python_cannot_even_read_is_not_right() -> None:
    assert score(hole("x = ", "1", "\n"), "\0").still_parses is False
    assert score(hole("x = ", "1", "\n"), "(" * 10_000).still_parses is False
