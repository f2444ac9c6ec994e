"""Colors the code blocks of a conversation, by the process that colors the editor's documents.

As in the editor, formats live in the text layouts of the lines on screen: the document does not
know of them, and Pygments never runs on the GUI thread.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QTextBlock, QTextDocument, QTextLayout

from starpad.services.highlighting import HighlightService, LineEdit, LineSpans, SpanUpdate
from starpad.ui.theme import Theme

_EXTEND_MS = 250
"""How often a block that is being written is lexed anew, all of it."""

# The editor's documents count upwards from 1.
_ids = itertools.count(-1, -1)


@dataclass(eq=False, slots=True)
class CodeBlock:
    """A fenced code block, its lines, and where they stand in the document."""

    language: str
    message: int
    first_block: int
    """The number of the text block that holds the first line."""
    index: int = 0
    """By which the links above it name it."""
    lines: list[str] = field(default_factory=list)
    is_complete: bool = False
    id: int = field(default_factory=lambda: next(_ids))
    spans: list[LineSpans] = field(default_factory=list)
    shown: list[LineSpans] = field(default_factory=list)
    """The very tuples that the layouts show."""
    sent: int = 0
    """Lines that the highlighter knows."""

    @property
    def text(self) -> str:
        """The code, its last line ended."""
        return "".join(f"{line}\n" for line in self.lines)


class CodeColors(QObject):
    """Asks for the colors of code blocks and puts them on the lines that are on screen."""

    received = Signal()
    """There are new colors: call `apply` for what is on screen."""

    def __init__(
        self, document: QTextDocument, service: HighlightService, theme: Theme, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._service = service
        self._theme = theme
        self._codes: dict[int, CodeBlock] = {}
        self._waiting: dict[int, CodeBlock] = {}
        self._timer = QTimer(self, singleShot=True, interval=_EXTEND_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        service.spans_ready.connect(self._on_service_spans_ready)
        service.text_needed.connect(self._on_service_text_needed)

    def extend(self, code: CodeBlock) -> None:
        """Take note of new lines; they are colored soon, at once if the block is complete."""
        self._codes[code.id] = code
        self._waiting[code.id] = code
        if code.is_complete:
            self._send(code)
        elif not self._timer.isActive():
            self._timer.start()

    def forget(self, codes: Iterable[CodeBlock]) -> None:
        """Ask no more about blocks that have left the document."""
        for code in codes:
            self._waiting.pop(code.id, None)
            if self._codes.pop(code.id, None) is not None and code.sent:
                self._service.close(code.id)

    def apply(self, first: QTextBlock, last_number: int) -> None:
        """Color the lines from the block `first` to the one numbered `last_number`."""
        from_number = first.blockNumber()
        for code in self._codes.values():
            start = max(0, from_number - code.first_block)
            end = min(len(code.spans), last_number + 1 - code.first_block)
            for line in range(start, end):
                if code.shown[line] is not code.spans[line]:
                    self._show(code, line)

    def _show(self, code: CodeBlock, line: int) -> None:
        block = self._document.findBlockByNumber(code.first_block + line)
        ranges = []
        for start, length, name in code.spans[line]:
            text_format = self._theme.panel_format_for(name)
            if not text_format.isEmpty():
                span = QTextLayout.FormatRange()
                span.start, span.length, span.format = start, length, text_format
                ranges.append(span)
        block.layout().setFormats(ranges)
        self._document.markContentsDirty(block.position(), block.length())
        code.shown[line] = code.spans[line]

    def _send(self, code: CodeBlock) -> None:
        self._waiting.pop(code.id, None)
        if not code.sent:
            self._service.open(code.id, code.language.lower() or "text", "", list(code.lines))
        elif len(code.lines) > code.sent:
            new = code.lines[code.sent :]
            self._service.edit(code.id, LineEdit(len(code.lines), code.sent, 0, new))
        code.sent = len(code.lines)

    @Slot()
    def _on_timer_timeout(self) -> None:
        for code in list(self._waiting.values()):
            self._send(code)

    @Slot(int, object)
    def _on_service_spans_ready(self, document: int, update: SpanUpdate) -> None:
        code = self._codes.get(document)
        if code is None:
            return
        # Lines are only ever added at the end, so their numbers mean the same at any revision.
        end = update.first_line + len(update.spans)
        missing = end - len(code.spans)
        code.spans += [()] * missing
        code.shown += [()] * missing
        code.spans[update.first_line : end] = update.spans
        self.received.emit()

    @Slot(int)
    def _on_service_text_needed(self, document: int) -> None:
        code = self._codes.get(document)
        if code is not None:
            code.sent = 0
            self._send(code)
