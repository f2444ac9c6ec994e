"""A person who chats at the real window, for tests; run as a program, one who is killed meanwhile.

python tests/chatting.py FOLDER     streams an endless answer, printing how much has come
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QTextCursor, QTextDocument
from pytestqt.qtbot import QtBot

from starpad import bootstrap
from starpad.bootstrap import Starpad
from starpad.core.chat import ChatOptions, ChatState, Message
from starpad.core.engine_status import EngineState
from starpad.core.sampling import Sampling
from starpad.ui.actions import ActionId

QUICK = ChatOptions(max_tokens=24, sampling=Sampling(temperature=0.4, seed=7))
# The likeliest token each time: the small model then repeats itself for ever.
ENDLESS = ChatOptions(max_tokens=6000, sampling=Sampling())


class Chat:
    """A person at the window."""

    def __init__(self, starpad: Starpad, qtbot: QtBot) -> None:
        self.starpad = starpad
        self.qtbot = qtbot
        self.window = starpad.window
        self.pane = starpad.window.chat_pane
        self.service = starpad.chat.chat
        self.set_options(QUICK)

    def set_options(self, options: ChatOptions) -> None:
        self.service.set_options(options)
        self.wait(lambda: self.service.options == options)

    def wait(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=10_000)

    def write(self, text: str) -> None:
        self.qtbot.keyClicks(self.pane.bar.field, text)

    def send(self, text: str) -> None:
        self.write(text)
        self.qtbot.keyClick(self.pane.bar.field, Qt.Key.Key_Return)

    def ask(self, text: str) -> Message:
        """Ask and wait for the answer's end."""
        before = len(self.service.messages)
        self.send(text)
        self.wait(lambda: len(self.service.messages) == before + 2)
        return self.ended()

    def ended(self) -> Message:
        self.wait(lambda: self.service.state is ChatState.IDLE)
        self.wait(lambda: not self.pane.transcript.is_writing)
        return self.service.entries[-1].message

    def begin_long(self, text: str = "go on and on") -> None:
        self.set_options(ENDLESS)
        self.send(text)
        self.wait(lambda: self.service.entries and len(self.service.entries[-1].message.text) > 40)

    @property
    def path(self) -> list[str]:
        return [entry.message.text for entry in self.service.entries]

    def click(self, label: str, *, after: str = "") -> None:
        """Click on a link of the conversation: the first one behind the text `after`."""
        self.pane.transcript.finish()
        view = self.pane.transcript
        start = view.document().find(after) if after else QTextCursor(view.document())
        found = view.document().find(label, start, QTextDocument.FindFlag.FindCaseSensitively)
        assert not found.isNull(), f"{label} in {view.toPlainText()}"
        found.setPosition(found.selectionStart())
        view.setTextCursor(found)
        view.ensureCursorVisible()
        place = view.cursorRect(found).center() + QPoint(3, 0)
        self.qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)

    def do(self, action: ActionId) -> None:
        self.window.actions_by_id[action].trigger()


def _wait_until(condition: Callable[[], object]) -> None:
    loop = QEventLoop()
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: condition() and loop.quit())
    timer.start()
    loop.exec()


def main(folder: Path) -> None:
    """Ask, and print every 50 ms when how much of the answer was on the screen."""
    bootstrap.create_application()
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance()
    assert isinstance(application, QApplication)
    starpad = Starpad(application, folder / "settings.json", folder)
    starpad.start([], None)
    _wait_until(lambda: starpad.engine.status.state is EngineState.READY)
    chat = starpad.chat.chat
    chat.set_options(ENDLESS)
    chat.send("A question that must not be lost")
    while True:
        _wait_until(lambda: True)
        if chat.entries:
            length = len(chat.entries[-1].message.text)
            sys.stdout.write(f"{time.monotonic()} {length}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
