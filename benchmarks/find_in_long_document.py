"""What find and replace cost the thread that takes the keys, in a document of 350,000 lines.

Searches for a word that is not there, for one that is in each line, and for a pattern; types with
the bar open; replaces in each line and takes it back; then indents all lines, makes them comments
and takes that back. Prints the longest turn of the event loop.

    python benchmarks/find_in_long_document.py [--lines 350000]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from starpad.bootstrap import Starpad
from starpad.ui.actions import ActionId
from starpad.ui.editor import line_commands
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.find_bar import FindBar

LINE = "def f(x): return x + 1\n"
SETTLE_S = 10


def longest_turn(seconds: float, is_done: Callable[[], bool] = lambda: False) -> float:
    """Run the event loop and return its longest turn in milliseconds."""
    longest, last = 0.0, time.perf_counter()
    end = last + seconds
    while last < end and not is_done():
        QApplication.processEvents()
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest * 1000


def search(bar: FindBar, text: str, is_regex: bool = False) -> None:
    bar.find_field.clear()
    bar.regex.setChecked(is_regex)
    started = time.perf_counter()
    bar.find_field.setText(text)
    at_once = (time.perf_counter() - started) * 1000
    longest = longest_turn(5)
    print(
        f"{text!r}: at once {at_once:.0f} ms, longest turn {longest:.0f} ms: {bar.message.text()}"
    )


def in_turns(name: str, tab: EditorTab, command: Callable[[], object]) -> None:
    started = time.perf_counter()
    command()
    at_once = (time.perf_counter() - started) * 1000
    longest = longest_turn(60, lambda: not tab.editor.long_edits.is_busy)
    took = time.perf_counter() - started
    after = longest_turn(3)
    print(
        f"{name}: at once {at_once:.0f} ms, longest turn {longest:.0f} ms, {took:.1f} s; "
        f"after it {after:.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=350_000)
    lines = parser.parse_args().lines
    application = QApplication([])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "long.py"
        file.write_text(LINE * lines, encoding="utf-8")
        starpad = Starpad(application, folder / "settings.json", folder)
        starpad.start([file], None)
        starpad.settings.change(suggestions_enabled=False)
        longest_turn(SETTLE_S)
        print(f"idle: longest turn {longest_turn(2):.0f} ms")
        window = starpad.window
        tab, bar = window.tabs.current, window.editing.find_bar
        assert tab is not None
        window.actions_by_id[ActionId.REPLACE].trigger()
        search(bar, "nowhere")
        search(bar, "x")
        search(bar, r"return (\w)", is_regex=True)
        tab.editor.setFocus()
        keys = []
        for _ in range(20):
            started = time.thread_time()
            QTest.keyClick(tab.editor, "q")
            keys.append((time.thread_time() - started) * 1000)
        print(f"keys with the bar open: at most {max(keys):.1f} ms")
        print(f"the search after them: longest turn {longest_turn(6):.0f} ms")
        bar.replace_field.setText("yield $1")
        started = time.perf_counter()
        bar.replace_all_requested.emit()
        longest = longest_turn(60, lambda: "replaced" in bar.message.text())
        took = time.perf_counter() - started
        print(f"{bar.message.text()} in {took:.1f} s, longest turn {longest:.0f} ms")
        in_turns("undone", tab, tab.editor.undo)
        tab.editor.selectAll()
        for command in (line_commands.indent, line_commands.toggle_comment, line_commands.trim):
            in_turns(command.__name__, tab, partial(tab.editor.apply, command))
        in_turns("undone", tab, tab.editor.undo)
        tab.mark_saved()
        window.close()
        starpad.shutdown()


if __name__ == "__main__":
    main()
