"""Long reading and writing of files: on another thread, while the window goes on drawing."""

import threading
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEventLoop, QThread

_Result = TypeVar("_Result")


class _Work(QThread):
    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("files")
        self._work = work
        self.result: object = None
        self.error: BaseException | None = None

    def run(self) -> None:
        threading.current_thread().name = self.objectName()
        try:
            self.result = self._work()
        except BaseException as error:  # raised again by who asked for it
            self.error = error


def run_aside(work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns, or raise what it raises.

    Until then timers and answers are handled, but no keys and clicks, and no window closes: the
    caller can count on what it knew before.
    """
    loop = QEventLoop()
    thread = _Work(work)
    thread.finished.connect(loop.quit)
    thread.start()
    loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    thread.wait()  # the application may be ending
    if thread.error is not None:
        raise thread.error
    return thread.result  # type: ignore[return-value]
