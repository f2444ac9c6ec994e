"""Puts the highlighting host's colors on those lines of one editor that are on screen.

No QSyntaxHighlighter: it formats whole documents on the GUI thread. Here the spans of each line
wait in a Python list, and only visible blocks get formats. Formats live in the text layouts, so
neither the document's text nor its undo stack ever knows of them.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QTextBlock, QTextCharFormat, QTextLayout, QTextOption

from starpad.services.highlighting import HighlightService, LineSpans, SpanUpdate
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.document_feed import DocumentFeed
from starpad.ui.editor.spans import SpanStore, TextChange
from starpad.ui.text_positions import utf16_length
from starpad.ui.theme import Theme
from starpad.ui.token_formats import format_range

_LINE_END = 1 << 30
_MOST_SPANS, *_FEWER_SPANS = 1_000, 500, 200, 100, 50, 20
"""The rest of a line with more of them has no colors: each key in it has all of them laid out."""
_SCREEN_SPANS = 4_000
"""Lines that do not wrap share them: all of each line is painted, 3 microseconds for each span."""
_SPANS_A_TURN = 2_000
"""What is shown at once; then keys may come first. A screen of usual lines has half of it."""
_CHARACTERS_A_SPAN = 40
"""So many take as long to lay out."""
_STALE: LineSpans = ((0, 0, ""),)
"""In place of what a line shows: it is to be formatted anew."""


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


class Highlighter(QObject):
    """Colors one document in its one editor.

    Changes of the document are ignored while `loading` is set, as it is until `open`.
    """

    def __init__(
        self, editor: CodeEditor, document_id: int, service: HighlightService, theme: Theme
    ) -> None:
        super().__init__(editor)
        self.loading = True
        self._editor = editor
        self._document = editor.document()
        self._document_id = document_id
        self._service = service
        self._theme = theme
        self._language = ("", "")
        self._coming: str | None = None
        self._is_plain = False
        self._feed = DocumentFeed(self._document, document_id, service, self)
        self._store = SpanStore()
        self._shown: list[LineSpans | None] = []  # the very tuples that the layouts' formats show
        self._asked_for = range(0)
        self._most_spans = _MOST_SPANS  # of each line
        self._overlay: PreeditOverlay | None = None
        self._proposal: Mapping[int, PreeditOverlay] = {}
        self._mark_sources: list[MarkSource] = []
        # Not 0, with which it may come in the same turn of the loop.
        self._more = QTimer(self, singleShot=True, interval=1)
        self._more.timeout.connect(self._show_visible)
        self._document.contentsChange.connect(self._on_contents_change)
        editor.verticalScrollBar().valueChanged.connect(self._show_visible)
        # What comes into view by other ways than scrolling: resizing, deleted lines, zoom.
        editor.about_to_paint.connect(self._show_visible)
        service.spans_ready.connect(self._on_service_spans_ready)
        service.plain.connect(self._on_service_plain)
        service.text_needed.connect(self._on_service_text_needed)
        theme.changed.connect(self._on_theme_changed)
        service.prepare()

    @property
    def is_open(self) -> bool:
        """Whether `open` was called, and since then neither `close` nor `loading` set."""
        return not self.loading

    def open(self, alias: str, file_name: str, coming: str | None = None) -> None:
        """Color the document as it is now, in the language of this Pygments alias or file name.

        Called again for another language. `coming` is the whole text (LF line ends) while the
        document is still being filled, until `arrived`: its changes are ignored so long.
        """
        self.loading = False
        self._is_plain = False
        self._coming = coming
        self._language = (alias, file_name)
        self._send_document()

    def arrived(self) -> None:
        """Say that the document holds all of the text that was coming."""
        self._coming = None
        if len(self._store.lines) != self._document.blockCount():
            self._send_document()  # Qt takes something in it for a line end that we do not

    def close(self) -> None:
        """Ask for no more colors."""
        self.loading = True
        self._coming = None
        self._feed.stop()
        # Millions of spans would wait for a full garbage collection.
        self._store.reset(0, self._feed.revision)
        self._shown = []
        self._service.close(self._document_id)

    def set_overlay(self, overlay: PreeditOverlay | None) -> None:
        """Take note of text in a layout's preedit area; `apply_block` then allows for it."""
        self._overlay = overlay

    def set_proposal(self, overlays: Mapping[int, PreeditOverlay]) -> None:
        """Take note of lines in preedit areas that are proposed, by their blocks' numbers."""
        self._proposal = overlays

    def add_marks(self, source: MarkSource) -> None:
        """Have `source` asked for the marks of a block whenever it gets its formats."""
        self._mark_sources.append(source)

    def remove_marks(self, source: MarkSource) -> None:
        """Ask `source` no more."""
        self._mark_sources.remove(source)

    def refresh_marks(self) -> None:
        """Give the visible blocks their formats anew: the sources' answers have changed."""
        self._shown = [_STALE] * len(self._shown)
        self._show_visible()

    def token_at(self, block_number: int, column: int) -> str:
        """Return the token type at a UTF-16 column of a line, empty if none is known."""
        spans = self._store.of(block_number)
        index = bisect_right(spans, column, key=itemgetter(0)) - 1
        start, length, name = spans[index] if index >= 0 else (0, 0, "")
        return name if start <= column < start + length else ""

    def apply_block(self, block: QTextBlock) -> None:
        """Give a block its formats; the caller then marks its contents dirty."""
        number, layout = block.blockNumber(), block.layout()
        layout.setFormats(self._formats(block, number, layout))
        if number < len(self._shown):
            self._shown[number] = self._store.lines[number]

    def _formats(
        self, block: QTextBlock, number: int, layout: QTextLayout
    ) -> list[QTextLayout.FormatRange]:
        """Return a block's formats, in positions of its layout: round the preedit area."""
        column, length = _LINE_END, 0
        ranges: list[QTextLayout.FormatRange] = []
        overlay = self._proposal.get(number, self._overlay)
        if overlay and overlay.block_number == number:
            column, length = overlay.column, overlay.length
            ranges.append(format_range(column, length, overlay.format))
        elif preedit := layout.preeditAreaText():
            # An input method composes here; its underline is its own.
            column, length = layout.preeditAreaPosition(), utf16_length(preedit)
            ranges += [r for r in layout.formats() if column <= r.start < column + length]
        known = self._store.of(number)[: self._most_spans]
        marks = [mark for source in self._mark_sources for mark in source(block)]
        if column == _LINE_END and not marks:
            return [each for each in map(self._theme.ranges.__getitem__, known) if each]
        format_for = self._theme.format_for
        parts = [(start, count, format_for(name)) for start, count, name in known]
        # Where ranges overlap, Qt lets the later ones add to the earlier.
        for start, span_length, text_format in parts + marks:
            if text_format.isEmpty():
                continue
            end = start + span_length
            if start < column:
                ranges.append(format_range(start, min(end, column) - start, text_format))
            if end > column:
                start = max(start, column)
                ranges.append(format_range(start + length, end - start, text_format))
        return ranges

    # -- the document -------------------------------------------------------------------------

    def _send_document(self) -> None:
        self._feed.open(*self._language, self._coming)
        self._forget_spans()

    def _forget_spans(self) -> None:
        coming, document = self._coming, self._document
        count = document.blockCount() if coming is None else coming.count("\n") + 1
        self._store.reset(count, self._feed.revision)
        self._shown = [None] * count  # the old colors stay until there are new ones
        self._asked_for = range(0)

    @Slot(int, int, int)
    def _on_contents_change(self, position: int, removed: int, added: int) -> None:
        if self.loading or self._coming is not None:
            return
        document = self._document
        block = last_block = document.findBlock(position)
        first, column, count = block.blockNumber(), position - block.position(), 1
        end_column = column + added
        if end_column >= block.length():  # more lines than one, as of few keys
            last_block = document.findBlock(position + added)
            if not last_block.isValid():
                last_block = document.lastBlock()
            count += last_block.blockNumber() - first
            end_column = position + added - last_block.position()
        old_count = count - (document.blockCount() - len(self._store.lines))
        is_word = _is_word(document.characterAt(position))
        change = TextChange(first, old_count, count, column, removed, added, end_column, is_word)
        known = self._store.change(change, self._feed.revision + 1)
        if not self._is_plain:
            self._feed.edit(block, old_count, count, known)
        self._shown[first : first + old_count] = [_STALE] * count
        self.apply_block(block)
        if count > 1:
            self.apply_block(last_block)

    # -- answers ------------------------------------------------------------------------------

    @Slot(int, object)
    def _on_service_spans_ready(self, document_id: int, update: SpanUpdate) -> None:
        is_ours = document_id == self._document_id and not self.loading
        if is_ours and self._store.take(update):
            self._show_visible()

    @Slot(int, str)
    def _on_service_plain(self, document_id: int, _reason: str) -> None:
        if document_id == self._document_id and not self.loading:
            self._is_plain = True
            self._feed.stop()
            self._store.clear()
            self._shown = [_STALE] * len(self._shown)
            self._show_visible()

    @Slot(int)
    def _on_service_text_needed(self, document_id: int) -> None:
        if document_id == self._document_id and not self.loading:
            self._send_document()

    # -- the screen ---------------------------------------------------------------------------

    @Slot()
    def _on_theme_changed(self) -> None:
        self._shown = [_STALE] * len(self._shown)
        self._editor.viewport().update()

    @Slot()
    def _show_visible(self) -> None:
        """Give the visible blocks those formats that they do not have yet."""
        if self.loading or self._more.isActive():  # a turn's share is shown
            return
        top = self._editor.firstVisibleBlock().blockNumber()
        line_height = max(1, self._editor.fontMetrics().lineSpacing())
        # No block is lower than a line of text, so this is at least what is visible.
        lines, shown = self._store.lines, self._shown
        bottom = top + self._editor.viewport().height() // line_height + 2
        bottom = min(bottom, len(lines), self._document.blockCount())
        visible = range(top, bottom)
        wanted = lines[top:bottom]
        most = _spans_a_line(wanted, self._editor.wordWrapMode())
        if most != self._most_spans:
            self._most_spans = most
            shown[top:bottom] = [_STALE] * len(visible)
        if None in wanted and visible != self._asked_for:
            self._asked_for = visible
            self._service.show(self._document_id, top, len(visible))
        if shown[top:bottom] == wanted:
            return
        stale = [n for n in visible if shown[n] != lines[n]]
        count = 0
        for last_number in stale:
            block = self._document.findBlockByNumber(last_number)
            self.apply_block(block)
            count += min(len(lines[last_number] or ()), self._most_spans)
            count += block.length() // _CHARACTERS_A_SPAN
            if count > _SPANS_A_TURN:
                self._more.start()
                break
        # setFormats() only notes what is dirty; without this, the next key's change covers it all.
        start = self._document.findBlockByNumber(stale[0]).position()
        last = self._document.findBlockByNumber(last_number)
        self._document.markContentsDirty(start, last.position() + last.length() - start)


def _spans_a_line(lines: list[LineSpans | None], mode: QTextOption.WrapMode) -> int:
    """Return how many spans of each of the lines on screen are colored."""
    if mode is not QTextOption.WrapMode.NoWrap:
        return _MOST_SPANS
    counts = list(map(len, filter(None, lines)))
    if sum(counts) <= _SCREEN_SPANS:
        return _MOST_SPANS
    # In steps: with each other number all lines get their formats anew.
    for most in (_MOST_SPANS, *_FEWER_SPANS):
        if sum(min(count, most) for count in counts) <= _SCREEN_SPANS:
            break
    return most


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
