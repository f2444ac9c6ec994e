"""Work on another thread while the event loop goes on, as if it had been done at once."""

import threading

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from starpad.core.errors import FileError
from starpad.services.aside import run_aside


def test_events_are_handled_until_the_work_is_done(qtbot: QtBot) -> None:
    gate = threading.Event()
    QTimer.singleShot(0, gate.set)
    assert run_aside(lambda: (gate.wait(10), threading.current_thread().name)) == (True, "files")


def test_what_the_work_raises_is_raised(qtbot: QtBot) -> None:
    def fail() -> None:
        raise FileError("no")

    with pytest.raises(FileError, match="no"):
        run_aside(fail)
