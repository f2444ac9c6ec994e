"""The one place where errors and other news become messages for the user."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.errors import SettingsError, StarpadError

logger = logging.getLogger(__name__)


class Severity(StrEnum):
    """How much a message matters; the value is the word that the user reads."""

    INFO = "Information"
    WARNING = "Warning"
    ERROR = "Error"


_LOG_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
}


@dataclass(frozen=True, slots=True)
class NotificationAction:
    """A button of a message. `callback` runs on the GUI thread; the message then closes."""

    text: str
    callback: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Notification:
    """What happened, and what the user can do about it.

    A later one with the same `key` replaces an earlier one (without a key: with the same
    message). `details` is shown on request and never logged: it may hold the user's text.
    `timeout_ms` 0 means until it is closed.
    """

    message: str
    hint: str = ""
    severity: Severity = Severity.INFO
    details: str = ""
    actions: tuple[NotificationAction, ...] = ()
    key: str = ""
    timeout_ms: int = 0

    @property
    def identity(self) -> str:
        """What makes two notifications the same one."""
        return self.key or self.message


class Notifier(QObject):
    """Passes notifications on to whoever shows them, and logs each."""

    posted = Signal(object)
    """A Notification."""
    withdrawn = Signal(str)
    """The identity of the notification that is out of date."""

    def post(self, notification: Notification) -> None:
        text = f"{notification.message} {notification.hint}".strip()
        logger.log(_LOG_LEVELS[notification.severity], "%s", text)
        self.posted.emit(notification)

    @Slot(object)
    def report(self, error: StarpadError, *actions: NotificationAction, key: str = "") -> None:
        """Post an error; its cause goes to the log only."""
        if error.__cause__ is not None:
            # Not its repr: that of a UnicodeDecodeError holds the whole file.
            cause = error.__cause__
            logger.info("%s from %s: %s", type(error).__name__, type(cause).__name__, cause)
        is_mild = isinstance(error, SettingsError)
        severity = Severity.WARNING if is_mild else Severity.ERROR
        self.post(Notification(error.message, error.hint, severity, actions=actions, key=key))

    @Slot(str)
    def withdraw(self, key: str) -> None:
        self.withdrawn.emit(key)
