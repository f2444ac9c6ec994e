"""The service keeps colors coming, whatever becomes of the host process."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QObject, Slot
from pytestqt.qtbot import QtBot

from starpad.highlighting import lexing
from starpad.highlighting.protocol import MAX_CHARACTERS, MAX_LINE_CHARACTERS
from starpad.services import host_process
from starpad.services.highlighting import (
    ANSWER_LIMIT_MS,
    HighlightService,
    LineEdit,
    LineSpans,
    SpanUpdate,
)

ANSWER_MS = 20_000
# Makefile's lexer takes quadratic time for one word: several seconds for each of these lines.
HANGS = ["a" * MAX_LINE_CHARACTERS] * 20


class Client(QObject):
    """Holds texts and the spans that come for them, and opens again what is asked for."""

    def __init__(self, service: HighlightService) -> None:
        super().__init__()
        self.service = service
        self.texts: dict[int, tuple[str, list[str]]] = {}
        self.held: dict[int, list[LineSpans | None]] = {}
        self.languages: dict[int, str] = {}
        self.plain: dict[int, str] = {}
        service.spans_ready.connect(self._on_spans_ready)
        service.language_known.connect(self._on_language_known)
        service.plain.connect(self._on_plain)
        service.text_needed.connect(self.open)

    def add(self, document: int, alias: str, lines: list[str]) -> None:
        self.texts[document] = (alias, lines)
        self.open(document)

    @Slot(int)
    def open(self, document: int) -> None:
        alias, lines = self.texts[document]
        self.held[document] = [None] * len(lines)
        self.service.open(document, alias, "", list(lines))

    def is_colored(self, document: int) -> bool:
        alias, lines = self.texts[document]
        return self.held[document] == list(lexing.lex(lexing.lexer_for(alias, "", ""), lines))

    @Slot(int, object)
    def _on_spans_ready(self, document: int, update: SpanUpdate) -> None:
        first = update.first_line
        self.held[document][first : first + len(update.spans)] = update.spans

    @Slot(int, str)
    def _on_language_known(self, document: int, name: str) -> None:
        self.languages[document] = name

    @Slot(int, str)
    def _on_plain(self, document: int, reason: str) -> None:
        self.plain[document] = reason


@pytest.fixture
def client(qtbot: QtBot) -> Iterator[Client]:
    service = HighlightService()
    client = Client(service)
    yield client
    service.shutdown()
    assert not hosts()


def hosts() -> list[psutil.Process]:
    return psutil.Process().children()


def test_no_process_runs_before_there_is_something_to_color(client: Client) -> None:
    client.service.edit(1, LineEdit(1, 0, 1, ["x"]))
    client.service.close(1)
    assert not hosts()


def test_one_process_colors_all_documents_and_names_their_languages(
    client: Client, qtbot: QtBot
) -> None:
    client.add(1, "python", ["x = '🦊'", "# c"] * 500)
    client.add(2, "c", ["int x;"])
    client.add(3, "", [""])
    qtbot.waitUntil(lambda: all(client.is_colored(d) for d in (1, 2, 3)), timeout=ANSWER_MS)
    assert client.languages == {1: "Python", 2: "C", 3: "Plain text"}
    assert len(hosts()) == 1


def test_an_edit_is_answered_at_its_revision(client: Client, qtbot: QtBot) -> None:
    client.add(1, "python", ["x = 1", "y = 2"])
    qtbot.waitUntil(lambda: client.is_colored(1), timeout=ANSWER_MS)
    updates: list[SpanUpdate] = []
    client.service.spans_ready.connect(lambda _, update: updates.append(update))
    client.service.edit(1, LineEdit(5, 1, 1, ["None"]))
    # At last it is said that there was no more.
    qtbot.waitUntil(lambda: SpanUpdate(5, 0, []) in updates, timeout=ANSWER_MS)
    answers = [update for update in updates if update.spans]
    assert answers == [SpanUpdate(5, 1, [((0, 4, "Keyword.Constant"),)])]


def test_a_killed_host_is_started_again_and_all_documents_get_their_colors(
    client: Client, qtbot: QtBot
) -> None:
    client.add(1, "python", ["x = 1"])
    client.add(2, "c", ["int x;"])
    qtbot.waitUntil(lambda: client.is_colored(1) and client.is_colored(2), timeout=ANSWER_MS)
    for _ in range(2):
        [host] = hosts()
        with qtbot.waitSignals([client.service.text_needed] * 2, timeout=ANSWER_MS):
            os.kill(host.pid, signal.SIGKILL)
        qtbot.waitUntil(lambda: client.is_colored(1) and client.is_colored(2), timeout=ANSWER_MS)
    assert not client.plain


def test_a_host_that_keeps_dying_is_given_up_and_every_document_is_plain(
    client: Client, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(host_process, "host_command", lambda _role: ["/bin/sh", "-c", "exit 3"])
    client.add(1, "python", ["x = 1"])
    client.add(2, "c", ["int x;"])
    qtbot.waitUntil(lambda: set(client.plain) == {1, 2}, timeout=ANSWER_MS)
    assert client.plain[1] == "The highlighter stopped several times."


def test_a_host_that_cannot_be_started_leaves_documents_plain(
    client: Client, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    monkeypatch.setattr(host_process, "host_command", lambda _role: [missing])
    client.add(1, "python", ["x = 1"])
    qtbot.waitUntil(lambda: 1 in client.plain, timeout=ANSWER_MS)


def test_what_the_host_says_when_it_dies_is_in_the_log(
    client: Client, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    command = ["/bin/sh", "-c", "echo a bad day >&2; exit 3"]
    monkeypatch.setattr(host_process, "host_command", lambda _role: command)
    client.add(1, "python", ["x = 1"])
    qtbot.waitUntil(lambda: 1 in client.plain, timeout=ANSWER_MS)
    assert "a bad day" in caplog.text


def test_a_text_that_hangs_its_lexer_goes_plain_and_the_others_get_their_colors(
    client: Client, qtbot: QtBot
) -> None:
    client.service._watchdog.setInterval(1000)
    client.add(1, "python", ["x = 1"])
    qtbot.waitUntil(lambda: client.is_colored(1), timeout=ANSWER_MS)
    client.add(2, "make", HANGS)
    client.add(3, "c", ["int x;"])
    qtbot.waitUntil(lambda: client.is_colored(1) and client.is_colored(3), timeout=ANSWER_MS)
    qtbot.waitUntil(lambda: 2 in client.plain, timeout=ANSWER_MS)
    assert client.plain == {2: "Coloring this document takes too long."}
    qtbot.waitUntil(lambda: client.is_colored(1) and client.is_colored(3), timeout=ANSWER_MS)
    assert len(hosts()) == 1
    client.service.edit(2, LineEdit(1, 0, 20, ["x"]))  # plain until opened again
    client.add(2, "make", ["all: x"])
    qtbot.waitUntil(lambda: client.is_colored(2), timeout=ANSWER_MS)


def test_an_edit_that_hangs_the_lexer_is_noticed_though_the_host_says_nothing_before(
    client: Client, qtbot: QtBot
) -> None:
    client.service._watchdog.setInterval(1000)
    client.add(1, "make", ["all: x"])
    qtbot.waitUntil(lambda: client.is_colored(1), timeout=ANSWER_MS)
    client.texts[1] = ("make", ["all: y"])
    client.service.edit(1, LineEdit(1, 0, 1, ["all: y"]))
    # The answer to the one before does not end the watch.
    client.service.edit(1, LineEdit(2, 0, 1, HANGS))
    qtbot.waitUntil(lambda: 1 in client.plain, timeout=ANSWER_MS)


def test_documents_are_opened_again_one_by_one_with_events_between_them(
    client: Client, qtbot: QtBot
) -> None:
    for document in range(1, 6):
        client.add(document, "c", ["int x;"])
    qtbot.waitUntil(lambda: client.is_colored(5), timeout=ANSWER_MS)
    told: list[int] = []
    client.service.text_needed.connect(told.append)
    client.service._restart()
    assert not told
    client.service.close(3)
    QCoreApplication.processEvents()
    assert len(told) < 4
    qtbot.waitUntil(lambda: sorted(told) == [1, 2, 4, 5])
    qtbot.waitUntil(lambda: client.is_colored(5), timeout=ANSWER_MS)


def test_a_busy_gui_thread_is_not_taken_for_a_hanging_host(client: Client, qtbot: QtBot) -> None:
    client.add(1, "python", ["x = 1"] * 4_000)
    qtbot.waitUntil(lambda: bool(client.languages), timeout=ANSWER_MS)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    client.service._watchdog.timeout.emit()  # Qt may see timers before it sees pipes
    qtbot.waitUntil(lambda: client.is_colored(1), timeout=ANSWER_MS)
    assert not client.plain


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that stops a process")
def test_a_host_that_gets_no_processor_is_waited_for(client: Client, qtbot: QtBot) -> None:
    client.service._watchdog.setInterval(200)
    client.add(1, "json", ["[1, null],"] * 60_000)
    qtbot.waitUntil(lambda: bool(client.languages), timeout=ANSWER_MS)
    [host] = hosts()
    host.suspend()
    qtbot.wait(1500)
    assert not client.plain
    client.service._watchdog.setInterval(ANSWER_LIMIT_MS)
    host.resume()
    qtbot.waitUntil(lambda: client.held[1][-1] is not None, timeout=ANSWER_MS)
    assert hosts() == [host]


def test_a_document_that_is_too_large_is_never_sent(client: Client, qtbot: QtBot) -> None:
    client.add(1, "python", ["x" * (MAX_CHARACTERS + 1)])
    assert client.plain == {1: "This document is too large to color."}
    assert not hosts()


def test_only_the_head_of_a_very_long_line_is_colored(client: Client, qtbot: QtBot) -> None:
    client.add(1, "json", ["[" + "1," * 1_000_000 + "1]", "null"])
    qtbot.waitUntil(lambda: client.held[1][1] is not None, timeout=ANSWER_MS)
    spans = client.held[1][0]
    assert spans
    assert spans[-1][0] + spans[-1][1] == MAX_LINE_CHARACTERS
    assert client.held[1][1] == ((0, 4, "Keyword.Constant"),)


def test_after_shutdown_the_process_is_gone(client: Client, qtbot: QtBot) -> None:
    client.add(1, "make", HANGS)
    qtbot.waitUntil(lambda: bool(client.languages), timeout=ANSWER_MS)
    client.service.shutdown()
    assert not hosts()
