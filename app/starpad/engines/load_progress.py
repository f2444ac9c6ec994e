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
    pid: int,
    need_bytes: int,
    file_bytes: int,
    on_progress: Callable[[float], None],
    *,
    has_children: bool = False,
) -> None:
    """Call `on_progress` with a growing fraction below 1 until cancelled or the process ends.

    With `has_children`, what its children hold and read counts too.

    llama.cpp holds Python's lock while it loads, so that the process cannot say it itself. Its
    memory tells; with a GPU, to which the weights go on, what it has read of the file.
    """
    last = 0.0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        while True:
            # Looking for children means looking at every process there is.
            children = process.children(recursive=True) if has_children else []
            held_bytes = process.memory_info().rss + sum(map(_memory_bytes, children))
            read_bytes = _read_bytes(process) + sum(map(_read_bytes_so_far, children))
            in_memory = min(_NEARLY, held_bytes / need_bytes)
            read = min(_READ, _READ * read_bytes / file_bytes)
            if (fraction := max(in_memory, read)) > last:
                last = fraction
                on_progress(fraction)
            await asyncio.sleep(_INTERVAL_S)


def _memory_bytes(child: psutil.Process) -> int:
    try:
        return int(child.memory_info().rss)
    except psutil.NoSuchProcess:  # it has just ended
        return 0


def _read_bytes_so_far(child: psutil.Process) -> int:
    try:
        return _read_bytes(child)
    except psutil.NoSuchProcess:
        return 0


def _read_bytes(process: psutil.Process) -> int:
    """Return what a process has read from files; 0 where the system does not say (macOS)."""
    if not hasattr(process, "io_counters"):
        return 0
    counters = process.io_counters()
    # On Linux `read_bytes` leaves out what was in the cache.
    return int(getattr(counters, "read_chars", counters.read_bytes))
