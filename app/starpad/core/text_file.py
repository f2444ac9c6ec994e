"""Bytes of a text file to the text that the editor shows, and back without losing one.

The rule is a round trip: if `encode` would not give back the bytes that were read, the file opens
read-only with the reason. Never split such text with `str.splitlines`: it also splits at U+0085,
U+2028, form feeds and others, which the editor keeps inside a line.
"""

import codecs
import locale
import re
import unicodedata
from dataclasses import dataclass, field, replace

from starpad.core import line_ends
from starpad.core.errors import FileError

# UTF-32's little-endian mark begins with UTF-16's, so it comes first.
_BYTE_ORDER_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
# What a QTextDocument turns into a line end of its own (measured over all of Unicode).
_BLOCK_BREAKS = ("\r", "\u2029", "\ufdd0", "\ufdd1")
# What PySide takes for a byte order mark at the start of a string: it drops the first and swaps
# all bytes after the second.
_STRING_MARKS = "\ufeff\ufffe"
# Controls that belong to text: bell and backspace, tab, line ends, form feed, escape.
_TEXT_CONTROLS = frozenset("\a\b\t\n\v\f\r\x1b")
_SAMPLE_CHARACTERS = 8192
_MAX_CONTROL_SHARE = 0.1
LONG_LINE = 100_000
"""A key in a longer line takes 25 ms and more, because Qt lays it out as a whole."""
HUGE_LINE = 1_000_000
"""A key in a longer line takes a third of a second and more."""
# A byte that is not UTF-8 is shown as a private character. Python's own stand-ins for them, lone
# surrogates, are dropped by Qt.
_FROM_SURROGATE = {0xDC00 + byte: 0xEF00 + byte for byte in range(0x80, 0x100)}
_TO_SURROGATE = {shown: surrogate for surrogate, shown in _FROM_SURROGATE.items()}
RAW_BYTE = re.compile("[\uef80-\uefff]")
"""What stands for a byte that is no text, in a format with `has_raw_bytes`."""


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How text becomes bytes: a Python codec's name, a byte order mark or none, the line end."""

    encoding: str = "utf-8"
    has_bom: bool = False
    line_end: str = "\n"
    """That of most lines, and of new ones."""
    has_raw_bytes: bool = False
    """U+EF80 to U+EFFF stand for bytes that are not UTF-8."""
    stored: str = field(default="", repr=False)
    """The text as it is stored, if its line ends are not all the same; else empty."""


@dataclass(frozen=True, slots=True)
class TextFile:
    r"""A file's text as the editor shows it (only \n line ends) and how it was stored."""

    text: str
    format: TextFormat
    read_only_reason: str = ""
    """One sentence why saving would lose something; empty if nothing would be lost."""
    is_binary: bool = False
    """It does not look like text at all."""
    longest_line: int = 0
    """In characters; 0 if no line is longer than LONG_LINE."""


def decode(data: bytes, encoding: str | None = None) -> TextFile:
    """Return the text of a file's bytes. Never fails: what cannot be edited says why.

    Tried in order if no `encoding` is given: a byte order mark, UTF-8 (also with some bytes that
    are not, where most of it is), the locale's encoding, Latin-1 (which takes all).
    """
    decoded, found, is_damaged = _decoded(data, encoding)
    ends = line_ends.counts(decoded)
    text = line_ends.unified(decoded)
    shown = _as_the_editor_holds(text)
    file_format = replace(found, line_end=max(ends, key=lambda end: ends[end]))
    is_binary = _looks_binary(text)
    if is_damaged:
        reason = (
            f"This file holds bytes that are not {found.encoding.upper()}; reopen it with another "
            "encoding, or save the readable part as a copy."
        )
    elif is_binary:
        reason = "This looks like a binary file, not text; open it with the program it belongs to."
    elif shown != text:
        reason = (
            "This file holds characters that the editor cannot keep "
            f"({_lost_characters(text)}); remove them with another program, or save a copy."
        )
    elif not _gives(decoded, found, data):
        reason = (
            f"Some bytes of this file have no unique meaning in {found.encoding}, so saving would "
            "change them; convert it to UTF-8 with another program, or save a copy."
        )
    else:
        reason = ""
        if sum(map(bool, ends.values())) > 1:
            file_format = replace(file_format, stored=decoded)
    return TextFile(shown, file_format, reason, is_binary, _longest_line(shown))


def encode(text: str, file_format: TextFormat) -> bytes:
    r"""Return the bytes to write for `text`, whose line ends are all \n.

    Raises FileError if the encoding is unknown or cannot hold a character; it names the first.
    """
    text = as_stored(text, file_format)
    encoding = file_format.encoding
    try:
        codec = codecs.lookup(encoding).name
        mark = _BYTE_ORDER_MARKS.get(codec, b"") if file_format.has_bom else b""
        if file_format.has_raw_bytes:
            return mark + text.translate(_TO_SURROGATE).encode(encoding, "surrogateescape")
        return mark + text.encode(encoding)
    except LookupError as error:
        raise FileError(
            f"{encoding} is no text encoding that Starpad knows.", "Save the file as UTF-8."
        ) from error
    except UnicodeEncodeError as error:
        character = text[error.start]
        line = sum(line_ends.counts(text[: error.start]).values()) + 1
        is_unicode = codec.startswith("utf")
        raise FileError(
            f"Line {line} holds {_name(character)}, which {encoding} cannot store.",
            "Delete that character and save again."
            if is_unicode
            else "Save the file as UTF-8; nothing has been written or lost.",
        ) from error


def as_stored(text: str, file_format: TextFormat) -> str:
    r"""Return `text` (\n line ends) with the line ends that it is stored with."""
    if file_format.stored:
        return line_ends.carried(file_format.stored, text, file_format.line_end)
    if file_format.line_end != "\n":
        return text.replace("\n", file_format.line_end)
    return text


def after_saving(text: str, file_format: TextFormat) -> TextFormat:
    """Return the format of a file that `text` was just written to."""
    if not file_format.stored:
        return file_format
    stored = as_stored(text, file_format)
    is_mixed = sum(map(bool, line_ends.counts(stored).values())) > 1
    return replace(file_format, stored=stored if is_mixed else "")


def raw_byte(character: str) -> int:
    """Return the byte that a character of RAW_BYTE stands for."""
    return ord(character) - 0xEF00


def document_text(raw: str) -> str:
    r"""Return the text of `QTextDocument.toRawText()`: its U+2029 line ends become \n.

    `toPlainText()` is no substitute: it turns no-break spaces and U+2028 into others.
    """
    return raw.replace("\u2029", "\n")


def _decoded(data: bytes, encoding: str | None) -> tuple[str, TextFormat, bool]:
    """Return the text with its line ends as they are, its format, and whether it is damaged."""
    marked = next((name for name, mark in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), "")
    if encoding is not None and codecs.lookup(encoding).name != marked:
        return _decoded_as(TextFormat(encoding), data)
    if marked:
        body = data[len(_BYTE_ORDER_MARKS[marked]) :]
        return _decoded_as(TextFormat(marked, has_bom=True), body)
    try:
        return data.decode(), TextFormat(), False
    except UnicodeDecodeError:
        text = _with_raw_bytes(data)
    if text is not None and _is_mostly_utf_8(text):
        return text, TextFormat(has_raw_bytes=True), False
    try:
        name = _locale_encoding()
        return data.decode(name), TextFormat(name), False
    except UnicodeDecodeError:
        return data.decode("latin-1"), TextFormat("latin-1"), False


def _decoded_as(found: TextFormat, data: bytes) -> tuple[str, TextFormat, bool]:
    try:
        return data.decode(found.encoding), found, False
    except UnicodeDecodeError:
        text = _with_raw_bytes(data) if found.encoding == "utf-8" else None
    if text is not None:
        return text, replace(found, has_raw_bytes=True), False
    return data.decode(found.encoding, errors="replace"), found, True


def _with_raw_bytes(data: bytes) -> str | None:
    """Return UTF-8 text with stand-ins for the bytes that are not; None if it has such itself."""
    if RAW_BYTE.search(data.decode(errors="ignore")):
        return None
    return data.decode(errors="surrogateescape").translate(_FROM_SURROGATE)


def _is_mostly_utf_8(text: str) -> bool:
    """Tell UTF-8 with some wrong bytes from another encoding: there, few letters look like it."""
    wrong = len(RAW_BYTE.findall(text))
    other = len(text) - len(text.encode("ascii", "ignore")) - wrong
    return other >= wrong


def _locale_encoding() -> str:
    """Return the locale's codec; Latin-1 where it names none that Python has."""
    try:
        return codecs.lookup(locale.getencoding()).name
    except LookupError:
        return "latin-1"


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


def _longest_line(text: str) -> int:
    """Return the length of the longest line; 0 if none is longer than LONG_LINE."""
    longest = start = 0
    while len(text) - start > LONG_LINE:
        # In one leap over all lines that end within reach.
        end = text.rfind("\n", start, start + LONG_LINE + 1)
        if end < 0:
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            longest = max(longest, end - start)
        start = end + 1
    return longest


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
