"""What is typed finds what is meant, and the likeliest first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.fuzzy import score

TEXTS = ("Save", "Save as…", "Find in folder…", "Suggest while typing", "Close tab", "C++")


def found(query: str) -> list[str]:
    fits = [(score(query, text), text) for text in TEXTS]
    return [text for fit, text in sorted(fits, key=lambda pair: -pair[0]) if fit]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("save", "Save"),
        ("SAVE AS", "Save as…"),
        ("as sav", "Save as…"),
        ("fif", "Find in folder…"),
        ("tab", "Close tab"),
        ("typ", "Suggest while typing"),
        ("sgtp", "Suggest while typing"),
        ("c++", "C++"),
    ],
)
def test_what_is_meant_comes_first(query: str, first: str) -> None:
    assert found(query)[0] == first


def test_every_word_must_be_found() -> None:
    assert found("save xyz") == []


def test_a_single_letter_finds_no_text_that_lacks_it() -> None:
    assert found("x") == []


def test_nothing_typed_fits_everything() -> None:
    assert len(found("")) == len(found("   ")) == len(TEXTS)


@given(st.text(), st.text())
def test_a_text_fits_itself_and_no_input_fails(query: str, text: str) -> None:
    assert score(query, text) >= 0
    assert score(text, text) > 0
