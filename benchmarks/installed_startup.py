"""How soon the installed app's window is there and its engine ready, beside the unfrozen ones.

Starts each several times in turn, with a home of its own. Needs a screen and xdotool. Printed are
medians from the start of the process, and frozen divided by unfrozen.

    python benchmarks/installed_startup.py dist/starpad [--runs 5]
"""

import argparse
import contextlib
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from starpad.core.paths import PACKAGE, demo_model
from starpad.engines.spec import KEY_VARIABLE, EngineSpec

BARS = "the bars: a window in 2 s, an engine in 1.5 times the unfrozen time"


def window_s(command: list[str], environment: dict[str, str]) -> float:
    """Return when a window of the process is on the screen."""
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        search = ["xdotool", "search", "--onlyvisible", "--pid", str(process.pid)]
        while not subprocess.run(search, capture_output=True, check=False).stdout.strip():
            time.sleep(0.005)
            if process.poll() is not None:
                sys.exit(f"{command[0]} ended with {process.returncode}")
        seconds = time.perf_counter() - started
        process.terminate()
    return seconds


def engine_s(command: list[str], environment: dict[str, str]) -> float:
    """Return when an engine's process says that the embedded model is loaded."""
    spec = EngineSpec(demo_model(), "demo", 2048, 2, slots=1)
    environment = environment | {KEY_VARIABLE: secrets.token_urlsafe()}
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(spec.to_json().encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        seconds = time.perf_counter() - started
        process.stdin.close()
    if b'"ready"' not in line:
        sys.exit(f"{command[0]}: {line!r}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    bundle = arguments.bundle.resolve()
    python = [sys.executable, "-P", "-m", "starpad"]
    print(f"median of {arguments.runs}, seconds; {BARS}")
    # The window's children may write until they notice that it is gone.
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        own = {f"XDG_{name}_HOME": home for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        environment = {**os.environ, **own, "HOME": home, "PYTHONPATH": str(PACKAGE.parent)}
        for name, measure, frozen, unfrozen in (
            ("window", window_s, [str(bundle / "starpad")], python),
            (
                "engine",
                engine_s,
                [str(bundle / "starpad-engine"), "--engine-host"],
                [*python, "--engine-host"],
            ),
        ):
            pairs = [
                (measure(frozen, environment), measure(unfrozen, environment))
                for _ in range(arguments.runs)
            ]
            ours = statistics.median(pair[0] for pair in pairs)
            theirs = statistics.median(pair[1] for pair in pairs)
            worst = max(pair[0] for pair in pairs)
            print(
                f"{name:8} {ours:5.2f}  (worst {worst:.2f}, unfrozen {theirs:.2f}, "
                f"ratio {ours / theirs:.2f})"
            )


if __name__ == "__main__":
    main()
