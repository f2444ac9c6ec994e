"""The one engine: loads a model, says how it is, restarts it, takes requests for it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance, Slot

from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.errors import EngineError, StarpadError
from starpad.core.load_options import LoadOptions
from starpad.core.restart_policy import RestartPolicy
from starpad.engines import process, session
from starpad.services.inference_thread import Emit, InferenceThread, RequestEnd

if TYPE_CHECKING:  # httpx2 takes 80 ms to import, which the window need not wait for
    from starpad.engines.client import EngineClient

log = logging.getLogger(__name__)

EngineJob = Callable[["EngineClient", Emit], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Order:
    """What `load` was asked for, kept for a restart."""

    path: Path
    context_tokens: int
    threads: int


class EngineService(QObject):
    """Owns the loaded engine, its status and the inference thread.

    The engine is itself one long request on that thread: it emits the client when the model is
    loaded, ends when the process ends, and cancelling it unloads.
    """

    status_changed = Signal(object)
    """(EngineStatus)"""
    stopped_unexpectedly = Signal(object)
    """(ExitReport)"""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.restart_automatically = True
        self.restart_delay_ms = 3000
        self._status = EngineStatus(EngineState.EMPTY)
        self._order: _Order | None = None
        self._client: EngineClient | None = None
        self._lines = process.new_log()
        self._engine_request = 0
        self._running: set[int] = set()
        # A new model waits until the old one has left the memory.
        self._memory = asyncio.Lock()
        self._policy = RestartPolicy()
        self._restart_timer = QTimer(self, singleShot=True)
        self._restart_timer.timeout.connect(self._start)
        self._thread = InferenceThread(self)
        self._thread.value_received.connect(self._on_thread_value_received)
        self._thread.request_ended.connect(self._on_thread_request_ended)
        self._thread.start()

    @property
    def status(self) -> EngineStatus:
        """Return the state, and the model when there is one."""
        return self._status

    @property
    def value_received(self) -> SignalInstance:
        """The thread's signal (request_id, value); the id tells whose it is."""
        return self._thread.value_received

    @property
    def request_ended(self) -> SignalInstance:
        """The thread's signal (request_id, RequestEnd), exactly one for each request."""
        return self._thread.request_ended

    def load(self, path: Path, *, context_tokens: int, threads: int) -> None:
        """Load a model instead of the present one; `threads` 0 takes what is fastest."""
        self._order = _Order(path, context_tokens, threads)
        self._start()

    def restart(self) -> None:
        """Load the last model again; nothing happens if there was none."""
        self._start()

    def unload(self) -> None:
        """Free the model's memory."""
        self._stop()
        self._set_status(EngineStatus(EngineState.EMPTY))

    def submit(self, job: EngineJob) -> int:
        """Run a job with the engine's client; return its request id.

        Without a model it ends with an EngineError.
        """
        client = self._client

        async def run(emit: Emit) -> object:
            if client is None:
                raise EngineError("No model is loaded.", "Load one first.")
            return await job(client, emit)

        request_id = self._thread.submit(run)
        self._running.add(request_id)
        if self._status.state is EngineState.READY:
            self._set_status(replace(self._status, state=EngineState.BUSY))
        return request_id

    def cancel(self, request_id: int) -> None:
        """Cancel a request; its end follows as a signal."""
        self._thread.cancel(request_id)

    def log_tail(self) -> str:
        """Return the last lines that the engine wrote."""
        return process.tail(self._lines)

    def shutdown(self) -> None:
        """Cancel everything, end the process, join the thread. May be called again."""
        self._restart_timer.stop()
        self._engine_request = 0
        self._client = None
        self._thread.shutdown()

    @Slot()
    def _start(self) -> None:
        if self._order is None:
            return
        self._stop()
        self._lines = process.new_log()
        self._engine_request = self._thread.submit(
            partial(_hold, self._memory, self._order, self._lines)
        )
        self._set_status(EngineStatus(EngineState.LOADING))

    def _stop(self) -> None:
        """Let go of the engine and of a planned restart; what runs on it ends as cancelled."""
        self._restart_timer.stop()
        self._client = None
        for request_id in (self._engine_request, *self._running):
            self._thread.cancel(request_id)
        self._engine_request = 0

    def _set_status(self, status: EngineStatus) -> None:
        self._status = status
        self.status_changed.emit(status)

    @Slot(int, object)
    def _on_thread_value_received(self, request_id: int, value: object) -> None:
        if request_id == self._engine_request and isinstance(value, session.Loaded):
            self._client = value.client
            self._set_status(EngineStatus(EngineState.READY, value.model))

    @Slot(int, object)
    def _on_thread_request_ended(self, request_id: int, end: RequestEnd) -> None:
        if request_id == self._engine_request:
            self._on_engine_ended(end)
            return
        self._running.discard(request_id)
        if not self._running and self._status.state is EngineState.BUSY:
            self._set_status(replace(self._status, state=EngineState.READY))

    def _on_engine_ended(self, end: RequestEnd) -> None:
        self._engine_request = 0
        self._client = None
        if isinstance(end.value, ExitReport):
            report = end.value
            if self.restart_automatically and self._policy.allow():
                report = replace(report, restart_in_ms=self.restart_delay_ms)
                self._restart_timer.start(self.restart_delay_ms)
            log.warning("%s\n%s", report.sentence, report.log_tail)
            self._set_status(EngineStatus(EngineState.FAILED, reason=report.sentence))
            self.stopped_unexpectedly.emit(report)
        elif isinstance(end.error, StarpadError):
            log.warning("%s\n%s", end.error, self.log_tail())
            self._set_status(EngineStatus(EngineState.FAILED, reason=str(end.error)))
        else:
            reason = "The model could not be loaded because of an error in Starpad; see its log."
            self._set_status(EngineStatus(EngineState.FAILED, reason=reason))


async def _hold(memory: asyncio.Lock, order: _Order, lines: deque[str], emit: Emit) -> ExitReport:
    options = LoadOptions(order.path, order.context_tokens, order.threads)
    async with memory:
        prepared = session.prepare(options)
        return await session.hold_model(prepared, lines, on_loaded=emit, on_progress=emit)
