r"""Shows the bytes that are no text as `\xNN`, where the document holds stand-ins for them."""

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QTextBlock, QTextCharFormat
from PySide6.QtWidgets import QWidget

from starpad.core.text_file import RAW_BYTE, raw_byte
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.highlighter import Highlighter, Mark
from starpad.ui.text_positions import utf16_length

_FONT_SHARE = 0.7
_GAP = 2.0
_LONGEST_LINE = 5_000
"""Behind it stand-ins are left as the font has them: each would be looked at for each key."""


class RawBytes(QWidget):
    """Lies over the text of one editor and draws over the stand-ins, to which it gives room.

    It is the editor's child, not the viewport's: Qt moves those when it scrolls.
    """

    def __init__(self, editor: CodeEditor, highlighter: Highlighter) -> None:
        super().__init__(editor)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        self._editor = editor
        self._highlighter = highlighter
        self._is_on = False
        self._format = QTextCharFormat()
        self._font = QFont()

    def set_on(self, is_on: bool) -> None:
        """Say whether the document holds stand-ins; else such characters are only themselves."""
        if is_on != self._is_on:
            self._is_on = is_on
            watched = self._editor, self._editor.viewport()
            if is_on:
                self._highlighter.add_marks(self._of)
                for each in watched:
                    each.installEventFilter(self)
            else:  # each key would take a tenth of a millisecond more
                self._highlighter.remove_marks(self._of)
                for each in watched:
                    each.removeEventFilter(self)
            self._follow_font()
            self.setGeometry(self._editor.viewport().geometry())
            self.setVisible(is_on)
            self._highlighter.refresh_marks()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self.setGeometry(self._editor.viewport().geometry())
        elif event.type() == QEvent.Type.FontChange and watched is self._editor:
            self._follow_font()
            self._highlighter.refresh_marks()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._font)
        area, colors = QRectF(event.rect()), self._editor.colors
        cursor = self._editor.textCursor()
        selected = range(cursor.selectionStart(), cursor.selectionEnd())
        for block, _ in self._editor.visible_blocks():
            for column, character in _found(block):
                place = self._place(block, column)
                if place.intersects(area):
                    is_selected = block.position() + column in selected
                    painter.fillRect(
                        place, colors.selection if is_selected else colors.gutter_background
                    )
                    painter.setPen(colors.text if is_selected else colors.gutter_text)
                    text = f"\\x{raw_byte(character):02X}"
                    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _place(self, block: QTextBlock, column: int) -> QRectF:
        """Return the rectangle of a character in the viewport."""
        layout = block.layout()
        if layout.preeditAreaText() and column >= layout.preeditAreaPosition():
            column += utf16_length(layout.preeditAreaText())
        line = layout.lineForTextPosition(column)
        # PySide returns the position, too.
        left, right = (line.cursorToX(at)[0] for at in (column, column + 1))  # type: ignore[index]
        corner = self._editor.block_rectangle(block).topLeft()
        return QRectF(
            corner.x() + left + _GAP / 2, corner.y() + line.y(), right - left - _GAP, line.height()
        )

    def _of(self, block: QTextBlock) -> list[Mark]:
        return [(column, 1, self._format) for column, _ in _found(block)]

    def _follow_font(self) -> None:
        font = self._editor.font()
        self._font = QFont(font)
        self._font.setPointSizeF(font.pointSizeF() * _FONT_SHARE)
        wanted = QFontMetricsF(self._font).horizontalAdvance("\\xNN") + 2 * _GAP
        usual = QFontMetricsF(font).horizontalAdvance(chr(0xEF80))
        self._format.setFontLetterSpacingType(QFont.SpacingType.AbsoluteSpacing)
        self._format.setFontLetterSpacing(max(0.0, wanted - usual))


def _found(block: QTextBlock) -> Iterator[tuple[int, str]]:
    """Yield column (UTF-16) and stand-in of each byte of a line that is no text."""
    line = block.text()
    is_plain = len(line) == block.length() - 1
    for match in RAW_BYTE.finditer(line, 0, _LONGEST_LINE):
        start = match.start()
        yield start if is_plain else utf16_length(line[:start]), match.group()
