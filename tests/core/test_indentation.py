"""Indentation is found, continued, added and removed as a person would do it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starpad.core.indentation import (
    Indentation,
    backspace_width,
    detect,
    for_new_line,
    for_tab,
    indent,
    outdent,
)

FOUR = Indentation()
TWO = Indentation(width=2)
TABS = Indentation(use_tabs=True, width=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", FOUR),
        ("a\nb\n\n   \n", FOUR),
        ("def f():\n    if x:\n        y\n    z\n", FOUR),
        ("a:\n  b:\n    c: 1\n  d: 2\n", TWO),
        ("f() {\n\tif (x)\n\t\ty();\n}\n", Indentation(use_tabs=True, width=4)),
        ("a\n   b\n      c\n", Indentation(width=3)),
        # One aligned line does not outvote the block structure.
        ("def f(a,\n      b):\n    x\n    if y:\n        z\n        if w:\n            v\n", FOUR),
        # The stars of a comment stand one column in.
        ("/**\n * a\n * b\n */\nint f() {\n    x;\n}\n", FOUR),
        # One column tells that spaces are used, but is no level.
        ("a\n b\n", FOUR),
        ("a\n\tb\n    c\n    d\n", FOUR),
        # Wider steps are alignment.
        ("call(a,\n" + " " * 20 + "b)\n", FOUR),
    ],
)
def test_the_indentation_of_a_text_is_found(text: str, expected: Indentation) -> None:
    assert detect(text) == expected


def test_without_indented_lines_the_default_is_kept() -> None:
    assert detect("a\nb", TABS) == TABS
    assert detect("a\n\tb", TABS) == TABS
    assert detect("a\n b", TABS) == Indentation(use_tabs=False, width=8)


def test_only_the_start_of_a_long_text_is_looked_at() -> None:
    assert detect("a\n  b\n" * 10_000 + "a\n\tb\n" * 90_000) == TWO


@pytest.mark.parametrize(
    ("line", "indentation", "expected"),
    [
        ("", FOUR, ""),
        ("    x = 1", FOUR, "    "),
        ("if x:", FOUR, "    "),
        ("  if x:  ", TWO, "    "),
        ("\tif (x) {", TABS, "\t\t"),
        ("\t  f(", FOUR, "\t      "),
        ("x = [", FOUR, "    "),
        ("if x:  # a comment", FOUR, "    "),
        ("if x == '#':  # a \"comment", FOUR, "    "),
        ('s = "# not a comment:"', FOUR, ""),
        ('if s == "it\'s \\" # {":', FOUR, "    "),
        ("# a note:", FOUR, ""),
        ("x = 1  # as here:", FOUR, ""),
        ("it's done:", FOUR, "    "),
        ("#header {", TWO, "  "),
        ("    ", FOUR, "    "),
        ("\u00a0if x:", FOUR, "    "),
    ],
)
def test_a_new_line_continues_and_opens_blocks(
    line: str, indentation: Indentation, expected: str
) -> None:
    assert for_new_line(line, indentation) == expected


@pytest.mark.parametrize(
    ("line", "indentation", "expected"),
    [
        ("", FOUR, "    "),
        ("ab", FOUR, "  "),
        ("abcd", FOUR, "    "),
        ("\ta", FOUR, "   "),
        ("abc", TABS, "\t"),
    ],
)
def test_tab_goes_to_the_next_tab_stop(line: str, indentation: Indentation, expected: str) -> None:
    assert for_tab(line, indentation) == expected


def test_indenting_leaves_blank_lines_alone() -> None:
    assert indent(["a", "", "  b", " \t"], FOUR) == ["    a", "", "      b", " \t"]
    assert indent(["a", " b"], TABS) == ["\ta", "\t b"]


@pytest.mark.parametrize(
    ("line", "indentation", "expected"),
    [
        ("a", FOUR, "a"),
        ("", FOUR, ""),
        ("  a", FOUR, "a"),
        ("     a", FOUR, " a"),
        ("\ta", FOUR, "a"),
        ("  \ta", FOUR, "a"),
        ("\t\ta", TABS, "\ta"),
        ("    a", TABS, "a"),
        ("          a", TABS, "  a"),
    ],
)
def test_outdenting_removes_one_level_of_either_kind(
    line: str, indentation: Indentation, expected: str
) -> None:
    assert outdent([line], indentation) == [expected]


@settings(deadline=None)
@given(
    st.lists(st.text(" \tab#", max_size=12)),
    st.builds(Indentation, st.booleans(), st.integers(1, 8)),
)
def test_outdent_undoes_indent(lines: list[str], indentation: Indentation) -> None:
    lines = [line for line in lines if line.strip(" \t")]
    assert outdent(indent(lines, indentation), indentation) == lines


@pytest.mark.parametrize(
    ("line", "indentation", "expected"),
    [
        ("", FOUR, 1),
        ("    ", FOUR, 4),
        ("      ", FOUR, 2),
        ("        ", FOUR, 4),
        ("        ", TWO, 2),
        ("    x    ", FOUR, 1),
        ("    x", FOUR, 1),
        ("\t", FOUR, 1),
        ("  \t", FOUR, 1),
        ("\t  ", FOUR, 2),
        ("  \t ", FOUR, 1),
        ("   ", TABS, 3),
        ("\u00a0\u00a0", FOUR, 1),
    ],
)
def test_backspace_removes_leading_spaces_to_the_last_tab_stop(
    line: str, indentation: Indentation, expected: int
) -> None:
    assert backspace_width(line, indentation) == expected
