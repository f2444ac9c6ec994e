"""What a model generates is given out in whole characters, and nothing of a stop text."""

import pytest

from starpad.engines.text_stream import TextStream


def pieces(stops: tuple[str, ...], *data: bytes) -> tuple[list[str], TextStream]:
    stream = TextStream(stops)
    given = []
    for part in data:
        given.append(stream.add(part))
        if stream.stopped_by:
            break
    return given, stream


def test_half_a_character_waits_for_its_other_half() -> None:
    given, stream = pieces((), b"a\xf0\x9f", b"\xa6", b"\x99b", b"\xc3")
    assert given == ["a", "", "\N{LLAMA}b", ""]
    assert stream.is_within_a_character
    assert stream.rest() == ""


def test_bytes_that_are_no_character_are_marked() -> None:
    assert pieces((), b"\xff", b"a\xc3", b"(")[0] == ["\N{REPLACEMENT CHARACTER}", "a", "�("]


def test_what_might_become_a_stop_text_is_held_until_it_is_none() -> None:
    given, stream = pieces(("\n\n", "END"), b"a\n", b"b", b"E", b"N", b"T")
    assert given == ["a", "\nb", "", "", "ENT"]
    assert not stream.stopped_by


@pytest.mark.parametrize(
    ("stops", "data", "text", "stop"),
    [
        (("END",), (b"aE", b"N", b"Dx"), "a", "END"),
        (("b", "abc"), (b"xabc",), "x", "abc"),
        (("c", "bc"), (b"abc",), "a", "bc"),
        (("é",), (b"a\xc3", b"\xa9"), "a", "é"),
        (("",), (b"a",), "a", ""),
    ],
)
def test_the_first_stop_text_ends_it_and_is_not_given_out(
    stops: tuple[str, ...], data: tuple[bytes, ...], text: str, stop: str
) -> None:
    given, stream = pieces(stops, *data)
    assert ("".join(given), stream.stopped_by) == (text, stop)


def test_what_was_held_at_the_end_is_not_lost() -> None:
    given, stream = pieces(("END",), b"aEN")
    assert (given, stream.rest(), stream.rest()) == (["a"], "EN", "")
    assert not stream.is_within_a_character
