"""Mixed line ends stay with their lines, whatever is done to the text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starpad.core.line_ends import carried, counts, unified

STORED = "one\r\ntwo\nthree\rfour\r\nfive"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo\nthree\nfour\nfive", STORED),
        ("one\ntwo!\nthree\nfour\nfive", "one\r\ntwo!\nthree\rfour\r\nfive"),
        ("one\nthree\nfour\nfive", "one\r\nthree\rfour\r\nfive"),
        ("onetwo\nthree\nfour\nfive", "onetwo\nthree\rfour\r\nfive"),
        ("one\ntwo\nth\nree\nfour\nfive", "one\r\ntwo\nth\r\nree\rfour\r\nfive"),
        ("one\ntwo\nthree\nfour\nfive\n", f"{STORED}\r\n"),
        ("one\ntwo\nthree\nfour", "one\r\ntwo\nthree\rfour"),
        ("0\none\ntwo\nfour\nfive\nsix\n", "0\r\none\r\ntwo\nfour\r\nfive\r\nsix\r\n"),
        ("", ""),
    ],
)
def test_lines_keep_their_ends_and_new_ones_get_the_usual(text: str, expected: str) -> None:
    assert carried(STORED, text, "\r\n") == expected


@settings(deadline=None)
@given(st.text("ab\r\n"), st.text("ab\n"), st.sampled_from(["\n", "\r\n", "\r"]))
@example("a\rb\n", "a\n\n", "\n")
def test_the_text_is_never_another(stored: str, text: str, usual: str) -> None:
    assert unified(carried(stored, text, usual)) == text


def test_each_kind_is_counted_once() -> None:
    assert counts("a\r\nb\n\rc\r") == {"\n": 1, "\r\n": 1, "\r": 2}
