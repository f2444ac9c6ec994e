"""Calls to the history whose answers come back to who asked, on the GUI thread."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Slot

from starpad.core.history_store import HistoryStore
from starpad.services.history import HistoryService
from starpad.services.inference_thread import RequestEnd

_Value = TypeVar("_Value")


class HistoryCalls(QObject):
    """One asker's calls; they are carried out in the order in which they were asked."""

    def __init__(self, history: HistoryService, parent: QObject) -> None:
        super().__init__(parent)
        self._history = history
        self._open: dict[int, Callable[[RequestEnd], object]] = {}
        queued = Qt.ConnectionType.QueuedConnection
        history.job_ended.connect(self._on_history_job_ended, queued)

    def ask(
        self, job: Callable[[HistoryStore], _Value], then: Callable[[RequestEnd], object]
    ) -> None:
        """Run `job` on the history's thread, then `then` here with how it ended.

        When Starpad is being closed nothing is asked any more.
        """
        if self._history.is_shut_down:
            return
        self._open[self._history.submit(job)] = then

    @Slot(int, object)
    def _on_history_job_ended(self, job: int, end: RequestEnd) -> None:
        then = self._open.pop(job, None)
        if then is not None:
            then(end)
