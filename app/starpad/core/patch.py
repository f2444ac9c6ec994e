"""A change of a text as hunks to accept or refuse one by one, and code made to fit a selection."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from textwrap import dedent

from starpad.core.indentation import Indentation, detect

CONTEXT_LINES = 3
MOST_EDITS = 256
"""Lines removed and added between two anchors up to which the shortest way is looked for."""

_Pair = tuple[int, int]
"""The numbers of a line that the old and the new text have in common."""
_Chain = tuple[_Pair, "_Chain"] | None
"""A pair and those before it."""
_Snakes = tuple[int, int, int, "_Snakes"] | None
"""Equal lines: start in old, start in new, count; and those before them."""

_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of the old text and what stands in their place in the new one.

    Line numbers count from 0; lines keep their line ends. `before` and `after` are unchanged
    lines around it for display; two hunks never show the same line twice.
    """

    old_start: int
    old_lines: tuple[str, ...]
    new_start: int
    new_lines: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def old_end(self) -> int:
        """The number of the first old line behind it."""
        return self.old_start + len(self.old_lines)

    @property
    def new_end(self) -> int:
        """The number of the first new line behind it."""
        return self.new_start + len(self.new_lines)


def lines_of(text: str) -> list[str]:
    r"""Return the lines with their line ends; only \n ends one, as in the editor."""
    return list(StringIO(text, newline="\n"))


def hunks_between(old: str, new: str) -> tuple[Hunk, ...]:
    """Return what must change to make `new` of `old`; between two hunks a line is unchanged.

    The time is bounded by the number of lines, whatever they are: where two texts have very
    little in common, the hunks are larger than they would have to be.
    """
    old_lines, new_lines = lines_of(old), lines_of(new)
    pairs = [(-1, -1), *_common_lines(old_lines, new_lines), (len(old_lines), len(new_lines))]
    gaps = [
        (old_at + 1, old_next, new_at + 1, new_next)
        for (old_at, new_at), (old_next, new_next) in pairwise(pairs)
        if (old_at + 1, new_at + 1) != (old_next, new_next)
    ]
    hunks = []
    shown = 0
    for number, (start, end, new_start, new_end) in enumerate(gaps):
        following = gaps[number + 1][0] if number + 1 < len(gaps) else len(old_lines)
        context_end = min(end + CONTEXT_LINES, following)
        hunks.append(
            Hunk(
                old_start=start,
                old_lines=tuple(old_lines[start:end]),
                new_start=new_start,
                new_lines=tuple(new_lines[new_start:new_end]),
                before=tuple(old_lines[max(shown, start - CONTEXT_LINES) : start]),
                after=tuple(old_lines[end:context_end]),
            )
        )
        shown = context_end
    return tuple(hunks)


def apply(old: str, hunks: Sequence[Hunk], accepted: Collection[int]) -> str:
    """Return `old` with those of its hunks changed whose index is in `accepted`."""
    lines = lines_of(old)
    result: list[str] = []
    at = 0
    for index, hunk in enumerate(hunks):
        result += lines[at : hunk.old_start]
        result += hunk.new_lines if index in accepted else hunk.old_lines
        at = hunk.old_end
    return "".join(result + lines[at:])


def dedented(selection: str, before: str = "") -> str:
    """Return a selection as a model should see it: from column 0, its first line whole.

    `before` is what stands left of it in its first line.
    """
    return dedent(before + selection if not before.strip() else selection)


def fitted(
    code: str, selection: str, before: str = "", indentation: Indentation | None = None
) -> str:
    r"""Return an answer's code as it takes the place of `selection`, with \n line ends.

    It gets the selection's indentation (models answer from column 0), the empty lines around it
    and its final line end or none. `before` is what stands left of the selection in its first
    line. With the document's `indentation`, tabs become spaces or the other way round.
    """
    head, body, tail = _edges(selection)
    if head:  # what is to be replaced begins on a line of its own
        before = ""
    is_within_line = bool(before.strip())
    margin = _margin(before if is_within_line or not body else before + body)
    lines = dedent(code.replace("\r\n", "\n").replace("\r", "\n")).strip("\n").split("\n")
    if indentation is not None:
        lines = _in_style(lines, indentation)
    lines = [margin + line if line.strip() else "" for line in lines]
    first = lines[0]
    is_behind = not is_within_line and first.startswith(before)
    lines[0] = first[len(before) :] if is_behind else first.lstrip(_BLANKS)
    return head + "\n".join(lines) + tail


def _edges(selection: str) -> tuple[str, str, str]:
    """Return the empty lines at the head, what lies between, and the line ends at the tail."""
    blanks = f"{_BLANKS}\n"
    trailing = selection[len(selection.rstrip(blanks)) :]
    tail = trailing[trailing.find("\n") :] if "\n" in trailing else ""
    if trailing == selection:
        return "", "", tail
    leading = selection[: len(selection) - len(selection.lstrip(blanks))]
    head = leading[: leading.rfind("\n") + 1]
    return head, selection[len(head) : len(selection) - len(trailing)], tail


def _margin(text: str) -> str:
    """Return the blanks that all lines of `text` begin with that are not empty."""
    pairs = zip(text.split("\n"), dedent(text).split("\n"), strict=True)
    return next((line[: len(line) - len(rest)] for line, rest in pairs if line.strip()), text)


def _in_style(lines: list[str], wanted: Indentation) -> list[str]:
    found = detect("\n".join(lines), wanted)
    if found.use_tabs == wanted.use_tabs:
        return lines
    result = []
    for line in lines:
        rest = line.lstrip(_BLANKS)
        column = len(line[: len(line) - len(rest)].expandtabs(found.width))
        levels, over = divmod(column, found.width)
        result.append(wanted.level * levels + " " * over + rest)
    return result


def _common_lines(old: Sequence[str], new: Sequence[str]) -> Iterator[_Pair]:
    """Yield, in order, the lines to keep.

    Lines that each text has once are anchors, as in patience diff: they keep functions and
    blocks together. Between them the shortest way is taken.
    """
    at, new_at = 0, 0
    for anchor, new_anchor in [*_anchors(old, new), (len(old), len(new))]:
        for first, new_first in _between(old[at:anchor], new[new_at:new_anchor]):
            yield at + first, new_at + new_first
        if anchor < len(old):
            yield anchor, new_anchor
        at, new_at = anchor + 1, new_anchor + 1


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[_Pair]:
    """Return the most lines that occur once in each text and have the same order in both."""
    counts, new_counts = Counter(old), Counter(new)
    new_places = {line: place for place, line in enumerate(new) if new_counts[line] == 1}
    # The longest increasing subsequence: for each length its lowest last place, and what led there.
    lowest: list[int] = []
    chains: list[_Chain] = []
    for place, line in enumerate(old):
        if counts[line] != 1 or line not in new_places:
            continue
        length = bisect_left(lowest, new_places[line])
        chain: _Chain = ((place, new_places[line]), chains[length - 1] if length else None)
        lowest[length : length + 1] = [new_places[line]]
        chains[length : length + 1] = [chain]
    anchors: list[_Pair] = []
    rest = chains[-1] if chains else None
    while rest is not None:
        pair, rest = rest
        anchors.append(pair)
    return anchors[::-1]


def _between(old: Sequence[str], new: Sequence[str]) -> list[_Pair]:
    """Return the lines to keep: equal ones at head and tail, and the most of those between."""
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    rest = shorter - head
    tail = next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)
    inner = _shortest_way(old[head : len(old) - tail], new[head : len(new) - tail])
    return [
        *((n, n) for n in range(head)),
        *((head + first, head + second) for first, second in inner),
        *((len(old) - n, len(new) - n) for n in range(tail, 0, -1)),
    ]


def _shortest_way(old: Sequence[str], new: Sequence[str]) -> list[_Pair]:
    """Return the lines that stay if as few as possible are removed and added.

    Myers, "An O(ND) difference algorithm and its variations", 1986: for each diagonal (place in
    old less place in new) the furthest place that so many edits reach. None beyond MOST_EDITS.
    """
    furthest: dict[int, tuple[int, _Snakes]] = {1: (0, None)}
    for edits in range(min(len(old) + len(new), MOST_EDITS) + 1):
        for diagonal in range(-edits, edits + 1, 2):
            is_added = diagonal == -edits or (
                diagonal != edits and furthest[diagonal - 1][0] < furthest[diagonal + 1][0]
            )
            start, snakes = furthest[diagonal + 1 if is_added else diagonal - 1]
            start += not is_added
            end = start
            while end < len(old) and end - diagonal < len(new) and old[end] == new[end - diagonal]:
                end += 1
            if end > start:
                snakes = (start, start - diagonal, end - start, snakes)
            furthest[diagonal] = end, snakes
            if end >= len(old) and end - diagonal >= len(new):
                return _pairs(snakes)
    return []


def _pairs(snakes: _Snakes) -> list[_Pair]:
    pairs: list[_Pair] = []
    while snakes is not None:
        start, new_start, count, snakes = snakes
        pairs += [(start + n, new_start + n) for n in reversed(range(count))]
    return pairs[::-1]
