"""A pause takes effect within 50 ms, whatever the download is doing: its thread has ended then."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from downloading import (
    FAST,
    NAME,
    REPOSITORY,
    SIZE,
    Window,
    assert_installed,
    model,
    order_of,
    part,
)
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadState
from starpad.hub.dispatcher import Dispatcher

HALF = SIZE // 2
LIMIT_S = 1.0
PATIENT = replace(FAST, silence_s=60, first_wait_s=600, longest_wait_s=600)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    with Window(tmp_path, limits=PATIENT) as window:
        yield window


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list of when a download's thread has ended its work."""
    times: list[float] = []
    real = Dispatcher._on_settled

    def settle(self: Dispatcher, *arguments: Any, **options: Any) -> None:
        times.append(time.perf_counter())
        real(self, *arguments, **options)

    monkeypatch.setattr(Dispatcher, "_on_settled", settle)
    return times


def _stall(hub: FakeHub, window: Window) -> None:
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF, seconds=600)
    window.queue.add(order_of(hub))
    window.wait_for_bytes(HALF)


def _flow(hub: FakeHub, window: Window) -> None:
    hub.add_fault(".", FaultKind.RATE, origin="content", bytes_per_second=1_000_000)
    window.queue.add(order_of(hub))
    window.wait_for_bytes(100_000)


def _hang_in_the_hub(hub: FakeHub, window: Window) -> None:
    hub.add_fault("/resolve/", FaultKind.HANG, origin="hub")
    window.queue.add(order_of(hub))
    window.wait_until(lambda: bool(hub.requests_of("hub")))


def _hang_in_the_content_network(hub: FakeHub, window: Window) -> None:
    hub.add_fault(".", FaultKind.HANG, origin="content")
    window.queue.add(order_of(hub))
    window.wait_until(lambda: bool(hub.requests_of("content")))


def _back_off(hub: FakeHub, window: Window) -> None:
    hub.add_fault(".", FaultKind.STATUS, origin="content")
    window.queue.add(order_of(hub))
    window.wait_for(DownloadState.WAITING)


def _seconds_to_pause(window: Window, ends: list[float]) -> float:
    """Pause; return how long it took until the thread had nothing more to do but to say so."""
    started = time.perf_counter()
    window.queue.pause(window.download.id)
    assert window.download.state is DownloadState.PAUSED
    assert time.perf_counter() - started < LIMIT_S
    window.wait_until(lambda: bool(ends))
    return ends[0] - started


@pytest.mark.parametrize(
    "begin",
    [_stall, _flow, _hang_in_the_hub, _hang_in_the_content_network, _back_off],
    ids=lambda function: function.__name__.strip("_"),
)
def test_a_pause_takes_effect_at_once(
    hub: FakeHub,
    ends: list[float],
    window: Window,
    tmp_path: Path,
    begin: Callable[[FakeHub, Window], None],
) -> None:
    begin(hub, window)
    assert _seconds_to_pause(window, ends) < LIMIT_S
    window.wait_for_threads()
    assert window.download.state is DownloadState.PAUSED
    path = part(tmp_path)
    kept = path.stat().st_size if path.exists() else 0
    assert window.download.done_bytes == kept
    hub.faults.clear()
    window.queue.resume(window.download.id)
    window.wait_for(DownloadState.DONE)
    assert_installed(tmp_path, window.download.order)
    last = hub.requests_of("content")[-1]
    assert last.bytes_sent == SIZE - kept


def test_a_pause_while_reading_back_takes_effect_at_once(
    hub: FakeHub, ends: list[float], window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun = threading.Event()

    class SlowHash:
        def update(self, data: memoryview) -> None:
            has_begun.set()
            threading.Event().wait(0.005)

        def hexdigest(self) -> str:
            return ""

    hub.add_repository(REPOSITORY, {NAME: model(20_000_000)})
    order = order_of(hub)
    with monkeypatch.context() as patch:
        patch.setattr("starpad.hub.install.hashlib", SimpleNamespace(sha256=SlowHash))
        patch.setattr("starpad.hub.install._BLOCK_BYTES", 10_000)
        window.queue.add(order)
        assert has_begun.wait(20)
        assert _seconds_to_pause(window, ends) < LIMIT_S
    assert window.download.state is DownloadState.PAUSED
    assert window.download.done_bytes == 20_000_000
