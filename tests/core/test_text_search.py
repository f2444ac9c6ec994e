"""Queries as patterns, and replacements with groups."""

import pytest

from starpad.core.text_search import SearchQuery, replacement_for


@pytest.mark.parametrize(
    ("query", "pattern"),
    [
        (SearchQuery("a.b"), r"a\.b"),
        (SearchQuery("a.b", is_regex=True), "a.b"),
        (SearchQuery("a|b", is_regex=True, is_whole_word=True), r"(?<!\w)(?:a|b)(?!\w)"),
    ],
)
def test_a_query_is_a_pattern(query: SearchQuery, pattern: str) -> None:
    assert query.pattern == pattern


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$1-$2", "one-two"),
        (r"\2\1", "twoone"),
        ("$0$&", "hithit"),
        ("${1}1", "one1"),
        ("$12", "one2"),  # there are two groups only
        ("$9", "$9"),
        ("$$1", "$1"),
        (r"\\1", r"\1"),
        (r"a\nb\tc", "a\nb\tc"),
        (r"\q", r"\q"),
        ("$", "$"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_replacement_names_groups(template: str, text: str) -> None:
    query = SearchQuery("(o)(t)", is_regex=True)
    assert replacement_for(query, template, 2)(["hit", "one", "two"].__getitem__) == text


def test_text_is_replaced_by_text_as_it_stands() -> None:
    assert replacement_for(SearchQuery("a"), r"$1\n", 0)(lambda _group: "x") == r"$1\n"
