"""A change of an editor's lines that is shown where it would be made, and not made yet.

As ghost text does, it lives in the layouts: the new lines in the preedit areas of the blocks above
them, the old ones struck out. Document, undo stack and modified flag know nothing of it.
"""

from collections.abc import Collection

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QTextBlock, QTextCharFormat, QTextCursor

from starpad.core import patch
from starpad.core.patch import Hunk
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.highlighter import Highlighter, Mark, PreeditOverlay
from starpad.ui.editor.text_edits import one_step, select
from starpad.ui.text_positions import utf16_length

_LINE_SEPARATOR = "\u2028"
# Over the backgrounds of light and dark styles alike; pale enough for the text on them.
_ADDED = QColor(40, 160, 72, 64)
_REMOVED = QColor(224, 64, 64, 56)
_CURRENT = QColor(40, 160, 72, 112)
_LOWEST_SHARE = 0.7
"""Of the editor's height: a change that begins lower is scrolled up, to be seen as a whole."""


class Proposal(QObject):
    """Lines of one editor, and what they would become. Each change can be taken or refused."""

    changed = Signal()
    """There are other changes to look at, or another one is looked at."""
    overtaken = Signal()
    """The text has changed from elsewhere, so that nothing is shown any more."""

    def __init__(self, editor: CodeEditor, highlighter: Highlighter, first: int, old: str) -> None:
        """`old` is what the lines from number `first` on hold, each with a line end."""
        super().__init__(editor)
        self._editor = editor
        self._highlighter = highlighter
        self._first = first
        self._old = self._new = old
        self._is_final = False
        self._hunks: tuple[Hunk, ...] = ()
        self._current = 0
        self._removed: frozenset[int] = frozenset()
        self._blocks: list[QTextBlock] = []
        self._is_ours = False
        self._was_read_only = editor.isReadOnly()
        # What is selected would have no colors of its own.
        self._selection: QTextCursor | None = editor.textCursor()
        cursor = editor.textCursor()
        cursor.setPosition(cursor.selectionStart())
        editor.setTextCursor(cursor)
        highlighter.add_marks(self._marks_of)
        editor.textChanged.connect(self._on_text_changed)
        # Keys and clicks would count in the layouts' text, which is not the document's.
        editor.setReadOnly(True)
        editor.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)

    @property
    def first(self) -> int:
        """The number of the first line."""
        return self._first

    @property
    def old(self) -> str:
        """What the lines hold, with the changes that were accepted."""
        return self._old

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        """The changes that are left to decide."""
        return self._hunks

    @property
    def current(self) -> int:
        """The index of the change that is looked at."""
        return self._current

    def show(self, new: str, *, is_final: bool) -> None:
        """Show what the lines would become; while more is to come, none below is struck out."""
        self._new, self._is_final = new, is_final
        self._update()

    def step(self, by: int) -> None:
        """Look at the next change (1) or the one before (-1), round the ends."""
        if self._hunks:
            self._current = (self._current + by) % len(self._hunks)
            self._draw()
            self._reveal()
            self.changed.emit()

    def accept(self, which: Collection[int]) -> None:
        """Make changes, as one undo step."""
        hunks = [self._hunks[index] for index in sorted(which)]
        old = patch.apply(self._old, self._hunks, which)
        self._clear()
        self._is_ours = True
        try:
            cursor = QTextCursor(self._editor.document())
            with one_step(cursor):
                for hunk in reversed(hunks):
                    self._write(cursor, hunk)
        finally:
            self._is_ours = False
        self._old = old
        self._selection = None
        self._update()

    def refuse(self, which: Collection[int]) -> None:
        """Let changes be."""
        kept = set(range(len(self._hunks))) - set(which)
        self._new = patch.apply(self._old, self._hunks, kept)
        self._update()

    def close(self) -> None:
        """Take all that is left away; the document keeps what was accepted."""
        self._editor.textChanged.disconnect(self._on_text_changed)
        self._clear()
        self._highlighter.remove_marks(self._marks_of)
        self._editor.setReadOnly(self._was_read_only)
        if self._selection is not None:
            self._editor.setTextCursor(self._selection)
        self.deleteLater()

    # -- the document -------------------------------------------------------------------------

    def _write(self, cursor: QTextCursor, hunk: Hunk) -> None:
        document = self._editor.document()
        start = document.findBlockByNumber(self._first + hunk.old_start)
        text = "".join(hunk.new_lines).removesuffix("\n")
        if not hunk.old_lines:
            if start.isValid():
                cursor.setPosition(start.position())
                cursor.insertText(text + "\n")
            else:
                cursor.movePosition(QTextCursor.MoveOperation.End)
                cursor.insertText("\n" + text)
            return
        last = document.findBlockByNumber(self._first + hunk.old_end - 1)
        begin, end = start.position(), last.position() + last.length() - 1
        if not hunk.new_lines:
            # A line goes with its line end: the one behind it, or the one before the last line.
            is_last = not last.next().isValid()
            begin, end = (max(0, begin - 1), end) if is_last else (begin, end + 1)
        select(cursor, begin, end)
        cursor.insertText(text)

    @Slot()
    def _on_text_changed(self) -> None:
        if not self._is_ours:
            self._hunks, self._selection = (), None
            self._clear()
            self.overtaken.emit()

    # -- drawing ------------------------------------------------------------------------------

    def _update(self) -> None:
        hunks = patch.hunks_between(self._old, self._new)
        count = len(patch.lines_of(self._old))
        if not self._is_final and hunks and hunks[-1].old_end == count:
            # What is not written yet is not removed.
            last = hunks[-1]
            kept = last.old_lines[: min(len(last.old_lines), len(last.new_lines))]
            shown = Hunk(last.old_start, kept, last.new_start, last.new_lines)
            hunks = (*hunks[:-1], shown) if shown.new_lines else hunks[:-1]
        self._hunks = hunks
        self._current = min(self._current, max(0, len(hunks) - 1))
        self._draw()
        if self._is_final:
            self._reveal()
        self.changed.emit()

    def _draw(self) -> None:
        self._clear()
        document = self._editor.document()
        overlays = {}
        removed: set[int] = set()
        for index, hunk in enumerate(self._hunks):
            removed.update(range(self._first + hunk.old_start, self._first + hunk.old_end))
            if not hunk.new_lines:
                continue
            text = "".join(hunk.new_lines).removesuffix("\n").replace("\n", _LINE_SEPARATOR)
            number = self._first + hunk.old_end - 1
            block = document.findBlockByNumber(max(0, number))
            column = block.length() - 1 if number >= 0 else 0
            text = _LINE_SEPARATOR + text if number >= 0 else text + _LINE_SEPARATOR
            block.layout().setPreeditArea(column, text)
            tint = _CURRENT if index == self._current and self._is_final else _ADDED
            overlays[block.blockNumber()] = PreeditOverlay(
                block.blockNumber(), column, utf16_length(text), _tinted(tint)
            )
        self._removed = frozenset(removed)
        self._highlighter.set_proposal(overlays)
        self._blocks = [document.findBlockByNumber(n) for n in sorted(removed | overlays.keys())]
        self._lay_out(self._blocks)

    def _clear(self) -> None:
        blocks, self._blocks = self._blocks, []
        self._removed = frozenset()
        self._highlighter.set_proposal({})
        for block in blocks:
            if block.isValid():
                block.layout().setPreeditArea(-1, "")
        self._lay_out([block for block in blocks if block.isValid()])

    def _lay_out(self, blocks: list[QTextBlock]) -> None:
        document = self._editor.document()
        for block in blocks:
            self._highlighter.apply_block(block)
            document.markContentsDirty(block.position(), block.length())
        self._editor.viewport().update()

    def _marks_of(self, block: QTextBlock) -> list[Mark]:
        if block.blockNumber() not in self._removed:
            return []
        struck = _tinted(_REMOVED)
        struck.setFontStrikeOut(True)
        return [(0, block.length() - 1, struck)]

    def _reveal(self) -> None:
        """Scroll to the change that is looked at."""
        if not self._hunks:
            return
        hunk = self._hunks[self._current]
        number = max(0, self._first + hunk.old_start - 1)
        block = self._editor.document().findBlockByNumber(number)
        area = self._editor.block_rectangle(block)
        if not 0 <= area.top() < self._editor.viewport().height() * _LOWEST_SHARE:
            self._editor.verticalScrollBar().setValue(max(0, block.firstLineNumber() - 2))


def _tinted(color: QColor) -> QTextCharFormat:
    result = QTextCharFormat()
    result.setBackground(color)
    return result
