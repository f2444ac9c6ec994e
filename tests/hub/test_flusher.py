"""Flushing keeps nobody waiting, and what the disk says about it is not lost."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from downloading import NAME, REPOSITORY, SIZE, Window, assert_installed, model, order_of, part
from fakehub import FakeHub
from starpad.core.download import DownloadState
from starpad.core.hub_errors import HubProblem
from starpad.hub.flusher import Flusher


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


class Disk:
    """A slow disk: each flush waits until it may end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.error: OSError | None = None
        self._real = os.fsync
        monkeypatch.setattr("starpad.hub.flusher.os.fsync", self._fsync)

    def _fsync(self, descriptor: int) -> None:
        if not threading.current_thread().name.startswith("flush "):
            self._real(descriptor)  # a record's
            return
        self.count += 1
        self.has_begun.set()
        assert self.may_end.wait(20)
        if self.error is not None:
            raise self.error


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def flusher(tmp_path: Path) -> Flusher:
    (tmp_path / "file").write_bytes(b"text")
    return Flusher(tmp_path / "file")


def test_a_flush_is_waited_for_only_at_the_end(disk: Disk, flusher: Flusher) -> None:
    flusher.begin()
    assert disk.has_begun.wait(10)
    flusher.begin()
    assert disk.count == 1
    disk.may_end.set()
    flusher.finish()
    flusher.begin()
    flusher.finish()
    assert disk.count == 2


def test_what_the_disk_says_is_told_once(disk: Disk, flusher: Flusher) -> None:
    disk.error = OSError(errno.EIO, "no disk")
    disk.may_end.set()
    flusher.begin()
    with pytest.raises(OSError, match="no disk"):
        flusher.finish()
    flusher.finish()


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    flusher = Flusher(tmp_path / "none")
    flusher.begin()
    with pytest.raises(FileNotFoundError):
        flusher.finish()


def test_nothing_is_installed_before_it_is_on_the_disk(
    hub: FakeHub, disk: Disk, tmp_path: Path
) -> None:
    with Window(tmp_path) as window:
        window.queue.add(order_of(hub))
        assert disk.has_begun.wait(20)
        window.wait_for_bytes(SIZE)
        assert window.download.state is DownloadState.VERIFYING
        assert part(tmp_path).exists()
        disk.may_end.set()
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, window.download.order)


def test_a_disk_that_turns_out_to_be_full_pauses(hub: FakeHub, disk: Disk, tmp_path: Path) -> None:
    """As where space is only given when it is written through: on other machines' disks."""
    disk.error = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    disk.may_end.set()
    with Window(tmp_path) as window:
        download = window.fetch(order_of(hub))
        assert download.state is DownloadState.PAUSED
        assert download.problem is HubProblem.DISK_FULL
        disk.error = None
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)
