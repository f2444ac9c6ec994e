"""Tells all of a document's text once, in pieces, and from then on only what has changed."""

import time
from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QTextDocument

from starpad.core.edited_text import TextChange
from starpad.ui.editor.text_edits import raw_text
from starpad.ui.text_positions import PARAGRAPH_SEPARATOR, utf16_length

_PIECE_UNITS = 50_000
"""What takes a millisecond to copy."""
_REST_MS = 16
"""At most, between two pieces while somebody types."""
_READ_S = 0.5
"""So soon all is read, by shorter rests if need be: what is typed is safe only then."""
_TYPING_S = 0.1
"""So long after a change somebody types."""
_NEAR_UNITS = 100
"""Changes that are no further apart are told as one."""


class _Span(NamedTuple):
    """From `start` on, `removed` units gave way to `added` ones, which are still to be read."""

    start: int
    removed: int
    added: int

    def is_near(self, later: "_Span") -> bool:
        """Return whether a later change can be told together with this one, or must be."""
        # What is long enough to be read takes in only what overlaps.
        near = _NEAR_UNITS if self.added < _PIECE_UNITS else -1
        return (
            later.start <= self.start + self.added + near
            and later.start + later.removed >= self.start - near
        )

    def then(self, later: "_Span") -> "_Span":
        """Return one change that comes to the same as both."""
        start = min(self.start, later.start)
        between = max(self.start + self.added, later.start + later.removed) - start
        return _Span(
            start,
            between - self.added + self.removed,
            between - later.removed + later.added,
        )


class TextRecorder(QObject):
    """Follows one document from `begin` to `stop`. A key costs it a few additions.

    What is typed in one place is read when it is taken, or when another place is changed.
    """

    captured = Signal()
    """All of the text can be taken: after `begin`, if not at once."""

    def __init__(
        self, document: QTextDocument, on_change: Callable[[], object] = lambda: None
    ) -> None:
        """Follow a document; `on_change` is called for each change that is followed."""
        super().__init__(document)
        self._document = document
        self._on_change = on_change  # a signal would take a key as long as all the rest here
        self._is_on = self._is_anew = self._is_whole = False
        self._taken_units = 0  # how much of the text has been told; the rest will be
        self._units = 0
        self._changes: list[TextChange] = []
        self._span: _Span | None = None
        self._turn = QTimer(self, singleShot=True)
        self._turn.timeout.connect(self._on_turn_timeout)
        self._begun_at = self._changed_at = 0.0
        document.contentsChange.connect(self._on_contents_change)

    @property
    def is_on(self) -> bool:
        """Whether the document is followed."""
        return self._is_on

    @property
    def is_anew(self) -> bool:
        """Whether what can be taken begins with nothing, not with what was taken before."""
        return self._is_anew

    @property
    def is_whole(self) -> bool:
        """Whether what has been taken and what can be taken is all of the text."""
        return self._is_on and self._is_whole

    def begin(self) -> None:
        """Tell all of the text from now on, a large one over the next turns of the event loop."""
        self.stop()
        self._is_on = self._is_anew = True
        self._begun_at = self._changed_at = time.monotonic()
        self._units = self._document.characterCount() - 1
        self._capture()

    def finish(self) -> None:
        """Read all that is left of the text now."""
        while self._is_on and not self._is_whole:
            self._capture()

    def stop(self) -> None:
        """Follow the document no longer."""
        self._turn.stop()
        self._is_on = self._is_anew = self._is_whole = False
        self._taken_units = 0
        self._changes = []
        self._span = None

    def take(self) -> tuple[TextChange, ...]:
        """Return what has changed since this was called last, or what makes all of the text."""
        self._settle()
        changes, self._changes = self._changes, []
        self._is_anew = False
        return tuple(changes)

    @Slot()
    def _on_turn_timeout(self) -> None:
        self._capture()
        if self._is_whole:
            self.captured.emit()

    def _capture(self) -> None:
        self._settle()
        end = self._end_of_piece(self._taken_units, self._units)
        self._read(self._taken_units, 0, end)
        self._taken_units = end
        if end == self._units:
            self._turn.stop()
            self._is_whole = True
        else:
            self._turn.start(self._rest_ms())

    def _rest_ms(self) -> int:
        now = time.monotonic()
        if now >= self._changed_at + _TYPING_S:
            return 0
        left_ms = (self._begun_at + _READ_S - now) * 1000
        pieces = 1 + (self._units - self._taken_units) // _PIECE_UNITS
        return max(0, min(_REST_MS, int(left_ms / pieces)))

    @Slot(int, int, int)
    def _on_contents_change(self, start: int, removed: int, added: int) -> None:
        if not self._is_on:
            return
        self._on_change()
        units = self._document.characterCount() - 1
        # Qt counts the end of the last block sometimes, too.
        removed = min(removed, self._units - start)
        added = min(added, units - start)
        is_right = self._units - removed + added == units
        self._units = units
        if not is_right:
            self.begin()
            return
        if not self._is_whole:
            self._changed_at = time.monotonic()
            if start >= self._taken_units:
                return  # it will be read with the rest
            removed = min(removed, self._taken_units - start)
            self._taken_units += added - removed
        span = _Span(start, removed, added)
        if self._span is not None and self._span.is_near(span):
            self._span = self._span.then(span)
            return
        if self._span is not None:
            is_before = start + removed <= self._span.start
            self._settle(moved_by=added - removed if is_before else 0)
        self._span = span

    def _settle(self, moved_by: int = 0) -> None:
        """Read what was changed last, which has moved since by so many units."""
        span, self._span = self._span, None
        if span is not None:
            start = span.start
            self._read(start, span.removed, start + span.added, moved_by)

    def _read(self, start: int, removed: int, end: int, moved_by: int = 0) -> None:
        while True:
            piece_end = self._end_of_piece(start + moved_by, end + moved_by) - moved_by
            text = self._text(start + moved_by, piece_end + moved_by)
            self._changes.append(TextChange(start, removed, text))
            start, removed = piece_end, 0
            if start == end:
                return

    def _text(self, start: int, end: int) -> str:
        text = raw_text(self._document, start, end)
        if utf16_length(text) != end - start:
            # Half a pair of surrogates, as undo leaves it sometimes, is left out of whole texts.
            characters = (self._document.characterAt(at) for at in range(start, end))
            text = "".join(characters).replace(PARAGRAPH_SEPARATOR, "\n")
        return text

    def _end_of_piece(self, start: int, end: int) -> int:
        piece_end = start + _PIECE_UNITS
        if piece_end >= end:
            return end
        # Qt gives no half of a pair of surrogates.
        is_first_half = "\ud800" <= self._document.characterAt(piece_end - 1) < "\udc00"
        return piece_end - is_first_half
