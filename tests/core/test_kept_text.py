"""A text with its journal: every change comes back, up to where a kill or a full disk broke off."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starpad.core import file_store, kept_text
from starpad.core.edited_text import EditedText, TextChange
from starpad.core.file_store import Signature
from starpad.core.kept_text import KeptHead, KeptText, KeptTextWriter, TextUpdate
from starpad.core.text_file import TextFormat, decode

HEAD = KeptHead(1, Path("/tmp/\udcffname.py"), "name.py", TextFormat("utf-16-le", True, "\r\n"))
TEXTS = st.text(st.sampled_from("ab\n\t😀\u00a0\u2028\0\ud83d\ude00é"), max_size=20)
CHANGES = st.lists(st.builds(TextChange, st.integers(0, 40), st.integers(0, 20), TEXTS), max_size=6)
UPDATES = st.lists(CHANGES, max_size=8)


def whole(text: str, head: KeptHead = HEAD) -> TextUpdate:
    return TextUpdate(head, (TextChange(0, 0, text),), is_whole=True)


def read(folder: Path) -> KeptText:
    return kept_text.read(folder / "1.text")


def journal(folder: Path) -> Path:
    [file] = folder.glob("1.*.edits")
    return file


def cleared(folder: Path) -> KeptTextWriter:
    kept_text.remove(folder, 1)
    assert not list(folder.glob("1.*"))
    return KeptTextWriter(folder, 1)


def every_state(first: str, updates: list[list[TextChange]]) -> list[str]:
    edited = EditedText()
    edited.apply(TextChange(0, 0, first))
    states = [edited.text()]
    for changes in updates:
        for change in changes:
            edited.apply(change)
            states.append(edited.text())
    return states


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXTS, UPDATES, st.data())
def test_a_journal_gives_the_text_back_wherever_it_is_cut(
    tmp_path: Path, first: str, updates: list[list[TextChange]], data: st.DataObject
) -> None:
    writer = cleared(tmp_path)
    writer.write(whole(first))
    head = HEAD
    for number, changes in enumerate(updates):
        head = replace(HEAD, caret=number, revision=number)
        writer.write(TextUpdate(head, tuple(changes)))
    states = every_state(first, updates)
    kept = read(tmp_path)
    assert (kept.text, kept.caret, kept.revision) == (states[-1], head.caret, head.revision)
    assert (kept.path, kept.format) == (HEAD.path, HEAD.format)
    if updates:
        content = journal(tmp_path).read_bytes()
        cut = data.draw(st.integers(0, len(content)))
        journal(tmp_path).write_bytes(content[:cut])
        assert read(tmp_path).text in states
        if cut < len(content):
            spoilt = bytes([content[cut] ^ 1])
            journal(tmp_path).write_bytes(content[:cut] + spoilt + content[cut + 1 :])
            assert read(tmp_path).text in states


def test_a_long_journal_becomes_part_of_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_text, "_LEAST_JOURNAL", 2_000)
    writer = KeptTextWriter(tmp_path, 1)
    writer.write(whole("start "))
    longest = 0
    for number in range(200):
        writer.write(TextUpdate(HEAD, (TextChange(6, 0, f"{number} "),)))
        longest = max([longest, *(each.stat().st_size for each in tmp_path.glob("*.edits"))])
        assert len(list(tmp_path.glob("*.edits"))) <= 1
    assert 1_000 < longest <= 2_000
    assert read(tmp_path).text == "start " + "".join(f"{n} " for n in reversed(range(200)))


def test_a_full_disk_spoils_neither_the_text_nor_what_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = KeptTextWriter(tmp_path, 1)
    writer.write(whole("a"))
    typed = TextUpdate(HEAD, (TextChange(1, 0, "b"),))
    with monkeypatch.context() as patch:

        def full(_number: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            writer.write(typed)
        with pytest.raises(OSError, match="No space"):
            writer.write(typed)
        assert read(tmp_path).text in ("a", "ab")
    writer.write(typed)
    writer.write(TextUpdate(HEAD, (TextChange(2, 0, "c"),)))
    assert read(tmp_path).text == "abc"
    monkeypatch.setattr(kept_text, "_LEAST_JOURNAL", 1)
    with monkeypatch.context() as patch:
        patch.setattr(file_store, "replace", full_replace)
        writer.write(TextUpdate(HEAD, (TextChange(3, 0, "d"),)))
    assert read(tmp_path).text == "abcd"
    writer.write(TextUpdate(HEAD, (TextChange(4, 0, "e"),)))
    assert read(tmp_path).text == "abcde"


def full_replace(*_arguments: object, **_named: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_journal_of_another_text_is_not_followed(tmp_path: Path) -> None:
    writer = KeptTextWriter(tmp_path, 1)
    writer.write(whole("one"))
    writer.write(TextUpdate(HEAD, (TextChange(0, 3, "1"),)))
    content, name = journal(tmp_path).read_bytes(), journal(tmp_path).name
    writer.write(whole("two"))
    (tmp_path / name).write_bytes(content)  # as if killed before it was removed
    assert read(tmp_path).text == "two"


def test_mixed_line_ends_stay_through_a_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = replace(HEAD, format=decode(b"a\r\nb\nc\r\n").format)
    writer = KeptTextWriter(tmp_path, 1)
    writer.write(whole("a\nb\nc\n", mixed))
    writer.write(TextUpdate(mixed, (TextChange(3, 0, "2"),)))
    assert (read(tmp_path).text, read(tmp_path).format.stored) == ("a\nb2\nc\n", "a\r\nb\nc\r\n")
    monkeypatch.setattr(kept_text, "_LEAST_JOURNAL", 1)
    monkeypatch.setattr(kept_text, "_MOST_JOURNAL", 1)
    writer.write(TextUpdate(mixed, (TextChange(4, 0, "3"),)))
    assert read(tmp_path).format.stored == "a\r\nb23\nc\r\n"
    unmixed = replace(mixed, format=replace(mixed.format, stored=""))
    writer.write(TextUpdate(unmixed, ()))
    assert read(tmp_path).format.stored == ""


def test_what_was_written_before_there_were_journals_is_read(tmp_path: Path) -> None:
    body = "😀\ud83d é\nlast".encode("utf-8", "surrogatepass")
    head = {
        "version": 1, "path": "/tmp/a.py", "title": "a.py",
        "format": {
            "encoding": "utf-8", "has_bom": False, "line_end": "\n", "has_raw_bytes": False,
            "stored": "",
        },
        "is_mixed": False,
        "signature": {"mtime_ns": 1, "size": 2, "inode": 3, "sha256": "abc"},
        "caret": 4, "revision": 5, "bytes": len(body),
    }  # fmt: skip
    (tmp_path / "1.text").write_bytes(json.dumps(head).encode() + b"\n" + body)
    signature = Signature(1, 2, 3, "abc")
    assert read(tmp_path) == KeptText(
        1, Path("/tmp/a.py"), "a.py", TextFormat(), signature, 4, 5, text="😀\ud83d é\nlast"
    )


def test_what_was_saved_since_is_known(tmp_path: Path) -> None:
    writer = KeptTextWriter(tmp_path, 1)
    writer.write(whole("a"))
    writer.write(TextUpdate(replace(HEAD, is_saved=True), ()))
    assert read(tmp_path).is_saved
    writer.write(TextUpdate(HEAD, (TextChange(1, 0, "b"),)))
    assert (read(tmp_path).is_saved, read(tmp_path).text) == (False, "ab")
