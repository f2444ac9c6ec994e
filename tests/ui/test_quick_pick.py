"""A quick pick finds by typing, works by keys alone, and gives the focus back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow
from pytestqt.qtbot import QtBot

from starpad.ui import quick_pick
from starpad.ui.quick_pick import Choice, QuickPick

CHOICES = [
    Choice("new", "New", "File", "Ctrl+N"),
    Choice("save", "Save", "File", problem="Needs an open document"),
    Choice("zoom", "Zoom in", "View"),
    Choice("tab", "Next tab", "View"),
]


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    window = QMainWindow()
    window.setCentralWidget(QLineEdit())
    window.resize(900, 600)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    window.centralWidget().setFocus()
    qtbot.waitUntil(window.centralWidget().hasFocus)
    return window


@pytest.fixture
def pick(window: QMainWindow) -> QuickPick:
    return QuickPick("Type a command", CHOICES, window)


def texts(pick: QuickPick) -> list[str]:
    return [choice.text for choice in pick.shown]


def test_everything_is_there_at_first_and_what_cannot_be_chosen_comes_last(
    pick: QuickPick,
) -> None:
    assert pick.field.hasFocus()
    assert texts(pick) == ["New", "Zoom in", "Next tab", "Save"]


def test_typing_finds_also_by_what_stands_beside_the_text(pick: QuickPick) -> None:
    QTest.keyClicks(pick.field, "view")
    assert texts(pick) == ["Zoom in", "Next tab"]
    QTest.keyClicks(pick.field, " nt")
    assert texts(pick) == ["Next tab"]


def test_enter_takes_the_current_choice_with_the_focus_back_before(
    pick: QuickPick, window: QMainWindow, qtbot: QtBot
) -> None:
    seen: list[tuple[str, bool]] = []
    pick.chosen.connect(lambda key: seen.append((key, window.centralWidget().hasFocus())))
    QTest.keyClick(pick.field, Qt.Key.Key_Down)
    QTest.keyClick(pick.field, Qt.Key.Key_Down)
    QTest.keyClick(pick.field, Qt.Key.Key_Up)
    with qtbot.waitSignal(pick.chosen):
        QTest.keyClick(pick.field, Qt.Key.Key_Return)
    assert seen == [("zoom", True)]
    assert not pick.isVisible()


def test_what_cannot_be_chosen_says_why_and_nothing_happens(
    pick: QuickPick, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    said: list[str] = []
    monkeypatch.setattr(quick_pick, "announce", lambda _w, text, **_: said.append(text))
    QTest.keyClicks(pick.field, "save")
    with qtbot.assertNotEmitted(pick.chosen):
        QTest.keyClick(pick.field, Qt.Key.Key_Return)
    assert pick.isVisible()
    assert said[-1] == "Save: Needs an open document"


def test_a_screen_reader_hears_the_current_choice_and_that_nothing_fits(
    pick: QuickPick, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(quick_pick, "announce", lambda _w, text, **_: said.append(text))
    QTest.keyClick(pick.field, Qt.Key.Key_Down)
    QTest.keyClicks(pick.field, "zzz")
    assert said[0] == "Zoom in, View"
    assert said[-1] == "Nothing found"
    QTest.keyClick(pick.field, Qt.Key.Key_Return)
    assert pick.isVisible()


def test_escape_goes_back(pick: QuickPick, window: QMainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(pick.closed), qtbot.assertNotEmitted(pick.chosen):
        QTest.keyClick(pick.field, Qt.Key.Key_Escape)
    assert window.centralWidget().hasFocus()


def test_a_click_elsewhere_closes_it_and_tab_does_not(
    pick: QuickPick, window: QMainWindow, qtbot: QtBot
) -> None:
    QTest.keyClick(pick.field, Qt.Key.Key_Tab)
    assert pick.field.hasFocus()
    with qtbot.waitSignal(pick.closed):
        window.centralWidget().setFocus(Qt.FocusReason.MouseFocusReason)


def test_a_click_on_a_line_takes_it(pick: QuickPick, qtbot: QtBot) -> None:
    spot = pick.list.visualRect(pick.list.model().index(2, 0)).center()
    with qtbot.waitSignal(pick.chosen) as signal:
        QTest.mouseClick(pick.list.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert signal.args == ["tab"]


def test_it_stays_within_a_window_that_becomes_small(pick: QuickPick, window: QMainWindow) -> None:
    window.resize(300, 200)
    assert window.rect().contains(pick.geometry().topLeft())
    assert pick.geometry().right() <= window.width()
