"""The queue of downloads: their order, who is fetched now, and what is kept of them on disk."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from starpad.core.download import Download, DownloadOrder, DownloadState
from starpad.core.hub_errors import HubError, HubProblem
from starpad.hub import install, sidecar
from starpad.hub.dispatcher import Dispatcher
from starpad.hub.job import STARTED, Job, Status
from starpad.hub.keeper import Keeper
from starpad.hub.session import Limits

MAX_ACTIVE = 3
_MOVE_JOIN_S = 30.0
_QUEUED, _PAUSED = Status(DownloadState.QUEUED), Status(DownloadState.PAUSED)


class DownloadQueue:
    """All downloads of a models folder, moved by threads of its own; may be used by any thread.

    Methods return at once, but for those that say so: what they ask for shows in `downloads` right
    away, and what it takes on the disk is done by the queue's own thread. An unknown id is ignored.
    `token_for` is asked for an endpoint's access token, from any thread, before each request.
    `on_changed` is called, from any thread, after a state has changed.
    """

    def __init__(
        self,
        folder: Path,
        token_for: Callable[[str], str | None],
        on_changed: Callable[[], None],
        *,
        max_active: int = 1,
        limits: Limits | None = None,
    ) -> None:
        self._keeper = Keeper(folder)
        self._rows = Dispatcher(self._keeper, token_for, on_changed, limits or Limits())
        self._rows.max_active = _bounded(max_active)

    # What there is

    @property
    def folder(self) -> Path:
        """The models folder."""
        return self._keeper.folder

    @property
    def downloads(self) -> tuple[Download, ...]:
        """All of them as they are now, in the order of the queue."""
        with self._rows.lock:
            return tuple(job.snapshot() for job in self._rows.jobs if not job.is_cancelled)

    def orphans(self) -> list[Path]:
        """Return what is left of downloads that nobody knows any more; looks at the disk."""
        return sidecar.orphans(self.folder)

    def remove_orphan(self, path: Path) -> None:
        """Delete one of the `orphans`; anything else is left alone. Raises OSError."""
        if path in self.orphans():
            path.unlink()

    # From start to end

    def start(self, *, resume: bool) -> list[str]:
        """Take up what the folder holds, and begin; looks at the disk.

        What was under way goes on if `resume`, unless the user had paused it. Returns a sentence
        for each record that could not be taken up.
        """
        wrong = self._adopt(resume=resume)
        self._rows.start()
        return wrong

    def shutdown(self) -> None:
        """Stop everything, within 2 seconds; the next `start` goes on with it."""
        self._rows.close()
        for job in self._rows.jobs:
            if job.is_cancelled and job.run is None:
                self._keeper.remove_unlocked(job.order)
            elif job.is_cancelled:
                # Its thread holds the lock, and waits for a connection with nothing open.
                self._keeper.remove(job.order)

    def relocate(self, folder: Path, move: Callable[[], None] = lambda: None) -> list[str]:
        """Go on in another folder; waits until nothing is open in the old one, then calls `move`.

        `move` takes the files along (and may raise: then all goes on in the old folder). Returns
        what `start` returns, for downloads that the new folder held already.
        """
        self._rows.hold(_MOVE_JOIN_S)
        try:
            self._keeper.relocate(folder, move)
            with self._rows.lock:
                for job in self._rows.jobs:
                    if job.status.problem is HubProblem.FOLDER_GONE:
                        job.set_status(_QUEUED)
            return self._adopt(resume=True)
        finally:
            self._rows.go_on()

    def _adopt(self, *, resume: bool) -> list[str]:
        found, wrong = sidecar.read_all(self.folder)
        with self._rows.lock:
            known = {job.order.id for job in self._rows.jobs}
            for each in found:
                if each.order.id not in known:
                    self._rows.jobs.append(self._keeper.job_of(each, resume=resume))
        return wrong

    # What the user wants

    @property
    def max_active(self) -> int:
        """How many are fetched at once, 1 to MAX_ACTIVE; those being verified do not count."""
        return self._rows.max_active

    @max_active.setter
    def max_active(self, count: int) -> None:
        with self._rows.lock:
            self._rows.max_active = _bounded(count)
            active = [job for job in self._rows.jobs if job.status.holds_place]
            for job in active[self._rows.max_active :]:
                job.halt(_QUEUED)
        self._rows.touch()

    def add(self, order: DownloadOrder) -> None:
        """Put an order at the end. One that is there goes on, one that is installed is DONE.

        Raises HubError (WRONG_FILE) when it names a place outside the models folder.
        """
        if not sidecar.is_sound(order):
            raise HubError(
                f"{order.repository} offers a file under a name that Starpad does not use: "
                f"{', '.join(file.path for file in order.files)}.",
                "Choose another file or repository.",
                problem=HubProblem.WRONG_FILE,
            )
        is_installed = all(install.is_installed(self.folder, order, each) for each in order.files)
        with self._rows.lock:
            job = self._find(order.id, even_cancelled=True)
            if job is not None and job.state is DownloadState.DONE:
                self._rows.jobs.remove(job)
                job = None
            if job is None:
                created = datetime.now(UTC).isoformat(timespec="seconds")
                done = Status(DownloadState.DONE)
                job = Job(order, created, done if is_installed else _QUEUED)
                job.done_bytes = order.size_bytes if is_installed else 0
                job.is_new = job.is_unsaved = not is_installed
                self._rows.jobs.append(job)
            elif job.is_cancelled or job.order.files != order.files:
                # What has arrived so far is deleted once nobody writes to it any more.
                job.halt(_QUEUED)
                job.order, job.done_bytes = order, 0
                job.is_paused = job.is_cancelled = False
                job.is_replaced = job.is_new = job.is_unsaved = True
            else:
                _go_on(job)
        self._rows.touch()

    def pause(self, download_id: str) -> None:
        """Stop a download until `resume`, also over a restart."""
        with self._rows.lock:
            job = self._find(download_id)
            if job is not None and job.state in STARTED:
                job.is_paused = job.is_unsaved = True
                job.halt(_PAUSED)
        self._rows.touch()

    def resume(self, download_id: str) -> None:
        """Go on with a download that was paused, failed or waits: also "retry", "check again"."""
        with self._rows.lock:
            job = self._find(download_id)
            if job is not None:
                _go_on(job)
        self._rows.touch()

    def cancel(self, download_id: str) -> None:
        """Give a download up; what has arrived is deleted once its thread has ended."""
        with self._rows.lock:
            job = self._find(download_id)
            if job is not None and job.state is DownloadState.DONE:
                self._rows.jobs.remove(job)
            elif job is not None:
                job.is_cancelled = True
                job.halt(_PAUSED)
        self._rows.touch()

    def move(self, download_id: str, position: int) -> None:
        """Put a download at a place in the order, counted from 0."""
        with self._rows.lock:
            job = self._find(download_id)
            if job is not None:
                rows = [
                    each for each in self._rows.jobs if not each.is_cancelled and each is not job
                ]
                rows.insert(max(0, position), job)
                self._rows.jobs = rows + [each for each in self._rows.jobs if each.is_cancelled]
                for each in rows:
                    each.is_unsaved = each.state is not DownloadState.DONE
        self._rows.touch()

    def pause_all(self) -> None:
        """Pause all that has not ended."""
        for download in self.downloads:
            self.pause(download.id)

    def resume_all(self) -> None:
        """Go on with all that is paused; what failed waits for its own `resume`."""
        for download in self.downloads:
            if download.state is DownloadState.PAUSED:
                self.resume(download.id)

    def wake(self) -> None:
        """Try again now whatever waits for the network."""
        with self._rows.lock:
            for job in self._rows.jobs:
                if job.run is not None:
                    job.run.wake()

    def forget(self, download_id: str) -> None:
        """Take a download that is done off the list."""
        with self._rows.lock:
            job = self._find(download_id)
            if job is not None and job.state is DownloadState.DONE:
                self._rows.jobs.remove(job)
        self._rows.touch()

    def _find(self, download_id: str, *, even_cancelled: bool = False) -> Job | None:
        for job in self._rows.jobs:
            if job.order.id == download_id and (even_cancelled or not job.is_cancelled):
                return job
        return None


def _go_on(job: Job) -> None:
    if job.state in (DownloadState.PAUSED, DownloadState.FAILED):
        job.is_paused, job.is_unsaved = False, True
        job.set_status(_QUEUED)
    elif job.run is not None:
        job.run.wake()


def _bounded(max_active: int) -> int:
    return max(1, min(MAX_ACTIVE, max_active))
