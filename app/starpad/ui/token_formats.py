"""The formats of token types, from a Pygments style, made readable on its background."""

from pygments.styles import get_style_by_name
from pygments.token import Error, Token, string_to_tokentype
from PySide6.QtGui import QColor, QFont, QTextCharFormat

from starpad.core.editor_styles import EditorScheme, readable


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
