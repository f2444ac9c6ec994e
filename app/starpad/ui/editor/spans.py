"""The spans of each line of a document, kept in step with edits that the host has yet to see."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from starpad.services.highlighting import LineSpans, SpanUpdate

_LINE_END = 1 << 30


class TextChange(NamedTuple):
    """From the line `first` on, `old_count` lines became `new_count` ones.

    At `column` of the first line `removed` units gave way to `added` ones, which end at
    `end_column` of the last new line.
    """

    first: int
    old_count: int
    new_count: int
    column: int
    removed: int
    added: int
    end_column: int
    is_word: bool
    """Whether what was added begins with a letter or a digit."""


class _Edit(NamedTuple):
    revision: int
    first: int
    removed: int
    added: int

    def is_same_lines(self, later: "_Edit") -> bool:
        """Return whether a later edit, which leaves the lines where they are, covers this one."""
        return self[1:] == later[1:]


class SpanStore:
    """Holds what the host said about each line, moved to where the text is now.

    None stands for lines of which the host has not said anything yet.
    """

    def __init__(self) -> None:
        self.lines: list[LineSpans | None] = []
        self._edits: deque[_Edit] = deque()  # those that no answer has taken into account yet
        self._opened_at = 0

    def reset(self, count: int, revision: int) -> None:
        """Forget all; answers to what was before `revision` are about another text."""
        self.lines = [None] * count
        self._edits.clear()
        self._opened_at = revision

    def clear(self) -> None:
        """Take all lines for ones without colors."""
        self.lines = [()] * len(self.lines)
        self._edits.clear()

    def of(self, number: int) -> LineSpans:
        """Return the spans of a line, none if they are not known."""
        return (self.lines[number] if number < len(self.lines) else None) or ()

    def change(self, change: TextChange, revision: int) -> list[LineSpans | None]:
        """Follow a change of the text, which the host will know as `revision`.

        Return what the new lines are taken to have for now.
        """
        first, old_count, new_count = change.first, change.old_count, change.new_count
        self.lines[first : first + old_count] = moved = self._moved(change)
        edit = _Edit(revision, first, old_count, new_count)
        if self._edits and old_count == new_count and self._edits[-1].is_same_lines(edit):
            self._edits.pop()
        self._edits.append(edit)
        return moved

    def take(self, update: SpanUpdate) -> bool:
        """Take an answer of the host, except for lines that were edited since.

        Return whether it says anything new: of most keys the guess was right.
        """
        if update.revision < self._opened_at:
            return False
        while self._edits and self._edits[0].revision <= update.revision:
            self._edits.popleft()
        is_news = False
        for first, spans in _placed_now(update, self._edits):
            end = first + len(spans)
            known = self.lines[first:end]
            if known != spans:
                # Where the guess was right, the very same object stays: nothing is drawn again.
                pairs = zip(known, spans, strict=True)
                self.lines[first:end] = [old if old == new else new for old, new in pairs]
                is_news = True
        return is_news

    def _moved(self, change: TextChange) -> list[LineSpans | None]:
        """Return a guess at the changed lines' spans, so that nothing flickers."""
        old = self.lines[change.first : change.first + change.old_count]
        new_count, column = change.new_count, change.column
        if change.old_count == new_count and change.removed == change.added:
            return old  # overwritten, or an input method's touch
        top, bottom = old[0] or (), old[-1] or ()
        if change.old_count == new_count == 1:
            return [_shifted(top, column, change.removed, change.added, change.is_word)]
        head = _shifted(top, column, _LINE_END, 0)
        # Which part of the last line is left is known only for one line or one line end.
        tail: LineSpans = ()
        if change.old_count == 1 or change.removed == 1:
            old_end_column = column + change.removed if change.old_count == 1 else 0
            tail = _shifted(bottom, 0, old_end_column, change.end_column)
        return [head + tail] if new_count == 1 else [head, *[()] * (new_count - 2), tail]


def _shifted(
    spans: LineSpans, column: int, removed: int, added: int, is_word: bool = False
) -> LineSpans:
    """Return a line's spans after `removed` units at `column` gave way to `added` ones.

    A guess that holds until the host has answered: what is typed inside a span or behind a
    comment belongs to it, and so does a letter behind any span.
    """
    end = column + removed
    # A long line has thousands; those before the one that ends before the place stay as they are.
    unchanged = max(0, bisect_left(spans, column, key=itemgetter(0)) - 1)
    result = list(spans[:unchanged])
    for start, length, name in spans[unchanged:]:
        new_start = start
        if start >= column:
            new_start = column + added + max(0, start - end)
        stop = start + length
        new_stop = stop
        if stop > column or (stop == column and (is_word or name.startswith("Comment"))):
            new_stop = stop - removed + added if stop >= end else column
        if new_stop > new_start:
            result.append((new_start, new_stop - new_start, name))
    return tuple(result)


def _placed_now(
    update: SpanUpdate, edits: Iterable[_Edit]
) -> Iterator[tuple[int, Sequence[LineSpans]]]:
    """Yield first line and spans of those parts of `update` that later `edits` have not replaced.

    The host sends the replaced lines again when it gets to those edits.
    """
    pieces: list[tuple[int, Sequence[LineSpans]]] = [(update.first_line, update.spans)]
    for edit in edits:
        end = edit.first + edit.removed
        parts = []
        for first, spans in pieces:
            parts.append((first, spans[: max(0, edit.first - first)]))
            below = max(first, end)
            parts.append((below + edit.added - edit.removed, spans[below - first :]))
        pieces = [part for part in parts if part[1]]
    yield from pieces
