"""Loads and unloads a model hundreds of times: what is left of processes, descriptors, memory.

    python benchmarks/engine_lifecycle.py [MODEL] [--times 300]

Without a model: the embedded one. Memory is this process's own (its model lives in another), at
the very start, after ten loads, and at the end.
"""

import argparse
import gc
import os
import time
from pathlib import Path

import psutil
from PySide6.QtCore import QCoreApplication, QEventLoop

from starpad.core import paths
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.load_options import LoadOptions
from starpad.services.engine import EngineService

WARM_UP = 10
BAR_BYTES = 20_000_000


def _come_to(engine: EngineService, state: EngineState) -> None:
    """Return when the engine is in a state; SystemExit when it fails instead."""
    loop = QEventLoop()

    def look(status: EngineStatus) -> None:
        if status.state in (state, EngineState.FAILED):
            loop.quit()

    engine.status_changed.connect(look)
    if engine.status.state is not state:
        loop.exec()
    engine.status_changed.disconnect(look)
    if engine.status.state is EngineState.FAILED:
        raise SystemExit(engine.status.reason)


def _children_gone() -> float:
    """Return how many seconds it takes until no child process is left."""
    started = time.perf_counter()
    process = psutil.Process()
    while process.children(recursive=True):
        QCoreApplication.processEvents()
        time.sleep(0.005)
    return time.perf_counter() - started


def _descriptors() -> int:
    process = psutil.Process()
    return process.num_fds() if os.name == "posix" else process.num_handles()


def _memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, default=paths.demo_model())
    parser.add_argument("--times", type=int, default=300)
    arguments = parser.parse_args()
    application = QCoreApplication([])
    at_start = _memory()
    engine = EngineService()
    options = LoadOptions(arguments.model.resolve(), 512)
    slowest_end_s, threads = 0.0, 0
    started = time.perf_counter()
    try:
        for number in range(arguments.times):
            if number == WARM_UP:
                warm, descriptors = _memory(), _descriptors()
                threads = psutil.Process().num_threads()
            engine.load(options)
            _come_to(engine, EngineState.READY)
            engine.unload()
            slowest_end_s = max(slowest_end_s, _children_gone())
        seconds = time.perf_counter() - started
        at_end = _memory()
        print(
            f"{arguments.times} loads in {seconds:.0f} s; processes left:"
            f" {len(psutil.Process().children(recursive=True))}, the slowest gone after"
            f" {slowest_end_s * 1000:.0f} ms; descriptors {_descriptors() - descriptors:+d},"
            f" threads {psutil.Process().num_threads() - threads:+d}"
        )
        print(
            f"memory: {at_start / 1e6:.1f} MB at the start, {warm / 1e6:.1f} after {WARM_UP} loads,"
            f" {at_end / 1e6:.1f} at the end: {(at_end - warm) / 1e6:+.1f}"
            f" (from the very start {(at_end - at_start) / 1e6:+.1f}),"
            f" allowed {BAR_BYTES / 1e6:.0f}"
        )
    finally:
        engine.shutdown()
        application.quit()


if __name__ == "__main__":
    main()
