"""How long the editor stands still while a text is open that hangs its highlighter.

Opens texts that drive regular expressions into exponential time in Starpad's window, in languages
whose lexers are known for that (and others of Pygments'), types all the while, and prints the
longest that the event loop stood still, by the thread's own clock: opening, then typing.

    python benchmarks/highlight_hostile.py [--all | --sample COUNT] [--seed N] [--part 1/4] [--wrap]
        [--text NAME ...] [ALIAS ...]
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from pygments.lexers import get_all_lexers
from PySide6 import QtCore, QtGui

from starpad import bootstrap
from starpad.core import heap
from starpad.core.languages import Language
from starpad.services.highlighting import ANSWER_LIMIT_MS, HighlightService, SpanUpdate
from starpad.ui.editor.editor_tab import EditorTab
from typed_editor import Typist

HANGING = [
    "make", "console", "llvm", "gnuplot", "http", "ldif", "desktop", "devicetree", "ng2", "gherkin",
    "sas", "idris", "smithy",
]  # fmt: skip
TEXTS = {
    "a long word": "a" * 50_000,
    "parentheses": "(" * 20_000,
    "blanks": " " * 50_000 + "x",
    "lines": "\n".join(["a" * 9_000] * 10),
    "dense lines": "\n".join(["x = (1, 'a'); " * 700] * 40),
    "one line": "x = (1, 'a'); " * 7_000,
    "minified": 'function a(b){return b?c[d]:"e"};' * 3_000,
    "markup": "<a>" * 20_000,
    "quotes": '"' * 20_000,
    "backslashes": "\\" * 50_000,
    "digits": "0" * 50_000,
    "tabs": "\t" * 50_000 + "x",
    "empty lines": "\n" * 100_000,
    "C": 'static int f(char *s) { return puts("x"); } /* c */\n' * 2_000,
}
KEYS = "a(\"' \r"
KEY_COUNT = 2 * len(KEYS)


class Answers:
    """What the highlighting has said about each document."""

    def __init__(self, service: HighlightService) -> None:
        self.plain: set[int] = set()
        self._ends = Counter[int]()  # up to which line colors have come
        service.plain.connect(lambda number, _reason: self.plain.add(number))
        service.spans_ready.connect(self._note)

    def forget(self, number: int) -> None:
        """Say that a document's colors come anew."""
        self._ends[number] = 0

    def reach(self, number: int, lines: int) -> bool:
        """Return whether so many lines have had colors, or it is sure that none come."""
        return number in self.plain or self._ends[number] >= lines

    def _note(self, number: int, update: SpanUpdate) -> None:
        self._ends[number] = max(self._ends[number], update.first_line + len(update.spans))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("aliases", nargs="*")
    parser.add_argument("--all", action="store_true", help="takes three hours")
    parser.add_argument("--sample", type=int, help="so many others, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="1/1", help="2/4: each fourth one from the second on")
    parser.add_argument("--text", action="append", choices=TEXTS, help="only this one")
    parser.add_argument("--wrap", action="store_true", help="wrap lines at the window's edge")
    arguments = parser.parse_args()
    aliases = arguments.aliases or HANGING
    known = [names[0] for _, names, _, _ in get_all_lexers(plugins=False) if names]
    if arguments.all:
        aliases = known
    elif arguments.sample:
        aliases = [*aliases, *random.Random(arguments.seed).sample(known, arguments.sample)]
    part, parts = map(int, arguments.part.split("/"))
    aliases = aliases[part - 1 :: parts]
    application = bootstrap.create_application()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        starpad = bootstrap.Starpad(application, Path(folder, "settings.json"), Path(folder))
        window = starpad.window
        window.resize(1000, 800)
        window.show()
        typist = Typist(application, QtCore, QtGui)
        typist.turn_for(1.0)
        heap.settle()
        answers = Answers(starpad.highlighting)
        for alias in aliases:
            for name in arguments.text or TEXTS:
                path = Path(folder, f"{name} {alias}".replace("/", "-"))
                path.write_text(f"\n\n{TEXTS[name]}\n\n", encoding="utf-8")
                typist.take_longest()
                QtCore.QTimer.singleShot(0, partial(window.files.open, [path]))
                typist.turn_for(0.3)
                tab = window.tabs.current
                assert tab is not None
                tab.editor.set_wrapped(arguments.wrap)
                answers.forget(tab.document.id)
                QtCore.QTimer.singleShot(0, partial(tab.choose_language, Language(alias, alias)))
                typist.turn_for(0.3)
                while tab.is_loading:
                    typist.turn_for(0.1)
                opening_ms = typist.take_longest() * 1000
                lines = tab.editor.blockCount()  # what is typed makes more
                keys = _type(tab, typist, partial(answers.reach, tab.document.id, lines))
                typing_ms = typist.take_longest() * 1000
                worst = max(worst, opening_ms, typing_ms)
                state = "colored" if answers.reach(tab.document.id, lines) else "waiting"
                state = "hung" if tab.document.id in answers.plain else state
                print(
                    f"{alias:12} {name:12} {state:8} opening {opening_ms:6.1f} ms, "
                    f"{keys:4} keys {typing_ms:6.1f} ms",
                    flush=True,
                )
                tab.mark_saved()
                window.files.close(tab)
                # Without a loop that runs, closed editors stay, and each hears of all colors.
                QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        starpad.shutdown()
    print(f"the longest of all: {worst:.1f} ms")
    sys.stdout.flush()
    os._exit(0)


def _type(tab: EditorTab, typist: Typist, is_done: Callable[[], bool]) -> int:
    """Type into the middle of the text until it is colored, given up, or surely never will be."""
    editor = tab.editor
    cursor = editor.textCursor()
    cursor.setPosition(editor.document().characterCount() // 2)
    QtCore.QTimer.singleShot(0, partial(editor.setTextCursor, cursor))
    typist.turn_for(0.1)
    end = time.monotonic() + ANSWER_LIMIT_MS / 1000 + 1
    keys = 0
    while time.monotonic() < end and (keys < KEY_COUNT or not is_done()):
        typist.press(editor, KEYS[keys % len(KEYS)])
        typist.turn_for(0.04)
        keys += 1
    return keys


if __name__ == "__main__":
    main()
