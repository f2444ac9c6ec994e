"""How soon the window is there and the first completion possible, beside a bare Qt window.

Starts each several times in turn and prints medians from the start of the process, and the ratio.
Uses the screen if there is one, Qt's off-screen platform otherwise.

    python benchmarks/startup.py [RUNS]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

BARE = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow, QPlainTextEdit
application = QApplication(sys.argv)
window = QMainWindow()
window.setCentralWidget(QPlainTextEdit())
"""

STARPAD = """
import sys
from pathlib import Path
from starpad import bootstrap
application = bootstrap.create_application()
folder = Path(sys.argv[1])
starpad = bootstrap.Starpad(application, folder / "settings.json", folder)
window = starpad.window
"""

# The first paint is the moment at which a user sees something.
WATCH = """
import time
from PySide6.QtCore import QEvent, QObject, QTimer
class Watch(QObject):
    seen = False
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not self.seen:
            self.seen = True
            QTimer.singleShot(0, lambda: print("window", time.time(), flush=True))
        return False
watch = Watch()
window.centralWidget().installEventFilter(watch)
application.installEventFilter(watch)
"""

RUN_BARE = """
window.show()
QTimer.singleShot(300, application.quit)
application.exec()
"""

RUN_STARPAD = """
class Ready(QObject):
    def on_status(self, status):
        if status.state == "ready":
            print("ready", time.time(), flush=True)
            application.quit()
ready = Ready()
starpad.engine.status_changed.connect(ready.on_status)
starpad.start([], None)
QTimer.singleShot(30000, application.quit)
application.exec()
starpad.shutdown()
"""


def _run(script: str) -> dict[str, float]:
    """Run a script; return the seconds from its start to each moment that it names."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        result = subprocess.run(
            [sys.executable, "-c", script, folder],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    moments = (line.split() for line in result.stdout.splitlines())
    return {name: float(moment) - started for name, moment in moments}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=5)
    runs = parser.parse_args().runs
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    bare, window, ready = [], [], []
    for _ in range(runs):
        bare.append(_run(BARE + WATCH + RUN_BARE)["window"])
        moments = _run(STARPAD + WATCH + RUN_STARPAD)
        window.append(moments["window"])
        ready.append(moments["ready"])
    reference = statistics.median(bare)
    print(f"median of {runs}, seconds from the start of the process")
    for name, seconds in (("bare window", bare), ("window", window), ("completion", ready)):
        median = statistics.median(seconds)
        print(
            f"{name:12} {median:6.2f}  (ratio {median / reference:.2f}, worst {max(seconds):.2f})"
        )


if __name__ == "__main__":
    main()
