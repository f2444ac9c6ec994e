"""Text at UTF-16 positions: many changes come to the same as with a plain list of units."""

from hypothesis import given
from hypothesis import strategies as st

from starpad.core import edited_text
from starpad.core.edited_text import CHUNK_BYTES, EditedText, TextChange

TEXTS = st.text(st.sampled_from("ab\n😀\u00a0\u2028\0\ud83d\ude00"), max_size=12)
CHANGES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 30), TEXTS, st.integers(1, 5)), max_size=30
)


def units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def replaced(data: bytes, change: TextChange) -> bytes:
    start, end = 2 * change.start, 2 * (change.start + change.removed)
    return data[:start] + units(change.text) + data[end:]


@given(TEXTS, CHANGES)
def test_changes_do_what_slices_of_units_do(
    first: str, changes: list[tuple[int, int, str, int]]
) -> None:
    usual, edited_text.CHUNK_BYTES = edited_text.CHUNK_BYTES, 8  # many short chunks
    try:
        edited, expected = edited_text.edited_text(first), units(first)
        for start, removed, text, times in changes:
            change = TextChange(start, removed, text * times)
            edited.apply(change)
            expected = replaced(expected, change)
            assert edited.units * 2 == len(expected)
            assert b"".join(edited.pieces()) == expected
        assert edited.text() == expected.decode("utf-16-le", "surrogatepass")
    finally:
        edited_text.CHUNK_BYTES = usual


def test_what_was_cut_into_pieces_is_joined_again() -> None:
    text = "x" + "😀" * CHUNK_BYTES
    pieces = list(edited_text.edited_text(text).pieces())
    assert len(pieces) > 2
    joined = EditedText()
    for piece in pieces:
        joined.append(piece)
    assert joined.text() == text
