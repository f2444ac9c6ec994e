"""What is typed fast in one line is sent together; all else goes in its order."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from starpad.highlighting import protocol
from starpad.highlighting.protocol import Message
from starpad.services import highlighting
from starpad.services.edit_burst import EditBurst, LineEdit
from starpad.services.highlighting import HighlightService


class Desk(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[int, int]] = []
        self.burst = EditBurst(self)
        self.burst.due.connect(self._on_burst_due)

    def _on_burst_due(self, document: int, edit: LineEdit) -> None:
        self.sent.append((document, edit.revision))

    def type(self, document: int, revision: int, line: int) -> None:
        self.burst.take(document, LineEdit(revision, line, 1, ["x"]))


@pytest.fixture
def desk(qtbot: QtBot) -> Desk:
    return Desk()


def test_the_first_edit_goes_at_once_and_the_last_of_a_burst_a_little_later(
    desk: Desk, qtbot: QtBot
) -> None:
    for revision in range(1, 6):
        desk.type(1, revision, 7)
    assert desk.sent == [(1, 1)]
    qtbot.waitUntil(lambda: desk.sent == [(1, 1), (1, 5)])
    qtbot.wait(100)
    desk.type(1, 6, 7)
    assert desk.sent == [(1, 1), (1, 5), (1, 6)]


@pytest.mark.parametrize("other", [(1, 3, 8), (2, 3, 7)], ids=["line", "document"])
def test_an_edit_elsewhere_comes_behind_what_is_held_back(
    desk: Desk, other: tuple[int, int, int]
) -> None:
    desk.type(1, 1, 7)
    desk.type(1, 2, 7)
    desk.type(*other)
    desk.burst.settle()
    assert desk.sent == [(1, 1), (1, 2), other[:2]]


def test_lines_that_come_or_go_are_sent_at_once(desk: Desk) -> None:
    desk.type(1, 1, 7)
    desk.type(1, 2, 7)
    desk.burst.take(1, LineEdit(3, 7, 1, ["x", ""]))
    desk.burst.take(1, LineEdit(4, 7, 2, ["x"]))
    assert [revision for _, revision in desk.sent] == [1, 2, 3, 4]


@pytest.fixture
def service(qtbot: QtBot) -> Iterator[HighlightService]:
    service = HighlightService()
    yield service
    service.shutdown()


def test_another_document_does_not_wait_for_an_edit_that_comes_after_it(
    service: HighlightService, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Message] = []

    def encode(message: Message) -> bytes:
        told.append(message)
        return protocol.encode(message)

    monkeypatch.setattr(highlighting, "encode", encode)
    service.open(1, "python", "", ["x"])
    for revision in (1, 2):
        service.edit(1, LineEdit(revision, 0, 1, ["y"]))
    service.open(2, "python", "", ["z"])
    # The host turns to the document that it hears of last.
    assert [message[:2] for message in told] == [("open", 1), ("edit", 1), ("edit", 1), ("open", 2)]
