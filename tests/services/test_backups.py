"""The thread that keeps unsaved text: the latest state counts, and a failure is told and mended."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from starpad.core.edited_text import TextChange
from starpad.core.errors import FileError
from starpad.core.kept_text import KeptHead, TextUpdate
from starpad.core.session_store import KeptTab, KeptTabs, LeftSession, SessionStore
from starpad.core.text_file import TextFormat
from starpad.services.backups import BackupService


def text(number: int, content: str, removed: int | None = None) -> TextUpdate:
    """Return all of a document's text, or with `removed` what is typed over its start."""
    head = KeptHead(number, None, f"Untitled {number}", TextFormat())
    change = TextChange(0, removed or 0, content)
    return TextUpdate(head, (change,), is_whole=removed is None)


def left(folder: Path) -> list[LeftSession]:
    store = SessionStore(folder)
    found = store.claim()
    store.close()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions"


@pytest.fixture
def service(qapp: object, folder: Path) -> Iterator[BackupService]:
    service = BackupService(folder)
    yield service
    service.shutdown()


def test_the_latest_state_of_each_document_is_kept(service: BackupService, folder: Path) -> None:
    for number in range(100):
        service.keep(text(1, f"state {number}"))
    service.keep(text(2, "two"))
    service.keep(text(3, "three"))
    service.drop(3)
    tabs = KeptTabs((KeptTab(1, None, 3), KeptTab(2, None)), current=2)
    service.arrange(tabs)
    service.flush()
    service.shutdown()
    [session] = left(folder)
    assert [kept.text for kept in session.texts] == ["state 99", "two"]
    assert session.tabs == tabs


def test_what_waits_at_the_end_is_written(service: BackupService, folder: Path) -> None:
    service.keep(text(1, "last"))
    service.shutdown()
    service.shutdown()
    service.keep(text(1, "after the end"))
    [session] = left(folder)
    assert [kept.text for kept in session.texts] == ["last"]


def test_without_anything_to_keep_nothing_is_made(service: BackupService, folder: Path) -> None:
    service.flush()
    service.shutdown()
    assert not folder.exists()


def test_a_failure_is_told_once_and_tried_again(
    qtbot: QtBot, service: BackupService, folder: Path
) -> None:
    folder.parent.write_text("a file where the folder should be")
    told: list[FileError] = []
    service.failed.connect(told.append)
    service.keep(text(1, "one"))
    with pytest.raises(FileError, match="cannot be kept"):
        service.flush()
    service.keep(text(1, "one, two"))
    with pytest.raises(FileError):
        service.flush()
    qtbot.waitUntil(lambda: bool(told))
    assert len(told) == 1
    folder.parent.unlink()
    service.flush()
    service.shutdown()
    [session] = left(folder)
    assert [kept.text for kept in session.texts] == ["one, two"]


def test_a_left_session_goes_only_when_all_is_kept_anew(
    qtbot: QtBot, service: BackupService, folder: Path
) -> None:
    before = SessionStore(folder)
    before.update_text(text(5, "old"))
    before.close()
    [session] = service.claim()
    service.keep(text(1, "old"))
    service.remove(session)
    service.flush()
    assert not session.folder.exists()
    assert left(folder) == []  # ours is in use
    service.shutdown()
    assert [[kept.text for kept in one.texts] for one in left(folder)] == [["old"]]
