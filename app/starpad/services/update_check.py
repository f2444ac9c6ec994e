"""Whether there is a newer Starpad: asked only when the user says so, and only told."""

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.errors import StarpadError
from starpad.core.release import API, Release
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs
from starpad.services.hub_account import as_starpad_error
from starpad.services.inference_thread import Emit, RequestEnd


class UpdateCheck(QObject):
    """Asks for the newest release of `repository`; downloads nothing and installs nothing.

    An empty `repository` means that this build does not know where it is published.
    """

    found = Signal(object)
    """(Release) the newest one, whether it is newer than this Starpad or not."""
    failed = Signal(object)
    """(StarpadError)"""

    def __init__(
        self, jobs: BackgroundJobs, repository: str, parent: QObject | None = None, api: str = API
    ) -> None:
        super().__init__(parent)
        self.repository = repository
        self.api = api
        """Where is asked."""
        self._jobs = jobs
        self._job = 0
        jobs.job_ended.connect(self._on_jobs_job_ended)

    def check(self) -> None:
        """Ask now; `found` or `failed` follows, unless `cancel` is called before."""
        self.cancel()
        repository, api = self.repository, self.api

        def job(_stop: StopSignal, _emit: Emit) -> object:
            from starpad.hub.release_check import newest  # its imports are for nothing else

            return newest(repository, api)

        self._job = self._jobs.submit("update-check", job)

    def cancel(self) -> None:
        """Give up what is being asked."""
        self._jobs.cancel(self._job)
        self._job = 0

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id != self._job:
            return
        self._job = 0
        if isinstance(end.value, Release):
            self.found.emit(end.value)
        else:
            self.failed.emit(as_starpad_error(end.error or StarpadError("There was no answer.")))
