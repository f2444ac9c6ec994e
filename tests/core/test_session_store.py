"""Sessions on the disk: what is written is read, nobody takes what another window holds."""

import json
import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from starpad.core.edited_text import TextChange
from starpad.core.file_store import Signature, temporary_beside
from starpad.core.kept_text import KeptText, Saving, TextUpdate
from starpad.core.session_store import KeptTab, KeptTabs, SessionStore
from starpad.core.text_file import TextFormat, decode

ODD = "<fim_middle> 😀\t\u00a0\u2028\0 \ud83d half a pair\nlast line"
UNTITLED = KeptText(1, None, "Untitled 1", TextFormat(), text=ODD)
NAMED = KeptText(
    2,
    Path("/tmp/\udcffname.py"),
    "name.py",
    TextFormat("utf-16-le", True, "\r\n"),
    Signature(1, 2, 3, "abc"),
)
TABS = KeptTabs((KeptTab(2, NAMED.path, 5, 3, 1), KeptTab(1, None)), current=1)
APP = Path(__file__).parents[2] / "app"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions"


@pytest.fixture
def store(folder: Path) -> Iterator[SessionStore]:
    store = SessionStore(folder)
    yield store
    store.close()


def whole(text: KeptText) -> TextUpdate:
    return TextUpdate(text, (TextChange(0, 0, text.text),), is_whole=True)


def own(folder: Path) -> Path:
    [session] = [path for path in folder.iterdir() if path.is_dir()]
    return session


def test_what_a_window_left_is_found_once_and_stays_until_it_is_removed(
    folder: Path, store: SessionStore
) -> None:
    for text in (NAMED, UNTITLED, replace(UNTITLED, number=3)):
        store.update_text(whole(text))
    store.remove_text(3)
    store.write_tabs(TABS)
    store.close()
    [left] = store.claim()
    assert (left.tabs, left.texts) == (TABS, (UNTITLED, NAMED))
    assert store.claim() == []
    store.close()  # as if it had not been brought back
    (own(folder) / ".starpad-0123").write_bytes(b"half a wri")
    [again] = store.claim()
    assert again == left
    store.remove(again)
    assert os.listdir(folder) == ["sessions.lock"]


def test_nothing_to_find_makes_no_folder(folder: Path, store: SessionStore) -> None:
    assert store.claim() == []
    assert not folder.exists()


def test_only_the_user_can_read_it(folder: Path, store: SessionStore) -> None:
    store.update_text(whole(UNTITLED))
    for path in (folder, own(folder)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((own(folder) / "1.text").stat().st_mode) == 0o600


def test_a_window_that_runs_keeps_what_is_its_own(folder: Path, store: SessionStore) -> None:
    store.update_text(whole(UNTITLED))
    other = SessionStore(folder)
    assert other.claim() == []
    other.update_text(whole(NAMED))
    third = SessionStore(folder)
    assert third.claim() == []
    store.close()
    [left] = third.claim()
    assert left.texts == (UNTITLED,)
    other.close()
    assert [one.texts for one in third.claim()] == [(NAMED,)]
    third.close()


def test_a_killed_process_leaves_its_text_and_no_lock(folder: Path, store: SessionStore) -> None:
    steps = f"""
import sys, time
from pathlib import Path
from starpad.core.edited_text import TextChange
from starpad.core.kept_text import KeptHead, TextUpdate
from starpad.core.session_store import SessionStore
from starpad.core.text_file import TextFormat
store = SessionStore(Path({str(folder)!r}))
head = KeptHead(7, None, "Untitled 1", TextFormat())
store.update_text(TextUpdate(head, (TextChange(0, 0, "text"),), True))
print("written", flush=True)
time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": str(APP)}
    with subprocess.Popen(
        [sys.executable, "-c", steps], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        assert store.claim() == []
        process.send_signal(signal.SIGKILL)
        process.wait()
    [left] = store.claim()
    assert [text.text for text in left.texts] == ["text"]


def test_mixed_line_ends_are_kept_with_the_text(folder: Path, store: SessionStore) -> None:
    file = decode(b"a\r\nb\nc\r\n")
    store.update_text(whole(KeptText(1, None, "t", file.format, text="a\nb2\nc\n")))
    store.close()
    [left] = store.claim()
    [text] = left.texts
    assert (text.text, text.format.stored) == ("a\nb2\nc\n", "a\r\nb2\nc\r\n")


def test_a_saving_is_noted_with_the_text_and_forgotten_with_it(
    folder: Path, store: SessionStore
) -> None:
    saving = Saving(1, Path("/tmp/a.py"), "abc")
    store.note_saving(saving)  # nothing is kept that could be older
    assert not folder.exists()
    store.update_text(whole(UNTITLED))
    store.note_saving(saving)
    store.close()
    [left] = store.claim()
    assert left.texts == (replace(UNTITLED, saving=saving),)
    store.remove(left)
    store.update_text(whole(UNTITLED))
    store.note_saving(saving)
    store.remove_text(1)
    assert os.listdir(own(folder)) == ["session.lock"]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]\n",
        b"[" * 100_000,
        b"\xff\xfe",
        *(
            (json.dumps({**json.loads(text), **wrong}) + "\nabc").encode()
            for text in [
                '{"version": 1, "path": null, "title": "t", "is_mixed": false, "signature": null,'
                '"caret": 0, "revision": 0,'
                '"format": {"encoding": "utf-8", "line_end": "\\n"}, "bytes": 3}'
            ]
            for wrong in (
                {"version": 3},
                {"bytes": 4},
                {"path": 1},
                {"signature": {"size": 1}},
                {"format": {"encoding": "klingon-8", "line_end": "\n"}},
                {"format": {"encoding": "utf-8", "line_end": "x"}},
                {"format": {"encoding": "utf-8", "line_end": "\n", "later": 1}},
            )
        ),
    ],
)
def test_a_damaged_text_is_reported_and_never_deleted(
    folder: Path, store: SessionStore, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    store.update_text(whole(UNTITLED))
    store.write_tabs(TABS)
    bad = own(folder) / "9.text"
    bad.write_bytes(damaged)
    store.close()
    with caplog.at_level(logging.WARNING, "starpad"):
        [left] = store.claim()
    assert (left.texts, left.tabs) == ((UNTITLED,), TABS)
    assert str(bad) in caplog.text
    store.remove(left)
    assert bad.read_bytes() == damaged


@pytest.mark.parametrize(
    "damaged", [b"{", b"[]", b'{"version": 9}', b'{"version": 1, "current": 1, "tabs": [1]}']
)
def test_damaged_tabs_do_not_hide_the_texts(
    folder: Path, store: SessionStore, damaged: bytes
) -> None:
    store.update_text(whole(UNTITLED))
    (own(folder) / "tabs.json").write_bytes(damaged)
    store.close()
    [left] = store.claim()
    assert (left.texts, left.tabs) == ((UNTITLED,), KeptTabs())
    store.remove(left)
    assert os.listdir(folder) == ["sessions.lock"]


def test_what_a_killed_save_left_beside_a_file_goes_with_its_session(
    folder: Path, store: SessionStore, tmp_path: Path
) -> None:
    ours, other = temporary_beside(tmp_path / "a.py"), tmp_path / "other.txt"
    for number, path in enumerate((ours, other)):
        path.write_bytes(b"half a text")
        store.write_tabs(TABS)
        store.note_saving(Saving(number, tmp_path / "a.py", "abc", path))
    store.close()
    [left] = store.claim()
    assert ours.exists()
    store.remove(left)
    assert not ours.exists()
    assert other.exists()
    assert os.listdir(folder) == ["sessions.lock"]
