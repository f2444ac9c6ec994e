"""Starts the downloads' threads in turn, and hears from them; the queue's own thread."""

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

from starpad.core.download import DownloadOrder, DownloadState
from starpad.hub.job import STARTED, Job, Run, Status, status_after
from starpad.hub.keeper import Keeper
from starpad.hub.session import Limits

log = logging.getLogger(__name__)

_JOIN_S = 2.0
_NICER = 5
_MISTAKE = "Starpad made a mistake here; its log tells more."


class Dispatcher:
    """Owns the rows and the threads. Change a row while holding `lock`, then call `touch`."""

    def __init__(
        self,
        keeper: Keeper,
        token_for: Callable[[str], str | None],
        on_changed: Callable[[], None],
        limits: Limits,
    ) -> None:
        self.lock = threading.RLock()
        self.jobs: list[Job] = []
        self.max_active = 1
        self._keeper = keeper
        self._token_for = token_for
        self._on_changed = on_changed
        self._limits = limits
        self._is_held = True
        self._is_closed = False
        self._due = threading.Event()
        self._thread = threading.Thread(target=self._dispatch, name="downloads", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._is_held = False
        self._thread.start()
        self.touch()

    def touch(self) -> None:
        """See to what has changed, soon, and tell others."""
        if not self._is_closed:
            self._due.set()
            self._on_changed()

    def hold(self, join_s: float) -> None:
        """End all runs and start none until `go_on`; wait until they have ended."""
        with self.lock:
            self._is_held = True
            threads = self._halt_all()
        _join(threads, join_s)

    def go_on(self) -> None:
        """End what `hold` began."""
        self._is_held = False
        self.touch()

    def close(self) -> None:
        """End all, within 2 seconds; `on_changed` is not called any more."""
        with self.lock:
            self._is_closed = True
            threads = self._halt_all()
        self._due.set()
        if self._thread.ident is not None:
            threads.append(self._thread)
        _join(threads, _JOIN_S)

    def _halt_all(self) -> list[threading.Thread]:
        """End all runs, as if they had not begun yet; return their threads."""
        for job in self.jobs:
            if job.state in STARTED:
                job.halt(Status(DownloadState.QUEUED))
        runs = [job.run for job in self.jobs if job.run is not None]
        return [run.thread for run in runs if run.thread is not None]

    def _dispatch(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            is_closed = self._is_closed
            self._remove_cancelled()
            self._save_changed()
            if self._start_runs():
                self._on_changed()
            if is_closed:
                return

    def _remove_cancelled(self) -> None:
        with self.lock:
            jobs = [
                job
                for job in self.jobs
                if job.run is None and (job.is_cancelled or job.is_replaced)
            ]
        for job in jobs:
            self._keeper.remove_unlocked(job.order)
            with self.lock:
                self._let_go(job)

    def _let_go(self, job: Job) -> None:
        """Take note that nothing is left of what a row had on the disk."""
        if job.is_cancelled:
            self.jobs.remove(job)
        job.is_replaced = False
        job.done_bytes = 0

    def _save_changed(self) -> None:
        with self.lock:
            jobs = [job for job in self.jobs if job.is_unsaved and job.is_wanted]
        for job in jobs:
            self._save(job)

    def _save(self, job: Job) -> None:
        with self.lock:
            if job not in self.jobs:
                return
            kept, is_new = job.sidecar(self.jobs.index(job)), job.is_new
            job.is_unsaved = job.is_new = False
        try:
            self._keeper.save(job, kept, is_new=is_new)
        except OSError as error:
            self._on_save_failed(job, error, is_new=is_new)

    def _on_save_failed(self, job: Job, error: OSError, *, is_new: bool) -> None:
        from starpad.hub.errors import hub_error

        log.warning("The record of %s could not be written: %s", job.order.id, error)
        problem = hub_error(error, endpoint=job.order.endpoint, subject=job.order.id)
        with self.lock:
            job.is_new = job.is_new or is_new
            # Asked for anew meanwhile, it is about to be written again.
            if job.state is DownloadState.QUEUED and not job.is_unsaved:
                job.set_status(status_after(problem))
        self.touch()

    def _start_runs(self) -> bool:
        """Give the free places to those that wait first; return whether there were any."""
        has_started = False
        with self.lock:
            active = sum(job.status.holds_place for job in self.jobs)
            for job in self.jobs:
                if self._is_held or self._is_closed or active >= self.max_active:
                    break
                if job.state is DownloadState.QUEUED and job.run is None and job.is_wanted:
                    if job.is_unsaved:
                        break  # the next round has it, and nobody overtakes it
                    active += 1
                    has_started = True
                    job.set_status(Status(DownloadState.RUNNING))
                    job.run = run = Run()
                    run.thread = threading.Thread(
                        target=self._run,
                        args=(job, job.order, run),
                        name=f"download {job.order.files[0].name}",
                        daemon=True,
                    )
                    run.thread.start()
        return has_started

    def _run(self, job: Job, order: DownloadOrder, run: Run) -> None:
        """Be a download's thread."""
        _give_way()
        report = partial(self._on_report, job, run)
        settle = partial(self._on_settled, job, order, run)
        try:
            # Takes 0.3 seconds, which the window's start does not have.
            from starpad.hub.worker import Worker

            folder = self._keeper.folder
            Worker(order, folder, self._token_for, run, self._limits, report).work(settle)
        except BaseException:
            settle(Status(DownloadState.FAILED, _MISTAKE), is_ours=False)
            raise
        finally:
            self._on_ended(job, run)

    def _on_report(self, job: Job, run: Run, status: Status) -> None:
        with self.lock:
            if run.stop.is_stopped or status == job.status:
                return
            job.set_status(status)
        self.touch()

    def _on_settled(
        self, job: Job, order: DownloadOrder, run: Run, status: Status | None, is_ours: bool
    ) -> None:
        """Take note of how a run has ended; `is_ours`: its files are locked for this window."""
        done_bytes = self._keeper.done_bytes(order)
        with self.lock:
            job.done_bytes = done_bytes
            if status is None and not run.stop.is_stopped:
                job.is_cancelled = True  # in another window
            is_wanted = job.is_wanted
            is_done = status is not None and status.state is DownloadState.DONE
            job.is_finished = is_done and is_wanted
            if status is not None and is_wanted and not is_done and not run.stop.is_stopped:
                job.set_status(status)
        if is_ours:
            # While they are locked: another window acts upon what it finds then.
            if not is_wanted:
                self._keeper.remove(order)
            elif is_done:
                self._keeper.finish(order)
            else:
                self._save(job)
        with self.lock:
            run.has_removed = is_ours and not is_wanted
            # The user may have changed their mind meanwhile.
            job.is_finished = is_done and job.is_wanted
            if job.is_finished and status is not None:
                job.set_status(status)
        self.touch()

    def _on_ended(self, job: Job, run: Run) -> None:
        """Take note that a run holds nothing any more: another one may begin."""
        with self.lock:
            job.run = None
            if run.has_removed:
                self._let_go(job)
        self.touch()


def _give_way() -> None:
    """Let the window's thread go first where processors are short: measured, half the jitter."""
    # Elsewhere than on Linux a niceness is the whole program's.
    if sys.platform == "linux":
        this = threading.get_native_id()
        with contextlib.suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, this) + _NICER
            os.setpriority(os.PRIO_PROCESS, this, niceness)


def _join(threads: list[threading.Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
