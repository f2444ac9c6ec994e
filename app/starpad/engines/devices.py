"""What this computer has to offer a model: cores and free memory."""

import os
import sys
from pathlib import Path

import psutil


def physical_cores() -> int:
    """Return the cores that this process may use, two hyper-threads counted as one.

    llama.cpp gains nothing from the second thread of a core.
    """
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if sys.platform == "linux":
        cores = min(cores, len(os.sched_getaffinity(0)))
    return cores


def available_memory_bytes() -> int:
    """Return the memory that a new process can take without swapping, a container's limit heeded.

    The limit is read from cgroup v2, as today's systems have it; v1 limits are not looked at.
    """
    free = psutil.virtual_memory().available
    if sys.platform == "linux":
        limit = cgroup_free_bytes(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))
        free = free if limit is None else min(free, limit)
    return free


def cgroup_free_bytes(root: Path, membership: Path) -> int | None:
    """Return what our control group, or any above it, has left; None without a limit.

    `root` is where cgroup v2 is mounted, `membership` the file that names our group.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    name = next((line[3:] for line in lines if line.startswith("0::")), "/")
    own = Path(name.lstrip("/"))
    rests = [_rest_bytes(root / group) for group in (own, *own.parents)]
    return min((rest for rest in rests if rest is not None), default=None)


def _rest_bytes(group: Path) -> int | None:
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        statistics = (group / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):  # no such file, or "max"
        return None
    # Cached files count as used but are given back on demand.
    cached = next((int(s.split()[1]) for s in statistics if s.startswith("inactive_file ")), 0)
    return max(0, limit - used + cached)
