"""Unsaved text that Starpad 0.1.0 kept is read, damaged entries survive the reader."""

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from starpad.core.errors import FileError
from starpad.core.recovery import RecoveredDocument, clear, load
from starpad.core.text_file import TextFormat

ODD = "<fim_middle> 😀\t\u00a0\u2028\0 \ud83d half a pair\nlast line"
UNTITLED = RecoveredDocument(None, "Untitled 1", ODD, TextFormat(), 7)
NAMED = RecoveredDocument(
    Path("/tmp/\udcffname.py"), "name.py", "", TextFormat("utf-16-le", True, "\r\n"), 0
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "recovery"
    folder.mkdir(parents=True)
    return folder


def save(folder: Path, documents: list[RecoveredDocument]) -> list[Path]:
    """Write entries as Starpad 0.1.0 did."""
    entries = []
    for document in documents:
        stored_as = asdict(document.format)
        fields = {
            "path": document.path and str(document.path),
            "title": document.title,
            "text": document.text,
            "format": {name: stored_as[name] for name in ("encoding", "has_bom", "line_end")},
            "caret": document.caret,
        }
        entry = folder / f"{len(list(folder.iterdir())):020}-1234-0000.json"
        entry.write_text(json.dumps(fields), "ascii")
        entries.append(entry)
    return entries


def test_what_is_saved_is_loaded_in_the_same_order(folder: Path) -> None:
    entries = save(folder, [NAMED, UNTITLED])
    loaded = load(folder)
    assert [document.entry for document in loaded] == entries
    assert [replace(document, entry=None) for document in loaded] == [NAMED, UNTITLED]


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


def test_an_entry_that_cannot_be_deleted_is_named(folder: Path) -> None:
    with pytest.raises(FileError, match="could not be deleted"):
        clear([folder])
