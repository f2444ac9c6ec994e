"""The text editor of one document: keys, painting, zoom. Ghost text is an attachment."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragLeaveEvent,
    QDropEvent,
    QFocusEvent,
    QFont,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextBlock,
    QTextOption,
    QWheelEvent,
)  # fmt: skip
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from starpad.core.context_window import CaretContext
from starpad.core.edit_rules import EditRules
from starpad.core.indentation import Indentation
from starpad.ui.editor import key_commands, line_commands
from starpad.ui.editor.backdrop import Backdrop
from starpad.ui.editor.editor_options import EditorOptions
from starpad.ui.editor.line_commands import LineCommand
from starpad.ui.editor.line_layout import LineLayout
from starpad.ui.editor.line_numbers import LineNumbers
from starpad.ui.editor.step_editor import StepEditor
from starpad.ui.text_positions import document_text, text_between
from starpad.ui.theme import EditorColors

_LONG_LINE_FACTOR = 4
_TYPING = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)


class CodeEditor(StepEditor):
    """Edits one document; knows nothing of files, models or other editors."""

    zoom_requested = Signal(int)
    files_dropped = Signal(object)
    """A list of Paths."""
    about_to_paint = Signal()
    """Several rows will be: there may be lines among them that were not on screen before."""

    def __init__(self, colors: EditorColors, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        document = self.document()
        self._layout = LineLayout(self)  # kept: Qt alone would not hold its Python part
        document.setDocumentLayout(self._layout)
        # Else everything below the text is painted first, for each key.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.colors = colors
        self.rules = EditRules()
        self._ruler = 0
        self._line_numbers = LineNumbers(self, self.visible_blocks)
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setCenterOnScroll(False)
        self.blockCountChanged.connect(self._update_margins)
        self.updateRequest.connect(self._on_update_request)
        self._backdrop = Backdrop(self)
        self.cursorPositionChanged.connect(self._on_cursor_position_changed)
        self.set_wrapped(False)
        self.set_colors(colors)

    # -- text ---------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the whole text with LF line ends."""
        return document_text(self.document())

    def caret_context(self, document: int, language: str, reach: int) -> CaretContext:
        """Return up to about `reach` units of text on each side of the caret."""
        position = self.textCursor().position()
        block = self.document().findBlock(max(0, position - reach))
        start = block.position()
        if position - start > reach * _LONG_LINE_FACTOR:
            start = position - reach
        end = min(position + reach, self.document().characterCount() - 1)
        return CaretContext(
            document=document,
            language=language,
            first_line=block.blockNumber(),
            before=text_between(self.document(), start, position),
            after=text_between(self.document(), position, end),
        )

    def apply(self, command: LineCommand) -> None:
        """Have a command change the selected lines, unless the document is read-only."""
        self.long_edits.settle()
        if self.isReadOnly():
            return
        with self.suspended():
            edits = line_commands.long_edits(command, self.textCursor(), self.rules)
            if edits is not None:
                self.long_edits.start(edits)
            else:
                self.edit(lambda cursor: command(cursor, self.rules))

    # -- events -------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Most keys insert what is on them; letters and digits mean nothing else.
        typed, attachment = event.text(), self.attachment
        is_typing = bool(typed) and typed.isprintable() and event.modifiers() in _TYPING
        is_typing = is_typing and not self.isReadOnly()
        if not is_typing and self.takes_key(event):
            return
        if attachment and attachment.offer_key(event):
            event.accept()
            return
        if is_typing and typed.isalnum():
            with self.suspended():
                super().keyPressEvent(event)
            return
        cursor = self.textCursor()
        line_command = key_commands.line_command(event, cursor)
        if line_command and not self.isReadOnly():
            self.apply(line_command)
            return
        is_foreseen = bool(attachment and attachment.foresees(typed))
        with self.suspended():
            if self.isReadOnly() or not key_commands.handle(
                event, cursor, self.rules, is_foreseen=is_foreseen
            ):
                super().keyPressEvent(event)
            else:
                self.go_to(cursor)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        with self.suspended():
            super().inputMethodEvent(event)

    # Not insertFromMimeData(): PySide6 6.11.3 crashes sooner or later when the clipboard's data
    # is handed to Python and then replaced (seen; random keys with cut and paste find it).
    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            # Qt would insert the files' addresses; whoever drops a file wants it open.
            super().dragLeaveEvent(QDragLeaveEvent())
            event.acceptProposedAction()
            self.files_dropped.emit(paths)
            return
        with self.suspended():
            super().dropEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        # Where the click lands is decided with the ghost text in place, then it goes away.
        cursor = self.attachment.cursor_at(event.position()) if self.attachment else None
        with self.suspended():
            if self.attachment and cursor is not None:
                self.attachment.leave()
                event = _moved(event, QPointF(self.cursorRect(cursor).center()))
            super().mousePressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self.attachment and event.reason() not in (
            Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason,
        ):  # fmt: skip
            self.attachment.leave()
        super().focusOutEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.zoom_requested.emit(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    # -- looks --------------------------------------------------------------------------------

    def set_colors(self, colors: EditorColors) -> None:
        """Take the theme's colors."""
        self.colors = colors
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Base, colors.background)
        palette.setColor(QPalette.ColorRole.Text, colors.text)
        palette.setColor(QPalette.ColorRole.Highlight, colors.selection)
        palette.setColor(QPalette.ColorRole.HighlightedText, colors.text)
        self.setPalette(palette)
        # Under a style sheet it does not inherit the palette, and it is what is filled.
        self.viewport().setPalette(palette)
        self.viewport().update()
        self._line_numbers.set_colors(colors.gutter_background, colors.gutter_text, colors.text)

    def set_font(self, font: QFont) -> None:
        """Take a font; tab stops follow it."""
        self.setFont(font)
        self._update_tab_stops()
        self._update_margins()

    @property
    def indentation(self) -> Indentation:
        """The document's way to indent."""
        return self.rules.indentation

    def set_indentation(self, value: Indentation) -> None:
        """Take the document's way to indent."""
        self.rules = replace(self.rules, indentation=value)
        self._update_tab_stops()

    def set_language(self, alias: str) -> None:
        """Take the document's language, by the alias that Pygments knows."""
        self.rules = replace(self.rules, language=alias)

    def set_options(self, options: EditorOptions) -> None:
        """Follow the user's settings."""
        self.rules = replace(self.rules, closes_brackets=options.closes_brackets)
        self._ruler = options.ruler_column
        if self.font() != options.font:
            self.set_font(options.font)
        self.set_wrapped(options.is_wrapped)
        text_option = self.document().defaultTextOption()
        shown = QTextOption.Flag.ShowTabsAndSpaces
        flags = text_option.flags() & ~shown
        text_option.setFlags(flags | shown if options.shows_white_space else flags)
        if text_option.flags() != self.document().defaultTextOption().flags():
            self.document().setDefaultTextOption(text_option)
        self.viewport().update()

    def _update_tab_stops(self) -> None:
        self.setTabStopDistance(self.fontMetrics().horizontalAdvance(" ") * self.indentation.width)

    def visible_blocks(self) -> Iterator[tuple[QTextBlock, float]]:
        """Yield each block on screen with the y of its top edge in the viewport."""
        block, bottom = self.firstVisibleBlock(), self.viewport().height()
        top = self.block_rectangle(block).top()
        while block.isValid() and top <= bottom:
            yield block, top
            top += self.blockBoundingRect(block).height()
            block = block.next()

    def block_rectangle(self, block: QTextBlock) -> QRectF:
        """Return a block's rectangle in the viewport."""
        return self.blockBoundingGeometry(block).translated(self.contentOffset())

    def paintEvent(self, event: QPaintEvent) -> None:
        area = event.rect()
        if row := self._backdrop.row_in(area):
            self._backdrop.paint_row(row, self.colors, self._ruler)
            event = QPaintEvent(row)
        else:
            self.about_to_paint.emit()
            self._backdrop.paint(area, self.colors, self._ruler)
        super().paintEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_line_numbers()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._update_margins()
        elif event.type() == QEvent.Type.ReadOnlyChange:
            self.viewport().update()  # the caret's row

    def _update_margins(self) -> None:
        self.setViewportMargins(self._line_numbers.wanted_width(), 0, 0, 0)
        self._place_line_numbers()

    def reserve_lines(self, count: int) -> None:
        """Make room for the numbers of so many lines, which are about to come."""
        self._line_numbers.reserved = count
        self._update_margins()

    def _place_line_numbers(self) -> None:
        area, height = self.contentsRect(), self.viewport().height()  # above the scroll bar
        width = self._line_numbers.wanted_width()
        self._line_numbers.setGeometry(QRect(area.left(), area.top(), width, height))
        self._line_numbers.update()

    def _on_update_request(self, area: QRect, scrolled: int) -> None:
        if scrolled:
            self._line_numbers.scroll(0, scrolled)
            self._backdrop.scroll(scrolled)
        # A change within a line draws that line alone; what moves others draws all of them.
        elif area.height() >= self.viewport().height():
            self._line_numbers.update()

    def _on_cursor_position_changed(self) -> None:
        if self.attachment:
            self.attachment.caret_moved()
        if self._backdrop.follow_caret():
            # All of the numbers: that of a wrapped line stands above the caret's row.
            self._line_numbers.update()


def _moved(event: QMouseEvent, point: QPointF) -> QMouseEvent:
    """Return the same event at another point."""
    return QMouseEvent(
        event.type(), point, event.globalPosition(), event.button(), event.buttons(),
        event.modifiers(), event.pointingDevice(),
    )  # fmt: skip
