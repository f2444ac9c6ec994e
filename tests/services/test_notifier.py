"""Notifier: every message reaches the screen and the log; details stay out of the log."""

import logging

import pytest
from pytestqt.qtbot import QtBot

from starpad.core.errors import EngineError, FileError, SettingsError
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity


def test_a_notification_is_passed_on_and_logged(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier()
    notification = Notification("The engine is ready.", "Type.", details="def secret(): ...")
    with caplog.at_level(logging.INFO), qtbot.waitSignal(notifier.posted) as signal:
        notifier.post(notification)
    assert signal.args == [notification]
    assert caplog.messages == ["The engine is ready. Type."]


def test_a_percent_sign_in_a_message_is_only_text(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier()
    with qtbot.waitSignal(notifier.posted):
        notifier.post(Notification("50 % of 100%s", severity=Severity.WARNING))
    assert caplog.messages == ["50 % of 100%s"]


def test_an_error_keeps_its_hint_and_actions_and_its_cause_goes_to_the_log(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier()
    restart = NotificationAction("Restart", lambda: None)
    error = EngineError("The engine stopped.", "Restart it.")
    error.__cause__ = ProcessLookupError(3, "No such process")
    with caplog.at_level(logging.INFO), qtbot.waitSignal(notifier.posted) as signal:
        notifier.report(error, restart, key="engine")
    assert signal.args == [
        Notification(
            "The engine stopped.", "Restart it.", Severity.ERROR, actions=(restart,), key="engine"
        )
    ]
    assert "No such process" in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


def test_the_log_never_holds_a_file_that_could_not_be_decoded(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier()
    error = FileError("The file is not UTF-8.")
    error.__cause__ = UnicodeDecodeError("utf-8", b"secret = 1\xff", 10, 11, "invalid start byte")
    with caplog.at_level(logging.INFO), qtbot.waitSignal(notifier.posted):
        notifier.report(error)
    assert "invalid start byte" in caplog.text
    assert "secret" not in caplog.text


def test_a_bad_setting_is_a_warning_because_nothing_is_broken(qtbot: QtBot) -> None:
    notifier = Notifier()
    with qtbot.waitSignal(notifier.posted) as signal:
        notifier.report(SettingsError("The setting is bad."))
    assert signal.args is not None
    assert signal.args[0].severity is Severity.WARNING


def test_withdrawing_names_the_key(qtbot: QtBot) -> None:
    notifier = Notifier()
    with qtbot.waitSignal(notifier.withdrawn) as signal:
        notifier.withdraw("engine")
    assert signal.args == ["engine"]


def test_without_a_key_the_message_tells_notifications_apart() -> None:
    assert Notification("a").identity == "a"
    assert Notification("a", key="k").identity == "k"
