"""Text files on disk: read them, write them so that a failure loses nothing, notice changes."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path

from starpad.core.errors import (
    DoubtfulFileError,
    FileChangedError,
    FileError,
    FolderMissingError,
    WriteProtectedError,
)
from starpad.core.text_file import TextFile, decode

MAX_FILE_BYTES = 200_000_000
"""Larger files are refused: an open document takes about ten times its file in memory."""
LARGE_FILE_BYTES = 50_000_000
"""Larger files are opened only if the user says so."""

_TEMPORARY = re.compile(r"\.starpad-[0-9a-f]{16}")
_IS_WINDOWS = os.name == "nt"
_BUSY_PAUSES_S = (0.02, 0.05, 0.1, 0.2)
"""A virus scanner or an indexer has a file open for a moment."""
# Each write lets other threads go first, which takes a while when one of them is typed into.
_BUFFER_BYTES = 2_000_000

# The file itself may still be writable when its folder takes no new file, the name cannot be
# given to another (/tmp's sticky bit, one file mounted into a container), or the owner not kept.
_REPLACE_REFUSED = frozenset(
    {
        errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EINVAL, errno.ENOSYS,
        errno.EOPNOTSUPP,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signature:
    """What a file on disk was when it was read or written, to notice a change by others."""

    mtime_ns: int
    size: int
    inode: int
    sha256: str
    """Of the bytes, in hexadecimal; empty for a file that was not there."""


NO_FILE = Signature(0, 0, 0, "")
"""Of a file that does not exist yet."""


def read(
    path: Path, encoding: str | None = None, *, is_sure: bool = False
) -> tuple[TextFile, Signature]:
    """Return a file's text, in the encoding that it seems to have unless one is given.

    Raises FileError if it is missing, no regular file, unreadable or above MAX_FILE_BYTES; unless
    `is_sure`, DoubtfulFileError if it is binary or large.
    """
    try:
        # Asked before opening: a pipe without a writer would block for ever.
        status = os.stat(path)
        _require_regular(path, status)
        if status.st_size > LARGE_FILE_BYTES and not is_sure:
            _require_size(path, status.st_size)
            raise DoubtfulFileError(
                f"{path.name} is large: {status.st_size // 1_000_000} MB.",
                "Open, it takes about ten times as much memory, and Starpad may become slow.",
            )
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _read_error(path, error) from error
    _require_size(path, len(data))
    file = decode(data, encoding)
    if file.is_binary and not is_sure:
        raise DoubtfulFileError(
            f"{path.name} looks like a binary file, not text.",
            "It can be shown as text, which cannot be changed.",
        )
    return file, _signature(status, hashlib.sha256(data).hexdigest())


def signature(path: Path) -> Signature:
    """Return the signature of a file as it is now, whatever its size. Raises FileError."""
    try:
        _require_regular(path, os.stat(path))
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            return _signature(status, hashlib.file_digest(stream, "sha256").hexdigest())
    except OSError as error:
        raise _read_error(path, error) from error


def signature_changed(path: Path, known: Signature) -> bool:
    """Say whether the bytes on disk are others than `known`; a missing file has changed.

    The content is only read if time, size or inode differ.
    """
    try:
        if _signature(os.stat(path), known.sha256) == known:
            return False
        return signature(path).sha256 != known.sha256
    except (OSError, FileError):
        return True


def write(
    path: Path,
    data: bytes,
    expected: Signature | None,
    *,
    is_sure: bool = False,
    temporary: Path | None = None,
) -> Signature:
    """Write `data` so that a failure leaves the old file as it was; return the new signature.

    A `temporary` file beside it takes its place and keeps rights, owner and extended attributes;
    symbolic links stay links. Where that cannot be (several hard links, a folder that takes no
    new file), the file is written in place once a safe copy exists. Raises FileChangedError if
    the bytes on disk are not `expected` (None: whatever is there), WriteProtectedError unless
    `is_sure` if the file is write-protected, FileError if the disk is full or read-only, or the
    folder gone.
    """
    target = Path(os.path.realpath(path))
    try:
        old = _writable_status(target, is_sure=is_sure)
        found = "" if old is None else signature(target).sha256
        if expected is not None and found != expected.sha256:
            raise FileChangedError(
                f"{path.name} {_event(old, expected)}; nothing has been written.",
                "Overwrite it, reload it, or save under another name.",
            )
        if old is None or old.st_nlink == 1:
            _replace_or_write_in_place(target, data, old, temporary)
        else:
            _write_in_place(target, data)
        return _signature(os.stat(target), hashlib.sha256(data).hexdigest())
    except OSError as error:
        raise _write_error(path, error) from error


def replace(
    target: Path,
    data: bytes | Iterable[bytes],
    *,
    mode: int = 0o666,
    old: os.stat_result | None = None,
    temporary: Path | None = None,
) -> None:
    """Put a file of `data`, in one or in many pieces, in the place of `target` in one step.

    Its rights are `mode` less the umask; or, with `old` (the target's status), the target's own
    rights, owner and extended attributes. Raises OSError; then `target` is untouched.
    """
    temporary = temporary or temporary_beside(target)
    try:
        opener = partial(os.open, mode=0o600 if old else mode)
        with open(temporary, "xb", buffering=_BUFFER_BYTES, opener=opener) as stream:
            if old is not None:
                _copy_metadata(target, temporary, old)
            stream.writelines((data,) if isinstance(data, bytes) else data)
            stream.flush()
            # The old times were copied too, and an empty file is not touched by writing.
            os.utime(temporary)
            os.fsync(stream.fileno())
        _rename(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def temporary_beside(path: Path) -> Path:
    """Return a new name for the file that is to take the place of another."""
    return Path(os.path.realpath(path)).with_name(f".starpad-{secrets.token_hex(8)}")


def remove_temporary(path: Path) -> None:
    """Remove what a save left behind that was killed, if it has a name of ours."""
    if _TEMPORARY.fullmatch(path.name):
        with contextlib.suppress(OSError):
            path.unlink()


def _rename(temporary: Path, target: Path) -> None:
    """Give a file its final name; on Windows, once no other program has the old one open."""
    for pause_s in _BUSY_PAUSES_S if _IS_WINDOWS else ():
        try:
            os.replace(temporary, target)
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    os.replace(temporary, target)


def _event(old: os.stat_result | None, expected: Signature) -> str:
    if expected == NO_FILE:
        return "was made by another program meanwhile"
    what = "was deleted" if old is None else "was changed by another program"
    return f"{what} since Starpad read it"


def _copy_metadata(source: Path, target: Path, status: os.stat_result) -> None:
    if hasattr(os, "chown"):
        os.chown(target, status.st_uid, status.st_gid)
    shutil.copystat(source, target)


def _replace_or_write_in_place(
    target: Path, data: bytes, old: os.stat_result | None, temporary: Path | None
) -> None:
    try:
        replace(target, data, old=old, temporary=temporary)
    except OSError as error:
        if old is None or error.errno not in _REPLACE_REFUSED:
            raise
        _write_in_place(target, data)


def _write_in_place(target: Path, data: bytes) -> None:
    """Overwrite a file; its old bytes lie in a second file until the new ones are on the disk."""
    # Unbuffered: a buffer that could not be written would be tried again when restoring.
    with open(target, "r+b", buffering=0) as stream:
        old = stream.readall()
        backup = _safe_copy(target, old)
        try:
            _overwrite(stream, data)
        except OSError as error:
            try:
                _overwrite(stream, old)
            except OSError:
                raise FileError(
                    f"{target.name} could only be written in part ({error.strerror}).",
                    f"What it held before is kept in {backup}; save under another name.",
                ) from error
            backup.unlink()
            raise
    backup.unlink()


def _safe_copy(target: Path, data: bytes) -> Path:
    """Keep `data` in a new file beside `target`, or else in the system's folder for such files."""
    for folder in (str(target.parent), None):
        try:
            copy = Path(folder or tempfile.gettempdir(), f"starpad-{secrets.token_hex(8)}.backup")
            replace(copy, data, mode=0o600)
        except OSError as error:
            reason = error
        else:
            return copy
    raise FileError(
        f"{target.name} can only be written in place, and no safe copy could be made before: "
        f"{reason.strerror}.",
        "Free some space, or save under another name; the file is unchanged.",
        retryable=True,
    ) from reason


def _overwrite(stream: FileIO, data: bytes) -> None:
    stream.seek(0)
    # First, so that restoring a shorter text gives back what the longer one took.
    stream.truncate(len(data))
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]
    os.fsync(stream.fileno())


def _signature(status: os.stat_result, sha256: str) -> Signature:
    return Signature(status.st_mtime_ns, status.st_size, status.st_ino, sha256)


def _writable_status(target: Path, *, is_sure: bool) -> os.stat_result | None:
    """Return an existing file's status, None for a new one; refuse what may not be written."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    _require_regular(target, status)
    # The administrator may write anything, but a file without any write right means "do not".
    if not status.st_mode & 0o222:
        if is_sure:
            return status
        raise WriteProtectedError(
            f"{target.name} is write-protected.",
            "Save under another name, or allow writing to the file.",
        )
    # Asks the system, which knows about access lists, file systems and locks.
    with target.open("r+b"):
        return status


def _require_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise FileError(f"{path} is a folder.", "Choose a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise FileError(f"{path} is a device or a pipe, not a text file.", "Choose a text file.")


def _require_size(path: Path, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise FileError(
            f"{path.name} is larger than {MAX_FILE_BYTES // 1_000_000} MB.",
            "Open it with a program for large files, or split it.",
        )


def _read_error(path: Path, error: OSError) -> FileError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return FileError(f"{path} does not exist.", "Look whether it was moved or renamed.")
        case errno.EACCES | errno.EPERM:
            return FileError(f"You may not read {path}.", "Ask its owner for the right to read it.")
        case _:
            return FileError(f"{path} could not be read: {error.strerror}.", retryable=True)


def _write_error(path: Path, error: OSError) -> FileError:
    elsewhere = "Save under another name or in another folder."
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return FileError(
                f"There is no room left on the disk for {path.name}.",
                "Free some space and save again, or save on another disk; the file is unchanged.",
                retryable=True,
            )
        case errno.EROFS:
            return FileError(f"{path.name} lies on a disk that can only be read.", elsewhere)
        case errno.EACCES | errno.EPERM:
            return FileError(f"You may not write {path.name} in {path.parent}.", elsewhere)
        case errno.ENOENT | errno.ENOTDIR:
            return FolderMissingError(f"The folder {path.parent} does not exist.", elsewhere)
        case _:
            return FileError(f"{path.name} could not be saved: {error.strerror}.", elsewhere)
