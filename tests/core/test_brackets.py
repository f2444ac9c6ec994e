"""Brackets and quotes in pairs: what belongs together, what comes by itself, what is too many."""

import pytest

from starpad.core.brackets import (
    closer_for,
    is_empty_pair,
    partner,
    quotes_of,
    surplus_closers,
)

QUOTES = "\"'"


def _around(line: str) -> tuple[str, str]:
    before, _, after = line.partition("|")
    return before, after


@pytest.mark.parametrize(
    ("bracket", "text", "index"),
    [
        ("(", "a)", 1), ("(", "(a)b)", 4), ("{", "}\n}", 0), ("(", "a]", None), ("[", "", None),
        (")", "f(a", 1), (")", "((a)", 0), ("}", "{{}", 0), ("]", "a", None),
    ],
)  # fmt: skip
def test_partners_are_found_across_what_is_nested(
    bracket: str, text: str, index: int | None
) -> None:
    assert partner(bracket, text, lambda _index: True) == index


def test_brackets_that_do_not_count_are_passed_over() -> None:
    text = 'x, ")")'
    assert partner("(", text, lambda index: index != text.index(")")) == len(text) - 1


@pytest.mark.parametrize(
    ("line", "typed", "closer"),
    [
        ("f|", "(", ")"),
        ("f(|)", "[", "]"),
        ("f(|)", "(", ")"),
        ("|", "{", "}"),
        ("a|, b", "(", ")"),
        ("|word", "(", ""),  # before a word: round what is there is what is meant
        ("f|)", "(", ""),  # the closing one is there
        ("f(g|)", "(", ")"),
        ("x = |", '"', '"'),
        ("f(|)", "'", "'"),
        ("f|", '"', '"'),  # a prefix
        ("rb|", "'", "'"),
        ("don|", "'", ""),  # an apostrophe
        ('""|', '"', ""),  # on the way to three
        ('"a|', '"', ""),  # closes the string
        ('"a|', "(", ""),
        ('"a|', "'", ""),
        ("# it's |", "(", ")"),
        ("a|", ")", ""),
        ("a|", "x", ""),
    ],
)
def test_what_is_opened_is_closed_where_that_helps(line: str, typed: str, closer: str) -> None:
    assert closer_for(typed, *_around(line), QUOTES) == closer


@pytest.mark.parametrize(
    ("line", "part", "count"),
    [
        # typed over
        ("f(|)", ")", 1),
        ("f((|)", ")", 0),  # the line lacks one
        ("{ f(|)", ")", 1),
        ("f(|", ")", 0),
        ("|)", ")", 1),  # opened on a line above
        ('"a|"', '"', 1),
        ('"|"', "x", 0),
        ('"a\\|"', '"', 0),  # escaped
        ('"a" |"b"', '"', 0),
        # brought by a suggestion
        ("f(|)", "x) + y", 1),
        ("f(|)", "x", 0),
        ("f(|)", "x) + g(", 0),
        ("f(|)", "x) + g(y)", 1),
        ("f(g(|))", "x)", 1),
        ("f(g(|))", "x))", 2),
        ('print("|")', 'hi")', 2),
        ('print("|")', 'hi" + name', 1),
        ("  g(|))", "x))", 2),
        ("a[|]", "b)", 0),
    ],
)
def test_closers_that_come_twice_are_counted(line: str, part: str, count: int) -> None:
    before, after = _around(line)
    assert surplus_closers(before, part, after, QUOTES) == count


@pytest.mark.parametrize(
    ("line", "is_pair"),
    [
        ("f(|)", True), ("f(a|)", False), ('"|"', True), ('""|"', False), ("((|)", False),
        ("{(|)", True), ("|", False), ("[|)", False), ("don'|'", False),
    ],
)  # fmt: skip
def test_an_empty_pair_goes_as_a_whole(line: str, is_pair: bool) -> None:
    assert is_empty_pair(*_around(line), QUOTES) == is_pair


def test_quotes_depend_on_the_language() -> None:
    assert quotes_of("python") == "\"'"
    assert quotes_of("rust") == '"'
    assert "`" in quotes_of("javascript")
    assert quotes_of("") == "\"'"
