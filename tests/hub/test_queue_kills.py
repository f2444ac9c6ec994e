"""A killed Starpad goes on where it was: the next one fetches no byte twice that had arrived."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from downloading import NAME, REPOSITORY, assert_installed, model, order_of, part
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadOrder
from starpad.hub import sidecar
from starpad.hub.sidecar import Sidecar

SIZE = 30_000_000
ROOT = Path(__file__).parents[2]

STARPAD = """
import sys, threading
from pathlib import Path
from starpad.core.download import DownloadState
from starpad.hub.queue import DownloadQueue
from starpad.hub.session import Limits

changed = threading.Event()
limits = Limits(first_wait_s=0.05, longest_wait_s=0.2, lock_look_s=0.05, spare_bytes=0)
queue = DownloadQueue(Path(sys.argv[1]), lambda endpoint: None, changed.set, limits=limits)
assert queue.start(resume=True) == []
while any(download.state is not DownloadState.DONE for download in queue.downloads):
    changed.wait(1)
    changed.clear()
queue.shutdown()
"""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model(SIZE)})
        yield hub


@pytest.fixture
def order(hub: FakeHub, tmp_path: Path) -> DownloadOrder:
    """Return an order that lies in the folder, ready to be taken up."""
    order = order_of(hub)
    part(tmp_path).parent.mkdir(parents=True)
    sidecar.write(tmp_path, Sidecar(order, "2026-01-01T00:00:00+00:00", 0))
    return order


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": str(ROOT / "app")}
    return subprocess.Popen([sys.executable, "-c", STARPAD, str(folder)], env=environment)


def _kill_when(process: "subprocess.Popen[bytes]", folder: Path, count: int) -> None:
    """Kill it as soon as so many bytes are there."""
    deadline = time.monotonic() + 30
    while not part(folder).exists() or part(folder).stat().st_size < count:
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.kill()
    process.wait(10)


def test_after_a_kill_at_half_at_most_one_per_cent_is_fetched_twice(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path
) -> None:
    rate = hub.add_fault(".", FaultKind.RATE, origin="content", bytes_per_second=6_000_000)
    _kill_when(_start(tmp_path), tmp_path, SIZE // 2)
    hub.faults.remove(rate)
    assert not (tmp_path / order.id).exists()
    first = hub.requests_of("content")[0].bytes_sent
    process = _start(tmp_path)
    assert process.wait(30) == 0
    assert_installed(tmp_path, order)
    second = hub.requests_of("content")[1].bytes_sent
    assert first >= SIZE // 2
    assert first + second <= SIZE * 1.01


@pytest.mark.slow
def test_kills_at_any_moment_lose_nothing(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path
) -> None:
    """Also while it imports, connects, reads back and installs."""
    luck = random.Random(7)
    for _ in range(25):
        process = _start(tmp_path)
        try:
            process.wait(luck.uniform(0.3, 1.2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        final = tmp_path / order.id
        if final.exists():
            assert final.read_bytes() == model(SIZE)
            # Once more, from the start.
            final.unlink()
            sidecar.write(tmp_path, Sidecar(order, "2026-01-01T00:00:00+00:00", 0))
    process = _start(tmp_path)
    assert process.wait(30) == 0
    assert_installed(tmp_path, order)


@pytest.mark.slow
def test_many_kills_on_the_way_fetch_each_byte_about_once(
    hub: FakeHub, order: DownloadOrder, tmp_path: Path
) -> None:
    hub.add_fault(".", FaultKind.RATE, origin="content", bytes_per_second=10_000_000, times=None)
    for step in range(1, 10):
        _kill_when(_start(tmp_path), tmp_path, SIZE * step // 10)
    process = _start(tmp_path)
    assert process.wait(30) == 0
    assert_installed(tmp_path, order)
    starts = [request.headers.get("range", "bytes=0-") for request in hub.requests_of("content")]
    offsets = [int(start[6:-1]) for start in starts]
    assert offsets == sorted(offsets)
    assert all(offset >= SIZE * step // 10 for step, offset in enumerate(offsets))
    assert sum(request.bytes_sent for request in hub.requests_of("content")) <= SIZE * 1.1
