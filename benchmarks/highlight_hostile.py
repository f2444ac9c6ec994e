"""How long the editor stands still while a text is open that hangs its highlighter.

Opens texts that drive regular expressions into exponential time, in languages whose lexers are
known for that (or all of Pygments'), types all the while, and prints the longest that the event
loop stood still, by the thread's own clock.

    python benchmarks/highlight_hostile.py [--all | ALIAS ...]
"""

import argparse
import os
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from pygments.lexers import get_all_lexers
from PySide6 import QtCore, QtGui
from PySide6.QtWidgets import QPlainTextEdit

from starpad import bootstrap
from starpad.services.highlighting import ANSWER_LIMIT_MS, HighlightService
from starpad.ui.editor.highlighter import Highlighter
from starpad.ui.theme import Theme
from typed_editor import Typist

HANGING = ["make", "console", "gnuplot", "http", "ldif", "devicetree", "gherkin", "sas", "smithy"]
TEXTS = {
    "a long word": "a" * 50_000,
    "parentheses": "(" * 20_000,
    "blanks": " " * 50_000 + "x",
    "lines": "\n".join(["a" * 9_000] * 10),
    "one line": "x = (1, 'a'); " * 7_000,
}
KEYS = "a(\"' \r"


def _open(
    text: str, alias: str, number: int, service: HighlightService, theme: Theme
) -> QPlainTextEdit:
    editor = QPlainTextEdit()
    editor.resize(1000, 800)
    editor.show()
    highlighter = Highlighter(editor, number, service, theme)
    editor.setPlainText(f"\n\n{text}\n\n")
    highlighter.open(alias, "")
    return editor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("aliases", nargs="*")
    parser.add_argument("--all", action="store_true", help="takes hours")
    arguments = parser.parse_args()
    aliases = arguments.aliases or HANGING
    if arguments.all:
        aliases = [names[0] for _, names, _, _ in get_all_lexers() if names]
    application = bootstrap.create_application()
    theme, service = Theme(application), HighlightService()
    plain: set[int] = set()
    service.plain.connect(lambda number, _reason: plain.add(number))
    typist = Typist(application, QtCore, QtGui)
    worst = 0.0
    number = 0
    for alias in aliases:
        for name, text in TEXTS.items():
            number += 1
            editor = _open(text, alias, number, service, theme)
            typist.turn_for(0.05)
            typist.take_longest()  # opening and laying out is Qt's own time
            end = time.monotonic() + ANSWER_LIMIT_MS / 1000 + 1
            keys = 0
            while number not in plain and time.monotonic() < end:
                typist.press(editor, KEYS[keys % len(KEYS)])
                typist.turn_for(0.04)
                keys += 1
            longest_ms = typist.take_longest() * 1000
            worst = max(worst, longest_ms)
            state = "hung" if number in plain else "colored"
            print(f"{alias:12} {name:12} {state:8} {keys:4} keys {longest_ms:6.1f} ms", flush=True)
            service.close(number)
            editor.deleteLater()
    print(f"the longest of all: {worst:.1f} ms")
    service.shutdown()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
