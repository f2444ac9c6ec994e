"""The queue does what its buttons say, and is the same after a restart."""

import socket
import threading
import time
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
    temporary_files,
    working_threads,
)
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadOrder, DownloadState
from starpad.hub import install
from starpad.hub.session import StopSignal

HALF = SIZE // 2
NAMES = ("a.gguf", "b.gguf", "c.gguf")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


@pytest.fixture
def three(hub: FakeHub) -> list[DownloadOrder]:
    """Return orders of three files that all stall at half, until the faults are cleared."""
    hub.add_repository(REPOSITORY, {name: model(seed=n) for n, name in enumerate(NAMES)})
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF, seconds=600, times=None)
    return [order_of(hub, name) for name in NAMES]


PATIENT = replace(FAST, silence_s=60)


def _states(window: Window) -> list[str]:
    return [str(download.state) for download in window.queue.downloads]


def _names(window: Window) -> list[str]:
    return [download.order.files[0].path for download in window.queue.downloads]


def _wait_for_states(window: Window, *states: str) -> None:
    window.wait_until(lambda: _states(window) == list(states))


def test_one_after_the_other_is_fetched_in_order(
    hub: FakeHub, three: list[DownloadOrder], tmp_path: Path
) -> None:
    hub.faults.clear()
    with Window(tmp_path) as window:
        for order in three:
            window.queue.add(order)
        window.wait_for(DownloadState.DONE)
        for order in three:
            assert_installed(tmp_path, order)
    asked = [request.path for request in hub.requests_of("hub", "HEAD")]
    assert [path.rsplit("/", 1)[1] for path in asked] == list(NAMES)
    assert all(states.count("downloading") <= 1 for states in map(_of_change, window.changes))


def _of_change(change: tuple[object, ...]) -> list[str]:
    return [str(getattr(download, "state", "")) for download in change]


def test_two_at_once_when_two_are_allowed_and_one_again_later(
    three: list[DownloadOrder], tmp_path: Path
) -> None:
    with Window(tmp_path, limits=PATIENT, max_active=2) as window:
        for order in three:
            window.queue.add(order)
        _wait_for_states(window, "downloading", "downloading", "queued")
        window.queue.max_active = 1
        _wait_for_states(window, "downloading", "queued", "queued")
        window.queue.max_active = 99
        assert window.queue.max_active == 3
        _wait_for_states(window, "downloading", "downloading", "downloading")


def test_a_download_that_is_verified_leaves_its_place_to_the_next(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    real = install.sha256_of

    def slow(path: Path, stop: StopSignal, on_read: object = None) -> str:
        may_go_on.wait(20)
        return real(path, stop)

    monkeypatch.setattr("starpad.hub.transfer.sha256_of", slow)
    hub.add_repository(REPOSITORY, {name: model(seed=n) for n, name in enumerate(NAMES)})
    with Window(tmp_path) as window:
        for name in NAMES:
            window.queue.add(order_of(hub, name))
        _wait_for_states(window, "verifying", "verifying", "verifying")
        may_go_on.set()
        window.wait_for(DownloadState.DONE)


def test_the_order_can_be_changed_and_survives_a_restart(
    three: list[DownloadOrder], tmp_path: Path
) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        for order in three:
            window.queue.add(order)
        window.queue.move(three[2].id, 0)
        window.queue.move(three[0].id, 99)
        window.queue.move("unknown", 0)
        assert _names(window) == ["c.gguf", "b.gguf", "a.gguf"]
    with Window(tmp_path, limits=PATIENT) as window:
        assert _names(window) == ["c.gguf", "b.gguf", "a.gguf"]
        _wait_for_states(window, "downloading", "queued", "queued")


def test_after_a_restart_each_goes_on_unless_the_user_had_paused_it(
    hub: FakeHub, three: list[DownloadOrder], tmp_path: Path
) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        for order in three:
            window.queue.add(order)
        window.wait_until(lambda: window.queue.downloads[0].done_bytes >= HALF)
        window.queue.pause(three[1].id)
        assert _states(window) == ["downloading", "paused", "queued"]
    hub.faults.clear()
    before = bytes_sent(hub)
    with Window(tmp_path) as window:
        assert window.wrong == []
        _wait_for_states(window, "done", "paused", "done")
        assert bytes_sent(hub) - before == HALF + SIZE
        window.queue.resume(three[1].id)
        window.wait_for(DownloadState.DONE)
        for order in three:
            assert_installed(tmp_path, order)


def test_nothing_goes_on_at_the_start_when_that_is_not_wanted(
    three: list[DownloadOrder], tmp_path: Path
) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(three[0])
        window.wait_for_bytes(HALF)
    window = Window(tmp_path, limits=PATIENT)
    window.queue.start(resume=False)
    assert window.download.state is DownloadState.PAUSED
    assert window.download.done_bytes == HALF
    window.queue.shutdown()
    # The user has not paused it: another start goes on with it.
    with Window(tmp_path, limits=PATIENT) as window:
        window.wait_for(DownloadState.RUNNING)


def test_pausing_and_resuming_all(three: list[DownloadOrder], tmp_path: Path) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        for order in three:
            window.queue.add(order)
        window.wait_until(lambda: window.queue.downloads[0].done_bytes >= HALF)
        window.queue.pause_all()
        assert _states(window) == ["paused"] * 3
        assert [each.done_bytes for each in window.queue.downloads] == [HALF, 0, 0]
        window.wait_for_threads()
        window.queue.resume_all()
        _wait_for_states(window, "downloading", "queued", "queued")


def test_a_cancelled_download_leaves_nothing(three: list[DownloadOrder], tmp_path: Path) -> None:
    folder = tmp_path / "models"
    with Window(folder, limits=PATIENT) as window:
        for order in three[:2]:
            window.queue.add(order)
        window.wait_until(lambda: window.queue.downloads[0].done_bytes >= HALF)
        for order in three[:2]:
            window.queue.cancel(order.id)
        assert window.queue.downloads == ()
        window.wait_until(lambda: list(folder.iterdir()) == [])
    with Window(folder) as window:
        assert window.queue.downloads == ()


def test_what_was_cancelled_can_be_ordered_again_at_once(
    hub: FakeHub, three: list[DownloadOrder], tmp_path: Path
) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(three[0])
        window.wait_for_bytes(HALF)
        hub.faults.clear()
        window.queue.cancel(three[0].id)
        window.queue.add(three[0])
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, three[0])


def test_the_same_order_twice_is_one_download(three: list[DownloadOrder], tmp_path: Path) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(three[0])
        window.queue.add(three[0])
        assert len(window.queue.downloads) == 1
        window.queue.pause(three[0].id)
        window.queue.add(three[0])
        window.wait_for(DownloadState.RUNNING)


def test_what_is_installed_is_not_fetched_again(hub: FakeHub, tmp_path: Path) -> None:
    order = order_of(hub)
    with Window(tmp_path) as window:
        window.fetch(order)
        window.queue.forget(order.id)
        assert window.queue.downloads == ()
        count = len(hub.requests)
        window.queue.add(order)
        assert window.download.state is DownloadState.DONE
        assert window.download.done_bytes == SIZE
    assert len(hub.requests) == count


def test_only_what_is_done_is_forgotten(three: list[DownloadOrder], tmp_path: Path) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(three[0])
        window.queue.forget(three[0].id)
        assert len(window.queue.downloads) == 1


def test_another_version_takes_the_place_of_one_that_is_half_there(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF, seconds=600)
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(order_of(hub))
        window.wait_for_bytes(HALF)
        hub.replace_file(REPOSITORY, NAME, model(SIZE + 5, seed=7))
        newer = order_of(hub)
        window.queue.add(newer)
        window.wait_until(lambda: _states(window) == ["done"])
        assert_installed(tmp_path, newer)
    # Nothing of the old version was taken for the new one's.
    assert "range" not in hub.requests_of("content")[-1].headers


def test_a_connection_that_is_being_made_does_not_keep_the_user_waiting(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name look-up cannot be broken off; what is asked for shows at once all the same."""
    is_asked, may_go_on = threading.Event(), threading.Event()
    real = socket.create_connection

    def connect(address: tuple[str, int], *arguments: object, **options: object) -> socket.socket:
        is_asked.set()
        may_go_on.wait(20)
        return real(address, *arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "create_connection", connect)
        window = Window(tmp_path)
        window.queue.start(resume=True)
        window.queue.add(order_of(hub))
        assert is_asked.wait(10)
        started = time.perf_counter()
        window.queue.pause(window.download.id)
        assert window.download.state is DownloadState.PAUSED
        window.queue.resume(window.download.id)
        assert window.download.state is DownloadState.QUEUED
        assert "last connection" in window.download.note
        assert time.perf_counter() - started < 1
        assert len(working_threads()) == 1
        may_go_on.set()
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, window.download.order)
        may_go_on.clear()
        is_asked.clear()
        hub.replace_file(REPOSITORY, NAME, model(seed=9))
        window.queue.add(order_of(hub))
        assert is_asked.wait(10)
        window.queue.cancel(window.download.id)
        started = time.perf_counter()
        window.queue.shutdown()
        assert time.perf_counter() - started < 3
        assert temporary_files(tmp_path) == []
        may_go_on.set()
        for thread in working_threads():
            thread.join(10)


def test_nothing_is_told_after_the_shutdown(three: list[DownloadOrder], tmp_path: Path) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(three[0])
        window.wait_for_bytes(HALF)
    count = len(window.changes)
    window.queue.resume(three[0].id)
    window.queue.cancel(three[0].id)
    assert not working_threads()
    assert len(window.changes) == count


def test_a_defect_of_starpad_itself_fails_the_download_and_is_reported(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda report: reported.append(report.exc_value))
    window = Window(tmp_path)

    def token_for(endpoint: str) -> str | None:
        raise ZeroDivisionError(endpoint)

    monkeypatch.setattr(window.queue._rows, "_token_for", token_for)
    with window:
        download = window.fetch(order_of(hub))
        assert download.state is DownloadState.FAILED
        assert download.note == "Starpad made a mistake here; its log tells more."
        window.wait_for_threads()
    assert [type(error) for error in reported] == [ZeroDivisionError]
