"""How fast a model arrives, beside `hf download` from the same hub, and whether the window notices.

A hub on loopback, in a process of its own, serves one generated file. Starpad's queue and the
installed `hf` (Xet off) fetch it in turn. The time that `hf` takes to start, measured with a tiny
file, is not counted. Starpad runs below a Qt event loop, whose 5 ms timer shows how long the main
thread had to wait meanwhile; beside it, how late an idle event loop is while `hf` works elsewhere.

    python benchmarks/download.py [--mib 1024] [--runs 3] [--folder FOLDER]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
REPOSITORY = "benchmark/model"

HUB = """
import json, sys
from pathlib import Path
from tests.fakehub import FakeHub
path = Path(sys.argv[1])
with FakeHub() as hub:
    files = {"model.gguf": path, "tiny.txt": b"tiny"}
    commit = hub.add_repository("benchmark/model", files)
    content = hub.content("benchmark/model", "model.gguf")
    facts = (hub.endpoint, commit, content.size_bytes, content.sha256)
    print(json.dumps(facts), flush=True)
    sys.stdin.read()
"""

# A timer of 5 ms, and how late each of its ticks was.
TICK = """
import time
waits = []
last = None

def tick():
    global last
    now = time.perf_counter()
    if last is not None:
        waits.append(now - last - 0.005)
    last = now
"""

# An event loop that has nothing to do, until its input ends.
IDLE = """
import json, sys
from PySide6.QtCore import QCoreApplication, QSocketNotifier, Qt, QTimer
application = QCoreApplication([])
notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
notifier.activated.connect(application.quit)
timer = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
timer.timeout.connect(tick)
timer.start()
application.exec()
print(json.dumps(waits))
"""

STARPAD = """
import json, sys, time
from pathlib import Path
import psutil
from PySide6.QtCore import QCoreApplication, Qt, QTimer
from starpad.core.download import DownloadOrder, DownloadState
from starpad.core.remote import RemoteFile
from starpad.hub import worker  # which a running window has long imported
from starpad.hub.queue import DownloadQueue

folder, endpoint, repository, commit, size, sha256 = sys.argv[1:]
order = DownloadOrder(endpoint, repository, commit, (RemoteFile("model.gguf", int(size), sha256),))
application = QCoreApplication([])
queue = DownloadQueue(Path(folder), lambda endpoint: None, lambda: None)
queue.start(resume=True)
process = psutil.Process()
before = peak = process.memory_info().rss
moments = {}

def look():
    global peak
    now = time.perf_counter()
    (download,) = queue.downloads
    moments.setdefault(download.state, now)
    peak = max(peak, process.memory_info().rss)
    if download.state in (DownloadState.DONE, DownloadState.FAILED, DownloadState.PAUSED):
        application.exit(0 if download.state is DownloadState.DONE else 1)

timer = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
timer.timeout.connect(tick)
timer.timeout.connect(look)
started = time.perf_counter()
queue.add(order)
timer.start()
code = application.exec()
done = moments.get(DownloadState.DONE, 0)
print(json.dumps({
    "transfer": moments.get(DownloadState.VERIFYING, done) - started,
    "whole": done - started,
    "growth": peak - before,
    "waits": waits,
}))
queue.shutdown()
sys.exit(code)
"""


def _start_hub(model: Path) -> tuple[subprocess.Popen[str], list[str]]:
    hub = subprocess.Popen(
        [sys.executable, "-c", HUB, str(model)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert hub.stdout is not None
    return hub, [str(fact) for fact in json.loads(hub.stdout.readline())]


def _environment(home: Path, endpoint: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return ours | {
        "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT / "app"),
    }  # fmt: skip


def _hf(folder: Path, environment: dict[str, str], commit: str, name: str) -> float:
    """Let `hf` fetch a file; return the seconds of the whole process."""
    command = [Path(sys.executable).with_name("hf"), "download", REPOSITORY, name]
    with tempfile.TemporaryDirectory(dir=folder) as target:
        started = time.perf_counter()
        subprocess.run(
            [*command, "--revision", commit, "--local-dir", target],
            env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - started


def _hf_beside_idle(
    folder: Path, environment: dict[str, str], commit: str
) -> tuple[float, list[float]]:
    """Let `hf` fetch the model; return its seconds, and how late another event loop was."""
    idle = subprocess.Popen(
        [sys.executable, "-c", TICK + IDLE],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    seconds = _hf(folder, environment, commit, "model.gguf")
    return seconds, json.loads(idle.communicate("\n")[0])


def _starpad(folder: Path, environment: dict[str, str], facts: list[str]) -> dict[str, Any]:
    """Let Starpad fetch the model; return its figures in seconds and bytes."""
    endpoint, commit, size, sha256 = facts
    script = TICK + STARPAD
    with tempfile.TemporaryDirectory(dir=folder) as target:
        result = subprocess.run(
            [sys.executable, "-c", script, target, endpoint, REPOSITORY, commit, size, sha256],
            env=environment, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def _lateness(runs: list[list[float]]) -> str:
    """Return the medians of the runs' p50 and p99, and the worst of all."""
    runs = [sorted(waits) for waits in runs]
    p50, p99 = (
        statistics.median(waits[len(waits) * percent // 100] for waits in runs) * 1000
        for percent in (50, 99)
    )
    return f"p50 {p50:.1f}  p99 {p99:.1f}  max {max(waits[-1] for waits in runs) * 1000:.1f} ms"


def _generate(stream: IO[bytes], mib: int) -> None:
    stream.write(b"GGUF")
    for _ in range(mib):
        stream.write(os.urandom(1 << 20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: temporary")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        model = folder / "model.gguf"
        with model.open("wb") as stream:
            _generate(stream, options.mib)
        hub, facts = _start_hub(model)
        try:
            environment = _environment(folder / "home", facts[0])
            start = min(_hf(folder, environment, facts[1], "tiny.txt") for _ in range(3))
            theirs, idle, ours = [], [], []
            for _ in range(options.runs):
                seconds, waits = _hf_beside_idle(folder, environment, facts[1])
                theirs.append(seconds - start)
                idle.append(waits)
                ours.append(_starpad(folder, environment, facts))
                print(
                    f"hf {options.mib / theirs[-1]:5.0f} MiB/s   "
                    f"Starpad {options.mib / ours[-1]['transfer']:5.0f}, "
                    f"with SHA-256 {options.mib / ours[-1]['whole']:5.0f} MiB/s"
                )
        finally:
            hub.communicate("")
    reference = statistics.median(theirs)
    print(f"median of {options.runs}; hf: {reference:.2f} s without its start of {start:.2f} s")
    for what, label in (("transfer", "transfer alone"), ("whole", "with SHA-256")):
        seconds = statistics.median(run[what] for run in ours)
        print(f"{label:15} {seconds:6.2f} s  (speed ratio {reference / seconds:.2f})")
    growth = max(run["growth"] for run in ours)
    print(f"memory growth   {growth / 1e6:6.1f} MB")
    print(f"event loop late {_lateness([run['waits'] for run in ours])}")
    print(f"   beside an hf {_lateness(idle)}")


if __name__ == "__main__":
    main()
