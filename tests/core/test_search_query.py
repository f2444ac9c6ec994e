"""Whatever a person types or pastes into the search is understood as they mean it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.search_query import SearchQuery, read_query


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("  starcoder2   3b ", SearchQuery(words="starcoder2 3b")),
        ("", SearchQuery()),
        ("bigcode/", SearchQuery(author="bigcode")),
        ("bigcode/ 3b", SearchQuery(words="3b", author="bigcode")),
        ("author:bigcode", SearchQuery(author="bigcode")),
        ("starcoder author: bigcode 3b", SearchQuery(words="starcoder 3b", author="bigcode")),
        ("coauthor:bigcode", SearchQuery(words="coauthor:bigcode")),
        ("bigcode/starcoder2-3b", SearchQuery(repository="bigcode/starcoder2-3b")),
        (
            "RichardErkhov/bigcode_-_starcoder2-3b-gguf",
            SearchQuery(repository="RichardErkhov/bigcode_-_starcoder2-3b-gguf"),
        ),
        ("u/r:Q4_K_M", SearchQuery(repository="u/r")),
        ("../secret", SearchQuery(words="../secret")),
        ("a/b/c", SearchQuery(words="a/b/c")),
    ],
)
def test_words_authors_and_names(typed: str, query: SearchQuery) -> None:
    assert read_query(typed) == query


@pytest.mark.parametrize(
    "typed",
    [
        "https://huggingface.co/u/r",
        "http://www.huggingface.co/u/r/",
        "HTTPS://HuggingFace.co/u/r",
        "huggingface.co/u/r",
        "//huggingface.co/u/r",
        "https://huggingface.co/u/r/tree/main",
        "https://huggingface.co/u/r/blob/main/a%20b.gguf?download=true#top",
        "https://huggingface.co/u/r/resolve/main/x.gguf",
        "https://huggingface.co/u/r?not-for-all-audiences=true",
        "https://huggingface.co/api/models/u/r",
        "https://hf.co/u/r",
        "hf.co/u/r:Q4_K_M",
        "https://hf-mirror.com/u/r",
        "hf://u/r/x.gguf",
        "hf://models/u/r",
        "http://127.0.0.1:8080/u/r/tree/main",
    ],
)
def test_an_address_of_a_hub_means_that_repository(typed: str) -> None:
    query = SearchQuery(repository="u/r", is_address=True)
    assert read_query(typed, "127.0.0.1:8080") == query


@pytest.mark.parametrize(
    ("typed", "stranger"),
    [
        ("https://github.com/bigcode-project/starcoder", "github.com"),
        ("http://127.0.0.1:9/u/r", "127.0.0.1:9"),
        ("https://huggingface.co/datasets/bigcode/the-stack", "datasets"),
        ("https://huggingface.co/docs/hub", "docs"),
        ("https://huggingface.co/u/--", "u/--"),
        ("http://[::1/u/r", "[::1"),
    ],
)
def test_other_addresses_are_told_apart(typed: str, stranger: str) -> None:
    assert read_query(typed) == SearchQuery(stranger=stranger)


def test_the_address_of_an_owner_or_of_a_search_is_that_search() -> None:
    assert read_query("https://huggingface.co/bigcode") == SearchQuery(author="bigcode")
    pasted = "https://huggingface.co/models?search=star+coder&author=bigcode&sort=likes"
    assert read_query(pasted) == SearchQuery(words="star coder", author="bigcode")


@given(st.text(max_size=600))
def test_nothing_that_is_typed_breaks_it(typed: str) -> None:
    query = read_query(typed)
    assert query.repository.count("/") in (0, 1)
    assert ".." not in query.repository.split("/")
