"""What is marked in an editor over the colors of its text: hits of a search, brackets in pairs."""

import re
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QColor, QTextBlock, QTextCharFormat

from starpad.core import brackets, editor_styles
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.highlighter import Highlighter, Mark
from starpad.ui.editor.searcher import Hits
from starpad.ui.editor.text_edits import raw_text
from starpad.ui.text_positions import utf16_length
from starpad.ui.theme import EditorColors

_PAIR_SHARE = 0.22
_BLANK_SHARE = 0.25
_PAUSE_MS = 40
_REACHES = 1_000, 20_000
"""Most brackets are near their partners; to read the most takes a third of a millisecond."""
_BLANKS = re.compile(r"[ \t]+")
_LONGEST_LINE = 5_000
_NO_CODE = ("Comment", "Literal.String")


class Marks(QObject):
    """Knows the marks of one editor; its highlighter draws them.

    Made before the highlighter, so that it hears first of changes.
    """

    def __init__(self, editor: CodeEditor) -> None:
        super().__init__(editor)
        self._editor = editor
        self._highlighter: Highlighter | None = None
        self._hits, self._pair = Hits(), Hits()
        self._pair_blocks: list[QTextBlock] = []
        self._shows_white_space = False
        self._hit_format, self._pair_format = QTextCharFormat(), QTextCharFormat()
        self._blank_format = QTextCharFormat()
        self._timer = QTimer(self, singleShot=True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._on_pause)
        editor.document().contentsChange.connect(self._on_contents_change)
        editor.cursorPositionChanged.connect(self._timer.start)

    def draw_with(self, highlighter: Highlighter) -> None:
        """Have the highlighter draw the marks."""
        self._highlighter = highlighter
        highlighter.add_marks(self._of)

    def set_colors(self, colors: EditorColors) -> None:
        """Take the theme's colors; pairs of brackets are underlined besides."""
        self._hit_format, self._pair_format = QTextCharFormat(), QTextCharFormat()
        names = [each.name() for each in (colors.background, colors.selection, colors.text)]
        hit, hit_text = editor_styles.hit_colors(*names)
        self._hit_format.setBackground(QColor(hit))
        self._hit_format.setForeground(QColor(hit_text))
        self._pair_format.setBackground(_mixed(colors.background, colors.text, _PAIR_SHARE))
        self._pair_format.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        self._blank_format.setForeground(_mixed(colors.background, colors.text, _BLANK_SHARE))
        self._refresh()

    def set_shows_white_space(self, shows_white_space: bool) -> None:
        """Draw spaces and tabs paler than text, now that the editor shows them."""
        if shows_white_space != self._shows_white_space:
            self._shows_white_space = shows_white_space
            self._refresh()

    @property
    def hits(self) -> Hits:
        """The hits that are marked."""
        return self._hits

    def show_hits(self, hits: Hits) -> None:
        """Mark these hits; called again when there are more of them."""
        is_news = len(hits) or len(self._hits)
        self._hits = hits
        if is_news:
            self._refresh()

    def _refresh(self) -> None:
        if self._highlighter:
            self._highlighter.refresh_marks()

    @Slot(int, int, int)
    def _on_contents_change(self, position: int, removed: int, added: int) -> None:
        self._hits.changed(position, removed, added)
        self._pair.changed(position, removed, added)
        self._timer.start()

    def _of(self, block: QTextBlock) -> list[Mark]:
        """Return the marks of a block."""
        if not (self._shows_white_space or self._hits.starts or self._pair.starts):
            return []
        start, length = block.position(), block.length() - 1
        marks = [
            (column, count, self._blank_format)
            for column, count in (_blanks(block.text()) if self._shows_white_space else ())
        ]
        marks += [
            (column, count, text_format)
            for hits, text_format in (
                (self._hits, self._hit_format), (self._pair, self._pair_format),
            )
            for column, count in hits.within(start, length)
        ]  # fmt: skip
        return marks

    # -- brackets -----------------------------------------------------------------------------

    @Slot()
    def _on_pause(self) -> None:
        """Mark the bracket beside the caret and its partner, after a pause: no key waits for it."""
        pair = self._find_pair()
        if self._pair.is_stale or tuple(self._pair.starts) != pair:
            self._pair = Hits.at(pair)
            document = self._editor.document()
            old_blocks = self._pair_blocks
            self._pair_blocks = [document.findBlock(position) for position in pair]
            # Most often it is one line, and a long one takes 20 ms to lay out.
            blocks = {b.position(): b for b in (*old_blocks, *self._pair_blocks) if b.isValid()}
            for block in blocks.values():
                if self._highlighter:
                    self._highlighter.apply_block(block)
                    document.markContentsDirty(block.position(), block.length())

    def _find_pair(self) -> tuple[int, ...]:
        """Return the places of two brackets that belong together, or none."""
        caret = self._editor.textCursor()
        if caret.hasSelection():
            return ()
        position = caret.position()
        # The bracket behind the caret first, where a block cursor would stand.
        for place in (position, position - 1):
            bracket = str(caret.document().characterAt(place)) if place >= 0 else ""
            for reach in _REACHES if brackets.is_bracket(bracket) else ():
                other = self._partner(bracket, place, reach)
                if other is not None:
                    return (min(place, other), max(place, other))
        return ()

    def _partner(self, bracket: str, place: int, reach: int) -> int | None:
        document = self._editor.document()
        if bracket in brackets.PAIRS:
            start, end = place + 1, min(place + reach, document.characterCount() - 1)
        else:
            start, end = max(0, place - reach), place
        text = raw_text(document, start, end)
        is_code = self._is_code(place)

        def position(index: int) -> int:
            return start + (index if text.isascii() else utf16_length(text[:index]))

        index = brackets.partner(bracket, text, lambda i: self._is_code(position(i)) == is_code)
        return None if index is None else position(index)

    def _is_code(self, position: int) -> bool:
        """Return whether a place is neither in a string nor in a comment, as far as is known."""
        if self._highlighter is None:
            return True
        block = self._editor.document().findBlock(position)
        token = self._highlighter.token_at(block.blockNumber(), position - block.position())
        return not token.startswith(_NO_CODE)


def _blanks(line: str) -> Iterator[tuple[int, int]]:
    """Yield start and length of each run of spaces and tabs, in UTF-16 units."""
    is_plain = line.isascii() or utf16_length(line) == len(line)
    for match in _BLANKS.finditer(line, 0, _LONGEST_LINE):
        start, end = match.span()
        yield start if is_plain else utf16_length(line[:start]), end - start


def _mixed(back: QColor, front: QColor, share: float) -> QColor:
    """Return `back` with `share` (0 to 1) of `front` in it."""
    return QColor.fromRgbF(
        back.redF() + (front.redF() - back.redF()) * share,
        back.greenF() + (front.greenF() - back.greenF()) * share,
        back.blueF() + (front.blueF() - back.blueF()) * share,
    )
