"""The one engine: loads a model, switches to another, restarts it, takes requests for it."""

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance, Slot

from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.load_options import LoadOptions
from starpad.core.memory_fit import Fit
from starpad.core.model_file import ModelHeader
from starpad.core.restart_policy import RestartPolicy
from starpad.engines import process, session
from starpad.services.engine_run import (
    LOAD_BUG,
    AnyOptions,
    EngineJob,
    EngineRun,
    RoomNeeded,
    ask,
    error_of,
    fit_instead,
    hold,
    hold_apart,
    status_of,
)
from starpad.services.inference_thread import InferenceThread, Job, RequestEnd
from starpad.services.pack_trial import PackTrial

if TYPE_CHECKING:  # httpx2 takes 80 ms to import, which the window need not wait for
    from starpad.engines.client import EngineClient

log = logging.getLogger(__name__)


class EngineService(QObject):
    """Owns the loaded engine, its status and the inference thread.

    A model in the engine is itself one long request on that thread (`EngineRun`). A new one is
    loaded beside the present one where the memory holds both, so that suggestions go on
    meanwhile; else the present one leaves first, and comes back if the new one fails.
    """

    status_changed = Signal(object)
    """(EngineStatus)"""
    stopped_unexpectedly = Signal(object)
    """(ExitReport)"""
    load_failed = Signal(object)
    """(StarpadError) a switch failed; the model before it is kept, or on its way back."""
    pack_failed = Signal(object)
    """(PackFailure) the engine in the box has taken over from a pack."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.restart_automatically = True
        self.restart_delay_ms = 3000
        self._status = EngineStatus(EngineState.EMPTY)
        self.wanted: AnyOptions | None = None
        """What was asked for last, whether it came or not; only read by others."""
        self._held: EngineRun | None = None
        self._coming: EngineRun | None = None
        self._leaving: list[EngineRun] = []
        """Runs whose memory may not be free yet."""
        self._fallback: AnyOptions | None = None
        """What had to leave for the coming model."""
        self._asleep: EngineRun | None = None
        """What was loaded when nobody asked any more."""
        self._lines = process.new_log()
        self._running: set[int] = set()
        self._policy = RestartPolicy()
        self._trial = PackTrial()
        self._restart_timer = QTimer(self, singleShot=True)
        self._restart_timer.timeout.connect(self.restart)
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

    @property
    def client(self) -> "EngineClient | None":
        """Return the loaded engine's client: its address, key and caret, for who shares it."""
        return self._held.client if self._held is not None else None

    def load(self, options: AnyOptions) -> None:
        """Load a model instead of the present one, which serves on as long as it can."""
        self._restart_timer.stop()
        self._drop_coming()  # the fallback stays: what that model has pushed out
        self._asleep = None
        self._start(options)

    @Slot()
    def restart(self) -> None:
        """Load the last model again; nothing happens if there was none."""
        if self.wanted is not None:
            self._drop_all()
            self._start(self.wanted)

    def cancel_load(self) -> None:
        """Give up the model that is being loaded, and keep or bring back the one before."""
        if self._coming is not None:
            self._drop_coming()
            fallback, self._fallback = self._fallback, None
            self._go_on_without(fallback)

    def unload(self) -> None:
        """Free the model's memory."""
        self._drop_all()
        self._set_status(EngineStatus(EngineState.EMPTY))

    def sleep(self) -> None:
        """Free the model's memory until somebody asks it again."""
        run = self._held
        self._drop_all()
        self._asleep = run
        self._set_status(self._status_now())

    def submit(self, job: EngineJob) -> int:
        """Run a job with the engine's client; return its request id.

        Without a model it ends with an EngineError; one that is asleep is loaded again first.
        """
        if self._asleep is not None and self._coming is None:
            self._start(self._asleep.options)
        run = self._held or (self._coming if self._asleep is not None else None)
        request_id = self._thread.submit(partial(ask, run, job))
        self._running.add(request_id)
        if self._status.state is EngineState.READY:
            self._set_status(replace(self._status, state=EngineState.BUSY))
        return request_id

    def run_apart(self, options: LoadOptions, job: Job) -> int:
        """Run a job that loads `options` into an engine of its own; return its request id.

        It waits for models that are leaving, and a model that is loaded meanwhile waits for it:
        `cancel` it then.
        """
        run = EngineRun(options)
        run.request_id = self._thread.submit(partial(hold_apart, run, list(self._leaving), job))
        self._leaving.append(run)
        return run.request_id

    def fit(self, header: ModelHeader, options: LoadOptions) -> Fit:
        """Return how a model would fit in place of the present one, with the memory of now."""
        return fit_instead(self._held.model if self._held is not None else None, header, options)

    def cancel(self, request_id: int) -> None:
        """Cancel a request; its end follows as a signal."""
        self._thread.cancel(request_id)

    def log_tail(self) -> str:
        """Return the last lines that the engine wrote."""
        return process.tail(self._lines)

    def shutdown(self) -> None:
        """Cancel everything, end the process, join the thread. May be called again."""
        self._restart_timer.stop()
        self._held = self._coming = None
        self._thread.shutdown()

    def _start(self, options: AnyOptions) -> None:
        run = EngineRun(options)
        leaving, self._leaving = self._leaving, []
        self.wanted, self._coming, self._lines = options, run, run.lines
        run.request_id = self._thread.submit(partial(hold, run, self._held, leaving))
        self._set_status(self._status_now())

    def _status_now(self) -> EngineStatus:
        return status_of(self._held, self._coming, self._asleep, is_busy=bool(self._running))

    def _set_status(self, status: EngineStatus) -> None:
        if status != self._status:
            self._status = status
            self.status_changed.emit(status)

    def _drop_coming(self) -> None:
        run, self._coming = self._coming, None
        self._trial.acquit()
        if run is not None:
            self._leave(run)

    def _drop_held(self) -> None:
        """Let go of the present model; what runs on it ends as cancelled."""
        run, self._held = self._held, None
        if run is not None:
            for request_id in self._running:
                self._thread.cancel(request_id)
            self._leave(run)

    def _drop_all(self) -> None:
        self._restart_timer.stop()
        self._asleep = self._fallback = None
        self._drop_coming()
        self._drop_held()

    def _leave(self, run: EngineRun) -> None:
        self._thread.cancel(run.request_id)
        self._leaving.append(run)

    def _go_on_without(self, fallback: AnyOptions | None) -> None:
        """Be what we were before the model that does not come."""
        if self._held is None and fallback is not None:
            self._start(fallback)
            return
        if self._held is not None:
            self.wanted, self._lines = self._held.options, self._held.lines
        self._set_status(self._status_now())

    @Slot(int, object)
    def _on_thread_value_received(self, request_id: int, value: object) -> None:
        run = self._coming
        if run is None or request_id != run.request_id:
            return
        if isinstance(value, session.Loaded):
            self._drop_held()
            self._held, self._coming, self._fallback, self._asleep = run, None, None, None
        elif isinstance(value, RoomNeeded):
            self._fallback = self._held.options if self._held is not None else self._fallback
            self._drop_held()
        elif isinstance(value, float):
            run.fraction = value
        self._set_status(self._status_now())
        if isinstance(value, session.Loaded) and (failure := self._trial.convict()) is not None:
            self.pack_failed.emit(failure)

    @Slot(int, object)
    def _on_thread_request_ended(self, request_id: int, end: RequestEnd) -> None:
        self._leaving = [run for run in self._leaving if run.request_id != request_id]
        if self._held is not None and request_id == self._held.request_id:
            self._on_held_ended(self._held, end)
        elif self._coming is not None and request_id == self._coming.request_id:
            self._on_coming_ended(self._coming, end)
        else:
            self._running.discard(request_id)
            if not self._running and self._status.state is EngineState.BUSY:
                self._set_status(self._status_now())

    def _on_coming_ended(self, run: EngineRun, end: RequestEnd) -> None:
        """Say why the model was not loaded; it is not the end of the one before."""
        error = error_of(run, end)
        if (without_pack := self._trial.suspect(run, error.message)) is not None:
            self._start(without_pack)
            return
        self.wanted = self._trial.acquit() or self.wanted
        fallback = self._fallback
        self._coming = self._fallback = self._asleep = None
        if self._held is None and fallback is None:
            self._set_status(EngineStatus(EngineState.FAILED, reason=str(error)))
            return
        self._go_on_without(fallback)
        self.load_failed.emit(error)

    def _on_held_ended(self, run: EngineRun, end: RequestEnd) -> None:
        self._held = None
        report = end.value
        if not isinstance(report, ExitReport):
            self._set_status(EngineStatus(EngineState.FAILED, reason=LOAD_BUG))
            return
        is_last = self._coming is None
        log.warning("%s\n%s", report.sentence, report.log_tail)
        if is_last and self.restart_automatically:
            if self._policy.allow():
                report = replace(report, restart_in_ms=self.restart_delay_ms)
                self._restart_timer.start(self.restart_delay_ms)
            elif (without_pack := self._trial.suspect(run, report.sentence)) is not None:
                self._start(without_pack)
                return
        failed = EngineStatus(EngineState.FAILED, reason=report.sentence)
        self._set_status(failed if is_last else self._status_now())
        if is_last:
            self.stopped_unexpectedly.emit(report)
