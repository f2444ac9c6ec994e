"""The models folder moves, with Starpad's help or behind its back, and no download is lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from downloading import (
    FAST,
    NAME,
    REPOSITORY,
    SIZE,
    Window,
    assert_installed,
    bytes_sent,
    model,
    order_of,
    part,
    working_threads,
)
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadOrder, DownloadState

HALF = SIZE // 2
PATIENT = replace(FAST, silence_s=60)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


@pytest.fixture
def order(hub: FakeHub) -> DownloadOrder:
    """Return an order whose transfer stalls at half, until the faults are cleared."""
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF, seconds=600, times=None)
    return order_of(hub)


def test_a_moved_folder_takes_its_downloads_along(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with Window(old, limits=PATIENT) as window:
        window.queue.add(order)
        window.wait_for_bytes(HALF)
        hub.faults.clear()

        def move() -> None:
            assert not working_threads()
            old.rename(new)

        assert window.queue.relocate(new, move) == []
        window.wait_for(DownloadState.DONE)
        assert window.queue.folder == new
        assert_installed(new, order)
    assert bytes_sent(hub) == SIZE
    assert not old.exists()


def test_a_move_that_fails_changes_nothing(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path
) -> None:
    def move() -> None:
        raise OSError("the new disk is full")

    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(order)
        window.wait_for_bytes(HALF)
        hub.faults.clear()
        with pytest.raises(OSError, match="full"):
            window.queue.relocate(tmp_path / "new", move)
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, order)


def test_a_folder_that_is_moved_away_is_missed_and_nothing_is_lost(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path
) -> None:
    folder, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    hub.faults.clear()
    hub.add_fault(".", FaultKind.RATE, origin="content", bytes_per_second=1_000_000, times=None)
    with Window(folder) as window:
        window.queue.add(order)
        window.wait_for_bytes(100_000)
        folder.rename(elsewhere)
        download = window.wait_for(DownloadState.FAILED)
        assert "cannot be reached any more" in download.note
        # Nothing is begun anew in the place where the folder was.
        window.queue.resume(download.id)
        window.wait_for(DownloadState.FAILED)
        assert not folder.exists()
        elsewhere.rename(folder)
        kept = part(folder).stat().st_size
        assert kept >= 100_000
        hub.faults.clear()
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)
        assert_installed(folder, order)
    assert hub.requests_of("content")[-1].bytes_sent == SIZE - kept


def test_downloads_that_the_new_folder_held_already_are_taken_up(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with Window(new, limits=PATIENT) as window:
        window.queue.add(order)
        window.wait_for_bytes(HALF)
    (new / "garbage.gguf.part.json").write_text("garbage")
    hub.faults.clear()
    with Window(old) as window:
        (sentence,) = window.queue.relocate(new)
        assert "garbage.gguf was damaged" in sentence
        window.queue.remove_orphan(new / "garbage.gguf.part.json.damaged")
        window.wait_for(DownloadState.DONE)
        assert_installed(new, order)
