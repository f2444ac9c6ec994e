"""Many edits as one step for undo, made a few milliseconds at a time so that no window stops.

Qt undoes what was one edit block in one call, which takes a second for a document of 8 MB. So
these edits are many steps to Qt, and it is remembered which of them belong together.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from starpad.ui.editor.text_edits import GivenUpError, Place, TextEdit, one_step, select

__all__ = ["LongEditEnd", "LongEdits"]

_SLICE_S = 0.004
_SPREAD = 20_000
"""All from the first to the last place of one of Qt's steps counts as changed, and is laid out."""
_TELL_S = 0.1


@dataclass(frozen=True, slots=True)
class LongEditEnd:
    """How it ended: with so many edits, taken back at the user's wish, or with a reason why not."""

    count: int = 0
    is_cancelled: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """Qt's steps for undo that are one to the user; where anchor and caret are on its two sides."""

    before: int
    after: int
    places_before: tuple[int, int]
    places_after: tuple[int, int]


class LongEdits(QObject):
    """Edits one editor, which is read-only meanwhile, and takes such edits back as one."""

    progressed = Signal(int)
    """So many edits are made; said now and then."""
    ended = Signal(object)
    """LongEditEnd"""

    def __init__(self, editor: QPlainTextEdit) -> None:
        super().__init__(editor)
        self._editor = editor
        self._groups: list[_Group] = []
        self._work: Iterator[None] | None = None
        self._is_making = self._is_cancelled = self._was_read_only = False
        self._is_brief = False
        self._count = self._first_step = 0
        self._told = 0.0
        self._old_places = (0, 0)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer_timeout)

    @property
    def is_busy(self) -> bool:
        """Whether there is something left to do."""
        return self._work is not None

    def start(self, edits: Iterable[TextEdit | None], *, is_brief: bool = False) -> None:
        """Make edits, which come from the document's end to its start and apart.

        With `is_brief` keys and commands wait for them instead of being lost meanwhile.
        A None among them says that time has passed. They may be worked out from what stands in
        the document, and GivenUpError ends them.
        """
        self.finish()
        self._is_brief = is_brief
        cursor = self._editor.textCursor()
        self._old_places = (cursor.anchor(), cursor.position())
        self._first_step = self._editor.document().availableUndoSteps()
        self._begin(self._making(edits), is_making=True)

    def finish(self) -> None:
        """Do all the rest now."""
        while self._work is not None:
            self._on_timer_timeout()

    def settle(self) -> None:
        """Do all the rest now if that is brief."""
        if self._is_brief:
            self.finish()

    def stop(self) -> None:
        """Leave it at what is done: the document is closed."""
        self.settle()
        self._timer.stop()
        self._work = None

    def cancel(self) -> None:
        """Take back what was made so far, if edits are being made."""
        if self._is_making:
            self._begin(self._undoing(self._first_step, self._old_places), is_cancelled=True)

    def undo(self) -> bool:
        """Return whether undoing is up to us: edits that are one step to the user come next."""
        if self.is_busy:
            self.cancel()
            return True
        steps = self._editor.document().availableUndoSteps()
        group = next((group for group in self._groups if group.after == steps), None)
        if group is not None:
            self._begin(self._undoing(group.before, group.places_before))
        return group is not None

    def redo(self) -> bool:
        """Return whether doing again is up to us."""
        if self.is_busy:
            return True
        document = self._editor.document()
        steps = document.availableUndoSteps()
        group = next((group for group in self._groups if group.before == steps), None)
        if group is not None and document.isRedoAvailable():
            self._begin(self._redoing(group.after, group.places_after))
            return True
        return False

    # -- in slices ----------------------------------------------------------------------------

    def _begin(
        self, work: Iterator[None], *, is_making: bool = False, is_cancelled: bool = False
    ) -> None:
        if not self.is_busy:
            self._was_read_only = self._editor.isReadOnly()
        self._work, self._is_making, self._is_cancelled = work, is_making, is_cancelled
        self._is_brief = self._is_brief and is_making
        self._count = 0
        self._told = perf_counter()
        self._editor.setReadOnly(True)
        self._timer.start()
        self._on_timer_timeout()

    @Slot()
    def _on_timer_timeout(self) -> None:
        if self._work is None:
            return
        try:
            next(self._work)
        except StopIteration:
            self._end(LongEditEnd(self._count, self._is_cancelled))
        except GivenUpError as error:
            self._end(LongEditEnd(problem=str(error)))
        else:
            if perf_counter() > self._told + _TELL_S and not self._is_brief:
                self._told = perf_counter()
                self.progressed.emit(self._count)

    def _end(self, end: LongEditEnd) -> None:
        self._timer.stop()
        self._work, self._is_making = None, False
        self._editor.setReadOnly(self._was_read_only)
        self.ended.emit(end)

    def _making(self, edits: Iterable[TextEdit | None]) -> Iterator[None]:
        document = self._editor.document()
        cursor = QTextCursor(document)
        anchor, caret = (Place(position) for position in self._old_places)
        until = perf_counter() + _SLICE_S
        bottom = sys.maxsize
        with ExitStack() as step:
            for edit in edits:
                if edit is not None:
                    if edit.start < bottom:
                        step.close()
                        step.enter_context(one_step(cursor))
                        bottom = edit.end - _SPREAD
                    select(cursor, edit.start, edit.end)
                    cursor.insertText(edit.text)
                    anchor.moved_by(edit)
                    caret.moved_by(edit)
                    self._count += 1
                is_late = perf_counter() >= until
                if edit is None or is_late:
                    step.close()
                    bottom = sys.maxsize
                if is_late:
                    yield
                    until = perf_counter() + _SLICE_S
        steps = document.availableUndoSteps()
        if steps > self._first_step:
            places = (anchor.now, caret.now)
            self._select(places)
            if not self._groups:
                document.contentsChanged.connect(self._on_contents_changed)
            self._groups.append(_Group(self._first_step, steps, self._old_places, places))

    def _undoing(self, steps: int, places: tuple[int, int]) -> Iterator[None]:
        document = self._editor.document()
        return self._stepping(document.undo, lambda: document.availableUndoSteps() > steps, places)

    def _redoing(self, steps: int, places: tuple[int, int]) -> Iterator[None]:
        document = self._editor.document()
        return self._stepping(
            document.redo,
            lambda: document.availableUndoSteps() < steps and document.isRedoAvailable(),
            places,
        )

    def _stepping(
        self, step: Callable[[], object], is_more: Callable[[], bool], places: tuple[int, int]
    ) -> Iterator[None]:
        until = perf_counter() + _SLICE_S
        while is_more():
            step()
            if perf_counter() >= until:
                yield
                until = perf_counter() + _SLICE_S
        self._select(places)

    def _select(self, places: tuple[int, int]) -> None:
        cursor = self._editor.textCursor()
        last = self._editor.document().characterCount() - 1
        select(cursor, *(min(place, last) for place in places))
        self._editor.setTextCursor(cursor)

    @Slot()
    def _on_contents_changed(self) -> None:
        if self.is_busy:
            return
        document = self._editor.document()
        steps = document.availableUndoSteps() + document.availableRedoSteps()
        # What was undone and then typed over cannot come back.
        self._groups = [group for group in self._groups if group.after <= steps]
        if not self._groups:  # as nearly always: no key calls this
            document.contentsChanged.disconnect(self._on_contents_changed)
