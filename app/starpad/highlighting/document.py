"""One document's text and spans, lexed again only where an edit made a difference."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pygments.lexer import Lexer

from starpad.highlighting.lexing import lex, spans_by_line
from starpad.highlighting.protocol import LineSpans
from starpad.highlighting.resumable import Mark, State, Tracker, is_resumable, tracked_tokens

Piece = tuple[int, list[LineSpans]]
"""The number of a line, and the new spans from there on (perhaps none)."""

_FIRST_PIECE_LINES = 80
_PIECE_LINES = 400
_PIECE_S = 0.1
"""Of processor time: where others take the processor, a piece must still get beyond a long line."""
_BACK_OFF_LINES = 20
_BACK_OFF_CHARACTERS = 5_000
"""Twenty lines as long as lexers get to see would take seconds in some of them."""
_CATCH_UP_LINES = 2
"""What a run lexes below an edit that has no effect there, to see that."""
_MAX_REPAIRS = 2
_NEVER = 1 << 60


@dataclass(slots=True)
class _Dirty:
    """Lines from `first` up to `end` are to be lexed again.

    The marks above `first` are right, and its own is where a run was interrupted there. Those
    below `end` are what was right before: meeting one of them, a run has caught up.
    """

    first: int
    end: int


class LexDocument:
    """Keeps the spans of a text equal to what its lexer says of the whole.

    `run` and `verify` are generators that pause after each piece of work. After `edit` they must
    not be gone on with; a new `run` does what is left.
    """

    def __init__(self, lexer: Lexer, lines: list[str]) -> None:
        self.lexer = lexer
        self.lines = lines
        self.spans: list[LineSpans | None] = [None] * len(lines)
        """What the receiver of the pieces holds, None where that is not known."""
        self.marks: list[Mark | None] = [None] * len(lines)
        self.dirty = [_Dirty(0, len(lines))]
        """What a run has to do, from top to bottom, no two ranges touching."""
        self.is_resumable = is_resumable(lexer)
        """Whether a run can go on where one was interrupted; else it begins from the start."""
        self.is_interruptible = False
        """Whether the run was of use for as long as it took to get that far.

        Were it interrupted before, it would never get beyond a slow line in which the user types.
        """
        self.is_verified = False
        """Whether the spans are those of one pass over the whole text."""
        self._began = time.process_time()
        self._repairs = 0

    def edit(
        self,
        first: int,
        removed: int,
        new_lines: Sequence[str],
        known: Sequence[LineSpans | None] = (),
    ) -> None:
        """Replace `removed` lines from `first` on.

        `known` is what the receiver holds for each of the new lines, if it guesses.
        """
        added = len(new_lines)
        self.lines[first : first + removed] = new_lines
        self.spans[first : first + removed] = known or [None] * added
        self.marks[first : first + removed] = [None] * added
        self.dirty = _after_edit(self.dirty, first, removed, added)
        self.is_interruptible = self.is_verified = False
        self._began = time.process_time()

    def run(self) -> Iterator[Piece]:
        """Lex what is dirty, and yield the lines that differ."""
        while self.dirty:
            yield from _Run(self, can_catch_up=True).pieces()

    def guess(self, view: range) -> Piece:
        """Return spans for lines that have none yet, as if the text began a little above them."""
        start = max(0, view.start - _BACK_OFF_LINES)
        if None not in self.spans[view.start : view.stop]:
            return view.start, []
        spans = list(lex(self.lexer, self.lines[start : view.stop]))
        return self.take(view.start, spans[view.start - start :])

    def comes_soon(self, line: int) -> bool:
        """Return whether a run gets to this line before long, or there is nothing to do."""
        return not self.dirty or self.dirty[0].first + _PIECE_LINES >= line

    def take(self, first: int, new: list[LineSpans]) -> Piece:
        """Take the spans of the lines from `first` on, and return what differs among them."""
        old = self.spans
        differing = [n for n, spans in enumerate(new, first) if spans != old[n]]
        old[first : first + len(new)] = new
        if not differing:
            return first, []
        return differing[0], new[differing[0] - first : differing[-1] + 1 - first]

    def verify(self) -> Iterator[Piece]:
        """Lex the whole of a document that is not dirty, and yield the lines that differ.

        A rule may look ahead any number of lines for the end of something, so an edit can have an
        effect far above it, which `run` does not see. The document to which this happens twice
        is always lexed as a whole from then on.
        """
        self.dirty = [_Dirty(0, 0)]
        self._began = time.process_time()
        has_differed = False
        for piece in _Run(self, can_catch_up=False).pieces():
            has_differed = has_differed or bool(piece[1])
            yield piece
        if has_differed:
            self._repairs += 1
            self.is_resumable = self._repairs < _MAX_REPAIRS

    def note_use(self, since: float, now: float) -> None:
        """Take note of the processor times from which, and until which, a run does what is new."""
        self.is_interruptible = self.is_resumable and now - since > since - self._began


class _Run:
    """Lexes a document from its first dirty range on, until the spans are right from there on."""

    def __init__(self, document: LexDocument, *, can_catch_up: bool) -> None:
        self._document = document
        self._lines = document.lines
        self._can_catch_up = can_catch_up
        self._next_line = 0
        """The line to be marked next, and where it starts."""
        self._next_start = 0
        self._last_line = len(document.lines)
        """Where the run ends."""
        self._end = document.dirty[0].end
        """From below this line on, the marks are those of what was right before."""
        self._goal = document.dirty[0].first + _CATCH_UP_LINES
        """From below this line on, what the run does has not been done before."""

    def pieces(self) -> Iterator[Piece]:
        """Do the work, and yield the lines that differ, a piece at a time."""
        document, lines = self._document, self._lines
        document.is_interruptible = False
        marked_line, (offset, state) = self._restart()
        number, column = self._place(marked_line, offset)
        is_whole = number == column == 0
        position = sum(map(len, islice(lines, number))) + number + column
        rest = len(lines[number]) + 1 - column if column else 0
        self._next_line, self._next_start = number + bool(column), position + rest
        spans_of_lines = self._spans_of_lines(position, state)
        if column:  # the rest of a line that is right
            next(spans_of_lines, None)
            number += 1
        first, new, size = number, list[LineSpans](), _FIRST_PIECE_LINES
        started = of_use_since = time.process_time()
        while number < len(lines) and number <= self._last_line:
            new.append(next(spans_of_lines, ()))
            now = time.process_time()
            if number <= self._goal:
                of_use_since = now
            number += 1
            if len(new) >= size or now - started > _PIECE_S:
                self._note_progress(number)
                document.note_use(of_use_since, now)
                yield document.take(first, new)
                first, new, size, started = number, [], _PIECE_LINES, time.process_time()
        if self._last_line == len(lines):
            # The loop was left before it could tell where it stands behind the last token.
            document.marks[self._next_line :] = [None] * (len(lines) - self._next_line)
        if is_whole and number == len(lines):
            document.dirty = []
            document.is_verified = True
        else:
            document.dirty.pop(0)
        yield document.take(first, new)

    def _restart(self) -> tuple[int, Mark]:
        """Return a line and its mark, which is in front of the first dirty line."""
        if self._document.is_resumable:
            lines, marks = self._lines, self._document.marks
            first = line = self._document.dirty[0].first
            reach = 0
            while line:
                line -= 1
                reach += len(lines[line]) + 1
                mark = marks[line]
                is_far = first - line >= _BACK_OFF_LINES or reach >= _BACK_OFF_CHARACTERS
                if is_far and mark and mark[0] <= reach:
                    return line, mark
        return 0, (0, None)

    def _place(self, line: int, column: int) -> tuple[int, int]:
        """Return the line and the column in it for a column that may be behind the line's end."""
        while line < len(self._lines) and column > len(self._lines[line]):
            column -= len(self._lines[line]) + 1
            line += 1
        return line, column

    def _spans_of_lines(self, position: int, state: State | None) -> Iterator[LineSpans]:
        text = "\n".join(self._lines) + "\n"
        lexer = self._document.lexer
        if not self._document.is_resumable:
            return spans_by_line(lexer.get_tokens_unprocessed(text))
        tracker = Tracker(text, position, state, self._next_start, self._note)
        return spans_by_line(tracked_tokens(lexer, tracker))

    def _note(self, position: int, state: State) -> int:
        """Mark the lines that start at `position` or above; return where the next one starts."""
        ranges, marks = self._document.dirty, self._document.marks
        while position >= self._next_start and self._next_line < len(self._lines):
            line, mark = self._next_line, (position - self._next_start, state)
            while len(ranges) > 1 and ranges[1].first <= line:
                next_range = ranges.pop(1)
                ranges[0].end = max(ranges[0].end, next_range.end)
                self._end = max(self._end, next_range.end)
                self._goal = next_range.first + _CATCH_UP_LINES
            # Not at `end` itself, so that what looks back from there sees what it saw before.
            if self._can_catch_up and line > self._end and marks[line] == mark:
                self._last_line, _ = self._place(line, mark[0])
                return _NEVER
            marks[line] = mark
            self._next_line += 1
            self._next_start += len(self._lines[line]) + 1
        return self._next_start if self._next_line < len(self._lines) else _NEVER

    def _note_progress(self, number: int) -> None:
        """Make the dirty range what is left if the run ends here, above the line `number`.

        All lines that this run has marked stay in the range. The next run, which begins above
        them, would else meet these marks and believe that it has caught up.
        """
        dirty = self._document.dirty[0]
        if self._document.is_resumable:
            dirty.first = max(dirty.first, min(self._next_line - 1, number))
            dirty.end = max(dirty.end, self._next_line, number)


def _after_edit(ranges: list[_Dirty], first: int, removed: int, added: int) -> list[_Dirty]:
    """Return the dirty ranges after an edit: moved, and one more that takes in what it touches."""
    edited = _Dirty(first, first + added)
    above, below = [], []
    for dirty in ranges:
        if dirty.end < first:
            above.append(dirty)
        elif dirty.first > first + removed:
            below.append(_Dirty(dirty.first + added - removed, dirty.end + added - removed))
        else:
            edited.first = min(edited.first, dirty.first)
            edited.end = max(edited.end, dirty.end + added - removed)
    return [*above, edited, *below]
