"""The thread that reads and writes the conversations, one job after the other."""

import itertools
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from starpad.core.errors import StarpadError
from starpad.core.history_store import HistoryStore
from starpad.services.inference_thread import RequestEnd

log = logging.getLogger(__name__)

HistoryJob = Callable[[HistoryStore], object]


class HistoryService(QThread):
    """Owns the HistoryStore; each job ends with exactly one `job_ended`, in the order of `submit`.

    The database is opened by the first job, and again by the next as long as that fails: a full
    disk may have been cleared. Connect bound methods of QObjects only: anything else would run
    in this thread.
    """

    job_ended = Signal(int, object)
    """(job_id, RequestEnd)"""
    reported = Signal(object)
    """A StarpadError: what was found damaged at opening, and what was brought back."""

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("history")
        self._path = path
        self._ids = itertools.count(1)
        self._jobs: queue.SimpleQueue[tuple[int, HistoryJob] | None] = queue.SimpleQueue()
        self._store: HistoryStore | None = None
        self._has_rest = True
        self._is_shut_down = False

    @property
    def is_shut_down(self) -> bool:
        """Whether no job can be submitted any more."""
        return self._is_shut_down

    def submit(self, job: HistoryJob) -> int:
        """Let the thread do a job after those before it, and return its id at once.

        The job gets the store, which it must not keep. RuntimeError after `shutdown`.
        """
        if self._is_shut_down:
            raise RuntimeError("a job was submitted after the history's shutdown")
        job_id = next(self._ids)
        self._jobs.put((job_id, job))
        return job_id

    def shutdown(self) -> None:
        """Do the jobs that wait (they are the user's text), close, join. May be called again."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        # It may never have been. Before the end is queued: a thread that ended would start anew.
        self.start()
        self._jobs.put(None)
        self.wait()

    def run(self) -> None:
        """Do the jobs until `shutdown` (called by Qt in the new thread)."""
        threading.current_thread().name = self.objectName()
        try:
            while (work := self._next()) is not None:
                job_id, job = work
                self.job_ended.emit(job_id, self._outcome(job))
        finally:
            if self._store is not None:
                self._store.close()

    def _next(self) -> tuple[int, HistoryJob] | None:
        """Wait for work; what a recovery left to be indexed is done while there is none."""
        while self._jobs.empty() and self._store is not None and self._has_rest:
            try:
                self._has_rest = self._store.index_rest()
            except StarpadError as error:
                log.warning("old messages cannot be searched: %s", error)
                self._has_rest = False
        return self._jobs.get()

    def _outcome(self, job: HistoryJob) -> RequestEnd:
        try:
            return RequestEnd(value=job(self._opened()))
        except Exception as error:
            if not isinstance(error, StarpadError):
                log.exception("a job on the conversations failed unexpectedly")
            return RequestEnd(error=error)

    def _opened(self) -> HistoryStore:
        if self._store is None:
            self._store = HistoryStore.open(self._path)
            for report in self._store.reports:
                self.reported.emit(report)
        return self._store
