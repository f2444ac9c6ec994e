"""Comment marks: known to Pygments, put on and taken off without changing anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from starpad.core import comments
from starpad.core.comments import CommentMarks, marks_of, toggle

HASH = CommentMarks(line="#")
CSS = CommentMarks(start="/*", end="*/")


def test_pygments_knows_every_language_of_the_table() -> None:
    unknown = []
    for alias in comments._MARKS:
        try:
            get_lexer_by_name(alias)
        except ClassNotFound:
            unknown.append(alias)
    assert unknown == []


@pytest.mark.parametrize(
    ("language", "marks"),
    [
        ("python", HASH), ("cpp", CommentMarks(line="//")), ("css", CSS),
        ("xml", CommentMarks(start="<!--", end="-->")), ("json", CommentMarks(line="//")),
        ("haskell", CommentMarks(line="--")), ("lua", CommentMarks(line="--")),
        ("sql", CommentMarks(line="--")), ("html", CommentMarks(start="<!--", end="-->")),
        ("registry", CommentMarks(line=";")), ("jsx", CommentMarks(line="//")),
        ("ocaml", CommentMarks(start="(*", end="*)")), ("nixos", HASH),
        ("bat", CommentMarks(line="REM")), ("text", CommentMarks()), ("", CommentMarks()),
    ],
)  # fmt: skip
def test_each_language_has_its_marks(language: str, marks: CommentMarks) -> None:
    assert marks_of(language) == marks
    assert bool(marks) == (language not in ("text", ""))


def test_marks_stand_in_one_column_and_blank_lines_stay() -> None:
    lines = ["    if x:", "", "        y()", "\t"]
    assert toggle(lines, HASH) == ["    # if x:", "", "    #     y()", "\t"]


def test_one_line_that_is_no_comment_makes_all_comments() -> None:
    assert toggle(["# a", "b"], HASH) == ["# # a", "# b"]
    assert toggle(["# # a", "# b"], HASH) == ["# a", "b"]


def test_a_mark_without_a_blank_is_taken_off_too() -> None:
    assert toggle(["#a", "  #  b"], HASH) == ["a", "   b"]


def test_a_block_comment_goes_round_all_lines() -> None:
    lines = ["  a {", "    b: c;", "  }"]
    assert toggle(lines, CSS) == ["  /* a {", "    b: c;", "  } */"]
    assert toggle(toggle(lines, CSS), CSS) == lines


def test_lines_in_which_a_block_comment_ends_stay_as_they_are() -> None:
    lines = ["a /* one */ b", "c"]
    assert toggle(lines, CSS) == lines


def test_blank_lines_and_unknown_languages_stay_as_they_are() -> None:
    assert toggle(["", "  "], HASH) == ["", "  "]
    assert toggle(["a"], CommentMarks()) == ["a"]


_line = st.text(alphabet="ab #/*\t", max_size=12)


@given(st.lists(_line, min_size=1, max_size=6), st.sampled_from([HASH, CSS]))
def test_toggling_keeps_the_number_of_lines_and_what_they_say(
    lines: list[str], marks: CommentMarks
) -> None:
    changed = toggle(lines, marks)
    assert len(changed) == len(lines)
    is_comment = all(
        line.strip(" \t").startswith("#") for line in lines if line.strip(" \t")
    )  # fmt: skip
    if marks is HASH and not is_comment:
        assert toggle(changed, marks) == lines
