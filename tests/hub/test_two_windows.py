"""Two windows share a models folder: one fetches, the other shows it and is ready to go on."""

import os
import signal
import subprocess
import sys
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
)
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadOrder, DownloadState
from starpad.core.hub_errors import HubProblem

HALF = SIZE // 2
PATIENT = replace(FAST, silence_s=60)
ROOT = Path(__file__).parents[2]

OTHER = """
import sys
from pathlib import Path
from starpad.hub.queue import DownloadQueue
queue = DownloadQueue(Path(sys.argv[1]), lambda endpoint: None, lambda: None)
queue.start(resume=True)
sys.stdin.read()
"""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


@pytest.fixture
def order(hub: FakeHub) -> DownloadOrder:
    """Return an order whose first transfer stalls at half."""
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF, seconds=600)
    return order_of(hub)


@pytest.fixture
def first(order: DownloadOrder, tmp_path: Path) -> Iterator[Window]:
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(order)
        window.wait_for_bytes(HALF)
        yield window


@pytest.fixture
def second(first: Window, tmp_path: Path) -> Iterator[Window]:
    """Return a window that was opened while the first one fetches."""
    with Window(tmp_path, limits=PATIENT) as window:
        download = window.wait_for(DownloadState.WAITING)
        assert download.problem is HubProblem.IN_USE
        assert download.note == f"{NAME} is being downloaded by another Starpad window."
        yield window


def test_the_second_window_shows_how_far_the_first_one_is(second: Window) -> None:
    assert second.download.done_bytes == HALF
    assert second.download.state is DownloadState.WAITING


def test_the_second_window_takes_over_when_the_first_one_closes(
    hub: FakeHub, first: Window, second: Window, tmp_path: Path
) -> None:
    first.queue.shutdown()
    second.wait_for(DownloadState.DONE)
    assert_installed(tmp_path, second.download.order)
    assert bytes_sent(hub) == SIZE


def test_both_are_done_when_the_first_one_is(
    hub: FakeHub, first: Window, second: Window, tmp_path: Path
) -> None:
    hub.drop_connections()
    first.wait_for(DownloadState.DONE)
    second.wait_for(DownloadState.DONE)
    assert_installed(tmp_path, second.download.order)
    assert bytes_sent(hub) == SIZE


def test_a_pause_in_the_first_window_pauses_the_second(
    first: Window, second: Window, order: DownloadOrder
) -> None:
    first.queue.pause(order.id)
    second.wait_for(DownloadState.PAUSED)
    assert first.download.state is DownloadState.PAUSED


def test_a_cancel_in_the_first_window_empties_the_second(
    first: Window, second: Window, order: DownloadOrder, tmp_path: Path
) -> None:
    first.queue.cancel(order.id)
    second.wait_until(lambda: not second.queue.downloads)
    second.wait_until(lambda: not list(tmp_path.rglob("*.part*")))


def test_a_cancel_in_the_second_window_leaves_the_first_ones_bytes_alone(
    hub: FakeHub, first: Window, second: Window, order: DownloadOrder, tmp_path: Path
) -> None:
    second.queue.cancel(order.id)
    second.wait_until(lambda: second.queue._rows.jobs == [])
    assert part(tmp_path).stat().st_size == HALF
    hub.drop_connections()
    first.wait_for(DownloadState.DONE)
    assert_installed(tmp_path, order)


def test_a_failure_in_the_first_window_shows_in_the_second(
    hub: FakeHub, first: Window, second: Window
) -> None:
    hub.add_fault("/resolve/", FaultKind.STATUS, origin="hub", status=404)
    hub.drop_connections()
    first.wait_for(DownloadState.FAILED)
    assert second.wait_for(DownloadState.FAILED).note == first.download.note


def test_a_download_that_waits_for_another_window_lets_others_pass(
    hub: FakeHub, second: Window, tmp_path: Path
) -> None:
    hub.add_repository("other/model", {"other.gguf": model(seed=5)})
    other = order_of(hub, "other.gguf", repository="other/model")
    second.queue.add(other)
    second.wait_until(lambda: second.queue.downloads[1].state is DownloadState.DONE)
    assert second.queue.downloads[0].state is DownloadState.WAITING


def test_waiting_for_another_window_can_be_paused_at_once(
    second: Window, order: DownloadOrder
) -> None:
    second.queue.pause(order.id)
    assert second.download.state is DownloadState.PAUSED
    second.queue.resume(order.id)
    second.wait_for(DownloadState.WAITING)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"], ids=["killed", "ended"])
def test_another_process_is_taken_over_from_when_it_dies(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path, name: str
) -> None:
    with Window(tmp_path, limits=PATIENT) as window:
        window.queue.add(order)
        window.wait_for_bytes(1)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "app")}
    hub.faults.clear()
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF // 4, seconds=600)
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path)], env=environment, stdin=subprocess.PIPE
    )
    try:
        with Window(tmp_path) as window:
            # Which of the two is first is chance: when it is this one, it stalls and lets go.
            window.wait_until(
                lambda: (
                    len(hub.requests_of("content")) == 2
                    and hub.requests_of("content")[1].bytes_sent >= HALF // 4
                )
            )
            other.send_signal(getattr(signal, name, signal.SIGTERM))
            other.wait(10)
            window.wait_for(DownloadState.DONE)
            assert_installed(tmp_path, order)
    finally:
        other.kill()
        other.communicate()
