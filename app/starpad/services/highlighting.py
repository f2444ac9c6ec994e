"""Colors for all open documents, from the one child process that lexes them."""

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QProcess, QTimer, Signal, Slot

from starpad.core.restart_policy import RestartPolicy
from starpad.highlighting.protocol import (
    MAX_LINE_CHARACTERS,
    LineSpans,
    Message,
    encode,
    is_too_large,
    taken_frames,
)
from starpad.services.edit_burst import EditBurst, LineEdit
from starpad.services.host_process import dispose, host_process, processor_time_s

__all__ = ["MAX_LINE_CHARACTERS", "HighlightService", "LineEdit", "LineSpans", "SpanUpdate"]

_log = logging.getLogger(__name__)

ANSWER_LIMIT_MS = 3_000
_TURN_S = 0.001
_REST_MS = 25
_TYPING_S = 0.3
"""So long after an edit there is a rest between turns: a key may change the colors of all lines."""
_MAX_SILENCES = 20
_KILL_WAIT_MS = 1_000
_PAUSES = ("waiting", "done", "verified", "failed")
"""What the host says before it has nothing to do, or turns to another document."""
_OF_REVISIONS = ("done", "verified")


@dataclass(frozen=True, slots=True)
class SpanUpdate:
    """The spans of some lines, or of none, as the lines were numbered at `revision`."""

    revision: int
    first_line: int
    spans: Sequence[LineSpans]


class HighlightService(QObject):
    """Sends texts and edits to the highlighting host and hands out what it answers.

    The host starts when a document is on its way. One whose lexing gives no sign of life for
    ANSWER_LIMIT_MS, though it has the processor, stays plain; the host is then killed, and the
    other documents are asked for again. The text is the editor's: no copy of it is kept here.
    """

    spans_ready = Signal(int, object)
    """Document, SpanUpdate."""
    language_known = Signal(int, str)
    """Document, display name of its language."""
    plain = Signal(int, str)
    """Document, why it has no colors; nothing more comes for it until it is opened again."""
    text_needed = Signal(int)
    """Document: the host was restarted; open the document again."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._received = bytearray()
        self._documents: set[int] = set()
        self._is_shut_down = False
        self._lexing: int | None = None  # as the host said last; after an edit of it, it does not
        self._sent_revision = 0  # of that document
        self._processor_s = 0.0  # how long the host had worked when it last began with something
        self._silences = 0
        self._restart_policy = RestartPolicy()
        self._watchdog = QTimer(self, singleShot=True, interval=ANSWER_LIMIT_MS)
        self._watchdog.timeout.connect(self._on_watchdog_timeout)
        # Frames are taken for a millisecond at a time, so that keys come between them.
        self._edited_at = 0.0
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._on_turn)
        self._burst = EditBurst(self)
        self._burst.due.connect(self._on_burst_due)
        # So are documents opened again one by one: with all at once, keys would wait.
        self._to_reopen: deque[int] = deque()
        self._reopening = QTimer(self, singleShot=True, interval=0)
        self._reopening.timeout.connect(self._on_reopening)

    def prepare(self) -> None:
        """Start the host if it does not run: a document is on its way."""
        if not self._is_shut_down and self._process is None:
            self._start_process()

    def open(
        self, document: int, alias: str, file_name: str, lines: list[str], revision: int = 0
    ) -> None:
        """Color a document, in the language with this Pygments alias or of this file name.

        `lines` have no line ends. Opening an open document starts it anew (another language).
        """
        if self._accepts(document, len(lines), sum(map(len, lines))):
            self._send(("open", document, revision, alias, file_name, _cut(lines)))

    def begin(
        self,
        document: int,
        alias: str,
        file_name: str,
        head: list[str],
        revision: int,
        line_count: int,
        character_count: int,
    ) -> bool:
        """Color a document of which the lines behind `head` come as edits, and then `complete`.

        So a large text need not be sent at once. Return whether it is not too large.
        """
        if is_accepted := self._accepts(document, line_count, character_count):
            self._send(("begin", document, revision, alias, file_name, _cut(head)))
        return is_accepted

    def complete(self, document: int) -> None:
        """Say that all lines of a document that was begun were sent."""
        if document in self._documents:
            self._send(("whole", document))

    def show(self, document: int, first_line: int, line_count: int) -> None:
        """Say that the user sees these lines and that they have no colors yet."""
        if document in self._documents:
            self._send(("view", document, first_line, line_count))

    def edit(self, document: int, edit: LineEdit) -> None:
        """Have the host follow an edit."""
        if document in self._documents:
            self._burst.take(document, edit)

    @Slot(int, object)
    def _on_burst_due(self, document: int, edit: LineEdit) -> None:
        if edit.removed:  # not a part of a text that is coming
            self._edited_at = time.monotonic()
        if document == self._lexing:
            self._sent_revision = edit.revision
            if not self._watchdog.isActive():
                self._watchdog.start()
        self._send(("edit", document, *edit[:3], _cut(edit.lines), list(edit.known)))

    def close(self, document: int) -> None:
        """Forget a document."""
        if document in self._documents:
            self._documents.remove(document)
            self._send(("close", document))

    def shutdown(self) -> None:
        """End the host; no text is colored from now on."""
        self._is_shut_down = True
        self._documents.clear()
        self._end_process()
        for process in self.findChildren(QProcess):  # those that were killed may not be gone yet
            process.waitForFinished(_KILL_WAIT_MS)

    def _accepts(self, document: int, lines: int, characters: int) -> bool:
        if is_too_large(lines, characters):
            self.close(document)
            self.plain.emit(document, "This document is too large to color.")
            return False
        self._documents.add(document)
        return True

    # -- the process --------------------------------------------------------------------------

    def _send(self, message: Message) -> None:
        if self._is_shut_down:  # timers may still be running
            return
        self._burst.settle()  # the host turns to what it hears of last
        process = self._process or self._start_process()
        if process.processId():  # it runs; a key does not wait for Python to look up its state
            process.write(encode(message))

    def _start_process(self) -> QProcess:
        process = host_process("highlight-host", self)
        process.readyReadStandardOutput.connect(self._on_output_ready)
        process.finished.connect(self._on_process_ended)
        process.errorOccurred.connect(self._on_process_error)
        self._process = process
        process.start()
        return process

    def _end_process(self) -> None:
        """Kill the host; nobody waits for its end."""
        self._watchdog.stop()
        self._turn.stop()
        self._received.clear()
        self._lexing = None
        process, self._process = self._process, None
        if not process:
            return
        process.readyReadStandardOutput.disconnect(self._on_output_ready)
        process.finished.disconnect(self._on_process_ended)
        process.errorOccurred.disconnect(self._on_process_error)
        dispose(process)

    def _restart(self) -> None:
        self._end_process()
        self._to_reopen.extend(self._documents - set(self._to_reopen))
        self._reopening.start()

    @Slot()
    def _on_reopening(self) -> None:
        if not self._to_reopen:
            return
        document = self._to_reopen.popleft()
        self._reopening.start()
        if document in self._documents:
            self.text_needed.emit(document)

    @Slot(QProcess.ProcessError)
    def _on_process_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._on_process_ended()

    @Slot()
    def _on_process_ended(self) -> None:
        _log.warning("The highlighting host ended unexpectedly")
        if self._restart_policy.allow():
            self._restart()
            return
        self._end_process()
        for document in sorted(self._documents):
            self._make_plain(document, "The highlighter stopped several times.")

    @Slot()
    def _on_watchdog_timeout(self) -> None:
        has_answered = self._process is not None and self._process.waitForReadyRead(0)
        # Where it has, it is this thread that was busy.
        if has_answered or self._turn.isActive() or self._is_starved():
            self._watchdog.start()
            return
        if self._lexing is not None:
            self._make_plain(self._lexing, "Coloring this document takes too long.")
        self._restart()

    def _is_starved(self) -> bool:
        """Return whether the host, which steps aside for all else, lacks time and not an answer."""
        self._silences += 1
        if self._process is None or self._silences > _MAX_SILENCES:
            return False
        used_s = processor_time_s(self._process)
        return used_s is not None and used_s - self._processor_s < ANSWER_LIMIT_MS / 2000

    def _make_plain(self, document: int, reason: str) -> None:
        self._documents.discard(document)
        self.plain.emit(document, reason)

    # -- answers ------------------------------------------------------------------------------

    @Slot()
    def _on_output_ready(self) -> None:
        if self._process:
            self._received += self._process.readAllStandardOutput().data()
        if not self._turn.isActive():
            self._on_turn()

    @Slot()
    def _on_turn(self) -> None:
        now = time.monotonic()
        is_typing = now < self._edited_at + _TYPING_S
        for message in taken_frames(self._received):
            self._handle(message)
            if time.monotonic() > now + _TURN_S:
                self._turn.start(_REST_MS if is_typing else 0)
                break

    def _handle(self, message: Message) -> None:
        kind, document, *values = message
        is_over = kind in _PAUSES
        if kind in _OF_REVISIONS and document == self._lexing:
            is_over = values[0] >= self._sent_revision
        if is_over:
            self._watchdog.stop()
        else:
            self._watchdog.start()
            self._silences = 0
        if kind == "lexing":
            if document != self._lexing:
                self._sent_revision = 0
            self._lexing, self._processor_s = document, values[0]
        if document not in self._documents:
            return
        if kind == "spans":
            revision, first_line, spans = values
            self.spans_ready.emit(document, SpanUpdate(revision, first_line, spans))
        elif kind == "done":  # what was said of older revisions is all that there was to say
            self.spans_ready.emit(document, SpanUpdate(values[0], 0, []))
        elif kind == "language":
            self.language_known.emit(document, values[0])
        elif kind == "failed":
            self._make_plain(document, values[0])


def _cut(lines: list[str]) -> list[str]:
    if max(map(len, lines), default=0) <= MAX_LINE_CHARACTERS:
        return lines
    return [
        line if len(line) <= MAX_LINE_CHARACTERS else line[:MAX_LINE_CHARACTERS] for line in lines
    ]
