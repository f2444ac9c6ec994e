"""A change in hunks: any choice of them gives a good text, quickly; code fits its place."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.indentation import Indentation
from starpad.core.patch import Hunk, apply, dedented, fitted, hunks_between, lines_of

LINES = 5000
SECONDS = 5.0  # some 25 times what it takes

# Few different lines, so that much is in common, with and without a final line end.
TEXTS = st.lists(st.sampled_from("abcdefg") | st.text(max_size=2), max_size=30).map("\n".join)


def _all(hunks: tuple[Hunk, ...]) -> set[int]:
    return set(range(len(hunks)))


@given(TEXTS, TEXTS)
def test_all_hunks_give_the_new_text_and_none_the_old(old: str, new: str) -> None:
    hunks = hunks_between(old, new)
    assert apply(old, hunks, _all(hunks)) == new
    assert apply(old, hunks, set()) == old
    assert (hunks == ()) is (old == new)


@given(TEXTS, TEXTS, st.sets(st.integers(0, 30)))
def test_any_choice_consists_of_whole_lines(old: str, new: str, accepted: set[int]) -> None:
    hunks = hunks_between(old, new)
    known = {*lines_of(old), *lines_of(new)}
    assert set(lines_of(apply(old, hunks, accepted))) <= known


@given(TEXTS, TEXTS)
def test_hunks_know_their_lines_and_have_unchanged_ones_between_them(old: str, new: str) -> None:
    old_lines, new_lines = lines_of(old), lines_of(new)
    hunks = hunks_between(old, new)
    shown: list[int] = []
    for hunk in hunks:
        assert hunk.old_lines != hunk.new_lines
        assert list(hunk.old_lines) == old_lines[hunk.old_start : hunk.old_end]
        assert list(hunk.new_lines) == new_lines[hunk.new_start : hunk.new_end]
        first = hunk.old_start - len(hunk.before)
        last = hunk.old_end + len(hunk.after)
        assert [*hunk.before, *hunk.old_lines, *hunk.after] == old_lines[first:last]
        shown += range(first, last)
    assert len(shown) == len(set(shown))
    for one, other in pairwise(hunks):
        assert other.old_start - one.old_end == other.new_start - one.new_end > 0


def test_two_changes_with_one_line_between_are_chosen_one_by_one() -> None:
    old, new = "a\nb\nc\nd\ne\n", "a\nB\nc\nD\ne\n"
    first, second = hunks_between(old, new)
    assert first == Hunk(1, ("b\n",), 1, ("B\n",), ("a\n",), ("c\n",))
    assert second == Hunk(3, ("d\n",), 3, ("D\n",), (), ("e\n",))
    assert apply(old, (first, second), {1}) == "a\nb\nc\nD\ne\n"


def test_a_function_put_before_another_is_one_hunk_that_removes_nothing() -> None:
    old = "def a():\n    return 1\n\n\ndef c():\n    return 3\n"
    new = old.replace("def c", "def b():\n    return 2\n\n\ndef c")
    [hunk] = hunks_between(old, new)
    assert hunk.old_lines == ()
    assert "".join(hunk.new_lines).count("def b") == 1


def test_a_final_line_end_is_a_change() -> None:
    [hunk] = hunks_between("a\nb", "a\nb\n")
    assert (hunk.old_lines, hunk.new_lines) == (("b",), ("b\n",))


def test_only_the_editors_line_end_ends_a_line() -> None:
    assert lines_of("a\fb\u2028c\x85d\re\n\nf") == ["a\fb\u2028c\x85d\re\n", "\n", "f"]


def _numbered(count: int, start: int = 0) -> str:
    return "".join(f"{number}\n" for number in range(start, start + count))


def _random(characters: str, seed: int) -> str:
    return "".join(f"{c}\n" for c in random.Random(seed).choices(characters, k=LINES))


def _shuffled() -> str:
    lines = lines_of(_numbered(LINES))
    random.Random(0).shuffle(lines)
    return "".join(lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("\n" * LINES, "\n" * (LINES - 7), id="empty lines"),
        pytest.param(_numbered(LINES), _numbered(LINES, LINES), id="nothing in common"),
        pytest.param(_random("ab", 1), _random("ab", 2), id="two lines, shuffled"),
        pytest.param(_random("abcdefghijklm", 1), _random("abcdefghijklm", 2), id="some lines"),
        pytest.param("a\na\nb\n" * 1666, "a\nb\nb\n" * 1666, id="a pattern"),
        pytest.param(_numbered(LINES), _shuffled(), id="shuffled"),
        pytest.param(_numbered(LINES), _numbered(LINES)[::-1], id="backwards"),
        pytest.param(
            "".join(f"{n}!\n{_random('abcd', n)[:400]}" for n in range(25)),
            "".join(f"{n}!\n{_random('abcd', -n)[:400]}" for n in range(25)),
            id="much work between anchors",
        ),
    ],
)
def test_five_thousand_lines_take_no_long_time_however_bad_they_are(old: str, new: str) -> None:
    started = time.perf_counter()
    hunks = hunks_between(old, new)
    assert time.perf_counter() - started < SECONDS
    assert apply(old, hunks, _all(hunks)) == new


METHOD = "    def f(self):\n        return 1\n"


@pytest.mark.parametrize(
    ("code", "selection", "before", "expected"),
    [
        pytest.param(
            "def f(self):\n    return 2\n",
            METHOD,
            "",
            "    def f(self):\n        return 2\n",
            id="the common indentation is put back",
        ),
        pytest.param(
            "    def f(self):\n        return 2\n",
            METHOD,
            "",
            "    def f(self):\n        return 2\n",
            id="an indentation that the answer has is not doubled",
        ),
        pytest.param(
            "def f(self):\n    return 2\n",
            METHOD.lstrip(" "),
            "    ",
            "def f(self):\n        return 2\n",
            id="the selection begins behind its first line's indentation",
        ),
        pytest.param(
            "[\n    2,\n]", "[1]", "  x = ", "[\n      2,\n  ]", id="the selection is within a line"
        ),
        pytest.param("x = 2\n\n\n", "x = 1", "", "x = 2", id="no line end where there was none"),
        pytest.param("x = 2", "x = 1\n", "", "x = 2\n", id="a line end where there was one"),
        pytest.param(
            "\n\ny\n", "\n  \n    x\n\n    ", "q", "\n  \n    y\n\n    ", id="the edges stay"
        ),
        pytest.param("x  \n  \ny", " a\n\n b", "", " x  \n\n y", id="empty lines stay empty"),
        pytest.param("a\r\nb\rc\r\n", "x\n", "", "a\nb\nc\n", id="other line ends become LF"),
        pytest.param("x", "", "\t", "x", id="nothing is selected"),
        pytest.param("x:\n  y", "", "\t", "x:\n\t  y", id="nothing selected, indented"),
        pytest.param("x", "  \n", "", "x\n", id="only blanks are selected"),
        pytest.param("", "    x\n", "", "\n", id="an empty answer"),
        pytest.param(
            "a\nb",
            "deep\n  shallow",
            "    ",
            "a\n  b",
            id="the first line is the deepest",
        ),
    ],
)  # fmt: skip
def test_code_takes_the_place_of_a_selection(
    code: str, selection: str, before: str, expected: str
) -> None:
    assert fitted(code, selection, before) == expected


def test_code_gets_the_documents_tabs_or_spaces() -> None:
    tabs, spaces = Indentation(use_tabs=True), Indentation(width=4)
    code = "if x:\n  if y:\n    z\n     w\n"
    assert fitted(code, "\tx\n", "", tabs) == "\tif x:\n\t\tif y:\n\t\t\tz\n\t\t\t w\n"
    assert fitted("if x:\n\ty\n", "    x\n", "", spaces) == "    if x:\n        y\n"
    assert fitted(code, "x\n", "", spaces) == code
    assert fitted("x\n", "\ty\n", "", tabs) == "\tx\n"


@given(st.text("ab \t\n"), st.text("ab \t\n"), st.text(" \t") | st.text("ab \t"))
def test_fitted_code_keeps_its_words_and_the_line_end(
    code: str, selection: str, before: str
) -> None:
    result = fitted(code, selection, before)
    assert result.split() == code.split()
    if code.strip():
        ends = [text.rstrip(" \t").endswith("\n") for text in (selection, result)]
        assert ends in ([True, True], [False, False])


def test_a_model_sees_code_from_column_0() -> None:
    assert dedented(METHOD) == "def f(self):\n    return 1\n"
    assert dedented(METHOD.lstrip(" "), "    ") == "def f(self):\n    return 1\n"
    assert dedented("f(x)", "    y = ") == "f(x)"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.sampled_from(["", "  ", "\t"]))
def test_what_a_model_saw_fits_where_it_was_as_it_was(levels: list[int], margin: str) -> None:
    lines = [f"{margin}{'    ' * level}x\n" for level in levels]
    selection = "".join(lines)
    assert fitted(dedented(selection), selection) == selection
    first = lines[0]
    blanks = first[: -len("x\n")]
    rest = selection[len(blanks) :]
    assert fitted(dedented(rest, blanks), rest, blanks) == rest
