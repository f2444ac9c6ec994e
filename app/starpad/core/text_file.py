"""Bytes of a text file to the text that the editor shows, and back without losing one.

The rule is a round trip: if `encode` would not give back the bytes that were read, the file opens
read-only with the reason. Never split such text with `str.splitlines`: it also splits at U+0085,
U+2028, form feeds and others, which the editor keeps inside a line.
"""

import codecs
import locale
import unicodedata
from dataclasses import dataclass, replace

from starpad.core.errors import FileError

# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
_BYTE_ORDER_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
_END_NAMES = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}
# What a QTextDocument turns into a line end of its own (measured over all of Unicode).
_BLOCK_BREAKS = ("\r", "\u2029", "\ufdd0", "\ufdd1")
# What PySide takes for a byte order mark at the start of a string: it drops the first and swaps
# all bytes after the second.
_STRING_MARKS = "\ufeff\ufffe"
# Controls that belong to text: bell and backspace, tab, line ends, form feed, escape.
_TEXT_CONTROLS = frozenset("\a\b\t\n\v\f\r\x1b")
_SAMPLE_CHARACTERS = 8192
_MAX_CONTROL_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How text becomes bytes: a Python codec's name, a byte order mark or none, the line end."""

    encoding: str = "utf-8"
    has_bom: bool = False
    line_end: str = "\n"


@dataclass(frozen=True, slots=True)
class TextFile:
    r"""A file's text as the editor shows it (only \n line ends) and how it was stored."""

    text: str
    format: TextFormat
    read_only_reason: str = ""
    """One sentence why saving would lose something; empty if nothing would be lost."""
    can_normalize: bool = False
    """The only obstacle is mixed line ends: `normalized` makes the text editable."""


def decode(data: bytes) -> TextFile:
    """Return the text of a file's bytes. Never fails: what cannot be edited says why.

    Tried in order: a byte order mark, UTF-8, the locale's encoding, Latin-1 (which takes all).
    """
    decoded, encoding, is_damaged = _decoded(data)
    has_bom = encoding in _BYTE_ORDER_MARKS and data.startswith(_BYTE_ORDER_MARKS[encoding])
    ends = _line_end_counts(decoded)
    text = decoded.replace("\r\n", "\n").replace("\r", "\n")
    shown = _as_the_editor_holds(text)
    file_format = TextFormat(encoding, has_bom, max(ends, key=lambda end: ends[end]))
    kinds = [f"{count} {_END_NAMES[end]}" for end, count in ends.items() if count]
    can_normalize = False
    if is_damaged:
        reason = (
            f"This file starts like {encoding.upper()} text but holds bytes that are not; "
            "repair it with the program that wrote it, or save the readable part as a copy."
        )
    elif _looks_binary(text):
        reason = "This looks like a binary file, not text; open it with the program it belongs to."
    elif shown != text:
        reason = (
            "This file holds characters that the editor cannot keep "
            f"({_lost_characters(text)}); remove them with another program, or save a copy."
        )
    elif not _gives(decoded, replace(file_format, line_end="\n"), data):
        reason = (
            f"Some bytes of this file have no unique meaning in {encoding}, so saving would "
            "change them; convert it to UTF-8 with another program, or save a copy."
        )
    elif len(kinds) > 1:
        reason = (
            f"This file mixes line ends ({', '.join(kinds)}), and saving would make them all "
            f"{_END_NAMES[file_format.line_end]}; choose “Edit anyway” if that is what you want."
        )
        can_normalize = True
    else:
        reason = ""
    return TextFile(shown, file_format, reason, can_normalize)


def encode(text: str, file_format: TextFormat) -> bytes:
    r"""Return the bytes to write for `text`, whose line ends are all \n.

    Raises FileError if the encoding is unknown or cannot hold a character; it names the first.
    """
    if file_format.line_end != "\n":
        text = text.replace("\n", file_format.line_end)
    encoding = file_format.encoding
    try:
        codec = codecs.lookup(encoding).name
        mark = _BYTE_ORDER_MARKS.get(codec, b"") if file_format.has_bom else b""
        return mark + text.encode(encoding)
    except LookupError as error:
        raise FileError(
            f"{encoding} is no text encoding that Starpad knows.", "Save the file as UTF-8."
        ) from error
    except UnicodeEncodeError as error:
        character = text[error.start]
        line = text.count(file_format.line_end, 0, error.start) + 1
        is_unicode = codec.startswith("utf")
        raise FileError(
            f"Line {line} holds {_name(character)}, which {encoding} cannot store.",
            "Delete that character and save again."
            if is_unicode
            else "Save the file as UTF-8; nothing has been written or lost.",
        ) from error


def document_text(raw: str) -> str:
    r"""Return the text of `QTextDocument.toRawText()`: its U+2029 line ends become \n.

    `toPlainText()` is no substitute: it turns no-break spaces and U+2028 into others.
    """
    return raw.replace("\u2029", "\n")


def normalized(file: TextFile) -> TextFile:
    """Return a file of mixed line ends as an editable one: saving writes the majority's line end.

    Raises FileError if mixed line ends are not the only obstacle.
    """
    if not file.can_normalize:
        raise FileError("This file has no mixed line ends to make equal.", file.read_only_reason)
    return replace(file, read_only_reason="", can_normalize=False)


def _decoded(data: bytes) -> tuple[str, str, bool]:
    """Return the text with its line ends as they are, the encoding, and whether it is damaged."""
    marked = [name for name, mark in _BYTE_ORDER_MARKS.items() if data.startswith(mark)]
    for encoding in (*marked, "utf-8", _locale_encoding()):
        mark = _BYTE_ORDER_MARKS[encoding] if encoding in marked else b""
        try:
            return data[len(mark) :].decode(encoding), encoding, False
        except UnicodeDecodeError:
            continue
    if marked and marked[-1] != "utf-8":
        encoding = marked[-1]
        body = data[len(_BYTE_ORDER_MARKS[encoding]) :]
        return body.decode(encoding, errors="replace"), encoding, True
    return data.decode("latin-1"), "latin-1", False


def _locale_encoding() -> str:
    """Return the locale's codec; Latin-1 where it names none that Python has."""
    try:
        return codecs.lookup(locale.getencoding()).name
    except LookupError:
        return "latin-1"


def _line_end_counts(text: str) -> dict[str, int]:
    """Count each kind of line end; LF comes first, so that it wins a tie."""
    crlf = text.count("\r\n")
    return {"\n": text.count("\n") - crlf, "\r\n": crlf, "\r": text.count("\r") - crlf}


def _as_the_editor_holds(text: str) -> str:
    """Return what a QTextDocument gives back for `text`."""
    for character in _BLOCK_BREAKS:
        text = text.replace(character, "\n")
    return text.lstrip(_STRING_MARKS)


def _looks_binary(text: str) -> bool:
    """Judge by the start of the file, as `file` and Git do: a NUL, or many controls."""
    sample = text[:_SAMPLE_CHARACTERS]
    controls = sum(character < " " and character not in _TEXT_CONTROLS for character in sample)
    return "\0" in sample or controls > len(sample) * _MAX_CONTROL_SHARE


def _lost_characters(text: str) -> str:
    found = [character for character in _BLOCK_BREAKS if character in text]
    return ", ".join(map(_name, found or text[:1]))


def _gives(decoded: str, file_format: TextFormat, data: bytes) -> bool:
    """Say whether encoding gives the file's bytes again."""
    try:
        return encode(decoded, file_format) == data
    except FileError:
        return False


def _name(character: str) -> str:
    """Return how to speak of a character, e.g. `“→” (U+2192 RIGHTWARDS ARROW)`."""
    number = f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
    return f"“{character}” ({number})" if character.isprintable() else number
