"""Finds all hits in a document without holding up a key: in slices, on a copy of the text."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
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

from starpad.core.text_search import Replace, SearchQuery, replacement_for
from starpad.ui.editor.text_edits import TextEdit, raw_text
from starpad.ui.text_positions import PARAGRAPH_SEPARATOR, utf16_length

_SLICE_S = 0.005
_CHECK_EVERY = 50
# Of steps in one match. PCRE gives up there after a few hundredths of a second; its own limit is
# five times as high.
_LIMIT = "(*LIMIT_MATCH=2000000)"
_PIECE = 100_000
_Found = tuple[int, int, QRegularExpressionMatch | None]
_END: _Found = (0, 0, None)
_Option = QRegularExpression.PatternOption


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
        if len(self):
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


class Searcher(QObject):
    """Looks through one document at a time, from its start, a few milliseconds at a time."""

    progressed = Signal()
    """There are more hits, or these are all of them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hits = Hits()
        self.edits: list[TextEdit] = []
        """What replaces the hits, if `start` was told to replace."""
        self.is_complete = True
        self.is_given_up = False
        """PCRE found the pattern too laborious for this text: there may be more hits."""
        self.revision = -1
        """Of the document when the search began; -1 if none did."""
        self._text = ""
        self._text_of: tuple[QTextDocument, int] | None = None
        self._found: Iterator[_Found | None] = iter(())
        self._replace: Replace | None = None
        self._end = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer_timeout)

    def start(
        self,
        document: QTextDocument,
        query: SearchQuery,
        scope: tuple[int, int] | None = None,
        template: str | None = None,
    ) -> None:
        """Look for the query in the document, or in the part of it that `scope` says.

        With a `template`, make the edits that replace all hits as well. Raise BadPatternError.
        """
        self.stop()
        self.hits, self.edits = Hits(), []
        self.is_given_up = False
        self.revision = -1
        if not query.text:
            return
        expression = compiled(query)
        self.revision = document.revision()
        self._replace = None
        if template is not None:
            self._replace = replacement_for(query, template, expression.captureCount())
        start, self._end = scope or (0, document.characterCount() - 1)
        if query.is_regex or "\n" in query.text:
            # It may reach across any number of lines.
            self._take_text(document)
            self._found = self._look(expression, [(0, self._text, start)])
        else:
            self._found = self._look(expression, _pieces(document, start, self._end))
        self.is_complete = False
        self._timer.start()
        self._on_timer_timeout()

    def replacement(self, query: SearchQuery, template: str, start: int) -> str:
        """Return what takes the place of the hit that starts there."""
        expression = compiled(query)
        match = expression.match(self._text, start)
        replace = replacement_for(query, template, expression.captureCount())
        return replace(_captured(match))

    def stop(self) -> None:
        """Look no further."""
        self._timer.stop()
        self._found = iter(())
        self.is_complete = True

    def forget(self) -> None:
        """Let go of the document, its text and the hits."""
        self.stop()
        self.hits, self.edits = Hits(), []
        self._text, self._text_of, self.revision = "", None, -1

    def _take_text(self, document: QTextDocument) -> None:
        of = (document, document.revision())
        if of != self._text_of:
            self._text = document.toRawText().replace(PARAGRAPH_SEPARATOR, "\n")
            self._text_of = of

    @Slot()
    def _on_timer_timeout(self) -> None:
        until = perf_counter() + _SLICE_S
        is_more = True
        while is_more and perf_counter() < until:
            is_more = self._take(_CHECK_EVERY)
        if not is_more:
            self.stop()
        self.progressed.emit()

    def _take(self, count: int) -> bool:
        """Take up to so many more hits; return whether there may be others."""
        for _ in range(count):
            found = next(self._found, _END)
            if found is None:
                return True
            start, end, match = found
            if match is None or end > self._end:
                return False
            self.hits.starts.append(start)
            self.hits.ends.append(end)
            if self._replace is not None:
                self.edits.append(TextEdit(start, end, self._replace(_captured(match))))
        return True

    def _look(
        self, expression: QRegularExpression, texts: Iterable[tuple[int, str, int]]
    ) -> Iterator[_Found | None]:
        """Yield the hits in texts of which is known where they begin; None after each text."""
        for base, text, offset in texts:
            matches = expression.globalMatch(text, offset)
            end = -1
            while matches.hasNext():
                match = matches.next()
                end = match.capturedEnd()
                yield base + match.capturedStart(), base + end, match
            # Behind an empty hit at the text's end there is nowhere to go on: invalid as well.
            if not matches.isValid() and end != utf16_length(text):
                self.is_given_up = True
                return
            yield None


def _pieces(document: QTextDocument, start: int, end: int) -> Iterator[tuple[int, str, int]]:
    """Yield whole lines, where they begin, and how far in them to start."""
    while start <= end:
        first = document.findBlock(start).position()
        last = document.findBlock(min(start + _PIECE, end))
        stop = last.position() + last.length() - 1
        yield first, raw_text(document, first, stop), start - first
        start = stop + 1


def _captured(match: QRegularExpressionMatch) -> Callable[[int], str]:
    return lambda group: match.captured(group)
