"""What a hub has: search, the models of a repository, and their headers for the memory estimate."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.errors import StarpadError
from starpad.core.model_file import ModelHeader
from starpad.core.remote import RemoteModel, RemoteRepository, RepositorySummary
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs, BlockingJob
from starpad.services.hub_account import HubAccount, as_starpad_error
from starpad.services.inference_thread import Emit, RequestEnd


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for `words` found."""

    words: str
    repositories: tuple[RepositorySummary, ...]


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a repository's models, by the path of each model's first file."""

    repository: str
    by_path: dict[str, ModelHeader]


class ModelSearch(QObject):
    """Asks the hub, only ever because the user pressed something; the latest question counts."""

    found = Signal(object)
    """(Found)"""
    opened = Signal(object)
    """(RemoteRepository)"""
    headers_read = Signal(object)
    """(Headers) of the opened repository, as they come in."""
    read = Signal()
    """No more headers of the opened repository follow."""
    search_failed = Signal(object)
    """(StarpadError)"""
    open_failed = Signal(object)
    """(StarpadError)"""

    def __init__(
        self, jobs: BackgroundJobs, account: HubAccount, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._account = account
        self._endpoint = account.endpoint
        self._search_job = 0
        self._open_job = 0
        jobs.value_received.connect(self._on_jobs_value_received)
        jobs.job_ended.connect(self._on_jobs_job_ended)
        account.changed.connect(self._on_account_changed)

    def search(self, words: str) -> None:
        """Look for words, `author/`, `owner/name` or an address; `found` or `search_failed`."""
        endpoint = self._account.endpoint

        def job(_stop: StopSignal, _emit: Emit) -> object:
            return Found(words, self._account.client(endpoint).search(words))

        self._search_job = self._instead_of(self._search_job, "search", job)

    def open(self, repository: str) -> None:
        """List a repository's models, then read their headers."""
        endpoint = self._account.endpoint

        def job(stop: StopSignal, emit: Emit) -> object:
            client = self._account.client(endpoint)
            opened = client.repository(repository)
            emit(opened)
            for alike in _alike(opened.models):
                if stop.is_stopped:
                    break
                first = alike[0]
                try:
                    header = client.header(repository, opened.commit, first.files[0])
                except StarpadError:
                    # Gated, or not a GGUF after all: the list is useful without the estimate,
                    # and the download itself says what is wrong.
                    continue
                emit(Headers(repository, {m.files[0].path: _of(header, m) for m in alike}))
            return None

        self._open_job = self._instead_of(self._open_job, "repository", job)

    def cancel(self) -> None:
        """Give up what is being asked."""
        self._jobs.cancel(self._search_job)
        self._jobs.cancel(self._open_job)
        self._search_job = self._open_job = 0

    def _instead_of(self, job_id: int, name: str, job: BlockingJob) -> int:
        self._jobs.cancel(job_id)
        return self._jobs.submit(name, job)

    @Slot()
    def _on_account_changed(self) -> None:
        """Give up what another hub was asked than the one that counts now."""
        if self._account.endpoint == self._endpoint:
            return
        self._endpoint = self._account.endpoint
        was_searching, was_opening = self._search_job, self._open_job
        self.cancel()
        error = StarpadError("Another hub was chosen meanwhile.", "Ask again.")
        if was_searching:
            self.search_failed.emit(error)
        if was_opening:
            self.open_failed.emit(error)

    @Slot(int, object)
    def _on_jobs_value_received(self, job_id: int, value: object) -> None:
        if job_id != self._open_job:
            return
        if isinstance(value, RemoteRepository):
            self.opened.emit(value)
        elif isinstance(value, Headers):
            self.headers_read.emit(value)

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id == self._open_job:
            self._open_job = 0
            if end.error is not None:
                self.open_failed.emit(as_starpad_error(end.error))
            else:
                self.read.emit()
        elif job_id == self._search_job:
            self._search_job = 0
            if end.error is not None:
                self.search_failed.emit(as_starpad_error(end.error))
            else:
                self.found.emit(end.value)


def _alike(models: Sequence[RemoteModel]) -> list[list[RemoteModel]]:
    """Return the models in groups of the same shape: those whose names differ in it only.

    A quantization changes the weights' size, not the dimensions: one header does for a group.
    """
    groups: dict[str, list[RemoteModel]] = {}
    for model in models:
        path = model.files[0].path
        # With its folders: two models may lie there under the same names.
        shape = re.sub(re.escape(model.quantization), "", path, flags=re.I)
        groups.setdefault(shape, []).append(model)
    return list(groups.values())


def _of(header: ModelHeader, model: RemoteModel) -> ModelHeader:
    size, quantization = model.size_bytes, model.quantization or header.quantization
    return replace(header, size_bytes=size, tensor_data_bytes=size, quantization=quantization)
