"""Writes blocks of Markdown into a QTextDocument, in the theme's formats. No HTML is involved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextLength,
    QTextOption,
    QTextTableFormat,
)

from starpad.ui.chat.markdown_blocks import BULLET, Block

if TYPE_CHECKING:
    from markdown_it.token import Token

PANEL = int(QTextFormat.Property.UserProperty) + 1
"""A block's property: the Panel that is painted behind it."""
IS_QUESTION = PANEL + 1
"""A block's property: it is the user's, and a bubble is painted behind that."""

PADDING_PX = 10
_SMALL = 0.9
_INDENT_PX = 24
_PARAGRAPH_PX = 8
_LINE_HEIGHT_PERCENT = 120
_HEADING_SIZES = {"h1": 1.4, "h2": 1.25, "h3": 1.12}
_OPENABLE = ("http://", "https://", "mailto:")

# What Qt takes for the end of a block or a frame, wherever it stands in a text.
_NOT_TEXT = dict.fromkeys(map(ord, "\n\r\u2029\ufdd0\ufdd1"), "\ufffd")


class Panel(IntEnum):
    """What is painted behind a block."""

    NONE = 0
    CODE = 1
    CODE_HEAD = 2
    """The first line of a code block's panel: its language and links."""
    QUOTE = 3


@dataclass(frozen=True, slots=True)
class Look:
    """Fonts and colors of what is written; another theme means to write everything anew."""

    code_font: QFont
    muted: QColor
    problem: QColor
    link: QColor
    inline_code: QColor
    """Behind code within a sentence."""


class MarkdownWriter:
    """Writes at the end of a document, always beginning with a new text block."""

    def __init__(self, cursor: QTextCursor, look: Look) -> None:
        self._cursor = cursor
        self._look = look
        self._code_format = QTextCharFormat()
        self._code_format.setFont(look.code_font)
        self._panel = Panel.NONE
        self.is_question = False

    def text(self, text: str, char_format: QTextCharFormat | None = None) -> None:
        """Write text into the present block."""
        safe = text.translate(_NOT_TEXT)
        self._cursor.insertText(safe, char_format or QTextCharFormat())

    def new_block(self, block_format: QTextBlockFormat, panel: Panel = Panel.NONE) -> None:
        """Begin a new block, within the quotation that is written now, if any."""
        block_format.setProperty(PANEL, int(panel or self._panel))
        if self.is_question:
            block_format.setProperty(IS_QUESTION, True)
            block_format.setLeftMargin(block_format.leftMargin() + PADDING_PX)
            block_format.setRightMargin(PADDING_PX)
        self._cursor.insertBlock(block_format, QTextCharFormat())

    def code_head(self, language: str, links: Sequence[tuple[str, str]]) -> None:
        """Begin a code block's panel: its language, and what can be done with the code."""
        block_format = QTextBlockFormat()
        block_format.setTopMargin(_PARAGRAPH_PX)
        block_format.setBottomMargin(_PARAGRAPH_PX / 2)
        block_format.setLeftMargin(PADDING_PX)
        block_format.setRightMargin(PADDING_PX)
        self.new_block(block_format, Panel.CODE_HEAD)
        self.text(language or "code", self.small_format())
        for label, target in links:
            self.text("   ", self.small_format())
            self.text(label, self.link_format(target, is_small=True))

    def code_line(self, line: str, depth: int = 0) -> None:
        """Write one line of code as a block of its own."""
        block_format = QTextBlockFormat()
        block_format.setLeftMargin(PADDING_PX + _INDENT_PX * depth)
        block_format.setRightMargin(PADDING_PX)
        self.new_block(block_format, Panel.CODE)
        self.text(line, self._code_format)

    def code_end(self) -> None:
        """Leave some room below a code block."""
        block_format = self._cursor.blockFormat()
        block_format.setBottomMargin(_PARAGRAPH_PX * 2)
        self._cursor.setBlockFormat(block_format)

    def note(self, text: str, *, is_problem: bool = False) -> None:
        """Write a small line of what there is to know."""
        small = self.small_format()
        if is_problem:
            small.setForeground(self._look.problem)
        self.new_block(QTextBlockFormat())
        self.text(text, small)

    def links(self, links: Sequence[tuple[str, str]]) -> None:
        """Write a small line of links; one without a target is only text."""
        block_format = QTextBlockFormat()
        block_format.setBottomMargin(_PARAGRAPH_PX)
        self.new_block(block_format)
        for number, (label, target) in enumerate(links):
            if number:
                self.text("   ", self.small_format())
            is_link = bool(target)
            self.text(
                label, self.link_format(target, is_small=True) if is_link else self.small_format()
            )

    def small_format(self) -> QTextCharFormat:
        """Return the format of what matters less."""
        result = QTextCharFormat()
        result.setForeground(self._look.muted)
        size = self._cursor.document().defaultFont().pointSizeF()
        result.setFontPointSize(size * _SMALL)
        return result

    def link_format(self, target: str, *, is_small: bool = False) -> QTextCharFormat:
        """Return the format of a link; the view decides what a click on it does."""
        result = self.small_format() if is_small else QTextCharFormat()
        result.setAnchor(True)
        result.setAnchorHref(target)
        result.setForeground(self._look.link)
        return result

    def block(self, block: Block) -> None:
        """Write a paragraph, heading, list item, quotation, table or rule."""
        self._blocks(block.tokens, 1 if block.marker else 0, block.marker)

    # -- blocks -------------------------------------------------------------------------------

    def _blocks(self, tokens: "Sequence[Token]", depth: int, marker: str = "") -> None:
        """Write blocks, the first one behind `marker`."""
        at = 0
        while at < len(tokens):
            end = _end_of(tokens, at)
            self._one(tokens[at], tokens[at + 1 : end], depth, marker)
            marker = ""
            at = end + 1

    def _one(self, token: "Token", inside: "Sequence[Token]", depth: int, marker: str) -> None:
        match token.type:
            case "paragraph_open" | "heading_open":
                self._paragraph(token, inside[0], depth, marker)
            case "bullet_list_open" | "ordered_list_open":
                if marker:
                    self._marker_only(marker, depth)
                self._list(token, inside, depth + 1)
            case "blockquote_open":
                outer, self._panel = self._panel, Panel.QUOTE
                self._blocks(inside, depth + 1, marker)
                self._panel = outer
            case "table_open":
                self._table(inside)
            case "fence" | "code_block":
                for line in token.content.removesuffix("\n").split("\n"):
                    self.code_line(line, depth)
            case "hr":
                self._rule()
            case "list_item_open":  # with nothing in it
                self._marker_only(marker, depth)

    def _paragraph(self, token: "Token", inline: "Token", depth: int, marker: str) -> None:
        block_format = self._block_format(depth, marker)
        base = QTextCharFormat()
        if token.type == "heading_open":
            block_format.setTopMargin(_PARAGRAPH_PX)
            block_format.setHeadingLevel(int(token.tag[1:]))
            base.setFontWeight(QFont.Weight.Bold)
            size = self._cursor.document().defaultFont().pointSizeF()
            base.setFontPointSize(size * _HEADING_SIZES.get(token.tag, 1.0))
        self.new_block(block_format)
        if marker:
            self.text(f"{marker}\t")
        self._inline(inline.children or [], base)

    def _block_format(self, depth: int, marker: str) -> QTextBlockFormat:
        result = QTextBlockFormat()
        result.setBottomMargin(_PARAGRAPH_PX / 2 if depth else _PARAGRAPH_PX)
        result.setLeftMargin(_INDENT_PX * depth)
        result.setLineHeight(
            _LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        )
        if marker:
            result.setTextIndent(-_INDENT_PX)
            result.setTabPositions([QTextOption.Tab(_INDENT_PX, QTextOption.TabType.LeftTab)])
        return result

    def _marker_only(self, marker: str, depth: int) -> None:
        self.new_block(self._block_format(depth, marker))
        self.text(marker)

    def _list(self, opening: "Token", tokens: "Sequence[Token]", depth: int) -> None:
        number = int(opening.attrs.get("start", 1))
        is_ordered = opening.type == "ordered_list_open"
        at = 0
        while at < len(tokens):
            end = _end_of(tokens, at)
            marker = f"{number}." if is_ordered else BULLET
            self._blocks(tokens[at + 1 : end] or [tokens[at]], depth, marker)
            number += 1
            at = end + 1

    def _rule(self) -> None:
        block_format = QTextBlockFormat()
        block_format.setProperty(
            QTextFormat.Property.BlockTrailingHorizontalRulerWidth,
            QTextLength(QTextLength.Type.PercentageLength, 100),
        )
        self.new_block(block_format)

    def _table(self, tokens: "Sequence[Token]") -> None:
        rows: list[list[Token]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(token)
        table_format = QTextTableFormat()
        table_format.setBorderCollapse(True)
        table_format.setBorder(1)
        table_format.setBorderBrush(self._look.muted)
        table_format.setCellPadding(4)
        table_format.setHeaderRowCount(1)
        table_format.setBottomMargin(_PARAGRAPH_PX)
        self.new_block(QTextBlockFormat())
        table = self._cursor.insertTable(len(rows), max(map(len, rows)), table_format)
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                base = QTextCharFormat()
                base.setFontWeight(QFont.Weight.Bold if y == 0 else QFont.Weight.Normal)
                self._cursor = table.cellAt(y, x).firstCursorPosition()
                self._inline(cell.children or [], base)
        self._cursor = table.lastCursorPosition()
        self._cursor.movePosition(QTextCursor.MoveOperation.End)

    # -- within a paragraph -------------------------------------------------------------------

    def _inline(self, tokens: "Iterable[Token]", base: QTextCharFormat) -> None:
        formats = [base]
        for token in tokens:
            current = formats[-1]
            match token.type:
                case "text":
                    self._plain(token.content, current)
                case "softbreak" | "hardbreak":
                    self._cursor.insertText("\u2028", current)
                case "code_inline":
                    code = QTextCharFormat(current)
                    code.setFontFamilies(self._look.code_font.families())
                    code.setFontFixedPitch(True)
                    code.setBackground(self._look.inline_code)
                    self.text(token.content, code)
                case "image":  # never loaded: what it shows, in words
                    self.text(
                        f"[{token.content or 'picture'}]", self._linked(token, "src", current)
                    )
                case "link_open":
                    formats.append(self._linked(token, "href", current))
                case "strong_open" | "em_open" | "s_open":
                    formats.append(_emphasized(current, token.type))
                case _ if token.nesting < 0:
                    formats.pop()

    def _plain(self, text: str, char_format: QTextCharFormat) -> None:
        for number, line in enumerate(text.split("\n")):
            if number:
                self._cursor.insertText("\u2028", char_format)
            self.text(line, char_format)

    def _linked(self, token: "Token", name: str, current: QTextCharFormat) -> QTextCharFormat:
        target = str(token.attrs.get(name, ""))
        result = QTextCharFormat(current)
        if target.lower().startswith(_OPENABLE):
            result.merge(self.link_format(target))
            result.setFontUnderline(True)
            result.setToolTip(target)
        return result


def _emphasized(current: QTextCharFormat, kind: str) -> QTextCharFormat:
    result = QTextCharFormat(current)
    if kind == "strong_open":
        result.setFontWeight(QFont.Weight.Bold)
    elif kind == "em_open":
        result.setFontItalic(True)
    else:
        result.setFontStrikeOut(True)
    return result


def _end_of(tokens: "Sequence[Token]", start: int) -> int:
    """Return where the token that closes `tokens[start]` stands; `start` if it needs none."""
    if tokens[start].nesting != 1:
        return start
    depth = 0
    for at in range(start, len(tokens)):
        depth += tokens[at].nesting
        if depth == 0:
            return at
    return len(tokens) - 1
