"""Puts the highlighting host's colors on those lines of one editor that are on screen.

No QSyntaxHighlighter: it formats whole documents on the GUI thread. Here the spans of each line
wait in a Python list, and only visible blocks get formats. Formats live in the text layouts, so
neither the document's text nor its undo stack ever knows of them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtGui import QTextBlock, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QPlainTextEdit

from starpad.services.highlighting import HighlightService, LineSpans, SpanUpdate
from starpad.ui.text_positions import PARAGRAPH_SEPARATOR, utf16_length
from starpad.ui.theme import Theme

_MANY_LINES = 500
_LINE_END = 1 << 30


@dataclass(frozen=True, slots=True)
class PreeditOverlay:
    """What a block's layout shows at `column` without being in the document (ghost text).

    `column` and `length` count UTF-16 units.
    """

    block_number: int
    column: int
    length: int
    format: QTextCharFormat


Mark = tuple[int, int, QTextCharFormat]
"""Start and length in UTF-16 units of a block's text, and what is drawn over its colors there."""
MarkSource = Callable[[QTextBlock], Sequence[Mark]]


@dataclass(frozen=True, slots=True)
class _Edit:
    """From the line `first` on, `removed` lines were replaced by `added` ones."""

    revision: int
    first: int
    removed: int
    added: int


class Highlighter(QObject):
    """Colors one document in its one editor.

    Changes of the document are ignored while `loading` is set, as it is until `open`.
    """

    def __init__(
        self, editor: QPlainTextEdit, document_id: int, service: HighlightService, theme: Theme
    ) -> None:
        super().__init__(editor)
        self.loading = True
        self._editor = editor
        self._document = editor.document()
        self._document_id = document_id
        self._service = service
        self._theme = theme
        self._language = ("", "")
        self._is_plain = False
        self._spans: list[LineSpans] = []
        self._shown: list[LineSpans | None] = []  # the very tuples that the layouts' formats show
        self._revision = 0
        self._opened_at = 0
        self._edits: deque[_Edit] = deque()  # those that no answer has taken into account yet
        self._overlay: PreeditOverlay | None = None
        self._mark_sources: list[MarkSource] = []
        self._document.contentsChange.connect(self._on_contents_change)
        editor.verticalScrollBar().valueChanged.connect(self._show_visible)
        editor.viewport().installEventFilter(self)
        service.spans_ready.connect(self._on_service_spans_ready)
        service.plain.connect(self._on_service_plain)
        service.text_needed.connect(self._on_service_text_needed)
        theme.changed.connect(self._on_theme_changed)

    @property
    def is_open(self) -> bool:
        """Whether `open` was called, and since then neither `close` nor `loading` set."""
        return not self.loading

    def open(self, alias: str, file_name: str) -> None:
        """Color the document as it is now, in the language of this Pygments alias or file name.

        Called when the document is loaded, and again for another language.
        """
        self.loading = False
        self._is_plain = False
        self._language = (alias, file_name)
        self._forget_spans()
        self._send_document()

    def close(self) -> None:
        """Ask for no more colors."""
        self.loading = True
        self._service.close(self._document_id)

    def set_overlay(self, overlay: PreeditOverlay | None) -> None:
        """Take note of text in a layout's preedit area; `apply_block` then allows for it."""
        self._overlay = overlay

    def add_marks(self, source: MarkSource) -> None:
        """Have `source` asked for the marks of a block whenever it gets its formats."""
        self._mark_sources.append(source)

    def refresh_marks(self) -> None:
        """Give the visible blocks their formats anew: the sources' answers have changed."""
        self._shown = [None] * len(self._spans)
        self._show_visible()

    def token_at(self, block_number: int, column: int) -> str:
        """Return the token type at a UTF-16 column of a line, empty if none is known."""
        for start, length, name in self._spans_of(block_number):
            if start <= column < start + length:
                return name
        return ""

    def formats(self, block: QTextBlock) -> list[QTextLayout.FormatRange]:
        """Return a block's formats, in positions of its layout: round the preedit area."""
        number, layout = block.blockNumber(), block.layout()
        column, length = _LINE_END, 0
        ranges: list[QTextLayout.FormatRange] = []
        if self._overlay and self._overlay.block_number == number:
            column, length = self._overlay.column, self._overlay.length
            ranges.append(_format_range(column, length, self._overlay.format))
        elif preedit := layout.preeditAreaText():
            # An input method composes here; its underline is its own.
            column, length = layout.preeditAreaPosition(), utf16_length(preedit)
            ranges += [r for r in layout.formats() if column <= r.start < column + length]
        spans = ((s, n, self._theme.format_for(name)) for s, n, name in self._spans_of(number))
        marks = (mark for source in self._mark_sources for mark in source(block))
        # Where ranges overlap, Qt lets the later ones add to the earlier.
        for start, span_length, text_format in chain(spans, marks):
            if text_format.isEmpty():
                continue
            end = start + span_length
            if start < column:
                ranges.append(_format_range(start, min(end, column) - start, text_format))
            if end > column:
                start = max(start, column)
                ranges.append(_format_range(start + length, end - start, text_format))
        return ranges

    def apply_block(self, block: QTextBlock) -> None:
        """Give a block its formats; the caller then marks its contents dirty."""
        block.layout().setFormats(self.formats(block))
        number = block.blockNumber()
        if number < len(self._shown):
            self._shown[number] = self._spans[number]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # What comes into view by other ways than scrolling: resizing, deleted lines, zoom.
        if event.type() == QEvent.Type.Paint:
            self._show_visible()
        return super().eventFilter(watched, event)

    # -- the document -------------------------------------------------------------------------

    def _send_document(self) -> None:
        lines = self._document.toRawText().split(PARAGRAPH_SEPARATOR)
        self._revision += 1
        self._opened_at = self._revision
        self._service.open(self._document_id, *self._language, lines, self._revision)

    def _forget_spans(self) -> None:
        count = self._document.blockCount()
        self._spans = [()] * count
        self._shown = [None] * count

    def _spans_of(self, number: int) -> LineSpans:
        return self._spans[number] if number < len(self._spans) else ()

    @Slot(int, int, int)
    def _on_contents_change(self, position: int, removed: int, added: int) -> None:
        if self.loading:
            return
        first_block = self._document.findBlock(position)
        last_block = self._document.findBlock(position + added)
        if not last_block.isValid():
            last_block = self._document.lastBlock()
        first = first_block.blockNumber()
        new_count = last_block.blockNumber() - first + 1
        old_count = new_count - (self._document.blockCount() - len(self._spans))
        old = self._spans[first : first + old_count]
        column = position - first_block.position()
        end_column = position + added - last_block.position()
        if old_count == new_count and removed == added:
            new = old  # overwritten, or an input method's touch
        elif old_count == new_count == 1:
            is_word = _is_word(self._document.characterAt(position))
            new = [_shifted(old[0], column, removed, added, is_word)]
        else:
            head = _shifted(old[0], column, _LINE_END, 0)
            # Which part of the last line is left is known only for one line or one line end.
            tail: LineSpans = ()
            if old_count == 1 or removed == 1:
                old_end_column = column + removed if old_count == 1 else 0
                tail = _shifted(old[-1], 0, old_end_column, end_column)
            new = [head + tail] if new_count == 1 else [head, *[()] * (new_count - 2), tail]
        self._spans[first : first + old_count] = new
        self._shown[first : first + old_count] = [None] * new_count
        self.apply_block(first_block)
        if new_count > 1:
            self.apply_block(last_block)
        if not self._is_plain:
            self._revision += 1
            self._edits.append(_Edit(self._revision, first, old_count, new_count))
            lines = self._lines(first_block, new_count)
            self._service.edit(self._document_id, self._revision, first, old_count, lines)

    def _lines(self, block: QTextBlock, count: int) -> list[str]:
        if count > _MANY_LINES:
            first = block.blockNumber()
            return self._document.toRawText().split(PARAGRAPH_SEPARATOR)[first : first + count]
        lines = []
        for _ in range(count):
            lines.append(block.text())
            block = block.next()
        return lines

    # -- answers ------------------------------------------------------------------------------

    @Slot(int, object)
    def _on_service_spans_ready(self, document_id: int, update: SpanUpdate) -> None:
        if document_id != self._document_id or self.loading or update.revision < self._opened_at:
            return
        while self._edits and self._edits[0].revision <= update.revision:
            self._edits.popleft()
        for first, spans in _placed_now(update, self._edits):
            self._spans[first : first + len(spans)] = spans
        self._show_visible()

    @Slot(int, str)
    def _on_service_plain(self, document_id: int, _reason: str) -> None:
        if document_id == self._document_id and not self.loading:
            self._is_plain = True
            self._forget_spans()
            self._show_visible()

    @Slot(int)
    def _on_service_text_needed(self, document_id: int) -> None:
        if document_id == self._document_id and not self.loading:
            self._send_document()

    # -- the screen ---------------------------------------------------------------------------

    @Slot()
    def _on_theme_changed(self) -> None:
        self._shown = [None] * len(self._spans)
        self._editor.viewport().update()

    @Slot()
    def _show_visible(self) -> None:
        """Give the visible blocks those formats that they do not have yet."""
        if self.loading:
            return
        top = self._editor.firstVisibleBlock().blockNumber()
        line_height = max(1, self._editor.fontMetrics().lineSpacing())
        # No block is lower than a line of text, so this is at least what is visible.
        bottom = min(top + self._editor.viewport().height() // line_height + 2, len(self._spans))
        stale = [n for n in range(top, bottom) if self._shown[n] is not self._spans[n]]
        if not stale:
            return
        for number in stale:
            self.apply_block(self._document.findBlockByNumber(number))
        # setFormats() only notes what is dirty; without this, the next key's change covers it all.
        start = self._document.findBlockByNumber(stale[0]).position()
        last = self._document.findBlockByNumber(stale[-1])
        self._document.markContentsDirty(start, last.position() + last.length() - start)


def _format_range(start: int, length: int, text_format: QTextCharFormat) -> QTextLayout.FormatRange:
    result = QTextLayout.FormatRange()
    result.start = start
    result.length = length
    result.format = text_format
    return result


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _shifted(
    spans: LineSpans, column: int, removed: int, added: int, is_word: bool = False
) -> LineSpans:
    """Return a line's spans after `removed` units at `column` gave way to `added` ones.

    A guess that holds until the host has answered: what is typed inside a span or behind a
    comment belongs to it, and so does a letter behind any span.
    """
    end = column + removed
    result = []
    for start, length, name in spans:
        new_start = start
        if start >= column:
            new_start = column + added + max(0, start - end)
        stop = start + length
        new_stop = stop
        if stop > column or (stop == column and (is_word or name.startswith("Comment"))):
            new_stop = stop - removed + added if stop >= end else column
        if new_stop > new_start:
            result.append((new_start, new_stop - new_start, name))
    return tuple(result)


def _placed_now(
    update: SpanUpdate, edits: Iterable[_Edit]
) -> Iterator[tuple[int, Sequence[LineSpans]]]:
    """Yield first line and spans of those parts of `update` that later `edits` have not replaced.

    The host sends the replaced lines again when it gets to those edits.
    """
    pieces: list[tuple[int, Sequence[LineSpans]]] = [(update.first_line, update.spans)]
    for edit in edits:
        end = edit.first + edit.removed
        parts = []
        for first, spans in pieces:
            parts.append((first, spans[: max(0, edit.first - first)]))
            below = max(first, end)
            parts.append((below + edit.added - edit.removed, spans[below - first :]))
        pieces = [part for part in parts if part[1]]
    yield from pieces
