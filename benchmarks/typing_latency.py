"""How long a typed character waits: Starpad with suggestions and colors beside a bare text edit.

Types 400 characters at 25 keys a second into the middle of a 2,000-line Python file, with the
embedded model suggesting all the while, and prints the time from key to painted text.

    python benchmarks/typing_latency.py [FILE]
"""

import argparse
import inspect
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QRect, Qt, QTimer, Slot
from PySide6.QtGui import QImage, QKeyEvent, QRegion
from PySide6.QtWidgets import QPlainTextEdit

from starpad import bootstrap
from starpad.core.engine_status import EngineState

TYPED = "total = sum(item.size for item in items if item.size > limit)\n" * 7
KEYS = 400
PERIOD_MS = 40
SETTLE_MS = 1500


class Typist(QObject):
    """Types into one editor and keeps each key's time in seconds."""

    def __init__(self, editor: QPlainTextEdit) -> None:
        super().__init__()
        self.times: list[float] = []
        self._editor = editor
        self._image = QImage(editor.viewport().size(), QImage.Format.Format_RGB32)
        self._timer = QTimer(self, interval=PERIOD_MS)
        self._timer.timeout.connect(self._on_timeout)
        QTimer.singleShot(SETTLE_MS, self._timer.start)

    @Slot()
    def _on_timeout(self) -> None:
        character = TYPED[len(self.times)]
        key = Qt.Key.Key_Return if character == "\n" else Qt.Key.Key_unknown
        event = QKeyEvent(
            QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, character.strip("\n")
        )
        # Only the line with the caret, which is what a screen would repaint.
        row = self._editor.cursorRect()
        area = QRect(0, row.top(), self._image.width(), row.height())
        started = time.perf_counter()
        QCoreApplication.sendEvent(self._editor, event)
        self._editor.viewport().render(self._image, QPoint(), QRegion(area))
        self.times.append(time.perf_counter() - started)
        if len(self.times) == KEYS:
            self._timer.stop()
            QCoreApplication.exit()  # quit() would close the windows


def _type_into(editor: QPlainTextEdit) -> list[float]:
    cursor = editor.textCursor()
    cursor.setPosition(editor.document().findBlockByNumber(1000).position())
    editor.setTextCursor(cursor)
    editor.setFocus()
    typist = Typist(editor)
    QCoreApplication.exec()
    return typist.times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path(inspect.getfile(argparse)))
    text = "\n".join(parser.parse_args().file.read_text(encoding="utf-8").split("\n")[:2000])
    application = bootstrap.create_application()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.py")
        path.write_text(text, encoding="utf-8")
        starpad = bootstrap.Starpad(application, Path(folder, "settings.json"), Path(folder))
        # A request for every key: what a GPU's user gets, and the most work for this thread.
        starpad.settings.change(suggestion_pause_ms=0)
        starpad.start([path], None)
        while starpad.engine.status.state is not EngineState.READY:
            QTimer.singleShot(100, application.exit)
            application.exec()
        suggested = 0

        def count(_update: object) -> None:
            nonlocal suggested
            suggested += 1

        starpad.completion.updated.connect(count)
        tab = starpad.window.tabs.current
        assert tab is not None
        ours = _type_into(tab.editor)
        bare = QPlainTextEdit(text)
        bare.resize(1000, 600)
        bare.show()
        reference = _type_into(bare)
        bare.close()
        starpad.shutdown()
    print(f"{KEYS} keys, milliseconds from key to painted; {suggested} suggestion updates came")
    for name, times in (("bare", reference), ("Starpad", ours)):
        ordered = sorted(time * 1000 for time in times)
        p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99) - 1]
        print(f"{name:8} p50 {p50:6.2f}  p99 {p99:6.2f}  worst {ordered[-1]:6.2f}")
    ratio = statistics.median(ours) / statistics.median(reference)
    print(f"ratio of the medians {ratio:.2f}")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
