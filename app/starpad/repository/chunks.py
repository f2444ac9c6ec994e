"""Cuts a file into pieces that can be read by themselves, at blank lines and definitions."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from operator import itemgetter

from starpad.repository.words import told_words

LEAST_LINES, MOST_LINES = 40, 64
_MOST_CHARACTERS = 4_000
_DEFINITION = re.compile(
    r"\s*(?:@|#\[|(?:export|default|public|private|protected|static|abstract|async|pub(?:\(\w+\))?"
    r"|def|class|function|func|fn|impl|struct|enum|trait|interface|type|namespace|module|mod"
    r"|template|typedef)\b)"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a file; `first_line` counts from 0."""

    first_line: int
    text: str


def pieces_of(text: str) -> list[Piece]:
    """Return a file's pieces, which together are its text; each ends with a line end."""
    lines = [f"{line}\n" for line in text.removesuffix("\n").split("\n")] if text else []
    pieces: list[Piece] = []
    start = 0
    while start < len(lines):
        end = _end(lines, start)
        pieces.append(Piece(start, "".join(lines[start:end])))
        start = end
    return pieces


def best_piece(text: str, wanted: Collection[str]) -> tuple[int, Piece] | None:
    """Return the piece with the most of the wanted words, and how many; the first of its like."""
    wanted = frozenset(wanted)
    scored = (
        (len(wanted.intersection(told_words(piece.text))), piece)
        for piece in pieces_of(text)
        if piece.text.strip()
    )
    return max(scored, key=itemgetter(0), default=None)


def shortened(text: str, wanted: Collection[str], most_characters: int) -> str:
    """Return the neighbouring lines of a piece that have the most of the wanted words and fit."""
    if len(text) <= most_characters:
        return text
    lines = text.splitlines(keepends=True)
    said = [frozenset(wanted).intersection(told_words(line)) for line in lines]
    best, best_score = (0, 0), -1
    for start in range(len(lines)):
        end, size = start, 0
        found: set[str] = set()
        while end < len(lines) and size + len(lines[end]) <= most_characters:
            size += len(lines[end])
            found |= said[end]
            end += 1
        if len(found) > best_score:
            best, best_score = (start, end), len(found)
    return "".join(lines[slice(*best)])


def _end(lines: list[str], start: int) -> int:
    """Return where the piece that begins at `start` ends best."""
    most, size = start, 0
    while most < len(lines) and most - start < MOST_LINES and size <= _MOST_CHARACTERS:
        size += len(lines[most])
        most += 1
    if most == len(lines):
        return most
    places = range(min(start + LEAST_LINES, most), most + 1)
    return max(places, key=lambda place: (_fitness(lines, place), place))


def _fitness(lines: list[str], place: int) -> int:
    """Return how well a piece may end before the line at `place`."""
    line = lines[place]
    is_blank_before = not lines[place - 1].strip()
    indent = len(line) - len(line.lstrip())
    if not line.strip():
        return 0
    if _DEFINITION.match(line) and is_blank_before:
        return 20 - min(indent, 8)
    return 10 - min(indent, 8) if is_blank_before else 0
