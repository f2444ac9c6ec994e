"""Which pieces a prompt gets, and in which order: one that changes seldom, and at its end.

What stands at a prompt's beginning is in the engine's cache; a piece that goes, or comes in
between, makes it read all that follows again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from starpad.core.repository_context import ContextChunk

_ALIKE = 0.9
_SAME_PLACE = 0.5
"""This much of the smaller of two pieces of one file: the one is the other's new version."""
_FILL = 0.75
"""How full a new choice is: the rest is room for what is appended to it."""


def longest_piece(most_characters: int) -> int:
    """Return how long a piece with its path may be, in a choice of `most_characters`."""
    return int(most_characters * _FILL)


def chosen(
    held: Sequence[ContextChunk], wanted: Sequence[ContextChunk], most_characters: int
) -> tuple[ContextChunk, ...]:
    """Return the pieces for the prompt: those held, then what else is wanted, best first.

    A piece of which there is a newer version becomes that, where it stands. If all do not fit,
    those held stay as long as most of the best are among them; else the best are taken.
    """
    room = longest_piece(most_characters)
    wanted = [cut for piece in wanted if (cut := _cut(piece, room)).text]
    current = [_newest(piece, wanted) for piece in held]
    current = _without_copies((), current)
    added = _without_copies(current, wanted)
    if _size((*current, *added)) <= most_characters:
        return (*current, *added)
    best = _fitting(_without_copies((), wanted), room)
    kept = [piece for piece in current if any(_is_alike(piece, each) for each in best)]
    if _size(current) <= most_characters and len(kept) * 2 >= len(best):
        return (*current, *_fitting(added, most_characters - _size(current)))
    return (*kept, *_without_copies(kept, best))


def _cut(piece: ContextChunk, most_characters: int) -> ContextChunk:
    """Return as many of a piece's first lines as have room in a choice of their own."""
    most = most_characters - len(piece.path)
    if len(piece.text) <= most:
        return piece
    return replace(piece, text=piece.text[: piece.text.rfind("\n", 0, max(0, most)) + 1])


def _newest(piece: ContextChunk, wanted: Iterable[ContextChunk]) -> ContextChunk:
    for other in wanted:
        if other.path == piece.path and _is_version(piece, other):
            return replace(piece, text=other.text)
    return piece


def _without_copies(
    known: Iterable[ContextChunk], pieces: Iterable[ContextChunk]
) -> list[ContextChunk]:
    """Return those that are not in effect the same as a known one, or as one before."""
    seen = list(known)
    kept: list[ContextChunk] = []
    for piece in pieces:
        if not any(_is_alike(piece, each) for each in seen):
            seen.append(piece)
            kept.append(piece)
    return kept


def _fitting(pieces: Iterable[ContextChunk], most_characters: int) -> list[ContextChunk]:
    """Return the first ones that fit."""
    kept: list[ContextChunk] = []
    for piece in pieces:
        if _size((*kept, piece)) > most_characters:
            break
        kept.append(piece)
    return kept


def _size(pieces: Iterable[ContextChunk]) -> int:
    return sum(len(piece.path) + len(piece.text) for piece in pieces)


def _is_alike(one: ContextChunk, other: ContextChunk) -> bool:
    if one.text == other.text or (one.path == other.path and _is_version(one, other)):
        return True
    first, second = _lines(one.text), _lines(other.text)
    return 2 * len(first & second) > _ALIKE * (len(first) + len(second))


def _is_version(one: ContextChunk, other: ContextChunk) -> bool:
    first, second = _lines(one.text), _lines(other.text)
    return len(first & second) >= _SAME_PLACE * max(1, min(len(first), len(second)))


# Each is compared with every other.
@lru_cache(maxsize=256)
def _lines(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, text.split("\n"))))
