"""What is typed fast in one line goes to the highlighting host together, not letter by letter."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from starpad.highlighting.protocol import LineSpans

_BURST_MS = 60
"""Fewer than most people take between two letters: these are sent at once."""


class LineEdit(NamedTuple):
    """`removed` lines from `first_line` on became `lines`; the document is at `revision` now."""

    revision: int
    first_line: int
    removed: int
    lines: list[str]
    known: Sequence[LineSpans | None] = ()
    """What is shown in each of `lines` for now: of most keys the guess is right, and there is no
    answer."""

    @property
    def line(self) -> int | None:
        """The only line that was changed, None if there are several, or more or fewer than were."""
        return self.first_line if self.removed == len(self.lines) == 1 else None


class EditBurst(QObject):
    """Holds back the last edit of a line for a moment: the next one says all that it does."""

    due = Signal(int, object)
    """Document, LineEdit. A signal and no function of the owner's: that would make a cycle of them,
    and Python may clear it away in any thread, timers included."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting: tuple[int, LineEdit] | None = None
        self._sent_at = 0.0
        self._timer = QTimer(self, singleShot=True, interval=_BURST_MS)
        self._timer.timeout.connect(self.settle)

    def take(self, document: int, edit: LineEdit) -> None:
        """Send an edit of a document, if it comes fast with those that follow it."""
        line, waiting = edit.line, self._waiting
        if waiting and (line is None or (document, line) != (waiting[0], waiting[1].line)):
            self.settle()
        if line is None:
            self.due.emit(document, edit)
            return
        self._waiting = document, edit
        if time.monotonic() > self._sent_at + _BURST_MS / 1000:
            self.settle()
        elif not self._timer.isActive():
            self._timer.start()

    @Slot()
    def settle(self) -> None:
        """Send what is held back."""
        waiting, self._waiting = self._waiting, None
        if waiting:
            self._sent_at = time.monotonic()
            self.due.emit(*waiting)
