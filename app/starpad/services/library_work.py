"""What can be done to models on this computer: verify, import, delete, move, look for updates."""

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile, QObject, Signal, Slot

from starpad.core import origin
from starpad.core.errors import FileError, StarpadError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.installed_model import InstalledModel, is_later_part, parts_of
from starpad.core.origin import Origin
from starpad.hub import model_files
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs, BlockingJob
from starpad.services.hub_account import HubAccount, as_starpad_error
from starpad.services.inference_thread import Emit, RequestEnd
from starpad.services.model_library import ModelLibrary

if TYPE_CHECKING:  # huggingface_hub takes 0.3 s to import: in the jobs only
    from starpad.hub.client import HubClient

_MAX_REASONS = 3

Relocate = Callable[[Path, Callable[[], None]], list[str]]
Take = Callable[[Path, StopSignal, Emit], Path]


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
    folder_moved = Signal(object, object)
    """(Path of the models folder now, Path before)"""

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
        self._at_end: Callable[[object], None] = self._on_taken
        jobs.value_received.connect(self._on_jobs_value_received)
        jobs.job_ended.connect(self._on_jobs_job_ended)

    def verify(self, model: InstalledModel) -> None:
        """Read the file and compare its hash with the one it must have."""

        def job(stop: StopSignal, emit: Emit) -> object:
            record = self._library.records.get(model.path)
            # The time of the last change does not count here: it is what damage changes, too.
            expected = record.sha256 if record.verified_bytes == model.disk_bytes else ""
            progress = _progress(emit, model.path, "Verifying")
            try:
                sha256 = model_files.verify(
                    model.path, expected_sha256=expected, progress=progress, stop=stop
                )
            except HubError as error:
                if error.problem is HubProblem.CHECKSUM:
                    self._note_damaged(model)
                raise
            self._note_intact(model, sha256)
            return bool(expected or (model.origin and model.origin.sha256))

        def at_end(was_known: object) -> None:
            intact = "It is intact: its SHA-256 is the one that it must have."
            first = "It was read to its end. Its SHA-256 was not known; the next check compares."
            self.told.emit(model.path, intact if was_known else first)

        self._begin(Work(model.path, "Verifying", 0.0), job, at_end)

    def _note_intact(self, model: InstalledModel, sha256: str) -> None:
        now = datetime.now(UTC)
        try:
            model_files.note_verified(model.path, sha256, self._library.records, now)
        except (OSError, FileError) as error:
            raise StarpadError(
                f"{model.path.name} was read to its end and is intact, but the date of this check "
                "could not be kept.",
                str(error),
            ) from error

    def _note_damaged(self, model: InstalledModel) -> None:
        """Let it no longer be listed as verified; what its hash must be stays known."""
        with contextlib.suppress(OSError, FileError):
            for part in parts_of(model.path) if model.is_ours else ():
                if known := origin.read(part):
                    origin.write(part, replace(known, verified_at=""))
            self._library.records.change(model.path, verified_at=None)

    def check_update(self, model: InstalledModel) -> None:
        """Ask the hub whether the repository has another file by now."""
        known = model.origin
        if known is None or not known.repository:
            self.told.emit(model.path, "Nobody knows which repository it comes from.")
            return
        endpoint = known.endpoint or self._account.endpoint
        parts = [each for part in parts_of(model.path) if (each := origin.read(part))] or [known]

        def job(_stop: StopSignal, _emit: Emit) -> object:
            client = self._account.client(endpoint)
            return all(_is_newest(part, client) for part in parts)

        def at_end(is_newest: object) -> None:
            news = (
                f"Another version is in {known.repository}: download it under Discover. "
                "It takes this one's place when it is whole."
            )
            self.told.emit(model.path, "It is up to date." if is_newest else news)

        self._begin(Work(model.path, "Asking the hub"), job, at_end)

    def use_in_place(self, paths: Sequence[Path]) -> None:
        """List model files where they lie; those that cannot be used are told of together."""

        def take(path: Path, stop: StopSignal, emit: Emit) -> Path:
            progress = _progress(emit, path, "Looking at it")
            folder = self._library.folder
            model = model_files.import_model(path, folder, copy=False, progress=progress, stop=stop)
            self._library.records.add_link(model)
            return model

        self._take(paths, take, Work(paths[0], "Looking at it"))

    def copy_in(self, paths: Sequence[Path]) -> None:
        """Copy model files into the models folder; as with `use_in_place`."""

        def take(path: Path, stop: StopSignal, emit: Emit) -> Path:
            progress = _progress(emit, path, "Copying")
            folder = self._library.folder
            return model_files.import_model(path, folder, copy=True, progress=progress, stop=stop)

        self._take(paths, take, Work(paths[0], "Copying", 0.0))

    def _take(self, paths: Sequence[Path], take: Take, work: Work) -> None:
        def job(stop: StopSignal, emit: Emit) -> object:
            taken, refused = [], []
            for path in dict.fromkeys(map(_first_part, paths)):
                try:
                    taken.append(take(path, stop, emit))
                except StarpadError as error:
                    refused.append(error)
            return taken, refused

        self._begin(work, job, self._on_taken)

    def add_folder(self, folder: Path) -> None:
        """Look for models in a folder of the user's, too."""
        self._library.keep(partial(self._library.records.add_folder, folder))
        self._library.refresh()

    def delete(self, model: InstalledModel) -> None:
        """Move a model of ours to the trash; of others only the link is forgotten."""
        if not model.is_ours:
            self._library.keep(partial(self._library.records.forget, model.path))
            self._library.refresh()
            return

        def job(_stop: StopSignal, _emit: Emit) -> object:
            for part in parts_of(model.path):
                _to_trash(part)
                with contextlib.suppress(StarpadError):
                    _to_trash(origin.path_of(part))
            _remove_empty_folders(model.path.parent, self._library.folder)
            self._library.records.forget(model.path)
            return None

        self._begin(Work(model.path, "Moving it to the trash"), job, lambda _value: None)

    def move_folder(self, chosen: Path, relocate: Relocate) -> None:
        """Move the models folder to the chosen one, or into it if it holds something.

        `relocate` is the download queue's: it rests while the files move.
        """
        old = self._library.folder
        new = chosen / "starpad-models" if _holds_other_files(chosen, old) else chosen

        def job(stop: StopSignal, emit: Emit) -> object:
            progress = _progress(emit, new, "Moving the models folder")
            problems: list[StarpadError] = []

            def move() -> None:
                model_files.move_folder(old, new, progress=progress, stop=stop)
                try:
                    self._library.records.moved(old, new)
                except FileError as error:
                    # The files have moved: that must not look as if they had not.
                    problems.append(error)

            problems += map(StarpadError, relocate(new, move))
            return problems

        def at_end(problems: object) -> None:
            self._library.folder = new
            self.folder_moved.emit(new, old)
            assert isinstance(problems, list)
            for problem in problems:
                self.failed.emit(problem)

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

    def _on_taken(self, value: object) -> None:
        assert isinstance(value, tuple)
        taken, refused = value
        if taken:
            self.imported.emit(taken[-1])
        if refused:
            self.failed.emit(_together(refused, len(taken)))

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
        self._library.refresh()


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


def _is_newest(known: Origin, client: "HubClient") -> bool:
    commit, sha256 = client.latest_sha256(known.repository, known.file)
    return sha256 == known.sha256 if sha256 else commit == known.commit


def _first_part(path: Path) -> Path:
    """Return the part of a split model that stands for all, if it lies beside the given one."""
    if not is_later_part(path.name):
        return path
    first = path.with_name(re.sub(r"-\d{5}(-of-\d{5}\.gguf)$", r"-00001\1", path.name, flags=re.I))
    return first if first.is_file() else path


def _together(refused: Sequence[StarpadError], taken: int) -> StarpadError:
    """Return one error that says which files could not be taken."""
    if len(refused) == 1 and not taken:
        return refused[0]
    head = f"{len(refused)} of {taken + len(refused)} models could not be added."
    reasons = " ".join(error.message for error in refused[:_MAX_REASONS])
    more = " And others." if len(refused) > _MAX_REASONS else ""
    return StarpadError(f"{head} {reasons}{more}", refused[0].hint)


def _to_trash(path: Path) -> None:
    """Move a file to the trash unless it is gone. Raises StarpadError; it is never just deleted."""
    if os.path.lexists(path) and not QFile(str(path)).moveToTrash():
        raise StarpadError(
            f"{path.name} could not be moved to the trash.",
            "Look whether its disk has a trash, or delete it in the file manager.",
        )


def _remove_empty_folders(folder: Path, top: Path) -> None:
    """Remove what was made for a model: its folder and those above it, as far as they are empty."""
    with contextlib.suppress(OSError):
        while folder != top and folder.is_relative_to(top):
            folder.rmdir()
            folder = folder.parent


def _holds_other_files(folder: Path, old: Path) -> bool:
    """Say whether there is more in a folder than what a move that was stopped has copied there."""

    def stamp(path: Path) -> tuple[int, int]:
        status = path.lstat()
        return status.st_size, status.st_mtime_ns

    try:
        return any(
            stamp(path) != stamp(old / path.relative_to(folder))
            for path in folder.rglob("*")
            if not path.is_dir()
        )
    except FileNotFoundError:  # in the old one: so it is another file
        return True
    except OSError:
        return False
