"""Copies, verifies and moves model files; what is interrupted loses nothing."""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from filelock import FileLock, Timeout

from starpad.core import origin
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.installed_model import parts_of
from starpad.core.model_records import ModelRecords
from starpad.hub.header_cache import read_whole_header
from starpad.hub.install import Stopped, sha256_of
from starpad.hub.local_models import blob_sha256
from starpad.hub.session import StopSignal

_CHUNK_BYTES = 1 << 20
_SPARE_BYTES = 512_000_000
"""Left free on the disk."""

Progress = Callable[[int, int], object]
"""Is called with the bytes done and the bytes in all."""


class _Work:
    """Counts bytes for the user and looks whether they want it to end."""

    def __init__(self, total_bytes: int, progress: Progress, stop: StopSignal) -> None:
        self._done_bytes = 0
        self._total_bytes = total_bytes
        self._progress = progress
        self._stop = stop

    def add(self, count_bytes: int) -> None:
        if self._stop.is_stopped:
            raise Stopped
        self._done_bytes += count_bytes
        self._progress(self._done_bytes, self._total_bytes)


def import_model(
    file: Path, models_folder: Path, *, copy: bool, stop: StopSignal, progress: Progress
) -> Path:
    """Make a model file one of the library and return where it is then.

    With `copy` (all parts) below the models folder, under a free name; without, it stays where it
    is: the caller keeps the returned path in ModelRecords. Raises ModelFileError if it cannot be
    loaded, HubError, or Stopped; then nothing is left behind.
    """
    file = Path(os.path.abspath(file))
    read_whole_header(file)
    if not copy or file.is_relative_to(os.path.abspath(models_folder)):
        return file
    folder = models_folder / "imported"
    with _as_hub_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "import.lock", f"Another Starpad window is writing to {folder}."):
            return _import_copy(parts_of(file), folder, stop, progress)


def verify(model: Path, *, expected_sha256: str = "", progress: Progress, stop: StopSignal) -> str:
    """Read a model back from the disk, compare it with what is known of it, return its SHA-256.

    Each file's origin counts, or its name in the Hugging Face cache, and where these do not tell,
    `expected_sha256`: what this function has returned before (of a model in parts, a hash of their
    hashes). With nothing known there is nothing to compare. Raises HubError (CHECKSUM if it is
    damaged), Stopped.
    """
    parts = parts_of(model)
    with _as_hub_errors(model.parent):
        origins = [origin.read(part) for part in parts]
        sizes = [part.stat().st_size for part in parts]
        for part, size, known in zip(parts, sizes, origins, strict=True):
            if known and size != known.size_bytes:
                raise _damaged(part, f"it has {size:,} of {known.size_bytes:,} bytes")
        work = _Work(sum(sizes), progress, stop)
        hashes = []
        for part, known in zip(parts, origins, strict=True):
            hashes.append(sha256_of(part, stop, work.add))
            announced = (known.sha256 if known else "") or blob_sha256(part)
            if announced and hashes[-1] != announced:
                raise _damaged(part, "its SHA-256 is not the one that the hub announced")
            expected_sha256 = "" if announced else expected_sha256
    whole = hashes[0] if len(parts) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    if expected_sha256 and whole != expected_sha256:
        raise _damaged(model, "its SHA-256 is not the one that it had before")
    return whole


def note_verified(model: Path, sha256: str, records: ModelRecords, now: datetime) -> None:
    """Keep that `verify` returned `sha256`. Raises FileError, or OSError if the model is gone."""
    for part in parts_of(model):
        if known := origin.read(part):
            when = now.astimezone(UTC).isoformat(timespec="seconds")
            origin.write(part, replace(known, verified_at=when))
    records.verified(model, sha256, now)


def move_folder(old: Path, new: Path, *, progress: Progress, stop: StopSignal) -> None:
    """Move all that the models folder `old` holds into `new`, which may be on another disk.

    On the same disk it takes no time and is undone if it fails. To another disk everything is
    copied before anything is deleted: after Stopped or HubError `old` is whole, and another call
    goes on where this one ended. Never overwrites another file. This window's downloads must have
    been stopped; while another window's run, it raises HubError (IN_USE).
    """
    old, new = Path(os.path.abspath(old)), Path(os.path.abspath(new))
    if new.is_relative_to(old) or old.is_relative_to(new):
        raise HubError(
            f"{old} cannot be moved to {new}: one lies in the other.",
            "Choose another folder.",
            problem=HubProblem.BAD_REQUEST,
        )
    with _as_hub_errors(new):
        new.mkdir(parents=True, exist_ok=True)
        if not old.exists():
            return
        sources = _files_to_move(old)
        targets = [new / source.relative_to(old) for source in sources]
        for source, target in zip(sources, targets, strict=True):
            if os.path.lexists(target) and not _has_same_content(source, target, stop):
                raise HubError(
                    f"{target} is already there, and is another file.",
                    "Choose an empty folder, or move that file away.",
                    problem=HubProblem.IN_USE,
                )
        if not _rename_all(sources, targets):
            _copy_to_other_disk(sources, targets, progress, stop)
        for folder, _, _ in os.walk(old, topdown=False):
            with contextlib.suppress(OSError):  # not empty: something is not ours to move
                os.rmdir(folder)


def _copy_to_other_disk(
    sources: Sequence[Path], targets: Sequence[Path], progress: Progress, stop: StopSignal
) -> None:
    missing = [
        (source, target)
        for source, target in zip(sources, targets, strict=True)
        if not os.path.lexists(target)
    ]
    total = sum(source.lstat().st_size for source, _ in missing)
    if missing:
        _require_space(missing[0][1].parent, total)
    work = _Work(total, progress, stop)
    for source, target in missing:
        _copy_all([source], [target], work)
    for source in sources:
        source.unlink()


def _files_to_move(folder: Path) -> list[Path]:
    """Return all files but locks: those mean nothing in another place, and are deleted."""

    def fail(error: OSError) -> None:
        raise error

    found = [
        Path(place, name) for place, _, names in os.walk(folder, onerror=fail) for name in names
    ]
    for path in found:
        if path.suffix == ".lock":
            with _locked(path, f"A download into {folder} runs in another Starpad window."):
                pass
            path.unlink(missing_ok=True)
    return [path for path in found if path.suffix != ".lock"]


@contextlib.contextmanager
def _locked(path: Path, message: str) -> Iterator[None]:
    try:
        with FileLock(path, blocking=False):
            yield
    except Timeout as error:
        hint = "Wait until it has ended, or end it there."
        raise HubError(message, hint, problem=HubProblem.IN_USE) from error


def _import_copy(parts: Sequence[Path], folder: Path, stop: StopSignal, progress: Progress) -> Path:
    # The files themselves, where other programs keep links to them.
    sources = [Path(os.path.realpath(part)) for part in parts]
    # The files keep their names; where these are taken, they get a folder of their own.
    for place in chain([folder], (folder / str(number) for number in count(2))):
        targets = [place / part.name for part in parts]
        if not any(map(os.path.lexists, targets)):
            break
        if all(map(_is_same_file, sources, targets)):
            return targets[0]
    total = sum(source.stat().st_size for source in sources)
    _require_space(folder, total)
    _copy_all(sources, targets, _Work(total, progress, stop))
    return targets[0]


def _rename_all(sources: Sequence[Path], targets: Sequence[Path]) -> bool:
    """Rename files, all or none; return False if `targets` are on another disk."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in zip(sources, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)  # onto itself, if `move_folder` was killed before
            done.append((source, target))
    except OSError as error:
        for source, target in reversed(done):
            with contextlib.suppress(OSError):
                os.replace(target, source)
        if error.errno == errno.EXDEV:
            return False
        raise
    return True


def _copy_all(sources: Sequence[Path], targets: Sequence[Path], work: _Work) -> None:
    """Copy files; they get their names when all are whole, the first one last."""
    arriving = [target.with_name(f"{target.name}.part") for target in targets]
    try:
        for source, part in zip(sources, arriving, strict=True):
            part.parent.mkdir(parents=True, exist_ok=True)
            _copy(source, part, work)
        for part, target in reversed(list(zip(arriving, targets, strict=True))):
            os.replace(part, target)
    except BaseException:
        for part in arriving:
            with contextlib.suppress(OSError):
                part.unlink()
        raise


def _copy(source: Path, target: Path, work: _Work) -> None:
    if source.is_symlink():
        target.unlink(missing_ok=True)
        target.symlink_to(source.parent / os.readlink(source))
        return
    with source.open("rb") as reader, target.open("wb") as writer:
        size = os.fstat(reader.fileno()).st_size
        # No further than its size: a file that somebody writes to might never end.
        while writer.tell() <= size and (chunk := reader.read(_CHUNK_BYTES)):
            writer.write(chunk)
            work.add(len(chunk))
        writer.flush()
        os.fsync(writer.fileno())
        if writer.tell() != size:
            raise HubError(
                f"{source.name} was changed while it was copied.",
                "Try again when the program that writes it has ended.",
                problem=HubProblem.WRONG_FILE,
            )
    # The time says that it is the same file; its rights are not what matters in our folder.
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _is_same_file(first: Path, second: Path) -> bool:
    """Say whether two files have the same size and time, as a copy of ours has."""
    try:
        one, other = first.stat(), second.stat()
    except FileNotFoundError:
        return False
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _has_same_content(first: Path, second: Path, stop: StopSignal) -> bool:
    if _is_same_file(first, second):
        return True
    if first.stat().st_size != second.stat().st_size:
        return False
    with first.open("rb") as one, second.open("rb") as other:
        while chunk := one.read(_CHUNK_BYTES):
            if stop.is_stopped:
                raise Stopped
            if chunk != other.read(_CHUNK_BYTES):
                return False
    return True


def _require_space(folder: Path, needed_bytes: int) -> None:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if free < needed_bytes + _SPARE_BYTES:
        raise HubError(
            f"There is not enough space on the disk of {folder}: {needed_bytes / 1e9:.1f} GB are "
            f"needed, {free / 1e9:.1f} GB are free, of which some stay free.",
            "Free some space, or choose another folder.",
            problem=HubProblem.DISK_FULL,
        )


def _damaged(part: Path, reason: str) -> HubError:
    return HubError(
        f"{part.name} is damaged or was changed: {reason}.",
        "Delete it and download it again.",
        problem=HubProblem.CHECKSUM,
    )


@contextlib.contextmanager
def _as_hub_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _disk_error(error, folder) from error


def _disk_error(error: OSError, folder: Path) -> HubError:
    place = error.filename or folder
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return HubError(
                f"There is no space left on the disk of {folder}.",
                "Free some space, or choose another folder.",
                problem=HubProblem.DISK_FULL,
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return HubError(
                f"Starpad may not read or write {place}.",
                "Change its permissions, or choose another folder. If the model is loaded, load "
                "another one first.",
                problem=HubProblem.NO_PERMISSION,
            )
        case errno.ENOENT | errno.ENOTDIR:
            return HubError(
                f"{place} does not exist any more.",
                "Look whether it was moved, or whether its disk is connected.",
                problem=HubProblem.FOLDER_GONE,
            )
        case _:
            return HubError(
                f"{place} could not be read or written: {error.strerror or error}.",
                "Check the disk that it lies on.",
                problem=HubProblem.FOLDER_GONE,
            )
