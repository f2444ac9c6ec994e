"""What the operating system tells the application: files to open, and signals to end."""

import signal
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSocketNotifier, Slot
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from starpad.core.errors import StarpadError


class OpenEvents(QObject):
    """Opens what is double-clicked on macOS, which tells it by events instead of arguments."""

    def __init__(
        self, open_files: Callable[[Iterable[Path]], None], application: QObject, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._open_files = open_files
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self._open_files([Path(event.file())])
            return True
        return super().eventFilter(watched, event)


class SignalWatch(QObject):
    """Ends the application on SIGTERM or Ctrl+C as a crash would: unsaved text is kept."""

    def __init__(self, keep: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._keep = keep
        # Python's handlers run only between bytecodes, and Qt's loop has none: the wake-up
        # socket brings the signal into the loop.
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    @Slot()
    def _on_signal(self) -> None:
        self._notifier.setEnabled(False)
        try:
            self._keep()
        except StarpadError as error:
            sys.stderr.write(f"{error}\n")
        QApplication.exit(128 + self._read.recv(1)[0])
