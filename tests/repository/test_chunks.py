"""Files are cut at definitions and blank lines, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from starpad.repository.chunks import MOST_LINES, best_piece, pieces_of, shortened

FUNCTION = "def function_{0}():\n" + "    value = {0}\n" * 10 + "\n\n"


def test_pieces_begin_with_definitions() -> None:
    text = "".join(FUNCTION.format(number) for number in range(30))
    pieces = pieces_of(text)
    assert len(pieces) > 5
    assert all(piece.text.startswith("def ") for piece in pieces)
    assert all(text.split("\n")[piece.first_line].startswith("def") for piece in pieces)


@given(st.text(alphabet="ab {\n", max_size=3000))
def test_the_pieces_are_the_text(text: str) -> None:
    pieces = pieces_of(text)
    joined = "".join(piece.text for piece in pieces)
    assert joined == (text if text.endswith("\n") or not text else f"{text}\n")
    assert all(piece.text.count("\n") <= MOST_LINES for piece in pieces)


def test_long_lines_make_short_pieces() -> None:
    pieces = pieces_of(("x" * 500 + "\n") * 60)
    assert all(len(piece.text) < 6_000 for piece in pieces)


def test_the_piece_with_the_wanted_words_is_the_best() -> None:
    text = "".join(FUNCTION.format(number) for number in range(30))
    found = best_piece(text, ("function_17", "no_such"))
    assert found is not None
    assert found[0] == 1
    assert "function_17" in found[1].text
    first = best_piece(text, ())
    assert first is not None
    assert (first[0], first[1].first_line) == (0, 0)
    assert best_piece(" \n\n", ()) is None


def test_of_a_piece_that_is_too_long_the_lines_with_the_wanted_words_stay() -> None:
    text = (
        "import wanted, other\n" + "filler = 1\n" * 20 + "x = wanted\ny = other\n" + "z = 1\n" * 9
    )
    short = shortened(text, ("wanted", "other"), 60)
    assert "x = wanted\ny = other\n" in short
    assert len(short) <= 60
    assert short in text
    assert shortened(text, ("wanted",), 10_000) == text
    assert shortened("x" * 100 + "\n", ("x",), 10) == ""


@given(st.text(alphabet="ab {\n", max_size=500), st.integers(0, 300))
def test_a_shortened_piece_is_whole_lines_of_it_and_fits(text: str, most: int) -> None:
    short = shortened(text, ("ab", "aab"), most)
    assert len(short) <= most
    assert short in text
