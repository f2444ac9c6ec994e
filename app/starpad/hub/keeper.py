"""The disk side of the queue: keeps each download's record beside its bytes, and deletes both."""

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from starpad.core.download import DownloadOrder, DownloadState
from starpad.core.hub_errors import HubProblem
from starpad.hub import install, sidecar
from starpad.hub.job import Job, Status
from starpad.hub.sidecar import Sidecar

log = logging.getLogger(__name__)


class Keeper:
    """Reads and writes what lies in the models folder, one thing at a time; any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def job_of(self, kept: Sidecar, *, resume: bool) -> Job:
        """Return the row for a record of an earlier session."""
        if kept.problem is not None:
            is_full = kept.problem is HubProblem.DISK_FULL
            state = DownloadState.PAUSED if is_full else DownloadState.FAILED
        else:
            is_going_on = resume and not kept.is_paused
            state = DownloadState.QUEUED if is_going_on else DownloadState.PAUSED
        return Job(
            kept.order,
            kept.created,
            Status(state, kept.note, kept.problem, kept.url),
            done_bytes=self.done_bytes(kept.order),
            is_paused=kept.is_paused,
        )

    def done_bytes(self, order: DownloadOrder) -> int:
        """Return how much of an order is on the disk."""
        done = 0
        for file in order.files:
            if install.is_installed(self.folder, order, file):
                done += file.size_bytes
            else:
                with contextlib.suppress(OSError):
                    done += sidecar.part_path(self.folder, order, file).stat().st_size
        return done

    def save(self, job: Job, kept: Sidecar, *, is_new: bool) -> None:
        """Write a row's record, unless it is installed; a new one makes its folder.

        Raises OSError.
        """
        with self._lock:
            if job.is_finished:
                return
            path = sidecar.sidecar_path(self.folder, kept.order)
            if is_new:
                path.parent.mkdir(parents=True, exist_ok=True)
            sidecar.write(self.folder, kept)

    def finish(self, order: DownloadOrder) -> None:
        """Delete the record of a download that is installed, which this window has locked."""
        with self._lock:
            self._finish(order)

    def remove(self, order: DownloadOrder) -> None:
        """Delete all that is there of a download that this window has locked."""
        path = sidecar.sidecar_path(self.folder, order)
        files = set(order.files)
        # The record may be that of another version, in other parts.
        with contextlib.suppress(OSError, ValueError):
            files |= set(sidecar.read(path).order.files)
        with self._lock:
            for file in files:
                _delete(sidecar.part_path(self.folder, order, file))
            self._finish(order)
            # The folders were made for it: gone again if there is nothing else in them.
            with contextlib.suppress(OSError):
                for parent in path.relative_to(self.folder).parents[:-1]:
                    (self.folder / parent).rmdir()

    def remove_unlocked(self, order: DownloadOrder) -> None:
        """Do the same for a download that nobody has locked; leave another window's alone."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(sidecar.lock_path(self.folder, order), timeout=0):
                self.remove(order)
        except (Timeout, OSError) as error:
            log.info("%s is not deleted: %s", order.id, error)

    def relocate(self, folder: Path, move: Callable[[], None]) -> None:
        """Call `move`, and find everything in another folder from then on."""
        with self._lock:
            move()
            self.folder = folder

    def _finish(self, order: DownloadOrder) -> None:
        _delete(sidecar.sidecar_path(self.folder, order))
        # Windows lets nobody delete what is locked; it is deleted with the lock there.
        with contextlib.suppress(OSError):
            sidecar.lock_path(self.folder, order).unlink(missing_ok=True)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        # What is left will be shown as worth cleaning up.
        log.warning("%s could not be deleted: %s", path.name, error)
