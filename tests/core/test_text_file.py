"""Decoding and encoding text files: nothing that is read and saved loses a byte."""

import codecs
import locale

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starpad.core.errors import FileError
from starpad.core.text_file import TextFormat, after_saving, decode, document_text, encode

LINE_ENDS = ("\n", "\r\n", "\r")


def use_locale(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(locale, "getencoding", lambda: encoding)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", TextFormat()),
        (b"a = 1\n", TextFormat()),
        (b"a = 1", TextFormat()),
        (b"a\r\nb\r\n", TextFormat(line_end="\r\n")),
        (b"a\rb\r", TextFormat(line_end="\r")),
        (codecs.BOM_UTF8 + b"a\n", TextFormat(has_bom=True)),
        (codecs.BOM_UTF8, TextFormat(has_bom=True)),
        (codecs.BOM_UTF16_LE + "é\n".encode("utf-16-le"), TextFormat("utf-16-le", True)),
        (codecs.BOM_UTF16_BE + "é\r\n".encode("utf-16-be"), TextFormat("utf-16-be", True, "\r\n")),
        (codecs.BOM_UTF32_LE + "é\n".encode("utf-32-le"), TextFormat("utf-32-le", True)),
        (codecs.BOM_UTF32_BE + "é\n".encode("utf-32-be"), TextFormat("utf-32-be", True)),
        (b"caf\xe9\n", TextFormat("latin-1")),
        ("\x85\xa0".encode("latin-1"), TextFormat("latin-1")),
    ],
)
def test_the_format_is_recognized_and_gives_the_same_bytes(
    data: bytes, expected: TextFormat
) -> None:
    file = decode(data)
    assert file.format == expected
    assert file.read_only_reason == ""
    assert "\r" not in file.text
    assert encode(file.text, file.format) == data


@pytest.mark.parametrize(
    "text",
    [
        "<fim_prefix>a<fim_suffix>b<fim_middle>c<|endoftext|>",
        "emoji 😀 👩‍👩‍👧‍👦 é and e\u0301",
        "\tif x:\n\t\treturn\t1\n",
        "no\u00a0break\u202fspace",
        "separator\u2028vertical\vform\ffeed\u0085next\x1cline",
        "a\ufeffb: a byte order mark inside",
        "escape \x1b[0m and bell \a and delete \x7f",
        "trailing blanks   \n\n\n",
        "\n",
        "private \ue000 and last \U0010fffd",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-be"])
@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_odd_but_valid_text_is_editable_and_survives(
    text: str, encoding: str, line_end: str
) -> None:
    data = encode(text, TextFormat(encoding, True, line_end))
    file = decode(data)
    assert (file.text, file.read_only_reason) == (text, "")
    assert encode(file.text, file.format) == data


def test_a_nul_behind_the_start_is_kept() -> None:
    data = b"x" * 9000 + b"\0\n"
    file = decode(data)
    assert file.read_only_reason == ""
    assert encode(file.text, file.format) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        bytes(range(1, 9)) + b"text" * 9,
    ],
)
def test_binary_data_opens_read_only_and_says_so(data: bytes) -> None:
    assert "binary" in decode(data).read_only_reason


def test_colored_terminal_output_is_not_binary() -> None:
    assert decode(b"\x1b[1m\x1b[31m!\x1b[0m\n" * 100).read_only_reason == ""


def test_utf_16_that_breaks_off_opens_read_only() -> None:
    file = decode(codecs.BOM_UTF16_LE + "日本".encode("utf-16-le") + b"\x00\xd8")
    assert file.text == "日本\ufffd"
    assert "UTF-16-LE" in file.read_only_reason


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + b"\xff\xe9",
        "naïve \u00a0".encode() + b"\xff and \xc3",
        "é".encode() * 3 + b"\xed\xa0\x80",
        "日本\r\n".encode() + b"\x80\r\n",
    ],
)
def test_bytes_that_are_not_utf_8_are_kept_in_what_else_is(data: bytes) -> None:
    file = decode(data)
    assert (file.format.encoding, file.format.has_raw_bytes) == ("utf-8", True)
    assert (file.read_only_reason, encode(file.text, file.format)) == ("", data)
    assert encode(f"é{file.text}", file.format).endswith(data.removeprefix(codecs.BOM_UTF8))


def test_private_characters_are_not_taken_for_wrong_bytes() -> None:
    data = "é\uef80".encode() + b"\x80"
    assert decode(data).format == TextFormat("latin-1")
    assert "UTF-8" in decode(data, "utf-8").read_only_reason
    plain = decode("é\uef80".encode())
    assert plain.text == "é\uef80"
    assert encode(plain.text, plain.format) == "é\uef80".encode()


def test_a_file_is_read_in_the_encoding_that_is_asked_for() -> None:
    data = "Привет\r\n".encode("cp1251")
    assert decode(data).format.encoding == "latin-1"
    file = decode(data, "cp1251")
    assert (file.text, file.format) == ("Привет\n", TextFormat("cp1251", line_end="\r\n"))
    assert encode(file.text, file.format) == data


def test_a_mark_counts_only_for_its_own_encoding() -> None:
    data = codecs.BOM_UTF8 + b"a\n"
    assert decode(data, "utf-8").format == TextFormat(has_bom=True)
    assert decode(data, "cp1252").text == "ï»¿a\n"
    assert "UTF-16-LE" in decode(data, "utf-16-le").read_only_reason


@pytest.mark.parametrize(
    ("text", "shown", "named"),
    [
        ("a\u2029b", "a\nb", "U+2029 PARAGRAPH SEPARATOR"),
        ("a\ufdd0b", "a\nb", "U+FDD0"),
        ("\ufdd1", "\n", "U+FDD1"),
        ("\ufeffa", "a", "U+FEFF"),
        ("\ufffea", "a", "U+FFFE"),
    ],
)
def test_text_that_the_editor_cannot_hold_opens_read_only(
    text: str, shown: str, named: str
) -> None:
    file = decode(codecs.BOM_UTF8 + text.encode())
    assert file.text == shown
    assert named in file.read_only_reason


@pytest.mark.parametrize(
    ("data", "usual"),
    [
        (b"a\r\nb\nc\r\n", "\r\n"),
        (b"a\r\nb\n", "\n"),
        (b"a\rb\nc\n", "\n"),
        (b"a\r\r\nb\r\n", "\r\n"),
        (b"a\n\r", "\n"),
    ],
)
def test_mixed_line_ends_are_kept_and_the_usual_one_is_known(data: bytes, usual: str) -> None:
    file = decode(data)
    assert (file.read_only_reason, file.format.line_end) == ("", usual)
    assert encode(file.text, file.format) == data
    assert encode(f"{file.text}new\n", file.format) == data + b"new" + usual.encode()


def test_after_saving_the_lines_have_the_ends_that_were_written() -> None:
    file = decode(b"a\r\nb\nc\r\n")
    text = "new\nb\nc\n"
    saved = after_saving(text, file.format)
    assert encode(text, saved) == encode(text, file.format) == b"new\r\nb\nc\r\n"
    assert after_saving("c\n", file.format).stored == ""


@pytest.mark.parametrize(
    ("lengths", "longest"),
    [
        ([], 0),
        ([100_000], 0),
        ([100_001], 100_001),
        ([5, 100_000, 100_000, 7], 0),
        ([5, 100_001, 100_002, 100_000], 100_002),
        ([99_999, 0, 0, 300_000, 0], 300_000),
    ],
)
def test_the_longest_line_is_known_if_it_is_long(lengths: list[int], longest: int) -> None:
    text = "\n".join("x" * length for length in lengths)
    assert decode(text.encode()).longest_line == longest
    assert decode(f"{text}\n".encode()).longest_line == longest


def test_the_locale_is_asked_before_latin_1(monkeypatch: pytest.MonkeyPatch) -> None:
    use_locale(monkeypatch, "cp1252")
    file = decode(b"10 \x80\n")
    assert (file.text, file.format.encoding) == ("10 €\n", "cp1252")
    assert encode(file.text, file.format) == b"10 \x80\n"


def test_what_the_locale_cannot_decode_is_latin_1(monkeypatch: pytest.MonkeyPatch) -> None:
    use_locale(monkeypatch, "cp1252")
    assert decode(b"\x81").format.encoding == "latin-1"


def test_a_locale_that_python_does_not_know_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    use_locale(monkeypatch, "klingon-8")
    assert decode(b"\xe9").text == "é"


@pytest.mark.parametrize(
    ("encoding", "data"), [("cp932", b"\x87\x90"), ("iso2022_jp", b"\x1b\xff")]
)
def test_bytes_that_an_encoding_would_not_give_back_open_read_only(
    monkeypatch: pytest.MonkeyPatch, encoding: str, data: bytes
) -> None:
    # Two Shift-JIS codes for the same sign; an escape that is decoded but not encoded.
    use_locale(monkeypatch, encoding)
    file = decode(data + b" text and more text\n")
    assert file.format.encoding == encoding
    assert encoding in file.read_only_reason


def test_a_character_that_the_encoding_lacks_is_named_with_its_line() -> None:
    with pytest.raises(FileError) as caught:
        encode("é\nb → c\n", TextFormat("latin-1", line_end="\r\n"))
    assert caught.value.message == (
        "Line 2 holds “→” (U+2192 RIGHTWARDS ARROW), which latin-1 cannot store."
    )
    assert "UTF-8" in caught.value.hint


def test_half_a_surrogate_pair_is_named_without_advising_utf_8() -> None:
    with pytest.raises(FileError) as caught:
        encode("a\n\ud83d", TextFormat())
    assert "Line 2 holds U+D83D, which utf-8" in caught.value.message
    assert "Delete" in caught.value.hint


@pytest.mark.parametrize("encoding", ["klingon-8", "base64"])
def test_an_encoding_that_is_none_is_refused(encoding: str) -> None:
    with pytest.raises(FileError, match=encoding):
        encode("a", TextFormat(encoding))


def test_a_mark_is_written_only_where_the_encoding_has_one() -> None:
    assert encode("a", TextFormat("UTF8", has_bom=True)) == codecs.BOM_UTF8 + b"a"
    assert encode("a", TextFormat("latin-1", has_bom=True)) == b"a"


def test_document_text_keeps_all_but_the_separators_of_blocks() -> None:
    assert document_text("a\u2029b\u2028c\u00a0d\u2029") == "a\nb\u2028c\u00a0d\n"


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text("a\r\né").map(str.encode))
@example(codecs.BOM_UTF16_LE + b"a")
@example(codecs.BOM_UTF32_LE + b"\0\0\0\xff")
@example("\u2028\u2029".encode())
def test_whatever_opens_editable_is_saved_byte_for_byte(data: bytes) -> None:
    file = decode(data)
    assert "\r" not in file.text
    if not file.read_only_reason:
        assert encode(file.text, file.format) == data


@settings(deadline=None)
@given(st.text("ab\r\né\u00a0").map(str.encode), st.data())
def test_one_typed_character_is_one_change(data: bytes, draw: st.DataObject) -> None:
    file = decode(data)
    at = draw.draw(st.integers(0, len(file.text)))
    typed = encode(f"{file.text[:at]}x{file.text[at:]}", file.format)
    assert data in {typed[:n] + typed[n + 1 :] for n in range(len(typed))}


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\u2029\ufdd0\ufdd1\0")),
    st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]),
    st.sampled_from(LINE_ENDS),
)
def test_text_in_any_unicode_encoding_comes_back(text: str, encoding: str, line_end: str) -> None:
    file = decode(encode(text, TextFormat(encoding, True, line_end)))
    if not file.read_only_reason:
        assert file.text == text


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
@pytest.mark.parametrize("rest", [b"a\0b", b"\x00\xd8a\0", b"a\0\x00\xdc"])
def test_broken_utf_16_is_never_taken_for_the_text_of_an_8_bit_locale(
    monkeypatch: pytest.MonkeyPatch, mark: bytes, rest: bytes
) -> None:
    use_locale(monkeypatch, "cp1252")
    file = decode(mark + rest)
    if encode(file.text, file.format) != mark + rest:
        assert "not UTF-16" in file.read_only_reason
    assert (file.format.encoding[:6], file.format.has_bom) == ("utf-16", True)
