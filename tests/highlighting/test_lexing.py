"""Spans equal what Pygments says of the whole document, line by line, in UTF-16 units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexer import Lexer
from pygments.token import Text, Token, Whitespace

from source_samples import SAMPLES
from starpad.highlighting.lexing import lex, lexer_for
from starpad.highlighting.protocol import MAX_LINE_CHARACTERS, LineSpans

Units = list[list[str]]


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def pygments_types(lexer: Lexer, text: str) -> Units:
    """Return the token type of each UTF-16 unit of each line, as Pygments itself tells it."""
    lines: Units = [[]]
    for token_type, value in lexer.get_tokens(text):
        name = "" if token_type in (Token, Text, Whitespace) else str(token_type)[len("Token.") :]
        for character in value:
            if character == "\n":
                lines.append([])
            else:
                lines[-1] += [name] * _utf16(character)
    return lines[: text.count("\n") + 1]


def span_types(text: str, spans: list[LineSpans]) -> Units:
    """Return the same from spans, checking that they are in order and within their line."""
    lines = []
    for line, line_spans in zip(text.split("\n"), spans, strict=True):
        units = [""] * _utf16(line)
        end = 0
        for start, length, name in line_spans:
            assert end <= start < start + length <= len(units)
            assert name
            end = start + length
            units[start:end] = [name] * length
        lines.append(units)
    return lines


def blanks_dropped(text: str, types: Units) -> Units:
    """Return `types` without the units of white space, which spans may cover or not."""
    result = []
    for line, units in zip(text.split("\n"), types, strict=True):
        blanks = [character.isspace() for character in line for _ in range(_utf16(character))]
        pairs = zip(units, blanks, strict=True)
        result.append([name for name, is_blank in pairs if not is_blank])
    return result


def assert_equal_to_pygments(alias: str, text: str) -> None:
    lexer = lexer_for(alias, "", text)
    spans = list(lex(lexer, text.split("\n")))
    ours = blanks_dropped(text, span_types(text, spans))
    assert ours == blanks_dropped(text, pygments_types(lexer_for(alias, "", text), text))


@pytest.mark.parametrize("alias", SAMPLES)
def test_spans_equal_pygments_own_tokens_of_the_whole_document(alias: str) -> None:
    assert_equal_to_pygments(alias, SAMPLES[alias])
    assert_equal_to_pygments(alias, "\n\n" + SAMPLES[alias].strip() + "\n\n  \n\n")


@given(
    alias=st.sampled_from(["python", "c", "html", "markdown", "yaml", "json"]),
    text=st.text(
        st.sampled_from("ab1 \t\n\"'`/*#<>{}()=:-🦊é\xa0\x0b\x0c\x85\u2028\x00"), max_size=60
    ),
)
def test_whatever_the_text_its_spans_equal_pygments_own_tokens(alias: str, text: str) -> None:
    assert_equal_to_pygments(alias, text)


def test_a_document_always_has_as_many_lines_of_spans_as_lines() -> None:
    for lines in ([""], ["", ""], ["x = 1"], ["x = 1", ""], ["", "x = 1", "", ""]):
        assert len(list(lex(lexer_for("python", "", ""), lines))) == len(lines)


def test_only_newlines_end_lines() -> None:
    [spans] = lex(lexer_for("python", "", ""), ["# a\x0b b\x0c c\x85 d\u2028 e"])
    assert [name for _, _, name in spans] == ["Comment.Single"]


def test_columns_behind_an_emoji_count_utf16_units() -> None:
    [spans] = lex(lexer_for("python", "", ""), ["'🦊🦊' + None"])
    assert spans[-1] == (9, 4, "Keyword.Constant")


def test_neighbors_of_one_type_are_one_span_and_blanks_have_none() -> None:
    [spans] = lex(lexer_for("python", "", ""), ["    'a\\'b'    "])
    assert spans == (
        (4, 2, "Literal.String.Single"),
        (6, 2, "Literal.String.Escape"),
        (8, 2, "Literal.String.Single"),
    )


def test_the_rest_of_a_very_long_line_is_left_out_and_the_next_line_is_not() -> None:
    spans = list(lex(lexer_for("python", "", ""), ["1 " * MAX_LINE_CHARACTERS, "None"]))
    last = spans[0][-1]
    assert MAX_LINE_CHARACTERS - 4 < last[0] + last[1] <= MAX_LINE_CHARACTERS
    assert spans[1] == ((0, 4, "Keyword.Constant"),)


def test_spans_come_line_by_line_before_the_whole_is_lexed() -> None:
    lines = ["x = 1"] * 200_000
    assert next(lex(lexer_for("python", "", ""), lines))[0] == (0, 1, "Name")


@pytest.mark.parametrize(
    ("alias", "file_name", "text", "name"),
    [
        ("python", "a.rb", "", "Python"),
        ("", "a.zig", "", "Zig"),
        ("", "a.m", "@interface A\n@end", "Objective-C"),
        ("", "a.m", "% comment\nfunction x = f()\nend", "Matlab"),
        ("", "", "", "Text only"),
        ("", "a.unknown", "", "Text only"),
        ("no-such-alias", "a.py", "", "Python"),
        ("no-such-alias", "a.unknown", "", "Text only"),
    ],
)
def test_the_alias_tells_the_lexer_and_else_the_file_name(
    alias: str, file_name: str, text: str, name: str
) -> None:
    assert lexer_for(alias, file_name, text).name == name
