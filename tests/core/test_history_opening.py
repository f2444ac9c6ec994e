"""Opening: damage found before, windows that open or use it at once, and what stands in the way."""

import contextlib
import os
from pathlib import Path

import pytest

from conversations import (
    all_texts,
    ask,
    closed_history,
    copy_of,
    files_beside,
    killed_history,
    overwrite,
)
from starpad.core import history_opening, history_schema
from starpad.core.errors import HistoryError
from starpad.core.history_database import connect
from starpad.core.history_store import HistoryStore

PAGE = history_schema.PAGE_BYTES


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    return closed_history(tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    return killed_history(tmp_path_factory.mktemp("killed"))


@pytest.fixture
def path(closed: tuple[Path, dict[int, str]], tmp_path: Path) -> Path:
    """Return a copy of the database that a test may damage."""
    return copy_of(closed[0], tmp_path / "history")


@pytest.fixture
def texts(closed: tuple[Path, dict[int, str]]) -> dict[int, str]:
    return closed[1]


def test_damage_found_while_it_is_used_is_reported_and_repaired_at_the_next_start(
    path: Path, texts: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_opening, "_CHECKED_BYTES", 0)
    place = path.read_bytes().index(b"5.5 def total")
    overwrite(path, place // PAGE * PAGE, bytes(PAGE))
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert store.reports == ()
        broken = next(each for each in store.conversations() if each.title == "conversation 5")
        with pytest.raises(HistoryError, match="damaged on the disk") as caught:
            store.conversation(broken.id)
        assert "Start Starpad again" in caught.value.hint
        with pytest.raises(HistoryError, match="damaged on the disk"):
            store.check()
        store.conversation(1)
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(store.reports) == 1
        assert 0 < len(texts) - len(all_texts(store)) < 9
        ask(store, "goes on")
    assert files_beside(path) == ["history.db", "history.db.damaged"]


def test_nothing_is_renamed_while_another_window_uses_it(path: Path, texts: dict[int, str]) -> None:
    with contextlib.closing(HistoryStore.open(path)) as window:
        history_opening.note_damage(path)
        with pytest.raises(HistoryError, match="another window") as caught:
            HistoryStore.open(path, busy_s=0.05)
        assert caught.value.retryable
        ask(window, "still written")
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(all_texts(store)) == len(texts) + 1
        assert len(store.reports) == 1


def test_a_note_about_a_file_that_is_gone_is_forgotten(path: Path) -> None:
    history_opening.note_damage(path)
    path.unlink()
    for _ in range(2):
        with contextlib.closing(HistoryStore.open(path)) as store:
            assert store.reports == ()


@pytest.mark.parametrize("step", range(4))
def test_a_recovery_that_is_cut_off_is_finished_by_the_next_start(
    step: int, killed: tuple[Path, dict[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, texts = killed
    path = copy_of(source, tmp_path / "history")
    history_opening.note_damage(path)
    steps = iter([*[True] * step, False])
    real_replace = os.replace

    def replace(old: Path, new: Path) -> None:
        if old.exists() and not next(steps, True):
            raise OSError(28, "No space left on device")
        real_replace(old, new)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(HistoryError, match="no room left"):
            HistoryStore.open(path)
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert all_texts(store) == texts
        [report] = store.reports
        assert "brought back: 5 conversations with 30 messages" in report.message
    assert files_beside(path) == ["history.db", "history.db.damaged", "history.db.damaged-wal"]


def test_a_lock_file_that_holds_something_is_replaced(path: Path, texts: dict[int, str]) -> None:
    path.with_name("history.db.lock").write_bytes(b"noise" * 1000)
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert all_texts(store) == texts


def test_a_history_that_another_window_is_opening_is_waited_for(path: Path) -> None:
    with contextlib.closing(connect(path.with_name("history.db.lock"))) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="another program"):
            HistoryStore.open(path, busy_s=0.05)
    HistoryStore.open(path).close()


def test_what_cannot_be_tidied_up_does_not_keep_the_history_from_opening(
    path: Path, texts: dict[int, str], caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(HistoryStore.open(path)) as store:
        store.delete(1)
        store._db.execute("UPDATE conversations SET deleted_at = 1 WHERE id = 1")
        store._db.execute("BEGIN IMMEDIATE")
        with contextlib.closing(HistoryStore.open(path, busy_s=0.05)) as other:
            assert len(other.conversations()) == 11
        assert "could not be tidied up" in caplog.text


def test_a_disk_that_breaks_again_at_once_is_said_to_be_broken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> bool:
        return True

    monkeypatch.setattr(history_opening, "_is_unusable", broken)
    with pytest.raises(HistoryError, match="damaged again"):
        HistoryStore.open(path)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="could not be read or kept"):
        HistoryStore.open(tmp_path / "file" / "history.db")


def test_alone_keeps_windows_away_and_is_refused_while_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with contextlib.closing(HistoryStore.open(path)):
        with pytest.raises(HistoryError) as caught, history_opening.alone(path):
            pass
        assert caught.value.retryable
    with history_opening.alone(path), pytest.raises(HistoryError, match="in use"):
        HistoryStore.open(path, busy_s=0.1)
    HistoryStore.open(path).close()


def test_alone_leaves_nothing_where_nothing_was(home: Path) -> None:
    with history_opening.alone(home / "history.db"):
        pass
    assert list(home.iterdir()) == []
