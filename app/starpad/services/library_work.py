"""What can be done to models on this computer: verify, import, delete, move, look for updates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QFile, QObject, Signal, Slot

from starpad.core import origin
from starpad.core.errors import StarpadError
from starpad.core.installed_model import InstalledModel, parts_of
from starpad.hub import model_files
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs, BlockingJob
from starpad.services.hub_account import HubAccount, as_starpad_error
from starpad.services.inference_thread import Emit, RequestEnd
from starpad.services.model_library import ModelLibrary

Relocate = Callable[[Path, Callable[[], None]], object]


@dataclass(frozen=True, slots=True)
class Work:
    """What is being done to a model file; `fraction` None while nobody knows how far it is."""

    model: Path
    text: str
    fraction: float | None = None


class LibraryWork(QObject):
    """Runs one work at a time in the background; the library is looked through again after it."""

    changed = Signal(object)
    """(Work | None)"""
    told = Signal(object, str)
    """(Path of a model, what has come out of a work)"""
    failed = Signal(object)
    """(StarpadError)"""
    imported = Signal(object)
    """(Path) a model that can be loaded now."""
    folder_moved = Signal(object)
    """(Path) of the models folder, now."""

    def __init__(
        self,
        jobs: BackgroundJobs,
        account: HubAccount,
        library: ModelLibrary,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._account = account
        self._library = library
        self._job = 0
        self._work: Work | None = None
        self._at_end: Callable[[object], None] = self._on_imported
        jobs.value_received.connect(self._on_jobs_value_received)
        jobs.job_ended.connect(self._on_jobs_job_ended)

    def verify(self, model: InstalledModel) -> None:
        """Read the file and compare its hash with the one it must have."""

        def job(stop: StopSignal, emit: Emit) -> object:
            known = self._library.records.verification(model.path)
            expected = known[0] if known else ""
            sha256 = model_files.verify(
                model.path,
                expected_sha256=expected,
                progress=_progress(emit, model.path, "Verifying"),
                stop=stop,
            )
            now = datetime.now(UTC)
            model_files.note_verified(model.path, sha256, self._library.records, now)
            return bool(expected or model.origin)

        def at_end(was_known: object) -> None:
            intact = "It is intact: its SHA-256 is the one that it must have."
            first = "It was read to its end. Its SHA-256 was not known; the next check compares."
            self.told.emit(model.path, intact if was_known else first)
            self._library.refresh()

        self._begin(Work(model.path, "Verifying", 0.0), job, at_end)

    def check_update(self, model: InstalledModel) -> None:
        """Ask the hub whether the repository has another file by now."""
        known = model.origin
        if known is None or not known.repository:
            self.told.emit(model.path, "Nobody knows which repository it comes from.")
            return
        endpoint = known.endpoint or self._account.endpoint

        def job(_stop: StopSignal, _emit: Emit) -> object:
            return self._account.client(endpoint).latest_sha256(known.repository, known.file)

        def at_end(latest: object) -> None:
            assert isinstance(latest, tuple)
            news = (
                f"Another version is in {known.repository}: download it under Discover. "
                "It takes this one's place when it is whole."
            )
            self.told.emit(model.path, "It is up to date." if latest[1] == known.sha256 else news)

        self._begin(Work(model.path, "Asking the hub"), job, at_end)

    def use_in_place(self, paths: Sequence[Path]) -> None:
        """List model files where they lie."""

        def job(stop: StopSignal, emit: Emit) -> object:
            for path in paths:
                model_files.import_model(
                    path,
                    self._library.folder,
                    copy=False,
                    progress=_progress(emit, path, "Looking at it"),
                    stop=stop,
                )
                self._library.records.add_link(path)
            return paths[-1]

        self._begin(Work(paths[0], "Looking at it"), job, self._on_imported)

    def copy_in(self, paths: Sequence[Path]) -> None:
        """Copy model files into the models folder."""
        folder = self._library.folder

        def job(stop: StopSignal, emit: Emit) -> object:
            copies = [
                model_files.import_model(
                    path, folder, copy=True, progress=_progress(emit, path, "Copying"), stop=stop
                )
                for path in paths
            ]
            return copies[-1]

        self._begin(Work(paths[0], "Copying", 0.0), job, self._on_imported)

    def add_folder(self, folder: Path) -> None:
        """Look for models in a folder of the user's, too."""
        self._library.keep(partial(self._library.records.add_folder, folder))
        self._library.refresh()

    def delete(self, model: InstalledModel) -> None:
        """Move a model of ours to the trash; of others only the link is forgotten."""
        if model.is_ours:
            for part in parts_of(model.path):
                if not _to_trash(part):
                    self.failed.emit(
                        StarpadError(
                            f"{part.name} could not be moved to the trash.",
                            "Look whether its disk has a trash, or delete it in the file manager.",
                        )
                    )
                    self._library.refresh()
                    return
                _to_trash(origin.path_of(part))
        self._library.keep(partial(self._library.records.forget, model.path))
        self._library.refresh()

    def move_folder(self, chosen: Path, relocate: Relocate) -> None:
        """Move the models folder to the chosen one, or into it if it holds something.

        `relocate` is the download queue's: it rests while the files move.
        """
        old = self._library.folder
        new = chosen if not _has_content(chosen) else chosen / "starpad-models"

        def job(stop: StopSignal, emit: Emit) -> object:
            progress = _progress(emit, new, "Moving the models folder")

            def move() -> None:
                model_files.move_folder(old, new, progress=progress, stop=stop)
                self._library.records.moved(old, new)

            relocate(new, move)
            return new

        def at_end(_value: object) -> None:
            self._library.folder = new
            self.folder_moved.emit(new)
            self._library.refresh()

        self._begin(Work(new, "Moving the models folder"), job, at_end)

    def stop(self) -> None:
        """Give up what is being done; nothing is lost by that."""
        self._jobs.cancel(self._job)

    def _begin(self, work: Work, job: BlockingJob, at_end: Callable[[object], None]) -> None:
        if self._work is not None:
            self.failed.emit(
                StarpadError(
                    f"{self._work.text}: this is not done yet.", "Wait for it, or stop it."
                )
            )
            return
        self._at_end = at_end
        self._show(work)
        self._job = self._jobs.submit("library-work", job)

    def _show(self, work: Work | None) -> None:
        self._work = work
        self.changed.emit(work)

    def _on_imported(self, path: object) -> None:
        self._library.refresh()
        self.imported.emit(path)

    @Slot(int, object)
    def _on_jobs_value_received(self, job_id: int, value: object) -> None:
        if job_id == self._job and isinstance(value, Work):
            self._show(value)

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id != self._job:
            return
        self._job = 0
        self._show(None)
        if end.error is not None:
            self.failed.emit(as_starpad_error(end.error))
        elif not end.cancelled:
            self._at_end(end.value)


def _progress(emit: Emit, model: Path, text: str) -> Callable[[int, int], None]:
    """Return a function that passes on how far a work is, a hundred times at most."""
    shown = -1

    def progress(done: int, total: int) -> None:
        nonlocal shown
        percent = done * 100 // total if total else 0
        if percent != shown:
            shown = percent
            emit(Work(model, text, percent / 100))

    return progress


def _to_trash(path: Path) -> bool:
    """Return whether the file is not there any more."""
    return not path.exists() or bool(QFile(str(path)).moveToTrash())


def _has_content(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False
