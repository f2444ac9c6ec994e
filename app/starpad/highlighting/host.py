"""The highlighting host: a child process that lexes all documents of the application.

A process and not a thread, because a lexer's regular expression can run for minutes on unlucky
text without letting go of the interpreter: the application kills the host then, and types on.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from typing import BinaryIO

from pygments.lexer import Lexer

from starpad.core import child_process
from starpad.core.languages import name_of
from starpad.highlighting import lexing
from starpad.highlighting.protocol import (
    HEADER_BYTES,
    LineSpans,
    Message,
    decode,
    encode,
    is_too_large,
)

_log = logging.getLogger(__name__)

_FIRST_CHUNK_LINES = 80
_CHUNK_LINES = 400
_SIGN_OF_LIFE_S = 0.5
_END: Message = ("end",)


@dataclass(slots=True)
class _Document:
    """A document's text, what the application knows of its spans, and the edits that wait."""

    revision: int
    alias: str
    file_name: str
    lines: list[str]
    sent: list[LineSpans | None]
    """What the application holds for each line; None where an edit made it forget."""
    lexer: Lexer | None = None
    edits: list[Message] = field(default_factory=list)
    job: Iterator[None] | None = None

    def apply_edits(self) -> None:
        for _, _, revision, first, removed, lines in self.edits:
            self.lines[first : first + removed] = lines
            self.sent[first : first + removed] = [None] * len(lines)
            self.revision = revision
        self.edits.clear()


class HighlightHost:
    """Brings the application's documents up to date, the one that was changed last first.

    A document's lexing is a generator that pauses after each chunk of lines, so that a large
    document does not delay another one. Edits wait until the lexing of their document is
    through: so it comes to an end even while the user types without a pause.
    """

    def __init__(self, inbox: SimpleQueue[Message], output: BinaryIO) -> None:
        self._inbox = inbox
        self._output = output
        self._sent_at = 0.0
        self._documents: dict[int, _Document] = {}  # the one that was changed last comes last
        self._current: int | None = None

    def run(self) -> None:
        """Work until the message `("end",)`."""
        while True:
            busy = [number for number, document in self._documents.items() if document.job]
            try:
                message = self._inbox.get(block=not busy)
            except Empty:
                self._step(busy[-1])
                continue
            if message == _END:
                return
            self._take(message)

    def _send(self, *message: object) -> None:
        self._output.write(encode(message))
        self._output.flush()
        self._sent_at = time.monotonic()

    def _take(self, message: Message) -> None:
        kind, number, *values = message
        document = self._documents.pop(number, None)
        if kind == "open":
            revision, alias, file_name, lines = values
            document = _Document(revision, alias, file_name, lines, [None] * len(lines))
            document.job = self._lex(number, document)
        elif kind == "edit" and document:
            document.edits.append(message)
            document.job = document.job or self._lex(number, document)
        if document and kind != "close":
            self._documents[number] = document

    def _step(self, number: int) -> None:
        document = self._documents[number]
        if number != self._current or time.monotonic() - self._sent_at > _SIGN_OF_LIFE_S:
            self._send("lexing", number)
            self._current = number
        try:
            if document.job:
                next(document.job)
        except StopIteration:
            document.job = self._lex(number, document) if document.edits else None
        except Exception as error:  # a lexer's bug or its recursion limit: the others go on
            _log.warning("Document %d (%s): %r", number, document.file_name, error)
            self._give_up(number, "The highlighter of this language failed on this text.")

    def _lex(self, number: int, document: _Document) -> Iterator[None]:
        """Lex the document as it is now and send the lines that differ, a chunk at each step."""
        document.apply_edits()
        revision, lines, sent = document.revision, document.lines, document.sent
        if is_too_large(lines):
            self._give_up(number, "This document is too large to color.")
            return
        if document.lexer is None:
            sample = "\n".join(lines[:_CHUNK_LINES])
            document.lexer = lexing.lexer_for(document.alias, document.file_name, sample)
            names = filter(None, map(name_of, document.lexer.aliases))
            self._send("language", number, next(names, document.lexer.name))
        spans_of_lines = lexing.lex(document.lexer, lines)
        start, size = 0, _FIRST_CHUNK_LINES
        while chunk := list(islice(spans_of_lines, size)):
            differing = [i for i, spans in enumerate(chunk, start) if spans != sent[i]]
            if differing:
                first, end = differing[0], differing[-1] + 1
                sent[start : start + len(chunk)] = chunk
                self._send("spans", number, revision, first, chunk[first - start : end - start])
            start, size = start + len(chunk), _CHUNK_LINES
            yield
        self._send("done", number, revision)
        self._current = None

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
