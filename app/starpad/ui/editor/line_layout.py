"""The layout of an editor's document: what a change of one line costs is that line alone."""

import logging
from math import ceil

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QTextBlock, QTextCursor, QTextOption
from PySide6.QtWidgets import QPlainTextDocumentLayout, QPlainTextEdit

_log = logging.getLogger(__name__)

_WIDTH_STEP = 100


class LineLayout(QPlainTextDocumentLayout):
    """Spares Qt from three things that it does with all lines when one is changed.

    It adds what was removed to what was added and so takes the next line for changed, too,
    whenever a whole line is given new formats. Then it draws the whole view anew: for each key.

    And when the widest line gets narrower, it looks at all lines for the one that is the widest
    now, and makes a layout for each: 50 ms and 100 MB with 217,000 lines. So lines that do not wrap
    are laid out here, and Qt hears of the ones that need more room to scroll sideways.

    And it draws the whole view when lines come or go below it, as they do while a file is loaded.
    """

    def __init__(self, editor: QPlainTextEdit) -> None:
        super().__init__(editor.document())
        self._editor = editor
        self._lines = self.document().blockCount()
        self._line_width = 0.0  # as Qt wants it
        self._margin = 0.0
        self._is_wrapped = True
        self._kept = QTextCursor(self.document())  # unlike a block it stays valid

    def documentChanged(self, position: int, removed: int, added: int) -> None:
        try:
            self._follow(position, removed, added)
        except Exception:  # PySide crashes over one that leaves a call that returns nothing to Qt
            _log.exception("A change of the text was not laid out line by line")
            self._lines = self.document().blockCount()
            super().documentChanged(position, removed, added)

    def documentSize(self) -> QSizeF:
        """Return the size that Qt finds, wider in steps where the view has to scroll.

        Else each key at the end of the widest line would have the scroll bar drawn anew, and all
        that is below it.
        """
        size, seen = super().documentSize(), self._editor.viewport().width()
        if size.width() > seen:
            size.setWidth(seen + ceil((size.width() - seen) / _WIDTH_STEP) * _WIDTH_STEP)
        return size

    def _follow(self, position: int, removed: int, added: int) -> None:
        document = self.document()
        lines, self._lines = self._lines, document.blockCount()
        block = document.findBlock(position)
        beyond = position + added - block.position() - block.length()
        if beyond > 0 or not position:  # so Qt says that lines wrap from now on, or do not
            option = document.defaultTextOption()
            self._is_wrapped = option.wrapMode() is not QTextOption.WrapMode.NoWrap
            self._margin = document.documentMargin()
            document.firstBlock().layout().setTextOption(option)  # it may be the only one
        can_lay_out = bool(self._line_width) and not self._is_wrapped and _is_rightward(block)
        # A line end in place of another takes in what was before it: the next line is a new one.
        is_next_new = beyond == 0 and added != removed and self._has_new_line_below(block)
        if lines != self._lines or beyond > 0 or is_next_new:
            is_below = self._is_below_screen(block)
            if is_below:
                self.blockSignals(True)
            try:
                super().documentChanged(position, removed, added)
            finally:
                self.blockSignals(False)
            if is_below:
                self.documentSizeChanged.emit(self.documentSize())
            if can_lay_out:
                self._lay_out(block)
            return
        if added != removed:  # not new colors
            self._keep_glyphs(block)
        if can_lay_out:
            self._change(block)
        else:
            self._let_qt_change(block)

    def _keep_glyphs(self, block: QTextBlock) -> None:
        """Have the line that is edited keep its glyphs.

        Qt would find them out anew to paint it, and again to place the caret in it.
        """
        kept = self._kept.block()
        if kept != block and block.isValid():
            kept.layout().setCacheEnabled(False)
            block.layout().setCacheEnabled(True)
            self._kept = QTextCursor(block)

    def _is_below_screen(self, block: QTextBlock) -> bool:
        editor = self._editor
        rows = editor.viewport().height() // max(1, editor.fontMetrics().lineSpacing()) + 2
        return block.blockNumber() > editor.firstVisibleBlock().blockNumber() + rows

    def _has_new_line_below(self, block: QTextBlock) -> bool:
        """Return whether the next line is on screen, but has never been laid out."""
        editor, new = self._editor, block.next()
        if not new.isValid() or new.layout().lineCount():
            return False
        place = editor.blockBoundingGeometry(block).translated(editor.contentOffset())
        return place.bottom() < editor.viewport().height()

    def _let_qt_change(self, block: QTextBlock) -> None:
        super().documentChanged(block.position(), 0, 1)  # the line, whatever its length
        line = block.layout().lineAt(0)
        if line.isValid():
            self._line_width = line.width()

    def _change(self, block: QTextBlock) -> None:
        count, width = block.lineCount(), self._lay_out(block)
        if width > super().documentSize().width():
            self._let_qt_change(block)
        elif block.lineCount() == count:
            self.updateBlock.emit(block)
        else:
            self.documentSizeChanged.emit(self.documentSize())
            self.update.emit()

    def _lay_out(self, block: QTextBlock) -> float:
        """Lay the line out just as Qt does; return the width that it takes."""
        layout, margin = block.layout(), self._margin
        if not layout.lineCount():  # as of new lines, and of all others after a new option
            layout.setTextOption(self.document().defaultTextOption())
        layout.beginLayout()
        count, height, width, line = 0, 0.0, 0.0, layout.createLine()
        while line.isValid():
            line.setLeadingIncluded(True)
            line.setLineWidth(self._line_width)
            line.setPosition(QPointF(margin, height))
            width = max(width, line.naturalTextWidth())
            above, line, count = line, layout.createLine(), count + 1
            if line.isValid():  # ghost text has rows of its own
                height += above.height() + min(0, ceil(above.leading()))
        layout.endLayout()
        if count != block.lineCount():
            block.setLineCount(count)
        return width + 2 * margin


def _is_rightward(block: QTextBlock) -> bool:
    """Return whether the view's width is of no account for where a line begins."""
    # Each enumeration that comes from Qt takes as long as ten other calls.
    is_plain = block.text().isascii()
    is_leftward = not is_plain and block.textDirection() is Qt.LayoutDirection.RightToLeft
    return block.isValid() and not is_leftward
