"""Whatever is pressed in whatever order, by two windows, over a bad network: all arrives whole."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from downloading import REPOSITORY, Window, assert_installed, model, order_of
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadOrder, DownloadState

NAMES = tuple(f"{letter}.gguf" for letter in "abcd")
PRESSES = 300


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {name: model(seed=n) for n, name in enumerate(NAMES)})
        options = {"origin": "content", "times": None}
        hub.add_fault(".", FaultKind.RATE, bytes_per_second=20_000_000, **options)
        hub.add_fault("a.gguf", FaultKind.CUT, after_bytes=700_000, **options)
        hub.add_fault("b.gguf", FaultKind.CUT, after_bytes=900_000, with_reset=True, **options)
        hub.add_fault("/resolve/", FaultKind.STATUS, origin="hub", times=9, skip=4)
        yield hub


def _press(window: Window, orders: list[DownloadOrder], luck: random.Random) -> None:
    queue = window.queue
    presses: list[Callable[[DownloadOrder], object]] = [
        queue.add,
        lambda order: queue.pause(order.id),
        lambda order: queue.resume(order.id),
        lambda order: queue.cancel(order.id) if luck.random() < 0.3 else None,
        lambda order: queue.move(order.id, luck.randrange(4)),
        lambda order: setattr(queue, "max_active", luck.randint(1, 3)),
        lambda order: queue.wake(),
        lambda order: queue.pause_all(),
        lambda order: queue.resume_all(),
    ]
    for _ in range(PRESSES):
        luck.choice(presses)(luck.choice(orders))
        assert len({download.id for download in queue.downloads}) == len(queue.downloads)
        threading.Event().wait(luck.choice([0, 0, 0.005, 0.05]))


def _all_done(window: Window) -> bool:
    window.queue.resume_all()
    return {each.state for each in window.queue.downloads} == {DownloadState.DONE}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_all_arrives_whole_whatever_is_pressed(hub: FakeHub, tmp_path: Path, seed: int) -> None:
    orders = [order_of(hub, name) for name in NAMES]
    with Window(tmp_path) as first, Window(tmp_path) as second:
        pressing = [
            threading.Thread(target=_press, args=(window, orders, random.Random(seed * 2 + number)))
            for number, window in enumerate((first, first, second))
        ]
        for thread in pressing:
            thread.start()
        for thread in pressing:
            thread.join(120)
            assert not thread.is_alive()
        second.queue.shutdown()
        for order in orders:
            first.queue.add(order)
        # A cancel of the last moment may still be under way, and a window's pause be heeded.
        first.wait_until(lambda: _all_done(first), 60)
    first.wait_for_threads()
    for order in orders:
        assert_installed(tmp_path, order)
