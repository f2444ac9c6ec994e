"""MessageBar: the gravest first, three at most, by keyboard and screen reader too."""

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from starpad.core.errors import EngineError
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity
from starpad.ui.message_bar import SHOWN, MessageBar

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's

INFO = Notification("Ready.")
WARNING = Notification("A setting is bad.", severity=Severity.WARNING)
ERROR = Notification("The engine stopped.", "Restart it.", Severity.ERROR, key="engine")


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    """Return a window with something else in it that can have the focus."""
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(QLineEdit())
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    return window


@pytest.fixture
def field(window: QWidget) -> QLineEdit:
    return window.findChildren(QLineEdit)[0]


@pytest.fixture
def bar(window: QWidget) -> MessageBar:
    bar = MessageBar()
    layout = window.layout()
    assert layout is not None
    layout.addWidget(bar)
    return bar


def _button(bar: QWidget, name: str) -> QAbstractButton:
    found = [
        button
        for button in bar.findChildren(QAbstractButton)
        if name in (button.text(), button.accessibleName()) and button.isVisible()
    ]
    assert found, name
    return found[0]


def _visible_texts(bar: QWidget) -> str:
    return "\n".join(label.text() for label in bar.findChildren(QLabel) if label.isVisible())


def test_without_messages_there_is_no_bar(bar: MessageBar) -> None:
    assert not bar.isVisible()
    bar.post(INFO)
    assert bar.isVisible()
    bar.withdraw(INFO.identity)
    assert not bar.isVisible()


def test_the_gravest_is_on_top_and_of_equals_the_newest(bar: MessageBar) -> None:
    newer = Notification("Saved.")
    for notification in (ERROR, INFO, WARNING, newer):
        bar.post(notification)
    assert bar.notifications == [ERROR, WARNING, newer, INFO]


def test_three_are_shown_and_the_rest_waits(bar: MessageBar) -> None:
    for number in range(SHOWN + 2):
        bar.post(Notification(f"Message {number}."))
    assert "Message 1." not in _visible_texts(bar)
    assert "2 more" in _visible_texts(bar)
    for number in (4, 3):
        bar.withdraw(f"Message {number}.")
    assert "Message 0." in _visible_texts(bar)
    assert "more" not in _visible_texts(bar)


def test_the_same_key_replaces_and_the_same_message_does_not_pile_up(bar: MessageBar) -> None:
    bar.post(ERROR)
    bar.post(Notification("The engine is back.", key="engine"))
    bar.post(INFO)
    bar.post(INFO)
    assert [n.message for n in bar.notifications] == ["Ready.", "The engine is back."]


def test_withdrawing_what_is_not_there_is_no_error(bar: MessageBar) -> None:
    bar.withdraw("engine")
    assert bar.notifications == []


def test_text_is_never_taken_for_markup(bar: MessageBar) -> None:
    bar.post(Notification("<b>x</b> & y", "<img src='x'>"))
    for label in bar.findChildren(QLabel):
        if label.isVisible() and label.text():
            assert label.textFormat() is Qt.TextFormat.PlainText


def test_an_action_closes_its_message_first_so_that_it_may_post_again(
    bar: MessageBar,
) -> None:
    again = Notification("Restarting…", key="engine")
    action = NotificationAction("Restart", lambda: bar.post(again))
    bar.post(Notification("The engine stopped.", key="engine", actions=(action,)))
    QTest.mouseClick(_button(bar, "Restart"), Qt.MouseButton.LeftButton)
    assert bar.notifications == [again]


def test_details_are_there_on_request_and_can_be_copied(bar: MessageBar) -> None:
    bar.post(Notification("The engine stopped.", details="line 1\nline 2"))
    [text] = bar.findChildren(QPlainTextEdit)
    assert not text.isVisible()
    QTest.mouseClick(_button(bar, "Details"), Qt.MouseButton.LeftButton)
    assert text.isVisible()
    assert text.isReadOnly()
    assert text.toPlainText() == "line 1\nline 2"
    QTest.mouseClick(_button(bar, "Copy details"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "line 1\nline 2"


def test_a_message_without_details_has_no_such_button(bar: MessageBar) -> None:
    bar.post(ERROR)
    assert [b.text() for b in bar.findChildren(QAbstractButton) if b.isVisible()] == ["×"]  # noqa: RUF001


def test_a_message_can_be_closed_with_the_mouse_and_with_escape(
    bar: MessageBar,
) -> None:
    bar.post(INFO)
    QTest.mouseClick(_button(bar, "Close this message"), Qt.MouseButton.LeftButton)
    assert bar.notifications == []
    bar.post(INFO)
    QTest.keyClick(_button(bar, "Close this message"), Qt.Key.Key_Escape)
    assert bar.notifications == []


def test_every_button_can_be_reached_with_the_tab_key(bar: MessageBar) -> None:
    action = NotificationAction("Restart", print)
    bar.post(Notification("The engine stopped.", details="x", actions=(action,)))
    for name in ("Restart", "Details", "Close this message"):
        assert _button(bar, name).focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_new_message_leaves_the_focus_where_it_is(
    bar: MessageBar, field: QLineEdit, qtbot: QtBot
) -> None:
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    bar.post(ERROR)
    assert field.hasFocus()


def test_a_message_with_a_time_goes_by_itself(bar: MessageBar, qtbot: QtBot) -> None:
    bar.post(Notification("Saved.", timeout_ms=10))
    bar.post(ERROR)
    qtbot.waitUntil(lambda: bar.notifications == [ERROR])


def test_a_message_in_use_does_not_go_until_the_focus_leaves_it(
    bar: MessageBar, field: QLineEdit, qtbot: QtBot
) -> None:
    bar.post(Notification("Saved.", timeout_ms=20))
    close = _button(bar, "Close this message")
    close.setFocus()
    qtbot.waitUntil(close.hasFocus)
    timer = bar._messages[0]._timer
    with qtbot.waitSignal(timer.timeout):
        pass
    assert len(bar.notifications) == 1
    field.setFocus()
    qtbot.waitUntil(lambda: bar.notifications == [])


def test_screen_readers_hear_severity_message_and_hint(
    bar: MessageBar, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[QObject, str, QAccessible.AnnouncementPoliteness]] = []

    def update(event: QAccessibleAnnouncementEvent) -> None:
        heard.append((event.object(), event.message(), event.politeness()))

    monkeypatch.setattr(QAccessible, "updateAccessibility", update)
    bar.post(ERROR)
    bar.post(INFO)
    polite, assertive = (
        QAccessible.AnnouncementPoliteness.Polite,
        QAccessible.AnnouncementPoliteness.Assertive,
    )
    assert heard == [
        (bar, "Error: The engine stopped. Restart it.", assertive),
        (bar, "Information: Ready.", polite),
    ]
    assert bar._messages[0].accessibleName() == "Error: The engine stopped. Restart it."


def test_the_notifier_drives_the_bar(bar: MessageBar) -> None:
    notifier = Notifier()
    notifier.posted.connect(bar.post)
    notifier.withdrawn.connect(bar.withdraw)
    notifier.report(EngineError("The engine stopped."), key="engine")
    assert [n.severity for n in bar.notifications] == [Severity.ERROR]
    notifier.withdraw("engine")
    assert bar.notifications == []
