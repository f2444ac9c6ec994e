"""PySide6 keeps its reference counts: 6.12.0 under Python 3.11 loses one with every call.

After a few hundred calls the interpreter aborts, so a lock that brings such a version back must
fail here. Where None and True are immortal (Python 3.12 and newer) the counts cannot move.
"""

import sys

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot


class _Bell(QObject):
    rung = Signal(int)


def test_updating_a_widget_200_times_leaves_the_reference_count_of_none(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.update()
    before = sys.getrefcount(None)
    for _ in range(200):
        widget.update()
    assert abs(sys.getrefcount(None) - before) < 20


def test_emitting_50_signals_leaves_the_reference_count_of_true(qtbot: QtBot) -> None:
    bell = _Bell()
    heard: list[int] = []
    bell.rung.connect(heard.append)
    bell.rung.emit(0)
    before = sys.getrefcount(True)
    for number in range(50):
        bell.rung.emit(number)
    assert abs(sys.getrefcount(True) - before) < 10
    assert len(heard) == 51
