"""Blocking work away from the GUI thread: asking a hub, reading headers, hashing, copying."""

import itertools
import logging
import threading
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from starpad.core.errors import StarpadError
from starpad.hub.session import StopSignal
from starpad.services.inference_thread import Emit, RequestEnd

log = logging.getLogger(__name__)

BlockingJob = Callable[[StopSignal, Emit], object]
_JOIN_S = 2.0


class BackgroundJobs(QObject):
    """Runs each job on a thread of its own; each ends with exactly one `job_ended`.

    A thread a job, because jobs are few and one that hangs must not hold up the next. They are
    daemons: what cannot be interrupted (a name that does not resolve) may not keep Starpad open.
    Connect bound methods of QObjects only: anything else would run in the job's thread.
    """

    value_received = Signal(int, object)
    """(job_id, a value that the job emitted)"""
    job_ended = Signal(int, object)
    """(job_id, RequestEnd)"""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._running: dict[int, tuple[threading.Thread, StopSignal]] = {}
        self._is_shut_down = False

    def submit(self, name: str, job: BlockingJob) -> int:
        """Start a job and return its id at once; `name` is the thread's.

        The job gets a StopSignal, which also cuts its connections, and a function that sends a
        value out as `value_received`. After `shutdown` nothing starts any more.
        """
        job_id = next(self._ids)
        if self._is_shut_down:
            return job_id
        stop = StopSignal()
        thread = threading.Thread(
            target=self._run, args=(job_id, job, stop), name=name, daemon=True
        )
        with self._lock:
            thread.start()
            self._running[job_id] = (thread, stop)
        return job_id

    def cancel(self, job_id: int) -> None:
        """Stop a job; its end follows as a signal. Nothing happens if it has ended.

        A job that returns nevertheless has done its work: its value counts.
        """
        with self._lock:
            running = self._running.get(job_id)
        if running is not None:
            running[1].stop()

    def shutdown(self) -> None:
        """Stop every job and wait for them, two seconds at most. Nothing is emitted any more."""
        self._is_shut_down = True
        with self._lock:
            running = list(self._running.values())
        for _, stop in running:
            stop.stop()
        deadline = time.monotonic() + _JOIN_S
        for thread, _ in running:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, job_id: int, job: BlockingJob, stop: StopSignal) -> None:
        def emit(value: object) -> None:
            if not self._is_shut_down and not stop.is_stopped:
                self.value_received.emit(job_id, value)

        with stop.watching():
            end = _outcome(job, stop, emit)
        with self._lock:
            del self._running[job_id]
        if not self._is_shut_down:
            self.job_ended.emit(job_id, end)


def _outcome(job: BlockingJob, stop: StopSignal, emit: Emit) -> RequestEnd:
    if stop.is_stopped:
        return RequestEnd(cancelled=True)
    try:
        return RequestEnd(value=job(stop, emit))
    except Exception as error:
        # A cut connection looks like any other failure: the stop explains it.
        if stop.is_stopped:
            return RequestEnd(cancelled=True)
        if not isinstance(error, StarpadError):
            log.exception("a background job failed unexpectedly")
        return RequestEnd(error=error)
