"""The formats of token types, from a Pygments style, made readable on its background."""

from pygments.styles import get_style_by_name
from pygments.token import Error, Token, string_to_tokentype
from PySide6.QtGui import QColor, QFont, QTextCharFormat, QTextLayout

from starpad.core.editor_styles import EditorScheme, readable

_MOST_RANGES = 10_000


def colors_of(style: str) -> tuple[str, str]:
    """Return the background of a Pygments style, and its text's color, empty if it has none."""
    found = get_style_by_name(style)
    color = found.style_for_token(Token)["color"]
    return found.background_color.lower(), f"#{color}" if color else ""


class TokenFormats:
    """Makes the format of a token type when it is first asked for."""

    def __init__(self, style: str, scheme: EditorScheme, least: float) -> None:
        self._styles = dict(iter(get_style_by_name(style)))
        self._scheme = scheme
        self._least = least
        self._formats: dict[str, QTextCharFormat] = {}

    def format_for(self, token_type: str) -> QTextCharFormat:
        """Return the format of a token type such as `Name.Function`; do not change it."""
        known = self._formats.get(token_type)
        if known is None:
            known = self._formats[token_type] = self._make(token_type)
        return known

    def _make(self, token_type: str) -> QTextCharFormat:
        kind = string_to_tokentype(token_type)
        result = QTextCharFormat()
        if kind is Error:
            result.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            result.setUnderlineColor(QColor(self._scheme.error))
            return result
        while kind not in self._styles and kind.parent is not None:  # younger than the style
            kind = kind.parent
        look, plain = self._styles[kind], self._styles[Token]
        background = self._scheme.background
        if look["bgcolor"]:
            background = f"#{look['bgcolor']}"
            result.setBackground(QColor(background))
        if look["color"] != plain["color"] or look["bgcolor"]:
            color = f"#{look['color']}" if look["color"] else self._scheme.text
            color = readable(color, background, self._scheme.text, self._least)
            result.setForeground(QColor(color))
        if look["bold"]:
            result.setFontWeight(QFont.Weight.Bold)
        if look["italic"]:
            result.setFontItalic(True)
        if look["underline"]:
            result.setFontUnderline(True)
        return result


class FormatRanges(dict[tuple[int, int, str], QTextLayout.FormatRange | None]):
    """Qt's range for each span (start, length, token type); None where text is plain.

    Made once: lines have many in common with others, and for each key a line with itself.
    """

    def __init__(self, formats: TokenFormats) -> None:
        super().__init__()
        self._formats = formats

    def __missing__(self, span: tuple[int, int, str]) -> QTextLayout.FormatRange | None:
        if len(self) >= _MOST_RANGES:
            self.clear()
        start, length, token_type = span
        text_format = self._formats.format_for(token_type)
        made = None if text_format.isEmpty() else format_range(start, length, text_format)
        self[span] = made
        return made


def format_range(start: int, length: int, text_format: QTextCharFormat) -> QTextLayout.FormatRange:
    """Return a range of a layout's text (UTF-16 units) with its format."""
    result = QTextLayout.FormatRange()
    result.start = start
    result.length = length
    result.format = text_format
    return result
