"""The one worker thread for inference traffic: an asyncio loop whose results are Qt signals."""

import asyncio
import itertools
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QThread, Signal

from starpad.core.errors import StarpadError

log = logging.getLogger(__name__)

Emit = Callable[[object], None]
Job = Callable[[Emit], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class RequestEnd:
    """How a request ended: with a value, with an error, or cancelled."""

    value: object | None = None
    error: Exception | None = None
    cancelled: bool = False


class InferenceThread(QThread):
    """Runs jobs as coroutines; each ends with exactly one `request_ended`.

    Connect bound methods of QObjects only: anything else would run in this thread.
    """

    value_received = Signal(int, object)
    """(request_id, a value that the job emitted)"""
    request_ended = Signal(int, object)
    """(request_id, RequestEnd)"""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inference")
        self._ids = itertools.count(1)
        self._tasks: dict[int, asyncio.Task[object]] = {}
        # Made here so that a job may be submitted before the thread has come up.
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._is_shut_down = False

    def submit(self, job: Job) -> int:
        """Start a job on the thread and return its request id at once.

        The job gets a function that sends a value out as `value_received`. RuntimeError after
        `shutdown`.
        """
        if self._is_shut_down:
            raise RuntimeError("a job was submitted after the inference thread's shutdown")
        request_id = next(self._ids)
        self._loop.call_soon_threadsafe(self._begin, request_id, job)
        return request_id

    def cancel(self, request_id: int) -> None:
        """Cancel a request; its end follows as a signal. Nothing happens if it has ended."""
        if not self._is_shut_down:
            self._loop.call_soon_threadsafe(self._cancel, request_id)

    def shutdown(self) -> None:
        """Cancel every request, wait for their ends, join the thread. May be called again."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        if self.isRunning():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self.wait()
        else:
            self._loop.close()

    def run(self) -> None:
        """Run the loop until `shutdown` (called by Qt in the new thread)."""
        threading.current_thread().name = self.objectName()
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        await self._stopping.wait()
        tasks = list(self._tasks.values())
        for task in tasks:
            _cancel_once(task)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def _begin(self, request_id: int, job: Job) -> None:
        async def run() -> object:
            return await job(partial(self.value_received.emit, request_id))

        task = self._loop.create_task(run())
        self._tasks[request_id] = task
        # Not a `try` inside `run`: a task that is cancelled before its first step never enters it.
        task.add_done_callback(partial(self._end, request_id))

    def _cancel(self, request_id: int) -> None:
        task = self._tasks.get(request_id)
        if task is not None:
            _cancel_once(task)

    def _end(self, request_id: int, task: asyncio.Task[object]) -> None:
        del self._tasks[request_id]
        self.request_ended.emit(request_id, _end_of(task))


def _cancel_once(task: asyncio.Task[object]) -> None:
    """Cancel a task, but leave one alone that is tidying up after a cancel already."""
    if not task.cancelling():
        task.cancel()


def _end_of(task: asyncio.Task[object]) -> RequestEnd:
    if task.cancelled():
        return RequestEnd(cancelled=True)
    error = task.exception()
    if error is None:
        return RequestEnd(value=task.result())
    if not isinstance(error, StarpadError):
        log.error("a job failed unexpectedly", exc_info=error)
    return RequestEnd(error=error if isinstance(error, Exception) else RuntimeError(repr(error)))
