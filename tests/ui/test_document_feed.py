"""What the highlighting host is sent makes up the document, whatever happens meanwhile."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtWidgets import QApplication, QPlainTextDocumentLayout
from pytestqt.qtbot import QtBot

from starpad.highlighting.protocol import MAX_LINE_CHARACTERS, MAX_LINES, Message
from starpad.services.highlighting import HighlightService
from starpad.ui.editor.document_feed import DocumentFeed
from starpad.ui.text_positions import PARAGRAPH_SEPARATOR


class Service(HighlightService):
    """Holds what a host would hold, and starts none."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.kinds: list[str] = []
        self.revision = 0

    def _send(self, message: Message) -> None:
        kind, _, *values = message
        self.kinds.append(kind)
        if kind in ("open", "begin"):
            self.revision, self.lines = values[0], list(values[3])
        elif kind == "edit":
            revision, first, removed, new, _ = values
            assert revision > self.revision
            assert first + removed <= len(self.lines)
            self.lines[first : first + removed] = new
            self.revision = revision


class Desk(QObject):
    """A document, and a feed that follows it as the highlighter's does."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.document = QTextDocument(self)
        self.document.setDocumentLayout(QPlainTextDocumentLayout(self.document))
        self.document.setPlainText(text)
        self.service = Service()
        self.feed = DocumentFeed(self.document, 1, self.service, self)
        self.count = self.document.blockCount()
        self.feed.open("python", "")
        self.document.contentsChange.connect(self.on_contents_change)

    def on_contents_change(self, position: int, _removed: int, added: int) -> None:
        first = self.document.findBlock(position).blockNumber()
        end = self.document.findBlock(position + added)
        last = (end if end.isValid() else self.document.lastBlock()).blockNumber()
        new = last - first + 1
        old = new - (self.document.blockCount() - self.count)
        self.count = self.document.blockCount()
        self.feed.edit(self.document.findBlockByNumber(first), old, new)

    @property
    def lines(self) -> list[str]:
        return self.document.toRawText().split(PARAGRAPH_SEPARATOR)

    def is_sent(self) -> bool:
        return self.service.kinds[-1] in ("open", "whole")


@pytest.fixture
def desks(qapp: QApplication) -> Iterator[Any]:
    made: list[Desk] = []

    def make(text: str) -> Desk:
        made.append(Desk(text))
        return made[-1]

    yield make
    for desk in made:
        desk.service.shutdown()


def test_a_small_document_is_sent_at_once(desks: Any) -> None:
    desk = desks("x\xa0= 1\n🦊\n")
    assert desk.service.kinds == ["open"]
    assert desk.service.lines == desk.lines == ["x\xa0= 1", "🦊", ""]


def test_a_large_one_is_sent_in_parts_with_the_event_loop_between_them(
    desks: Any, qtbot: QtBot
) -> None:
    desk = desks("x = None # \xa0🦊\n" * 40_000)
    assert desk.service.kinds == ["begin"]
    assert 100 < len(desk.service.lines) < 10_000
    qtbot.waitUntil(desk.is_sent)
    assert desk.service.lines == desk.lines
    assert len(desk.service.kinds) > 10


@pytest.mark.parametrize("seed", range(4))
def test_changes_between_the_parts_are_neither_lost_nor_sent_twice(
    desks: Any, qtbot: QtBot, seed: int
) -> None:
    desk = desks("x = None # c\n" * 40_000)
    choose = random.Random(seed)
    while not desk.is_sent():
        sent = len(desk.service.lines)
        near = choose.choice([0, sent - 2, sent, choose.randrange(desk.count)])
        block = desk.document.findBlockByNumber(min(max(0, near), desk.count - 1))
        cursor = QTextCursor(block)
        cursor.movePosition(
            QTextCursor.MoveOperation.Down,
            QTextCursor.MoveMode.KeepAnchor,
            choose.randrange(4),
        )
        cursor.insertText(choose.choice(["", "y", "a\nb\nc\n"]))
        QApplication.processEvents()
    assert desk.service.lines == desk.lines


def test_a_document_that_is_too_large_is_not_sent(desks: Any) -> None:
    desk = desks("\n" * (MAX_LINES + 1))
    assert desk.service.kinds == []
    desk.document.setPlainText("x")
    assert desk.service.kinds == []


def test_very_many_lines_that_change_at_once_are_sent_as_they_are(desks: Any) -> None:
    desk = desks("x\n" * 50)
    cursor = QTextCursor(desk.document.findBlockByNumber(20))
    cursor.insertText("a\xa0🦊\n\n" * 6_000)
    assert len(desk.service.lines) == 12_051
    assert desk.service.lines == desk.lines
    desk.document.undo()
    desk.document.redo()
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.insertText("b\n" * 6_000)
    assert desk.service.lines == desk.lines


def test_opening_again_begins_anew_and_stopping_ends_it(desks: Any, qtbot: QtBot) -> None:
    desk = desks("x = None # c\n" * 40_000)
    QApplication.processEvents()
    desk.feed.open("c", "")
    qtbot.waitUntil(desk.is_sent)
    assert desk.service.lines == desk.lines
    desk.feed.open("c", "")
    desk.feed.stop()
    kinds = list(desk.service.kinds)
    QApplication.processEvents()
    assert desk.service.kinds == kinds


@pytest.mark.parametrize("character", ["a", "\xa0", "é", "🦊", "\u2028"])
@pytest.mark.parametrize("offset", [0, 1])
def test_of_a_very_long_line_only_the_head_is_sent(
    desks: Any, qtbot: QtBot, character: str, offset: int
) -> None:
    text = "x" * offset + character * 300_000
    desk = desks(text + "\nNone")
    qtbot.waitUntil(desk.is_sent)
    head, second = desk.service.lines
    assert second == "None"
    assert text.startswith(head)
    units = len(head.encode("utf-16-le")) // 2
    assert MAX_LINE_CHARACTERS - 1 <= units <= MAX_LINE_CHARACTERS


@pytest.mark.parametrize("end", ["", "\n", "last"])
def test_a_text_that_is_still_coming_is_sent_from_where_it_comes(
    desks: Any, qtbot: QtBot, end: str
) -> None:
    desk = desks("x")
    text = "x = None # \xa0🦊\n\n" * 20_000 + end
    desk.feed.open("python", "", text)
    assert desk.service.kinds[-1] == "begin"
    qtbot.waitUntil(desk.is_sent)
    assert desk.service.lines == text.split("\n")


def test_once_it_is_changed_the_rest_is_sent_from_the_document(desks: Any, qtbot: QtBot) -> None:
    text = "x = None # c\n" * 40_000
    desk = desks(text)
    desk.feed.open("python", "", text)
    QApplication.processEvents()
    cursor = QTextCursor(desk.document)
    cursor.insertText("new\n")
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.insertText("y\nz")
    qtbot.waitUntil(desk.is_sent)
    assert desk.service.lines == desk.lines


def test_what_is_typed_fast_is_sent_together(desks: Any, qtbot: QtBot) -> None:
    desk = desks("x\n" * 50)
    cursor = QTextCursor(desk.document.findBlockByNumber(20))
    for character in "words":
        cursor.insertText(character)
    assert desk.service.kinds == ["open", "edit"]
    qtbot.waitUntil(lambda: desk.service.lines == desk.lines)
    assert desk.service.kinds == ["open", "edit", "edit"]
    qtbot.wait(100)
    cursor.insertText("!")  # alone: at once
    assert desk.service.lines == desk.lines


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_between_fast_keys_is_sent_in_order(
    desks: Any, qtbot: QtBot, seed: int
) -> None:
    desk = desks("one\ntwo\nthree\n" * 4)
    choose = random.Random(seed)
    move = QTextCursor.MoveOperation
    cursor = QTextCursor(desk.document)
    for _ in range(300):
        where = choose.choice([move.NoMove] * 6 + [move.Down, move.Up, move.StartOfLine, move.End])
        cursor.movePosition(where)
        if choose.random() < 0.2:
            cursor.movePosition(move.Up, QTextCursor.MoveMode.KeepAnchor, choose.randrange(3))
        choose.choice(
            [lambda: cursor.insertText("ab\n🦊")]
            + [lambda: cursor.insertText("x")] * 8
            + [cursor.deletePreviousChar] * 3
            + [desk.document.undo, desk.document.redo]
        )()
        if choose.random() < 0.02:
            qtbot.wait(choose.randrange(80))
    qtbot.waitUntil(lambda: desk.service.lines == desk.lines)
    assert len(desk.service.kinds) < 300
