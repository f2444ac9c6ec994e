"""No text hangs the editor, whatever the lexer: what takes too long goes plain, others go on."""

from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest
from pygments.lexers import get_all_lexers
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from starpad.services.highlighting import HighlightService
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.highlighter import Highlighter
from starpad.ui.theme import Theme

ALIASES = [aliases[0] for _, aliases, _, _ in get_all_lexers(plugins=False) if aliases]
TEXTS = {
    "a long word": "a" * 50_000,
    "parentheses": "(" * 20_000,
    "blanks": " " * 50_000 + "x",
    "lines": "\n".join(["a" * 9_000] * 20),
    "one line": "x = (1, 'a'); " * 7_000,
    "C": 'static int f(char *s) { return puts("x"); } /* c */\n' * 2_000,
}
SETTLED_S = 40
"""Of the host's processor time: other processes may take what they like."""
MOST_KEYS = 10_000
SEEN_LINES = 40
"""More than the window shows. Lines far from where somebody types may wait for a pause."""


class Hostilities:
    """Opens one hostile text after the other beside a calm one, and types into both."""

    def __init__(self, service: HighlightService, theme: Theme, qtbot: QtBot) -> None:
        self._service, self._theme, self._qtbot = service, theme, qtbot
        self._numbers = iter(range(1, 10_000))
        self._processor_s = 0.0  # of all hosts
        self._host = (0, 0.0)  # the last one's process number and processor time
        self.plain: set[int] = set()
        service.plain.connect(lambda number, _reason: self.plain.add(number))
        self.calm, self._calm_colors, _ = self._open("python", "x = None\n" * 50)

    def _open(self, alias: str, text: str) -> tuple[CodeEditor, Highlighter, int]:
        editor, number = CodeEditor(self._theme.colors), next(self._numbers)
        editor.resize(700, 500)
        editor.show()
        highlighter = Highlighter(editor, number, self._service, self._theme)
        editor.setPlainText(text)
        highlighter.open(alias, "")
        return editor, highlighter, number

    def endure(self, alias: str, text: str) -> bool:
        """Return whether the text was given up."""
        editor, highlighter, number = self._open(alias, f"\n{text}\n")
        cursor = QTextCursor(editor.document().findBlockByNumber(1))
        cursor.movePosition(QTextCursor.MoveOperation.Right, n=20)
        editor.setTextCursor(cursor)
        end, typed = self._used_s() + SETTLED_S, 0
        while number not in self.plain and (
            typed < 3 or None in highlighter._store.lines[:SEEN_LINES]
        ):
            QTest.keyClicks(editor, "a")
            QTest.keyClicks(self.calm, "a")
            typed += 1
            self._qtbot.wait(20)
            assert typed < MOST_KEYS, alias
            assert self._used_s() < end, alias
        assert editor.document().findBlockByNumber(1).text()[20 : 20 + typed] == "a" * typed
        highlighter.close()
        editor.deleteLater()
        return number in self.plain

    def _used_s(self) -> float:
        """Return how long the highlighting hosts have computed."""
        process = self._service._process
        if process is not None and (number := process.processId()):
            with suppress(psutil.Error):  # it may have been killed
                times = psutil.Process(number).cpu_times()
                used = times.user + times.system
                self._processor_s += used - (self._host[1] if self._host[0] == number else 0.0)
                self._host = (number, used)
        return self._processor_s

    def is_calm_colored(self) -> bool:
        QTest.keyClicks(self.calm, "a")
        self._qtbot.wait(20)
        block = self.calm.document().findBlockByNumber(1)
        return self._calm_colors.token_at(1, 4) == "Keyword.Constant" and bool(
            block.layout().formats()
        )


@pytest.fixture
def hostilities(qapp: QApplication, qtbot: QtBot) -> Iterator[Hostilities]:
    service = HighlightService()
    service._watchdog.setInterval(1000)
    hostilities = Hostilities(service, Theme(qapp), qtbot)
    yield hostilities
    service.shutdown()
    hostilities.calm.deleteLater()


def test_what_hangs_its_lexer_goes_plain_and_the_rest_goes_on(
    hostilities: Hostilities, qtbot: QtBot
) -> None:
    assert hostilities.endure("make", TEXTS["lines"])
    hostilities.endure("make", TEXTS["blanks"])
    qtbot.waitUntil(hostilities.is_calm_colored, timeout=20_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_every_lexer_endures_them(hostilities: Hostilities, qtbot: QtBot, name: str) -> None:
    for alias in ALIASES:
        hostilities.endure(alias, TEXTS[name])
    qtbot.waitUntil(hostilities.is_calm_colored, timeout=20_000)
