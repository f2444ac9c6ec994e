"""The conversation on screen: read, selected and scrolled while an answer is being written."""

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QMimeData, QPoint, QRectF, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPalette, QResizeEvent, QTextBlock
from PySide6.QtWidgets import QTextBrowser, QWidget

from starpad.core.chat import Entry
from starpad.services.highlighting import HighlightService
from starpad.ui.chat.code_colors import CodeBlock, CodeColors
from starpad.ui.chat.markdown_writer import IS_QUESTION, PADDING_PX, PANEL, Look, Panel
from starpad.ui.chat.transcript_writer import TranscriptWriter
from starpad.ui.theme import Theme

_FRAME_MS = 33
"""Text on screen changes at most this often, however fast tokens come."""
_WORK_S = 0.006
_MARGIN_PX = 12
_RADIUS_PX = 6
_TEXT_SHARE = 0.95
"""Of the code font's size: letters of all widths look larger at the same size."""
_BAR_PX = 3


class Transcript(QTextBrowser):
    """Shows the messages of a path; what is clicked in it leaves as signals."""

    message_action = Signal(str, int)
    """What is to be done with the message of this id: copy, edit, regenerate, ..."""
    code_action = Signal(str, object)
    """What is to be done with a CodeBlock: copy, insert, new, apply."""
    link_clicked = Signal(str)
    written = Signal()
    """All that there is to show is on the screen."""

    def __init__(
        self, highlighting: HighlightService, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._code_font = theme.editor_font("", 10)
        self.setAccessibleName("Conversation")
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.document().setDocumentMargin(_MARGIN_PX)
        self._colors = CodeColors(self.document(), highlighting, theme, self)
        self._writer = TranscriptWriter(self.document(), self._colors, self._look())
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._colors.received.connect(self._color_visible)
        self.verticalScrollBar().valueChanged.connect(self._color_visible)
        self.anchorClicked.connect(self._on_anchor_clicked)
        theme.changed.connect(self._on_theme_changed)

    @property
    def entries(self) -> list[Entry]:
        """The messages that are shown or on their way to the screen."""
        return self._writer.entries

    @property
    def codes(self) -> list[CodeBlock]:
        """The code blocks of the messages on screen."""
        return self._writer.codes

    @property
    def is_writing(self) -> bool:
        """Whether something is still to be written."""
        return self._writer.has_work

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these messages; what is the same as before stays untouched."""
        first = [each[0].message.id if each else 0 for each in (self.entries, entries)]
        is_other = first[0] != first[1]
        self._writer.set_entries(entries)
        if is_other:
            self._work()
            self.scroll_to_end()
        self._go_on()

    def finish(self) -> None:
        """Write at once what is left to write; for a test or a picture."""
        while self._writer.has_work:
            self._work()

    def set_code_font(self, font: QFont) -> None:
        """Show code in this font, and all text in its size."""
        if font != self._code_font:
            self._code_font = font
            text = self.font()
            text.setPointSizeF(font.pointSizeF() * _TEXT_SHARE)
            self.document().setDefaultFont(text)
            self._on_theme_changed()

    def scroll_to_end(self) -> None:
        """Show the end, and stay there while it grows."""
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def scroll_to_message(self, message: int) -> None:
        """Show the beginning of a message."""
        self.finish()
        start = self._writer.start_of(message)
        if start >= 0:
            block = self.document().findBlock(start).next()
            layout = self.document().documentLayout()
            self.verticalScrollBar().setValue(int(layout.blockBoundingRect(block).top()))

    # -- writing ------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._writer.has_work and not self._timer.isActive():
            # A backlog is written between events; what streams, in frames.
            self._timer.start(0 if self._writer.has_backlog else _FRAME_MS)

    def _work(self) -> None:
        """Write for a few milliseconds; the reader's place and selection stay."""
        bar = self.verticalScrollBar()
        is_at_end = bar.value() >= bar.maximum() - 2
        cursor = self.textCursor()
        anchor, position = cursor.anchor(), cursor.position()
        is_touched = cursor.hasSelection() and max(anchor, position) > self._writer.open_position
        self._writer.run(_WORK_S)
        if is_touched:
            end = self.document().characterCount() - 1
            cursor.setPosition(min(anchor, end))
            cursor.setPosition(min(position, end), cursor.MoveMode.KeepAnchor)
            value = bar.value()
            self.setTextCursor(cursor)
            bar.setValue(value)
        if is_at_end:
            self.scroll_to_end()
        self._color_visible()

    @Slot()
    def _on_timer_timeout(self) -> None:
        self._work()
        if self._writer.has_work:
            self._go_on()
        else:
            self.written.emit()

    @Slot()
    def _on_theme_changed(self) -> None:
        self._writer.rewrite(self._look())
        self._go_on()

    def _look(self) -> Look:
        palette = self.palette()
        return Look(
            code_font=self._code_font,
            muted=palette.color(QPalette.ColorRole.PlaceholderText),
            problem=self._theme.panel_colors.error,
            link=palette.color(QPalette.ColorRole.Link),
            inline_code=self._theme.tint(0.08),
        )

    # -- painting -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what lies behind the text, then the text."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.translate(0, -self.verticalScrollBar().value())
        blocks = list(self._visible_blocks())
        for panel in panels(blocks, _is_question):
            self._fill(painter, panel, 0, self._theme.tint(0.05))
        for panel in panels(blocks, _is_code, starts=_is_code_head):
            self._fill(painter, panel, 0, self._theme.tint(0.08))
        for panel in panels(blocks, _is_quote):
            bar = QRectF(self._left + PADDING_PX, panel.top(), _BAR_PX, panel.height())
            painter.fillRect(bar, self._theme.tint(0.3))
        painter.end()
        super().paintEvent(event)

    @property
    def _left(self) -> float:
        return self.document().documentMargin()

    def _fill(self, painter: QPainter, panel: QRectF, inset: float, color: QColor) -> None:
        left = self._left + inset
        width = self.viewport().width() - 2 * left
        painter.setBrush(color)
        top = panel.top() - PADDING_PX / 2
        rectangle = QRectF(left, top, width, panel.height() + PADDING_PX)
        painter.drawRoundedRect(rectangle, _RADIUS_PX, _RADIUS_PX)

    def _visible_blocks(self) -> Iterator[tuple[QTextBlock, QRectF]]:
        """Yield the text blocks on screen, and one more on each side, with their places."""
        layout = self.document().documentLayout()
        block = self.cursorForPosition(QPoint(0, 0)).block()
        block = block.previous() if block.previous().isValid() else block
        bottom = self.verticalScrollBar().value() + self.viewport().height()
        while block.isValid():
            rectangle = layout.blockBoundingRect(block)
            yield block, rectangle
            if rectangle.top() > bottom:
                return
            block = block.next()

    @Slot()
    def _color_visible(self) -> None:
        blocks = [block for block, _ in self._visible_blocks()]
        self._colors.apply(blocks[0], blocks[-1].blockNumber())

    # -- what is done in it -------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._color_visible()

    def createMimeDataFromSelection(self) -> QMimeData:
        """Return the selection as plain text: colors and links are ours alone."""
        data = QMimeData()
        data.setText(self.textCursor().selection().toPlainText())
        return data

    def loadResource(self, kind: int, name: QUrl | str) -> None:
        """Load nothing: no picture or style sheet ever comes from anywhere."""

    @Slot(QUrl)
    def _on_anchor_clicked(self, url: QUrl) -> None:
        target = url.toString()
        kind, _, rest = target.partition(":")
        action, _, number = rest.partition(":")
        if kind == "message":
            self.message_action.emit(action, int(number))
        elif kind == "code":
            codes = (code for code in self._writer.codes if code.index == int(number))
            if (code := next(codes, None)) is not None:
                self.code_action.emit(action, code)
        else:
            self.link_clicked.emit(target)


_Placed = tuple[QTextBlock, QRectF]


def panels(
    blocks: Sequence[_Placed],
    belongs: Callable[[QTextBlock], bool],
    starts: Callable[[QTextBlock], bool] = lambda _: False,
) -> Iterator[QRectF]:
    """Yield the rectangles of neighbors that belong together; `starts` begins a new one."""
    panel = QRectF()
    for block, rectangle in blocks:
        is_part = belongs(block)
        if not panel.isNull() and (not is_part or starts(block)):
            yield panel
            panel = QRectF()
        if is_part:
            panel = panel.united(rectangle)
    if not panel.isNull():
        yield panel


def _is_question(block: QTextBlock) -> bool:
    return block.blockFormat().hasProperty(IS_QUESTION)


def _is_code(block: QTextBlock) -> bool:
    return block.blockFormat().intProperty(PANEL) in (Panel.CODE, Panel.CODE_HEAD)


def _is_code_head(block: QTextBlock) -> bool:
    return block.blockFormat().intProperty(PANEL) == Panel.CODE_HEAD


def _is_quote(block: QTextBlock) -> bool:
    return block.blockFormat().intProperty(PANEL) == Panel.QUOTE
