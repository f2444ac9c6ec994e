"""How long switching to another model takes, beside what the engine alone takes to load it.

Both models have been loaded before, so that their files are in the system's cache. In turn: each
model is loaded in an engine process of its own with nothing around it (from the start of the
process until it is ready), then Starpad's engine service switches from the other model to it (from
the call until the new model serves). Prints medians, and the ratio for each model.

    python benchmarks/model_switch.py A.gguf B.gguf [RUNS]
"""

import argparse
import statistics
import subprocess
import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEventLoop

from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.load_options import LoadOptions
from starpad.core.paths import host_command, host_environment
from starpad.engines import session
from starpad.engines.spec import KEY_VARIABLE, EngineReady
from starpad.services.engine import EngineService

BAR = 1.3
CONTEXT_TOKENS = 4096


def _load_alone(options: LoadOptions) -> float:
    """Return the seconds from the start of the process until it is ready."""
    spec = session.prepare(options).spec
    started = time.perf_counter()
    with subprocess.Popen(
        host_command("engine-host"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=host_environment() | {KEY_VARIABLE: "key"},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(spec.to_json().encode() + b"\n")
        process.stdin.flush()
        EngineReady.from_json(process.stdout.readline())
        seconds = time.perf_counter() - started
        process.stdin.close()  # it ends
    return seconds


def _switch(engine: EngineService, options: LoadOptions) -> float:
    """Return the seconds from the call until the model serves."""
    loop = QEventLoop()

    def look(status: EngineStatus) -> None:
        has_come = status.model is not None and status.model.path == options.path
        if status.state is EngineState.FAILED:
            loop.exit(1)
        elif has_come and status.loading is None:
            loop.exit(0)

    engine.status_changed.connect(look)
    started = time.perf_counter()
    engine.load(options)
    failed = loop.exec()
    seconds = time.perf_counter() - started
    engine.status_changed.disconnect(look)
    if failed:
        raise SystemExit(engine.status.reason)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs=2, type=Path)
    parser.add_argument("runs", nargs="?", type=int, default=3)
    arguments = parser.parse_args()
    both = [LoadOptions(path.resolve(), CONTEXT_TOKENS) for path in arguments.models]
    alone: dict[Path, list[float]] = {options.path: [] for options in both}
    switched: dict[Path, list[float]] = {options.path: [] for options in both}
    application = QCoreApplication([])
    engine = EngineService()
    try:
        for options in both:
            _switch(engine, options)
        for _ in range(arguments.runs):
            for options in both:
                switched[options.path].append(_switch(engine, options))
                alone[options.path].append(_load_alone(options))
    finally:
        engine.shutdown()
        application.quit()
    print(f"median of {arguments.runs}, seconds; the bar is {BAR}")
    for path in alone:
        reference, taken = statistics.median(alone[path]), statistics.median(switched[path])
        print(
            f"{path.name:28.28} alone {reference:5.2f}  switch {taken:5.2f}"
            f"  ratio {taken / reference:4.2f}"
        )


if __name__ == "__main__":
    main()
