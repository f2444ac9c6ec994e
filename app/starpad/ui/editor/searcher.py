"""Finds all hits in a document without holding up a key: in slices, and in pieces of the text."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter

from PySide6.QtCore import (
    QObject,
    QRegularExpression,
    QRegularExpressionMatch,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QTextDocument

from starpad.core.text_search import SearchQuery, replacement_for
from starpad.ui.editor.text_edits import GivenUpError, TextEdit, between_characters, raw_text

_SLICE_S = 0.005
_CHECK_EVERY = 50
# Of steps in one match. PCRE gives up there after a few hundredths of a second; its own limit is
# five times as high.
_LIMIT = "(*LIMIT_MATCH=2000000)"
_TOO_LABORIOUS = "This pattern takes too long on this text; make it simpler."
_PIECE = 50_000
# How far back an expression can look.
_BEHIND = 1_000
_Option = QRegularExpression.PatternOption
_Match = QRegularExpression.MatchType


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a hit is, in UTF-16 units, and what it captured."""

    start: int
    end: int
    match: QRegularExpressionMatch


class BadPatternError(ValueError):
    """The regular expression cannot be used; the text says why, for people."""


def compiled(query: SearchQuery) -> QRegularExpression:
    """Return the query as Qt's regular expression, or raise BadPatternError."""
    options = _Option.MultilineOption | _Option.UseUnicodePropertiesOption
    if not query.matches_case:
        options |= _Option.CaseInsensitiveOption
    as_typed = QRegularExpression(query.expression, options)
    if not as_typed.isValid():
        place = as_typed.patternErrorOffset()
        raise BadPatternError(f"This pattern is not valid at {place}: {as_typed.errorString()}.")
    return QRegularExpression(_LIMIT + query.pattern, options)


class Hits:
    """Where the hits are, in UTF-16 units, in order and apart.

    The document may change afterwards: `changed` notes it, and `within` allows for it.
    """

    def __init__(self) -> None:
        self.starts = array("q")
        self.ends = array("q")
        self.is_stale = False
        """Whether the document has changed since."""
        self._changes: list[tuple[int, int, int]] = []

    @classmethod
    def at(cls, places: Iterable[int]) -> "Hits":
        """Return hits of one character each."""
        hits = cls()
        hits.starts.extend(places)
        hits.ends.extend(place + 1 for place in hits.starts)
        return hits

    def __len__(self) -> int:
        return len(self.starts)

    def changed(self, position: int, removed: int, added: int) -> None:
        """Take note of a change of the document."""
        self.is_stale = True
        if self.starts:
            self._changes.append((position, removed, added))

    def index_of(self, start: int, end: int) -> int | None:
        """Return which hit stands exactly there, None if none does."""
        index = bisect_left(self.starts, start)
        while index < len(self) and self.starts[index] == start:
            if self.ends[index] == end:
                return index
            index += 1
        return None

    def within(self, start: int, length: int) -> Iterator[tuple[int, int]]:
        """Yield start and length of each part of a hit in a line, counted from the line's start."""
        old_start = self._before_changes(start, start + length)
        if old_start is None:
            return
        old_end = old_start + length
        for index in range(bisect_right(self.ends, old_start), len(self)):
            hit_start = max(self.starts[index], old_start)
            if hit_start >= old_end:
                return
            if count := min(self.ends[index], old_end) - hit_start:
                yield hit_start - old_start, count

    def _before_changes(self, start: int, end: int) -> int | None:
        """Return where a line was when hits were found, None if it is not what it was."""
        shift = 0
        for position, removed, added in reversed(self._changes):
            # At its very start, what was removed may have been the line's.
            if position + added < start - shift:
                shift += added - removed
            elif position <= end - shift:
                return None
        return start - shift


def hits_in(
    document: QTextDocument, expression: QRegularExpression, start: int, end: int
) -> Iterator[Hit | None]:
    """Yield the hits between two positions, and None now and then, when some time has passed.

    The document is read and searched piece by piece. A match that would look beyond its piece is
    a partial one to PCRE, and the next piece begins with it: so hits may span any number of lines.
    Raise GivenUpError if the expression takes too long.
    """
    last = document.characterCount() - 1
    size = _PIECE
    previous = (-1, -1)
    while start <= end:
        begin = between_characters(document, max(0, start - _BEHIND))
        stop = between_characters(document, min(start + size, last))
        text = raw_text(document, begin, stop)
        kind = _Match.NormalMatch if stop == last else _Match.PartialPreferFirstMatch
        matches = expression.globalMatch(text, start - begin, kind)
        following = stop
        while matches.hasNext():
            match = matches.next()
            place = (begin + match.capturedStart(), begin + match.capturedEnd())
            if match.hasPartialMatch():
                # What was looked back at belongs to it, in units: half a character, perhaps.
                following = between_characters(document, max(start, place[0], previous[1]))
                break
            if place[0] == stop < last:
                break  # An empty hit: what follows may make it longer.
            if place[1] > end:
                return
            if place != previous:
                yield Hit(*place, match)
            previous = place
        # Behind an empty hit at the text's end there is nowhere to go on: invalid as well.
        if not matches.isValid() and previous[1] != stop:
            raise GivenUpError(_TOO_LABORIOUS)
        if stop == last:
            return
        size = _PIECE if following > start else 2 * size
        start = following
        yield None


def replacements(
    document: QTextDocument, query: SearchQuery, template: str, scope: tuple[int, int] | None = None
) -> Iterator[TextEdit | None]:
    """Yield the edits that replace all hits, the last one first, after a None for each wait.

    Raise BadPatternError, or what `hits_in` raises.
    """
    expression = compiled(query)
    replace = replacement_for(query, template, expression.captureCount())
    # No lists of objects: Python's garbage collector would go through them for a tenth of a second.
    starts, ends, texts = array("q"), array("q"), []
    for hit in hits_in(document, expression, *_part(document, scope)):
        if hit is not None:
            starts.append(hit.start)
            ends.append(hit.end)
            texts.append(replace(_captured(hit.match)))
        if hit is None or len(texts) % _CHECK_EVERY == 0:
            yield None
    while texts:
        yield TextEdit(starts.pop(), ends.pop(), texts.pop())


def replacement(document: QTextDocument, query: SearchQuery, template: str, start: int) -> str:
    """Return what takes the place of the hit that starts there."""
    expression = compiled(query)
    hits = hits_in(document, expression, start, document.characterCount() - 1)
    hit = next(hit for hit in hits if hit is not None)
    replace = replacement_for(query, template, expression.captureCount())
    return replace(_captured(hit.match))


class Searcher(QObject):
    """Looks through one document at a time, from its start, a few milliseconds at a time."""

    progressed = Signal()
    """There are more hits, or these are all of them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hits = Hits()
        self.revision = -1
        """The document's revision that the hits are in."""
        self.is_complete = True
        self.problem = ""
        """Why the search was given up, for people."""
        self._found: Iterator[Hit | None] = iter(())
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer_timeout)

    def start(
        self, document: QTextDocument, query: SearchQuery, scope: tuple[int, int] | None = None
    ) -> None:
        """Look for the query in the document, or in the part of it that `scope` says.

        Raise BadPatternError. Whoever changes the document stops the search.
        """
        self.forget()
        if not query.text:
            return
        self._found = hits_in(document, compiled(query), *_part(document, scope))
        self.revision = document.revision()
        self.is_complete = False
        self._timer.start()
        self._on_timer_timeout()

    def stop(self) -> None:
        """Look no further."""
        self._timer.stop()
        self._found = iter(())
        self.is_complete = True

    def forget(self) -> None:
        """Let go of the document and the hits."""
        self.stop()
        self.hits = Hits()
        self.problem = ""
        self.revision = -1

    @Slot()
    def _on_timer_timeout(self) -> None:
        try:
            self._take()
        except GivenUpError as error:
            self.stop()
            self.problem = str(error)
        self.progressed.emit()

    def _take(self) -> None:
        until = perf_counter() + _SLICE_S
        starts, ends = self.hits.starts, self.hits.ends
        for hit in self._found:
            if hit is not None:
                starts.append(hit.start)
                ends.append(hit.end)
            if (hit is None or len(starts) % _CHECK_EVERY == 0) and perf_counter() > until:
                return
        self.stop()


def _part(document: QTextDocument, scope: tuple[int, int] | None) -> tuple[int, int]:
    return scope or (0, document.characterCount() - 1)


def _captured(match: QRegularExpressionMatch) -> Callable[[int], str]:
    return lambda group: match.captured(group)
