"""How far the engine's process has come with loading, seen from outside."""

import asyncio
import contextlib
from collections.abc import Callable

import psutil

_INTERVAL_S = 0.1
# What follows is warming up, which nothing tells about. Seen with a model of 1.7 GB: the memory
# has grown to its size after nine tenths of the time, the file is read after eight.
_NEARLY = 0.95
_READ = 0.85


async def report_progress(
    pid: int, need_bytes: int, file_bytes: int, on_progress: Callable[[float], None]
) -> None:
    """Call `on_progress` with a growing fraction below 1 until cancelled or the process ends.

    llama.cpp holds Python's lock while it loads, so that the process cannot say it itself. Its
    memory tells; with a GPU, to which the weights go on, what it has read of the file.
    """
    last = 0.0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        while True:
            in_memory = min(_NEARLY, process.memory_info().rss / need_bytes)
            read = min(_READ, _READ * _read_bytes(process) / file_bytes)
            if (fraction := max(in_memory, read)) > last:
                last = fraction
                on_progress(fraction)
            await asyncio.sleep(_INTERVAL_S)


def _read_bytes(process: psutil.Process) -> int:
    """Return what a process has read from files; 0 where the system does not say (macOS)."""
    if not hasattr(process, "io_counters"):
        return 0
    counters = process.io_counters()
    # On Linux `read_bytes` leaves out what was in the cache.
    return int(getattr(counters, "read_chars", counters.read_bytes))
