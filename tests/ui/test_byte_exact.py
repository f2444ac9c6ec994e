"""Files of every kind through the real editor: saved untouched they are the same byte for byte."""

import codecs
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from starpad.bootstrap import Starpad
from starpad.ui.editor.editor_tab import EditorTab

PIECES = [
    "", "a", "def f(x):", "\treturn x", "  # naïve", "no\u00a0break", "sep\u2028arator", "\u0085",
    "\x0b\x0c\x1b[0m", "😀👩‍👩‍👧‍👦", "é e\u0301", "日本語", "\ufeff inside",
    "\ufffd", "private \ue000 \uef05", "<fim_prefix>", "x" * 300, "\u200b\u200f\u202e",
    "\U0010fffd", "\x7f", "ÿ",
]  # fmt: skip
ENDS = ["\n", "\r\n", "\r"]
ENCODINGS: list[tuple[str, bytes]] = [
    ("utf-8", b""),
    ("utf-8", codecs.BOM_UTF8),
    ("utf-16-le", codecs.BOM_UTF16_LE),
    ("utf-16-be", codecs.BOM_UTF16_BE),
    ("utf-32-le", codecs.BOM_UTF32_LE),
    ("utf-32-be", codecs.BOM_UTF32_BE),
    ("latin-1", b""),
    ("cp1252", b""),
]


def generated(count: int, seed: int) -> Iterator[bytes]:
    """Yield the bytes of files: encodings, mixes of line ends, odd characters, wrong bytes."""
    chance = random.Random(seed)
    for _ in range(count):
        ends = chance.choice([ENDS[:1], ENDS[1:2], ENDS[2:], ENDS[:2], ENDS])
        lines = chance.randrange(30)
        text = "".join(
            "".join(chance.choices(PIECES, k=chance.randrange(4))) + chance.choice(ends)
            for _ in range(lines)
        ) + chance.choice(["", "last line"])
        encoding, mark = chance.choice(ENCODINGS)
        data = mark + text.encode(encoding, "ignore")
        if chance.random() < 0.3 and mark[:1] not in (b"\xff", b"\xfe", b"\0"):
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(mark), len(data) + 1)
                data = data[:at] + bytes([chance.randrange(0x80, 0x100)]) + data[at:]
        yield data


@pytest.fixture
def opened(starpad: Starpad, tmp_path: Path) -> Callable[[bytes], tuple[Path, EditorTab]]:
    numbers = iter(range(10_000))

    def open_file(data: bytes) -> tuple[Path, EditorTab]:
        path = tmp_path / f"{next(numbers)}.txt"
        path.write_bytes(data)
        starpad.window.files.open([path])
        tab = starpad.window.tabs.current
        assert tab is not None
        assert tab.document.path == path
        return path, tab

    return open_file


OpenFile = Callable[[bytes], tuple[Path, EditorTab]]


def test_files_are_saved_as_they_were_and_change_by_what_is_typed(
    starpad: Starpad, opened: OpenFile
) -> None:
    check(starpad, opened, 60)


@pytest.mark.slow
def test_five_hundred_files_are_saved_as_they_were_and_change_by_what_is_typed(
    starpad: Starpad, opened: OpenFile
) -> None:
    check(starpad, opened, 500)


def check(starpad: Starpad, opened: OpenFile, count: int) -> None:
    chance = random.Random(3)
    read_only = 0
    for data in generated(count, seed=5):
        path, tab = opened(data)
        if tab.document.read_only_reason:
            # It says why, and there is no way to write it.
            assert tab.editor.isReadOnly()
            read_only += 1
        else:
            path.unlink()
            path.write_bytes(b"")
            starpad.documents.save(tab.document.id, tab.editor.text(), overwrite=True)
            assert path.read_bytes() == data
            typed = _type_one(tab, chance)
            assert starpad.window.files.save(tab)
            saved = path.read_bytes()
            is_one_change = any(
                saved == data[:at] + typed + data[at:] for at in range(len(data) + 1)
            )
            assert is_one_change, (data, saved)
            tab.editor.undo()
            assert starpad.window.files.save(tab)
            assert path.read_bytes() == data
        starpad.window.files.close(tab)
    assert read_only < count / 10


def _type_one(tab: EditorTab, chance: random.Random) -> bytes:
    """Type one letter somewhere; return it as the file stores it."""
    cursor = tab.editor.textCursor()
    cursor.setPosition(chance.randrange(tab.editor.document().characterCount()))
    # Never between the halves of one character.
    if not cursor.atBlockStart():
        cursor.movePosition(cursor.MoveOperation.PreviousCharacter)
    tab.editor.setTextCursor(cursor)
    tab.editor.edit(lambda one: one.insertText("Q"))
    return "Q".encode(tab.document.format.encoding)
