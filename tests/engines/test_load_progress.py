"""How far a load has come is read from the process's memory and from what it has read."""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from starpad.engines import load_progress
from starpad.engines.load_progress import report_progress

HUGE = 1 << 60


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_progress, "_INTERVAL_S", 0.005)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)


def test_the_fraction_follows_the_memory_upwards_only() -> None:
    gc.collect()  # what other tests left would otherwise be given back meanwhile
    need = psutil.Process().memory_info().rss + (1 << 30)
    fractions: list[float] = []

    async def watch() -> None:
        watching = asyncio.create_task(report_progress(os.getpid(), need, HUGE, fractions.append))
        await until(lambda: bool(fractions))
        first = fractions[-1]
        ballast = bytearray(b"x") * (300 << 20)
        await until(lambda: fractions[-1] > first + 0.02)  # of a large process, little
        del ballast
        reported = len(fractions)
        for _ in range(20):
            await asyncio.sleep(0)
        assert fractions[reported:] == sorted(fractions[reported:])
        watching.cancel()

    asyncio.run(watch())
    assert fractions == sorted(set(fractions))
    assert 0 < fractions[0] < fractions[-1] < 0.95


def test_it_is_never_whole_before_the_engine_says_so() -> None:
    fractions: list[float] = []

    async def watch() -> None:
        watching = asyncio.create_task(report_progress(os.getpid(), 1, HUGE, fractions.append))
        await until(lambda: bool(fractions))
        watching.cancel()

    asyncio.run(watch())
    assert fractions == [0.95]


@pytest.mark.skipif(not hasattr(psutil.Process, "io_counters"), reason="macOS does not count")
def test_what_was_read_of_the_file_counts_where_the_memory_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(bytes(1 << 20))
    path.read_bytes()
    fractions: list[float] = []

    async def watch() -> None:
        size = path.stat().st_size
        watching = asyncio.create_task(report_progress(os.getpid(), HUGE, size, fractions.append))
        await until(lambda: bool(fractions))
        watching.cancel()

    asyncio.run(watch())
    assert fractions == [0.85]


def test_a_system_that_does_not_count_reads_leaves_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(psutil.Process, "io_counters", raising=False)
    need = psutil.Process().memory_info().rss * 4
    fractions: list[float] = []

    async def watch() -> None:
        watching = asyncio.create_task(report_progress(os.getpid(), need, 1, fractions.append))
        await until(lambda: bool(fractions))
        watching.cancel()

    asyncio.run(watch())
    assert fractions[0] == pytest.approx(0.25, rel=0.1)


def test_what_its_children_hold_counts_where_it_has_some() -> None:
    script = "ballast = bytearray(b'x') * (200 << 20); print('held', flush=True); input()"
    need = (psutil.Process().memory_info().rss + (200 << 20)) * 2
    fractions: list[float] = []

    async def watch(*, has_children: bool) -> float:
        fractions.clear()
        watching = asyncio.create_task(
            report_progress(os.getpid(), need, HUGE, fractions.append, has_children=has_children)
        )
        await until(lambda: bool(fractions))
        watching.cancel()
        return fractions[0]

    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        alone = asyncio.run(watch(has_children=False))
        together = asyncio.run(watch(has_children=True))
        child.communicate(b"\n")
    assert together - alone > (150 << 20) / need


def test_a_process_that_has_ended_ends_the_report() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    fractions: list[float] = []
    asyncio.run(asyncio.wait_for(report_progress(child.pid, 1, 1, fractions.append), 10))
    assert fractions == []
