"""Run in a network namespace: uses the models window without a network, and times the event loop.

Prints one JSON object: what was seen, and the longest time that the event loop was held up.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, QTimer, Slot

from starpad import bootstrap
from starpad.core.engine_status import EngineState


class Gaps(QObject):
    """Ticks every 5 ms; the longest pause between two ticks is how long the window hung."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_ms = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=5)
        self._timer.timeout.connect(self._on_timer)
        self._timer.start()

    @Slot()
    def _on_timer(self) -> None:
        now = time.perf_counter()
        self.longest_ms = max(self.longest_ms, (now - self._last) * 1000)
        self._last = now


def wait_until(condition: Callable[[], object], seconds: float) -> bool:
    """Let the event loop run until the condition holds."""
    loop = QEventLoop()
    timer = QTimer(interval=20)
    deadline = time.monotonic() + seconds
    timer.timeout.connect(lambda: condition() and loop.quit())
    timer.start()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    return time.monotonic() < deadline


def main() -> None:
    """Search, list, download, look at the library, complete at the caret."""
    application = bootstrap.create_application()
    with tempfile.TemporaryDirectory() as folder:
        starpad = bootstrap.Starpad(application, Path(folder, "settings.json"), Path(folder))
        starpad.start([], None)
        seen: dict[str, object] = {}
        engine = starpad.engine
        seen["engine"] = wait_until(lambda: engine.status.state is EngineState.READY, 30)
        window = starpad.window.models.window
        window.show_discover()
        wait_until(lambda: False, 0.5)
        gaps = Gaps()
        errors: list[str] = []
        starpad.search.search_failed.connect(lambda error: errors.append(error.problem.name))
        window.discover.search_for("starcoder2")
        seen["search"] = wait_until(lambda: bool(errors), 60) and errors[0]
        window.discover.pane.ask_for_files()
        window.show_library()
        seen["library"] = wait_until(lambda: bool(starpad.library.models), 10)
        tab = starpad.window.tabs.current
        assert tab is not None
        tab.editor.setPlainText("def read_lines(path):\n    ")
        tab.editor.moveCursor(tab.editor.textCursor().MoveOperation.End)
        tab.suggestions.ask()
        seen["suggestion"] = wait_until(lambda: tab.suggestions.ghost.is_shown, 20)
        wait_until(lambda: False, 1)
        seen["longest_ms"] = round(gaps.longest_ms, 1)
        tab.mark_saved()
        window.close()
        starpad.window.close()
        starpad.shutdown()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
