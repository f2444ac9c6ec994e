"""What a download's thread does: lock, fetch with patience, read back, install."""

import contextlib
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from starpad.core.download import DownloadOrder, DownloadState
from starpad.core.hub_errors import TRANSIENT, HubError, HubProblem
from starpad.hub import install, sidecar
from starpad.hub.errors import hub_error
from starpad.hub.install import Stopped
from starpad.hub.job import Run, Status, status_after
from starpad.hub.session import Limits
from starpad.hub.transfer import Transfer

log = logging.getLogger(__name__)


class Worker:
    """Moves one order as far as it goes; used once, by one thread.

    `report` is told each change on the way. At the end `settle` is told how the download stands
    (None: it was stopped, or another window has cancelled it) and whether its files are still
    locked for this window alone, so that they may be deleted.
    """

    def __init__(
        self,
        order: DownloadOrder,
        folder: Path,
        token_for: Callable[[str], str | None],
        run: Run,
        limits: Limits,
        report: Callable[[Status], None],
    ) -> None:
        self._order = order
        self._folder = folder
        self._token_for = token_for
        self._run = run
        self._limits = limits
        self._report = report
        self._transfers: list[Transfer] = []
        self._installed_bytes = 0
        self._look()
        run.done_bytes = self.done_bytes

    def done_bytes(self) -> int:
        """Return how many bytes are on disk, or have been read back; for any thread."""
        return self._installed_bytes + sum(each.done_bytes for each in self._transfers)

    def work(self, settle: Callable[[Status | None, bool], None]) -> None:
        """Go as far as it goes. Raises nothing but defects of Starpad."""
        lock = FileLock(sidecar.lock_path(self._folder, self._order))
        try:
            status = self._status(lock)
            settle(status, lock.is_locked)
        finally:
            lock.release()

    def _status(self, lock: FileLock) -> Status | None:
        """Return how the download stands after all that could be done."""
        try:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return self._after_the_other_window(lock)
            return self._fetch_and_install()
        except Stopped:
            return None
        except (HubError, OSError) as error:
            problem = hub_error(error, endpoint=self._order.endpoint, subject=self._order.id)
            if problem.problem is HubProblem.DISK_FULL:
                problem = self._disk_full()
            # No traceback: the library's errors hold signed addresses.
            cause = type(error.__cause__ or error).__name__
            log.info("%s: %s (%s)", self._order.id, problem.message, cause)
            return status_after(problem)

    def _look(self) -> None:
        """Find out what is there already."""
        order = self._order
        missing = [
            file for file in order.files if not install.is_installed(self._folder, order, file)
        ]
        self._installed_bytes = order.size_bytes - sum(file.size_bytes for file in missing)
        self._transfers = [
            Transfer(order, file, self._folder, self._run.stop, self._limits) for file in missing
        ]

    def _after_the_other_window(self, lock: FileLock) -> Status | None:
        """Wait until the window that fetches this lets go of it, and see what it has left."""
        note = f"{self._order.files[0].name} is being downloaded by another Starpad window."
        self._report(Status(DownloadState.WAITING, note, HubProblem.IN_USE))
        while not lock.is_locked:
            self._run.wait(self._limits.lock_look_s)
            if self._run.stop.is_stopped:
                raise Stopped
            self._look()
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=0)
        self._look()
        if not self._transfers:
            return Status(DownloadState.DONE)
        try:
            kept = sidecar.read(sidecar.sidecar_path(self._folder, self._order))
        except FileNotFoundError:
            return None
        except ValueError:
            return Status(DownloadState.QUEUED)
        if kept.problem is not None:
            return Status(DownloadState.FAILED, kept.note, kept.problem, kept.url)
        return Status(DownloadState.PAUSED if kept.is_paused else DownloadState.QUEUED)

    def _fetch_and_install(self) -> Status:
        self._look()  # again, for another window may have had the lock until now
        if not self._transfers:
            return Status(DownloadState.DONE)
        # Written before any run: without it this is an empty place where a disk was.
        sidecar.sidecar_path(self._folder, self._order).stat()
        self._take_over()
        for _ in range(2):
            for transfer in self._transfers:
                self._fetch(transfer)
            wrong = self._read_back()
            if not wrong:
                # The first part last: without it nobody takes the others for a model.
                for transfer in reversed(self._transfers):
                    install.install(self._folder, self._order, transfer.file)
                return Status(DownloadState.DONE)
            for transfer in wrong:
                transfer.discard()
        raise HubError(
            f"{wrong[0].file.name} arrived damaged twice: its SHA-256 is not the announced one.",
            "The network or the server may alter it. Try another connection or repository.",
            problem=HubProblem.CHECKSUM,
        )

    def _take_over(self) -> None:
        """Keep files that lie in their place already, and only lack a note of their origin."""
        for transfer in list(self._transfers):
            file = transfer.file
            if transfer.size_on_disk() or not install.has_size(self._folder, self._order, file):
                continue
            self._report(Status(DownloadState.VERIFYING))
            if install.is_right(self._folder, self._order, file, self._run.stop):
                install.note_origin(self._folder, self._order, file)
                self._transfers.remove(transfer)
                self._installed_bytes += file.size_bytes

    def _fetch(self, transfer: Transfer) -> None:
        """Fetch a file with as many attempts as it takes."""
        failures = 0
        while not transfer.is_complete:
            self._require_space()
            before = transfer.done_bytes
            try:
                transfer.attempt(
                    self._token_for(self._order.endpoint),
                    lambda: self._report(Status(DownloadState.RUNNING)),
                )
            except HubError as error:
                if error.problem not in TRANSIENT:
                    raise
                if transfer.done_bytes > before:
                    failures = 0
                self._back_off(error, failures)
                failures += 1

    def _back_off(self, error: HubError, failures: int) -> None:
        asked = error.retry_after_s
        if asked == 0 and not failures:
            return
        limits = self._limits
        # Bounded before it is a power of two: one may wait for days.
        seconds = min(limits.first_wait_s * 2 ** min(failures, 16), limits.longest_wait_s)
        seconds = max(seconds, asked or 0.0)
        retry_at = time.monotonic() + seconds
        log.info("%s waits %.0f s: %s", self._order.id, seconds, error.message)
        self._report(
            Status(DownloadState.WAITING, error.message, error.problem, error.url, retry_at)
        )
        self._run.wait(seconds)
        if self._run.stop.is_stopped:
            raise Stopped

    def _read_back(self) -> list[Transfer]:
        """Return the transfers whose bytes on the disk are wrong."""
        for transfer in self._transfers:
            transfer.forget_progress()
        self._report(Status(DownloadState.VERIFYING))
        return [transfer for transfer in self._transfers if not transfer.is_right()]

    def _rest_bytes(self) -> int:
        return sum(each.file.size_bytes - each.size_on_disk() for each in self._transfers)

    def _require_space(self) -> None:
        free = shutil.disk_usage(self._transfers[0].part.parent).free
        if free < self._rest_bytes() + self._limits.spare_bytes:
            raise self._disk_full()

    def _disk_full(self) -> HubError:
        need = (self._rest_bytes() + self._limits.spare_bytes) / 1e9
        try:
            free = shutil.disk_usage(self._folder).free / 1e9
        except OSError:
            free = 0.0
        return HubError(
            f"Not enough space on the disk of {self._folder}: {need:.1f} GB are needed, some of "
            f"them to spare; {free:.1f} GB are free.",
            "Free some space or move the models folder, then resume; what arrived is kept.",
            problem=HubProblem.DISK_FULL,
        )
