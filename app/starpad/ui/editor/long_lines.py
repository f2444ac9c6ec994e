"""How a document wraps that has very long lines: such a one can hold up Qt for ever."""

import re
from collections.abc import Sequence

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QTextBlock, QTextOption
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from starpad.ui.editor.kept_layouts import LONG_LENGTH, KeptLayouts
from starpad.ui.editor.text_edits import raw_text

_ANYWHERE_LENGTH = 10_000
"""Qt looks for the place to wrap a longer word at from its start, for each row again."""
_LONG_WORD_LENGTH = 2_500
_LONG_WORD = re.compile(rf"(?<!\S)\S{{{_LONG_WORD_LENGTH}}}")
"""Or for each row of such a word: a screen of them takes three times as long to lay out."""
_ALWAYS_LENGTH = 50_000
"""A longer line is wrapped in any case: all of it is painted for each key, else only some rows."""
_MOST_BLANKS = 60_000
_TOO_MANY_BLANKS = re.compile(rf"(?<![^\S\n\u2029])[^\S\n\u2029]{{{_MOST_BLANKS}}}")
"""Qt 6.11 counts the blanks that a row ends with in 16 bits; with more it wraps for ever."""
_STRIDE = 1_000
_MAYBE_TOO_MANY_BLANKS = re.compile(rf"[^\S\n\u2029]{{{_MOST_BLANKS // _STRIDE}}}")
"""In each thousandth character: a long line is looked through for each key."""


class LongLines(QObject):
    """Wraps one editor's lines as the user wants it, as far as its longest line allows it.

    A document once found to have a long line is taken to have one until it is closed.
    """

    def __init__(self, editor: QPlainTextEdit) -> None:
        super().__init__(editor)
        self._editor = editor
        self._document = editor.document()
        self._is_wrapped = False
        self._longest = 0
        self._breaks_words = False
        self._has_too_many_blanks = False
        self._kept_layouts: KeptLayouts | None = None
        # Within the change, because its end lays out the text.
        self._document.contentsChange.connect(self._on_contents_change)

    def set_wrapped(self, is_wrapped: bool) -> None:
        """Wrap lines at the window's edge, or scroll."""
        self._is_wrapped = is_wrapped
        self._update()

    def _update(self) -> None:
        mode = QTextOption.WrapMode
        if self._has_too_many_blanks or not (self._is_wrapped or self._longest > _ALWAYS_LENGTH):
            wanted = mode.NoWrap
        elif self._breaks_words:
            wanted = mode.WrapAnywhere
        else:
            wanted = mode.WrapAtWordBoundaryOrAnywhere
        if self._editor.wordWrapMode() is not wanted:
            self._editor.setWordWrapMode(wanted)

    def expect(self, text: str) -> None:
        """Look at a text (LF line ends) before the editor gets it: that would lay it out."""
        self._take(max(map(len, text.split("\n"))), [text])

    @Slot(int, int, int)
    def _on_contents_change(self, position: int, _removed: int, added: int) -> None:
        block = self._document.findBlock(position)
        length = block.length()
        is_within = position + added < block.position() + length
        if is_within and length <= LONG_LENGTH:  # as with nearly all keys
            return
        ends = [block] if is_within else [block, self._document.findBlock(position + added)]
        longest = max(map(QTextBlock.length, ends))
        texts = [block.text() for block in ends if block.length() > _MOST_BLANKS]
        if added > LONG_LENGTH:
            end = min(position + added, self._document.characterCount() - 1)
            texts.append(raw_text(self._document, position, end))
            longest = max(longest, *map(len, texts[-1].split("\n")))
        self._take(longest, texts)

    def _take(self, longest: int, texts: Sequence[str]) -> None:
        if longest > LONG_LENGTH and not self._kept_layouts:
            self._kept_layouts = KeptLayouts(self._editor)
        if longest <= _LONG_WORD_LENGTH or self._has_too_many_blanks:
            return
        if longest > _MOST_BLANKS:
            self._has_too_many_blanks = any(map(_has_too_many_blanks, texts))
        self._longest = max(longest, self._longest)
        self._breaks_words = (
            self._breaks_words or longest > _ANYWHERE_LENGTH or any(map(_LONG_WORD.search, texts))
        )
        self._update()


def _has_too_many_blanks(text: str) -> bool:
    may_have = _MAYBE_TOO_MANY_BLANKS.search(text[::_STRIDE])
    return bool(may_have and _TOO_MANY_BLANKS.search(text))


class WrappingEditor(QPlainTextEdit):
    """A text editor whose lines wrap or do not, however long they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._long_lines = LongLines(self)

    def setPlainText(self, text: str) -> None:
        self._long_lines.expect(text)
        super().setPlainText(text)

    def set_wrapped(self, is_wrapped: bool) -> None:
        """Wrap long lines at the window's edge, or scroll."""
        self._long_lines.set_wrapped(is_wrapped)
