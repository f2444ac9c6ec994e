"""Chat when things go wrong: killed, cut off, full, damaged, two windows. No question is lost."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from chatting import Chat
from starpad.bootstrap import Starpad
from starpad.core.chat import ChatOptions, MessageState
from starpad.core.engine_status import EngineState
from starpad.core.history_store import HistoryStore
from starpad.core.sampling import Sampling

TESTS = Path(__file__).parents[1]
DATABASE = "conversations.sqlite3"


@pytest.fixture
def chat(fresh_starpad: Starpad, qtbot: QtBot) -> Chat:
    fresh_starpad.window.activateWindow()
    return Chat(fresh_starpad, qtbot)


@pytest.fixture
def second_window(
    qapp: QApplication, fresh_starpad: Starpad, tmp_path: Path, qtbot: QtBot
) -> Iterator[Chat]:
    """Another Starpad with the same data."""
    other = Starpad(qapp, tmp_path / "settings-2.json", tmp_path / "data")
    other.start([], None)
    qtbot.waitUntil(lambda: other.engine.status.state is EngineState.READY, timeout=20_000)
    yield Chat(other, qtbot)
    other.window.close()
    other.shutdown()
    other.window.deleteLater()
    other.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def _messages(chat: Chat) -> str:
    return " ".join(f"{n.message} {n.hint}" for n in chat.window.messages.notifications)


def test_after_a_kill_only_the_last_second_of_an_answer_is_lost(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, str(TESTS / "chatting.py"), str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "QT_QPA_PLATFORM": "offscreen"},
    )
    assert child.stdout is not None
    seen: list[tuple[float, int]] = []
    with child:
        while not seen or seen[-1][0] - seen[0][0] < 2.5:
            moment, length = child.stdout.readline().split()
            seen.append((float(moment), int(length)))
        child.kill()
        killed = time.monotonic()
    store = HistoryStore.open(tmp_path / DATABASE)
    (conversation,) = store.conversations()
    question, answer = store.conversation(conversation.id)[1].values()
    store.close()
    assert question.text == "A question that must not be lost"
    a_second_before = max(length for moment, length in seen if moment <= killed - 1)
    assert len(answer.text) >= a_second_before > 0


def test_an_answer_that_was_cut_off_can_be_gone_on_with(chat: Chat) -> None:
    chat.ask("question")
    answer = chat.service.entries[-1].message
    state = f"UPDATE messages SET state = 'streaming' WHERE id = {answer.id}"
    path = chat.starpad.history._path
    with closing(sqlite3.connect(path)) as database:
        stored = f"SELECT state FROM messages WHERE id = {answer.id}"
        # The answer's end is written by another thread, perhaps later than it is shown.
        chat.wait(lambda: database.execute(stored).fetchone()[0] == answer.state)
        with database:
            database.execute(state)
    chat.starpad.answerer.message = None  # as after a restart
    conversation = chat.service.conversation
    assert conversation is not None
    chat.service.begin()
    chat.service.open(conversation.id)
    chat.wait(lambda: len(chat.path) == 2)
    chat.pane.transcript.finish()
    assert "Not finished" in chat.pane.transcript.toPlainText()
    chat.click("Continue")
    chat.wait(lambda: chat.service.entries[-1].message.state is not MessageState.FAILED)
    assert chat.ended().text.startswith(answer.text)


def test_an_engine_that_dies_leaves_its_partial_answer_and_a_way_on(chat: Chat) -> None:
    chat.begin_long()
    (engine,) = (
        child for child in psutil.Process().children() if "--engine-host" in child.cmdline()
    )
    engine.kill()
    chat.wait(lambda: chat.service.entries[-1].message.state is MessageState.FAILED)
    answer = chat.service.entries[-1].message
    assert len(answer.text) > 40
    assert answer.problem
    chat.pane.transcript.finish()
    assert "Retry" in chat.pane.transcript.toPlainText()
    assert answer.problem in chat.pane.transcript.toPlainText()
    chat.window.models.restart()
    chat.wait(lambda: chat.starpad.engine.status.state is EngineState.READY)
    chat.set_options(ChatOptions(max_tokens=8, sampling=Sampling(seed=1)))
    chat.click("Retry")
    chat.wait(lambda: chat.service.entries[-1].message.id != answer.id)
    assert chat.ended().state in (MessageState.COMPLETE, MessageState.CUT)


def test_a_model_that_is_unloaded_meanwhile_leaves_its_partial_answer(chat: Chat) -> None:
    chat.begin_long()
    chat.starpad.engine.unload()
    chat.wait(lambda: chat.service.entries[-1].message.state is MessageState.FAILED)
    assert len(chat.path[-1]) > 40
    chat.click("Retry")
    chat.wait(lambda: "No model is loaded." in _messages(chat))
    chat.write("not sent")
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Return)
    assert chat.pane.bar.field.text == "not sent"
    assert chat.pane.bar.state_text == "No model is loaded."
    assert not chat.pane.bar.send.isEnabled()


def test_closing_the_window_keeps_what_has_come_of_an_answer(chat: Chat) -> None:
    chat.begin_long()
    text = chat.path[-1]
    chat.starpad.shutdown()
    store = HistoryStore.open(chat.starpad.history._path)
    (conversation,) = store.conversations()
    _, answer = store.conversation(conversation.id)[1].values()
    store.close()
    assert answer.state is MessageState.STOPPED
    assert answer.text.startswith(text)


def test_a_question_that_is_too_long_is_kept_and_refused_with_the_numbers(chat: Chat) -> None:
    paste = "some words of a long paste, " * 40_000  # a megabyte
    chat.pane.bar.field.insertPlainText(paste)
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Return)
    chat.wait(lambda: len(chat.path) == 2)
    answer = chat.ended()
    assert answer.state is MessageState.FAILED
    assert "tokens" in answer.problem
    assert chat.path[0] == paste
    # The conversation goes on: what was refused is not in the way.
    assert chat.ask("a short question").state in (MessageState.COMPLETE, MessageState.CUT)


@pytest.mark.parametrize(
    "text",
    [
        "<|endoftext|> <fim_middle> <|im_end|> are only text",
        "שלום עולם \u202eright to left\u202c",
        "zero\u200bwidth \u2060 joiner \ufeff mark",
        "control \x00 \x01 \x1b[31m characters \u2028 and \u2029 separators",
        "\U0001f600 and 漢字",
    ],
)
def test_strange_characters_are_asked_kept_and_shown_as_they_are(chat: Chat, text: str) -> None:
    chat.pane.ask(text)
    chat.wait(lambda: len(chat.path) == 2)
    assert chat.ended().state is not MessageState.FAILED
    assert chat.path[0] == text
    number = chat.service.conversation
    assert number is not None
    chat.service.begin()
    chat.service.open(number.id)
    chat.wait(lambda: chat.path[:1] == [text])


def test_a_full_disk_refuses_the_question_and_gives_it_back(chat: Chat) -> None:
    chat.ask("first")
    _limit_pages(chat, 1)
    chat.write("x" * 300)
    chat.pane.bar.field.insertPlainText("y" * 100_000)
    text = chat.pane.bar.field.text
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Return)
    chat.wait(lambda: "room" in _messages(chat))
    assert chat.pane.bar.field.text == text
    _limit_pages(chat, 1 << 30)
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Return)
    chat.wait(lambda: len(chat.path) == 4)
    assert chat.pane.bar.field.text == ""
    chat.ended()


def _limit_pages(chat: Chat, pages: int) -> None:
    """Let the database grow to so many pages at most (never below what it has)."""
    done: list[object] = []
    calls = chat.starpad.answerer._calls
    calls.ask(
        lambda store: store._db.execute(f"PRAGMA max_page_count = {pages}").fetchall(),
        done.append,
    )
    chat.wait(lambda: done)


def test_an_answer_goes_on_while_it_cannot_be_saved_and_is_saved_later(chat: Chat) -> None:
    chat.begin_long()
    other = sqlite3.connect(chat.starpad.history._path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    length = len(chat.path[-1])
    chat.wait(lambda: len(chat.path[-1]) > length + 100)
    chat.service.stop()
    chat.wait(lambda: chat.service.entries[-1].message.state is MessageState.STOPPED)
    other.execute("ROLLBACK")
    text = chat.path[-1]

    def saved() -> object:
        row = other.execute("SELECT text FROM messages ORDER BY id DESC LIMIT 1").fetchone()
        return row is not None and row[0] == text

    chat.wait(saved)
    other.close()


def test_an_answer_that_cannot_be_saved_is_not_lost_by_the_next_one(chat: Chat) -> None:
    first = chat.ask("first")
    other = sqlite3.connect(chat.starpad.history._path, isolation_level=None)
    answerer = chat.starpad.answerer
    changed = replace(first, text="the only copy")
    answerer._unsaved[first.id] = changed  # as on a disk that was full
    chat.ask("second")
    chat.wait(lambda: not answerer._unsaved)
    (text,) = other.execute("SELECT text FROM messages WHERE id = ?", (first.id,)).fetchone()
    assert text == "the only copy"
    other.close()


def test_a_damaged_history_is_set_aside_and_told(
    qapp: QApplication, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / DATABASE).write_bytes(os.urandom(20_000))
    starpad = Starpad(qapp, tmp_path / "settings.json", folder)
    starpad.start([], None)
    try:
        qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=20_000)
        chat = Chat(starpad, qtbot)
        chat.wait(lambda: "damaged" in _messages(chat))
        assert chat.ask("goes on").text is not None
        assert list(folder.glob(f"{DATABASE}.damaged*"))
    finally:
        starpad.window.close()
        starpad.shutdown()
        starpad.window.deleteLater()
        starpad.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_two_windows_on_one_history_lose_nothing_of_each_other(
    chat: Chat, second_window: Chat
) -> None:
    chat.ask("asked here")
    conversation = chat.service.conversation
    assert conversation is not None
    second_window.starpad.chat.conversations.check()
    second_window.wait(lambda: second_window.starpad.chat.conversations.conversations)
    second_window.service.open(conversation.id)
    second_window.wait(lambda: len(second_window.path) == 2)
    second_window.ask("asked there")
    chat.send("asked here again")
    chat.wait(lambda: chat.path[2:3] == ["asked here again"])
    chat.ended()
    chat.wait(lambda: len(chat.service.messages) == 6)
    texts = {message.text for message in chat.service.messages.values()}
    assert {"asked here", "asked there", "asked here again"} <= texts
    second_window.starpad.chat.conversations.check()
    second_window.wait(lambda: len(second_window.service.messages) == 6)
    # Both wrote below the same answer: two branches.
    assert chat.service.entries[2].alternatives == 2
