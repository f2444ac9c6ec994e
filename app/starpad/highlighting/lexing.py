"""From text to colored spans, by Pygments."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import Text, Whitespace, _TokenType
from pygments.token import Token as NoType
from pygments.util import ClassNotFound

from starpad.highlighting.protocol import MAX_LINE_CHARACTERS, LineSpans, Span
from starpad.highlighting.resumable import Token

_GUESS_CHARACTERS = 10_000


def lexer_for(alias: str, file_name: str, text: str) -> Lexer:
    """Return the lexer with this alias, else the one for this file name, else that of plain text.

    `text` decides where several languages share a file name ending (`.h`, `.m`).
    """
    if alias:
        with suppress(ClassNotFound):
            return get_lexer_by_name(alias, stripnl=False)
    with suppress(ClassNotFound):
        return get_lexer_for_filename(file_name, text[:_GUESS_CHARACTERS], stripnl=False)
    return TextLexer(stripnl=False)


def lex(lexer: Lexer, lines: Sequence[str]) -> Iterator[LineSpans]:
    """Yield the spans of each of `lines` (no line ends in them), as soon as they are known."""
    text = "\n".join(line[:MAX_LINE_CHARACTERS] for line in lines) + "\n"
    spans_of_lines = spans_by_line(lexer.get_tokens_unprocessed(text))
    for _ in lines:
        yield next(spans_of_lines, ())


def spans_by_line(tokens: Iterable[Token]) -> Iterator[LineSpans]:
    """Yield the spans of each line that `tokens` end.

    Columns count UTF-16 units. White space and text without a token type have no spans;
    neighbors of the same type are one span. Whatever the lexer raises comes through.
    """
    names: dict[_TokenType, str] = {NoType: "", Text: "", Whitespace: ""}
    spans: list[Span] = []
    column = 0
    # As in Pygments itself, a token's place is the sum of the lengths before it: the index that
    # lexers report is not reliable where one lexer is embedded in another.
    for _, token_type, value in tokens:
        if token_type not in names:
            names[token_type] = sys.intern(str(token_type).removeprefix("Token."))
        name = names[token_type]
        for number, part in enumerate(value.split("\n")):
            if number:
                yield tuple(spans)
                spans.clear()
                column = 0
            if part:
                width = len(part) if part.isascii() else _utf16_length(part)
                if name and not part.isspace():
                    _append(spans, (column, width, name))
                column += width


def _append(spans: list[Span], span: Span) -> None:
    """Append `span`, or lengthen the last one if it is its neighbor and of the same type."""
    if spans:
        start, length, name = spans[-1]
        if name is span[2] and start + length == span[0]:
            spans[-1] = (start, length + span[1], name)
            return
    spans.append(span)


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
