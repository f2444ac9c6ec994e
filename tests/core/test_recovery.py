"""Unsaved text survives the program, damaged entries survive the reader."""

import errno
import json
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from starpad.core import recovery
from starpad.core.errors import FileError
from starpad.core.recovery import RecoveredDocument, clear, load, save
from starpad.core.text_file import TextFormat

ODD = "<fim_middle> 😀\t\u00a0\u2028\0 \ud83d half a pair\nlast line"
UNTITLED = RecoveredDocument(None, "Untitled 1", ODD, TextFormat(), 7)
NAMED = RecoveredDocument(
    Path("/tmp/\udcffname.py"), "name.py", "", TextFormat("utf-16-le", True, "\r\n"), 0
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "recovery"


def test_what_is_saved_is_loaded_in_the_same_order(folder: Path) -> None:
    entries = save(folder, [NAMED, UNTITLED])
    entries += save(folder, [replace(UNTITLED, text="later")])
    loaded = load(folder)
    assert [document.entry for document in loaded] == entries
    assert [replace(document, entry=None) for document in loaded] == [
        NAMED,
        UNTITLED,
        replace(UNTITLED, text="later"),
    ]


def test_only_the_user_can_read_the_entries(folder: Path) -> None:
    (entry,) = save(folder, [UNTITLED])
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.listdir(folder) == [entry.name]


def test_nothing_to_save_makes_no_folder(folder: Path) -> None:
    assert save(folder, []) == []
    assert load(folder) == []
    assert not folder.exists()


def test_clearing_removes_only_the_given_entries(folder: Path) -> None:
    first, second = save(folder, [UNTITLED, NAMED])
    clear([first, first])
    assert [document.entry for document in load(folder)] == [second]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"title": "a"}',
        *(
            json.dumps({**json.loads(text), **wrong}).encode()
            for text in [
                '{"path": null, "title": "t", "text": "x", "caret": 0,'
                '"format": {"encoding": "utf-8", "has_bom": false, "line_end": "\\n"}}'
            ]
            for wrong in (
                {"path": 1},
                {"text": None},
                {"caret": -1},
                {"caret": "0"},
                {"format": {"encoding": "klingon-8", "has_bom": False, "line_end": "\n"}},
                {"format": {"encoding": "utf-8", "has_bom": False, "line_end": "x"}},
                {"format": {"encoding": "utf-8", "has_bom": 0, "line_end": "\n"}},
            )
        ),
    ],
)
def test_a_damaged_entry_is_reported_and_left_alone(
    folder: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    (good,) = save(folder, [UNTITLED])
    bad = folder / "0.json"
    bad.write_bytes(damaged)
    with caplog.at_level(logging.WARNING, "starpad"):
        assert [document.entry for document in load(folder)] == [good]
    assert str(bad) in caplog.text
    assert bad.read_bytes() == damaged


def test_a_document_that_cannot_be_kept_does_not_stop_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = recovery.replace

    def full_for_the_first(target: Path, data: bytes, *, mode: int) -> None:
        if b"Untitled 1" in data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(target, data, mode=mode)

    monkeypatch.setattr(recovery, "replace", full_for_the_first)
    with pytest.raises(FileError, match="Untitled 1 could not be kept: No space left"):
        save(folder, [UNTITLED, NAMED])
    assert [document.title for document in load(folder)] == ["name.py"]


def test_an_entry_that_cannot_be_deleted_is_named(folder: Path) -> None:
    folder.mkdir(parents=True)
    with pytest.raises(FileError, match="could not be deleted"):
        clear([folder])
