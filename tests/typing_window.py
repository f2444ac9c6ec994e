"""Run to be killed: a real window into which numbers are typed, one key after the other.

Arguments: the data folder, a file. The first line printed is what came back from the run before
(how many numbers each text has), as JSON; each further one is `WHAT NUMBER MOMENT`: typed into the
file's tab, typed into the tab without a file, about to save, saved.
"""

import json
import sys
import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from starpad import bootstrap
from starpad.bootstrap import Starpad
from starpad.ui.editor.editor_tab import EditorTab

KEY_MS = 15
SAVE_EACH = 40


def numbers(text: str) -> int:
    """Return how many numbers a text has that holds 0, 1, 2 … and nothing else; -1 otherwise."""
    words = text.split()
    return len(words) if words == [str(n) for n in range(len(words))] else -1


class Typist(QObject):
    """Types the next number into one of two tabs at each tick, and sometimes saves."""

    def __init__(self, starpad: Starpad, named: EditorTab, unnamed: EditorTab) -> None:
        super().__init__()
        self._starpad = starpad
        self._tabs = {"named": named, "unnamed": unnamed}
        self._next = {name: numbers(tab.editor.text()) for name, tab in self._tabs.items()}
        for tab in self._tabs.values():
            # A caret may be older than a text that was saved just before the kill.
            tab.editor.moveCursor(QTextCursor.MoveOperation.End)
        self._ticks = 0
        self._timer = QTimer(self, interval=KEY_MS)
        self._timer.timeout.connect(self._on_timer)
        self._timer.start()

    @Slot()
    def _on_timer(self) -> None:
        self._ticks += 1
        # A while into the one, then a while into the other.
        name = "named" if self._ticks // 25 % 2 == 0 else "unnamed"
        tab = self._tabs[name]
        if self._starpad.window.tabs.current is not tab:
            self._starpad.window.tabs.go_to(tab)
        number = self._next[name]
        QTest.keyClicks(tab.editor, str(number))
        QTest.keyClick(tab.editor, Qt.Key.Key_Space)
        self._next[name] = number + 1
        say(name, number + 1)
        if self._ticks % SAVE_EACH == 0:
            say("saving", self._next["named"])
            self._starpad.window.files.save(self._tabs["named"])
            say("saved", self._next["named"])


def say(what: str, number: int) -> None:
    """Tell the test."""
    sys.stdout.write(f"{what} {number} {time.monotonic()}\n")
    sys.stdout.flush()


def main() -> None:
    """Bring back what there is, say so, and type until killed."""
    data, file = map(Path, sys.argv[1:])
    application = bootstrap.create_application()
    starpad = Starpad(application, data / "settings.json", data)
    starpad.window.models.load_last = lambda: None  # type: ignore[method-assign]
    starpad.settings.change(suggestions_enabled=False)
    starpad.start([file], None)
    tabs = starpad.window.tabs.tabs
    named = [tab for tab in tabs if tab.document.path == file]
    unnamed = [tab for tab in tabs if tab.document.path is None and tab.editor.text()]
    for tab in named:
        tab.finish_loading()
    back = {
        "named": [numbers(tab.editor.text()) for tab in named],
        "unnamed": [numbers(tab.editor.text()) for tab in unnamed],
        "ends": [tab.editor.text()[-100:] for tab in (*named, *unnamed)],
        "carets": [tab.editor.textCursor().position() for tab in (*named, *unnamed)],
        "messages": [note.message for note in starpad.window.messages.notifications],
    }
    sys.stdout.write(json.dumps(back) + "\n")
    sys.stdout.flush()
    other = unnamed[0] if unnamed else starpad.window.files.new()
    typist = Typist(starpad, named[0], other)
    QApplication.exec()
    del typist


if __name__ == "__main__":
    main()
