"""The highlighting host: a child process that lexes all documents of the application.

A process and not a thread, because a lexer's regular expression can run for minutes on unlucky
text without letting go of the interpreter: the application kills the host then, and types on.
"""

import logging
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from queue import Empty, SimpleQueue
from typing import BinaryIO

from starpad.core import child_process
from starpad.core.languages import name_of
from starpad.highlighting import lexing, resumable
from starpad.highlighting.document import LexDocument, Piece
from starpad.highlighting.protocol import HEADER_BYTES, Message, decode, encode, is_too_large

_log = logging.getLogger(__name__)

_SIGN_OF_LIFE_S = 0.5
_IDLE_S = 0.3
_LARGE_CHARACTERS = 3_000_000
_LARGE_IDLE_S = 5.0
_SAMPLE_LINES = 400
_VIEW_LINES = 100
_TYPING_S = 0.1
"""So long after an edit lines far from it wait: what is sent takes time from the next keys.
More than lies between two edits of a burst."""
_NEAR_LINES = 200
_MESSAGE_SPANS = 1_500
"""What the application takes a millisecond to read; keys come between messages."""
_DONE_S = 0.1
"""So long it can wait to hear that there was nothing to say."""
_END: Message = ("end",)


@dataclass(slots=True)
class _Document:
    """A document, what is being done for it, and the edits that wait for that."""

    is_whole: bool
    """Whether all of the text is here; until then only what is on screen is lexed."""
    revision: int
    alias: str
    file_name: str
    lines: list[str]
    text: LexDocument | None = None
    edits: list[Message] = field(default_factory=list)
    view: range = range(_VIEW_LINES)
    """Lines that the user looks at, perhaps long before their turn comes."""
    edited_line: int = 0
    lexed_line: int = 0
    """How far the present job has come."""
    job: Iterator[None] | None = None
    is_in_idle_pass: bool = False

    @property
    def idle_s(self) -> float | None:
        """How long nothing must happen before the whole text is lexed to be sure, if ever."""
        if self.job or not self.text or not self.is_whole or self.text.is_verified:
            return None
        is_large = sum(map(len, self.text.lines)) > _LARGE_CHARACTERS
        return _LARGE_IDLE_S if is_large else _IDLE_S

    @property
    def can_wait(self) -> bool:
        """Whether what is left to do is far from where the user types."""
        text = self.text
        if not (text and text.dirty):
            return False
        if not text.is_resumable:  # each run begins at the top
            return self.lexed_line >= self.edited_line + _NEAR_LINES
        return abs(text.dirty[0].first - self.edited_line) >= _NEAR_LINES

    def apply_edits(self) -> None:
        for _, _, revision, first, removed, lines, known in self.edits:
            if self.text:
                self.text.edit(first, removed, lines, known)
            self.revision, self.edited_line = revision, first
        self.edits.clear()


class HighlightHost:
    """Brings the application's documents up to date, the one that was changed last first.

    Work is done by generators that pause after each piece, so that a large document does not
    delay another one. An edit interrupts the work for its document, unless most of that would have
    to be done again: then it is gone on with first, even while the user types on.
    """

    def __init__(self, inbox: SimpleQueue[Message], output: BinaryIO) -> None:
        resumable.install()
        self._inbox = inbox
        self._output = output
        self._said_at = 0.0
        self._unsent: list[bytes] = []
        self._due_at = math.inf
        """When they go out: each waking costs the application."""
        self._taken_at = self._edited_at = 0.0
        self._documents: dict[int, _Document] = {}  # the one that was changed last comes last
        self._current: int | None = None
        """The document that the application takes for the one at work after an edit of it."""

    def run(self) -> None:
        """Work until the message `("end",)`."""
        while True:
            busy = self._busy()
            wait = self._time_until_idle() if busy is None else self._rest(busy)
            if self._unsent:
                due_in = max(0.0, self._due_at - time.monotonic())
                wait = due_in if wait is None else min(wait, due_in)
            try:
                message = self._inbox.get(wait != 0, wait)
            except Empty:
                if time.monotonic() >= self._due_at:
                    self._flush()
                elif busy is not None:
                    self._step(busy)
                else:
                    self._begin_idle_passes()
                continue
            if message == _END:
                return
            self._take(message)
            self._taken_at = time.monotonic()

    def _busy(self) -> int | None:
        """Return the document to work for."""
        busy = {
            n: document.is_in_idle_pass for n, document in self._documents.items() if document.job
        }
        urgent = [n for n, is_in_idle_pass in busy.items() if not is_in_idle_pass]
        return next(reversed(urgent or list(busy)), None)

    def _rest(self, number: int) -> float:
        """Return how long what is left to do for a document can wait for another key."""
        document = self._documents[number]
        if document.edits or not document.can_wait:
            return 0
        return max(0, self._edited_at + _TYPING_S - time.monotonic())

    def _time_until_idle(self) -> float | None:
        waits = [s for document in self._documents.values() if (s := document.idle_s) is not None]
        return max(0.0, self._taken_at + min(waits) - time.monotonic()) if waits else None

    def _begin_idle_passes(self) -> None:
        for number, document in self._documents.items():
            idle_s = document.idle_s
            if idle_s is not None and time.monotonic() >= self._taken_at + idle_s:
                self._current = None
                document.job = self._verify(number, document)
                document.is_in_idle_pass = True

    def _send(self, *message: object, within_s: float = 0.0) -> None:
        self._unsent.append(encode(message))
        self._due_at = min(self._due_at, time.monotonic() + within_s)

    def _flush(self) -> None:
        self._output.write(b"".join(self._unsent))
        self._output.flush()
        self._unsent.clear()
        self._due_at = math.inf

    def _take(self, message: Message) -> None:
        kind, number, *values = message
        document = self._documents.pop(number, None)
        if kind in ("open", "begin"):
            document = _Document(kind == "open", *values)
        elif kind == "edit" and document:
            document.edits.append(message)
            self._edited_at = time.monotonic()
        elif kind == "whole" and document:
            document.is_whole = True
        elif kind == "view" and document:
            document.view = range(values[0], values[0] + values[1])
        if kind != "edit":
            self._current = None
        if not document or kind == "close":
            return
        self._documents[number] = document
        text = document.text
        if kind == "view" and text and not text.dirty:
            return
        is_ready = document.can_wait or (text and text.is_interruptible)
        if not document.job or (kind == "edit" and is_ready):
            self._begin(number, document)

    def _begin(self, number: int, document: _Document) -> None:
        document.job = self._lex(number, document)
        document.is_in_idle_pass = False

    def _step(self, number: int) -> None:
        document = self._documents[number]
        if document.edits and document.can_wait:  # they came when it could not
            self._begin(number, document)
        if number != self._current or time.monotonic() - self._said_at > _SIGN_OF_LIFE_S:
            self._send("lexing", number, time.process_time())
            self._flush()
            self._current, self._said_at = number, time.monotonic()
        try:
            if document.job:
                next(document.job)
        except StopIteration:
            has_more = document.edits or (
                document.is_whole and document.text and document.text.dirty
            )
            document.job, document.is_in_idle_pass = None, False
            if has_more:
                self._begin(number, document)
                self._current = None
        except Exception as error:  # a lexer's bug or its recursion limit: the others go on
            _log.warning("Document %d (%s): %r", number, document.file_name, error)
            self._give_up(number, "The highlighter of this language failed on this text.")

    def _lex(self, number: int, document: _Document) -> Iterator[None]:
        """Lex what is dirty and send the lines that differ, a piece at each step."""
        if document.text is None:
            document.text = self._opened(number, document)
        text = document.text
        document.apply_edits()
        if is_too_large(len(text.lines), sum(map(len, text.lines))):
            self._give_up(number, "This document is too large to color.")
            return
        view, document.lexed_line = document.view, 0
        if not (document.is_whole and text.comes_soon(view.start)):
            self._send_spans(number, document, text.guess(view))
            self._flush()
        if not document.is_whole:
            self._send("waiting", number)
            return
        for piece in text.run():
            self._send_spans(number, document, piece)
            document.lexed_line = piece[0]
            if text.dirty:
                yield
            if document.view is not view and not text.comes_soon(document.view.start):
                view = document.view
                self._send_spans(number, document, text.guess(view))
        self._send("done", number, document.revision, within_s=_DONE_S)

    def _verify(self, number: int, document: _Document) -> Iterator[None]:
        """Lex all of the text and send the lines that differ, a piece at each step."""
        if document.text:
            for piece in document.text.verify():
                self._send_spans(number, document, piece)
                yield
        self._send("verified", number, document.revision)

    def _opened(self, number: int, document: _Document) -> LexDocument:
        sample = "\n".join(document.lines[:_SAMPLE_LINES])
        lexer = lexing.lexer_for(document.alias, document.file_name, sample)
        names = filter(None, map(name_of, lexer.aliases))
        self._send("language", number, next(names, lexer.name))
        self._flush()
        return LexDocument(lexer, document.lines)

    def _send_spans(self, number: int, document: _Document, piece: Piece) -> None:
        first, spans = piece
        while spans:
            sizes = accumulate(len(line) + 1 for line in spans)
            count = next(
                (n for n, size in enumerate(sizes, 1) if size > _MESSAGE_SPANS), len(spans)
            )
            self._send("spans", number, document.revision, first, spans[:count])
            first, spans = first + count, spans[count:]

    def _give_up(self, number: int, reason: str) -> None:
        self._send("failed", number, reason)
        self._documents.pop(number)
        self._current = None


def run() -> int:
    """Serve the application over stdin and stdout until stdin ends; return the exit code."""
    child_process.ask_for_death_signal()  # the end of stdin goes unseen in a regular expression
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the application
    if hasattr(os, "nice"):
        os.nice(5)
    answers = child_process.protected_stdout()
    inbox: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_read, args=(inbox,), name="reader", daemon=True).start()
    HighlightHost(inbox, answers.buffer).run()
    return 0


def _read(inbox: SimpleQueue[Message]) -> None:
    with open(0, "rb", closefd=False) as stream:
        while header := stream.read(HEADER_BYTES):
            length = int.from_bytes(header, "little")
            if len(body := stream.read(length)) < length:
                break
            inbox.put(decode(body))
    inbox.put(_END)
