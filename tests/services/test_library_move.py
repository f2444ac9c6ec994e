"""Moving the models folder, also while a download runs: all is in the one place or in the other."""

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from downloading import NAME, REPOSITORY, assert_installed, model, order_of, temporary_files
from fakehub import FakeHub, FaultKind
from gguf_files import gguf
from model_folders import FAMILIES, Computer, downloaded, write
from starpad.core.download import Download, DownloadState
from starpad.core.errors import StarpadError
from starpad.hub import local_models, model_files
from starpad.services.background import BackgroundJobs
from starpad.services.downloads import DownloadService
from starpad.services.hub_account import HubAccount
from starpad.services.library_work import LibraryWork, Work
from starpad.services.model_library import ModelLibrary

BIG = gguf(data_bytes=6_000_000)


class Window(QObject):
    """The services as the application has them, and what the user hears."""

    def __init__(self, hub: FakeHub, computer: Computer, data: Path) -> None:
        super().__init__()
        self.jobs = BackgroundJobs()
        self.account = HubAccount(self.jobs, data / "tokens")
        self.account.set_endpoint(hub.endpoint)
        self.downloads = DownloadService(self.account, computer.models)
        self.library = ModelLibrary(self.jobs, data, computer.models, FAMILIES)
        self.work = LibraryWork(self.jobs, self.account, self.library)
        self.works: list[Work | None] = []
        self.failed: list[StarpadError] = []
        self.moved: list[tuple[Path, Path]] = []
        self.finished: list[Download] = []
        self.work.changed.connect(self._on_changed)
        self.work.failed.connect(self._on_failed)
        self.work.folder_moved.connect(self._on_folder_moved)
        self.downloads.finished.connect(self._on_finished)
        self.downloads.start(resume=True)

    def move(self, chosen: Path) -> None:
        self.works.clear()
        self.work.move_folder(chosen, self.downloads.queue.relocate)

    @property
    def is_idle(self) -> bool:
        has_ended = bool(self.works) and self.works[-1] is None
        return has_ended and not self.library._scan_job

    @property
    def paths(self) -> list[Path]:
        return sorted(each.path for each in self.library.models)

    @property
    def folders(self) -> set[Path]:
        return {self.library.folder, self.downloads.queue.folder}

    @Slot(object)
    def _on_changed(self, work: Work | None) -> None:
        self.works.append(work)

    @Slot(object)
    def _on_failed(self, error: StarpadError) -> None:
        self.failed.append(error)

    @Slot(object, object)
    def _on_folder_moved(self, now: Path, before: Path) -> None:
        self.moved.append((now, before))

    @Slot(object)
    def _on_finished(self, download: Download) -> None:
        self.finished.append(download)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    computer = Computer(tmp_path)
    monkeypatch.setattr(local_models, "usual_places", lambda: computer.places)
    return computer


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def window(hub: FakeHub, computer: Computer, data: Path, qtbot: QtBot) -> Iterator[Window]:
    window = Window(hub, computer, data)
    yield window
    window.downloads.shutdown()
    window.jobs.shutdown()


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new"


@pytest.fixture
def on_another_disk(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no name move out of the old folder, as the system does between two disks."""
    rename = os.replace

    def replace(source: Path, target: Path) -> None:
        is_inside = [Path(each).is_relative_to(computer.models) for each in (source, target)]
        if is_inside[0] != is_inside[1]:
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(source))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)


def _half_a_download(window: Window, hub: FakeHub, qtbot: QtBot) -> None:
    """Let a download have come half way, and then be stalled."""
    hub.add_fault("", FaultKind.STALL, origin="content", after_bytes=1_000_000, seconds=60)
    window.downloads.add(order_of(hub))
    qtbot.waitUntil(lambda: window.downloads.downloads[0].done_bytes >= 900_000)
    hub.faults.clear()


def _move(window: Window, chosen: Path, qtbot: QtBot) -> None:
    window.move(chosen)
    qtbot.waitUntil(lambda: window.is_idle)


def _goes_on_in(folder: Path, window: Window, hub: FakeHub, qtbot: QtBot) -> None:
    """Look that the download is finished in this folder, without what it had being fetched anew."""
    qtbot.waitUntil(lambda: bool(window.finished), timeout=10_000)
    order = order_of(hub)
    assert window.downloads.path_of(window.finished[0]) == folder / order.id
    assert_installed(folder, order)
    last = hub.requests_of("content", "GET")[-1].headers.get("range", "bytes=0-")
    assert int(last.removeprefix("bytes=").partition("-")[0]) >= 900_000


def test_everything_moves_and_a_running_download_goes_on_in_the_new_folder(
    window: Window, computer: Computer, hub: FakeHub, new: Path, qtbot: QtBot
) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    window.library.records.change(path, context_tokens=1024)
    _half_a_download(window, hub, qtbot)
    _move(window, new, qtbot)
    assert window.failed == []
    assert window.moved == [(new, computer.models)]
    assert window.folders == {new}
    moved = new / "o" / "r" / "a.gguf"
    assert moved in window.paths
    assert window.library.records.get(moved).context_tokens == 1024
    assert not computer.models.exists()
    _goes_on_in(new, window, hub, qtbot)


@pytest.mark.usefixtures("on_another_disk")
def test_to_another_disk_it_is_copied_with_progress(
    window: Window, computer: Computer, hub: FakeHub, new: Path, qtbot: QtBot
) -> None:
    downloaded(computer.models / "o" / "r" / "a.gguf", BIG)
    _half_a_download(window, hub, qtbot)
    _move(window, new, qtbot)
    assert window.failed == []
    assert (new / "o" / "r" / "a.gguf").read_bytes() == BIG
    assert not (computer.models / "o").exists()
    fractions = [work.fraction for work in window.works if work and work.fraction]
    assert len(fractions) > 3
    assert fractions[-1] == 1.0
    _goes_on_in(new, window, hub, qtbot)


def test_a_folder_that_holds_something_gets_one_of_ours_inside(
    window: Window, computer: Computer, new: Path, qtbot: QtBot
) -> None:
    downloaded(computer.models / "o" / "r" / "a.gguf")
    letter = write(new / "letter.txt", b"Dear ...")
    _move(window, new, qtbot)
    inside = new / "starpad-models"
    assert window.folders == {inside}
    assert window.paths == [inside / "o" / "r" / "a.gguf"]
    assert letter.exists()
    _move(window, inside, qtbot)
    assert "one lies in the other" in str(window.failed[0])
    assert window.folders == {inside}


@pytest.mark.usefixtures("on_another_disk")
def test_stopped_midway_everything_goes_on_in_the_old_folder(
    window: Window,
    computer: Computer,
    hub: FakeHub,
    new: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf", BIG)
    _half_a_download(window, hub, qtbot)
    is_half, may_go_on = threading.Event(), threading.Event()
    add = model_files._Work.add

    def add_slowly(self: model_files._Work, count_bytes: int) -> None:
        if self._done_bytes > 2_000_000:
            is_half.set()
            may_go_on.wait(10)
        add(self, count_bytes)

    monkeypatch.setattr(model_files._Work, "add", add_slowly)
    window.move(new)
    qtbot.waitUntil(is_half.is_set)
    window.work.stop()
    may_go_on.set()
    qtbot.waitUntil(lambda: window.is_idle)
    assert window.failed == []
    assert window.moved == []
    assert window.folders == {computer.models}
    assert path.read_bytes() == BIG
    assert temporary_files(new) == []
    _goes_on_in(computer.models, window, hub, qtbot)


@pytest.mark.usefixtures("on_another_disk")
def test_a_stopped_move_goes_on_where_it_was(
    window: Window, computer: Computer, new: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        downloaded(computer.models / "o" / "r" / f"{number}.gguf", gguf(data_bytes=420 + number))
    copied, copy = [], model_files._copy

    def copy_two(source: Path, target: Path, work: model_files._Work) -> None:
        copied.append(source)
        if len(copied) == 3:
            window.work.stop()
        copy(source, target, work)

    monkeypatch.setattr(model_files, "_copy", copy_two)
    _move(window, new, qtbot)
    assert window.folders == {computer.models}
    arrived = sorted(path.name for path in new.rglob("*.gguf*"))
    assert len(arrived) == 2
    _move(window, new, qtbot)
    assert window.folders == {new}
    assert len(window.paths) == 4
    assert len(copied) == 3 + 8 - 2, "what had arrived was not copied again"
    assert window.failed == []


def test_a_stop_that_comes_too_late_changes_nothing_about_the_new_folder(
    window: Window, computer: Computer, new: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloaded(computer.models / "o" / "r" / "a.gguf")
    moved = window.library.records.moved

    def move_records(old: Path, now: Path) -> None:
        window.work.stop()  # any thread may
        moved(old, now)

    monkeypatch.setattr(window.library.records, "moved", move_records)
    _move(window, new, qtbot)
    assert window.folders == {new}
    assert window.moved == [(new, computer.models)]
    assert window.paths == [new / "o" / "r" / "a.gguf"]


def test_a_place_that_cannot_be_written_leaves_everything_where_it_is(
    window: Window, computer: Computer, hub: FakeHub, tmp_path: Path, qtbot: QtBot
) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    _half_a_download(window, hub, qtbot)
    # A file in the way refuses even root.
    _move(window, write(tmp_path / "file", b"") / "new", qtbot)
    assert len(window.failed) == 1
    assert window.moved == []
    assert window.folders == {computer.models}
    assert path.exists()
    _goes_on_in(computer.models, window, hub, qtbot)


def test_files_of_others_are_never_overwritten(
    window: Window, computer: Computer, new: Path, qtbot: QtBot
) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    theirs = write(new / "starpad-models" / "o" / "r" / "a.gguf", b"another one")
    _move(window, new, qtbot)
    [error] = window.failed
    assert "is already there, and is another file" in str(error)
    assert theirs.read_bytes() == b"another one"
    assert window.folders == {computer.models}
    assert path.exists()


def test_records_that_cannot_be_written_are_told_but_the_folder_has_moved(
    window: Window, computer: Computer, data: Path, new: Path, qtbot: QtBot
) -> None:
    downloaded(computer.models / "o" / "r" / "a.gguf")
    data.mkdir(exist_ok=True)
    (data / "models.json").mkdir()
    _move(window, new, qtbot)
    [error] = window.failed
    assert "could not be saved" in str(error)
    assert window.folders == {new}
    assert window.paths == [new / "o" / "r" / "a.gguf"]


def test_downloads_that_the_new_folder_held_are_taken_up_and_bad_records_told(
    window: Window, computer: Computer, hub: FakeHub, new: Path, qtbot: QtBot
) -> None:
    _half_a_download(window, hub, qtbot)
    window.downloads.queue.pause(order_of(hub).id)
    write(new / "starpad-models" / "o" / "r" / "b.gguf.part.json", json.dumps({}).encode())
    _move(window, new, qtbot)
    [error] = window.failed
    assert "b.gguf was damaged" in str(error)
    [download] = window.downloads.downloads
    assert download.state is DownloadState.PAUSED
    assert download.done_bytes >= 900_000


def test_the_window_is_not_held_up_while_a_download_comes_to_rest(
    window: Window, hub: FakeHub, new: Path, qtbot: QtBot
) -> None:
    _half_a_download(window, hub, qtbot)
    seconds = _seconds(lambda: window.move(new))
    assert seconds < 1
    for _ in range(20):
        assert _seconds(lambda: window.downloads.downloads) < 1
    qtbot.waitUntil(lambda: window.is_idle)
    assert window.folders == {new}


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
