"""Pieces stay where they are until there is no room, and copies come once."""

from hypothesis import given
from hypothesis import strategies as st

from starpad.core.repository_context import ContextChunk, ContextReason
from starpad.repository.choice import chosen


def _piece(path: str, word: str, lines: int = 10) -> ContextChunk:
    text = "".join(f"{word}_{number} = {number}\n" for number in range(lines))
    return ContextChunk(path, text, ContextReason.SIMILAR)


A, B, C = _piece("a.py", "alpha"), _piece("b.py", "beta"), _piece("c.py", "gamma")
ROOM = 10_000


def test_new_pieces_are_appended() -> None:
    assert chosen((A,), (B, A), ROOM) == (A, B)
    assert chosen((A, B), (C,), ROOM) == (A, B, C)


def test_copies_are_left_out() -> None:
    copy = ContextChunk("copy.py", A.text + "one_more = 1\n", ContextReason.OPEN)
    assert chosen((A,), (copy,), ROOM) == (A,)
    assert chosen((), (A, copy), ROOM) == (A,)


def test_a_newer_version_takes_the_old_ones_place() -> None:
    newer = ContextChunk("a.py", A.text.replace("alpha_3", "other"), ContextReason.EDITED)
    first, second = chosen((A, B), (newer,), ROOM)
    assert (first.path, first.text, second) == ("a.py", newer.text, B)


def test_without_room_what_is_held_stays_while_it_is_among_the_best() -> None:
    size = len(A.text) + len(A.path)
    assert chosen((A, B), (A, B, C), 2 * size + 50) == (A, B)


def test_without_room_the_best_replace_what_is_held_and_leave_room() -> None:
    size = len(A.text) + len(A.path)
    fresh = [_piece(f"{n}.py", f"fresh{n}") for n in range(5)]
    new = chosen((A, B), fresh, 4 * size)
    assert [piece.path for piece in new] == ["0.py", "1.py"]


def test_a_piece_larger_than_the_room_is_cut_at_a_line() -> None:
    (piece,) = chosen((), (_piece("a.py", "alpha", 500),), 1000)
    assert piece.text.endswith("\n")
    assert 500 < len(piece.text) <= 750
    assert chosen((piece,), (_piece("a.py", "alpha", 500),), 1000) == (piece,)
    assert chosen((), (A,), 3) == ()


PIECES = st.builds(
    _piece, st.sampled_from("abcd"), st.sampled_from(["alpha", "beta", "gamma"]), st.integers(1, 30)
)


@given(st.lists(PIECES, max_size=6), st.lists(PIECES, max_size=8), st.integers(50, 3000))
def test_the_same_answer_comes_to_rest(
    held: list[ContextChunk], wanted: list[ContextChunk], room: int
) -> None:
    """A prompt that changed at every rest would be read again at every rest."""
    first = chosen(held, wanted, room)
    second = chosen(first, wanted, room)
    assert chosen(second, wanted, room) == second
