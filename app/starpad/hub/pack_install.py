"""Unpacks a wheel of the engine into a pack, and removes packs; all of it or nothing."""

import contextlib
import errno
import os
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.parser import Parser
from pathlib import Path

from filelock import FileLock, Timeout

from starpad.core import engine_pack
from starpad.core.engine_pack import InstalledPack
from starpad.core.errors import EngineError
from starpad.hub.install import Stopped, sha256_of
from starpad.hub.session import StopSignal

# A CUDA build for a dozen generations of cards stays below half of it.
MAX_UNPACKED_BYTES = 6_000_000_000
_MAX_FILES = 5_000
_SPARE_BYTES = 512_000_000
"""Left free on the disk."""
_BLOCK_BYTES = 1 << 20
# In front of what is no pack yet, or no longer; no pack's name begins like this.
_COMING, _LEAVING = ".installing-", ".removing-"

Progress = Callable[[int, int], object]
"""Is called with the bytes done and the bytes in all."""


def install_wheel(
    wheel: Path,
    folder: Path,
    name: str,
    *,
    built_for: str,
    source: str,
    sha256: str = "",
    stop: StopSignal | None = None,
    progress: Progress = lambda done, total: None,
) -> InstalledPack:
    """Unpack a wheel into `folder`/`name`, in place of a pack of that name, and return the pack.

    `sha256` is what the wheel must have, if that is known. Whatever interrupts it, killed even,
    leaves nothing that looks like a pack, and the one before stays. Raises EngineError, or Stopped.
    """
    engine_pack.require_name(name)
    stop = stop or StopSignal()
    with _as_engine_errors(f"{wheel.name} could not be installed"):
        found = sha256_of(wheel, stop)
        if sha256 and found != sha256:
            raise EngineError(
                f"{wheel.name} is damaged, or another file: its SHA-256 is {found}, not {sha256}.",
                "Get it again.",
            )
        with locked(folder):
            temporary = folder / f"{_COMING}{secrets.token_hex(4)}"
            try:
                with zipfile.ZipFile(wheel) as archive:
                    files = _checked_files(archive, wheel.name)
                    total = sum(file.file_size for file in files)
                    _require_space(folder, total)
                    _unpack(archive, files, temporary, stop, progress)
                    version = _version(archive, files, wheel.name)
                pack = InstalledPack(
                    name=name,
                    folder=folder / name,
                    version=version,
                    built_for=built_for,
                    source=source,
                    sha256=found,
                    installed_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    size_bytes=total,
                )
                engine_pack.write_record(pack, temporary)
                _flush(temporary)
                _put_in_place(temporary, pack.folder)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
    return replace(pack, folder=folder / name)


def remove(folder: Path, name: str) -> None:
    """Delete a pack, which no engine may be using any more. Raises EngineError."""
    engine_pack.require_name(name)
    with _as_engine_errors(f"The engine pack {name} could not be removed"), locked(folder):
        leaving = folder / f"{_LEAVING}{secrets.token_hex(4)}"
        with contextlib.suppress(FileNotFoundError):
            # Its name first: a pack that is deleted in part is none.
            os.rename(folder / name, leaving)
            shutil.rmtree(leaving)


def _checked_files(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Return what is to be unpacked. Raises EngineError if it is not a wheel of the engine."""
    files = [info for info in archive.infolist() if not info.is_dir()]
    for info in files:
        # Only links and the like have a type here that is no regular file's; most have none.
        kind = stat.S_IFMT(info.external_attr >> 16)
        if not engine_pack.belongs_into_pack(info.filename) or kind not in (0, stat.S_IFREG):
            raise EngineError(
                f"{name} is not a build of the engine: it holds {info.filename[:100]!r}.",
                f"Choose a wheel (.whl) of {engine_pack.PACKAGE}.",
            )
    names = {info.filename.casefold() for info in files}
    total = sum(info.file_size for info in files)
    if len(names) < len(files) or len(files) > _MAX_FILES or total > MAX_UNPACKED_BYTES:
        message = f"{name} is no usable wheel: it would unpack to more than a pack can be."
        raise EngineError(message, "Get it again from its page.")
    if f"{engine_pack.PACKAGE}/__init__.py" not in names:
        hint = f"Choose a wheel (.whl) of {engine_pack.PACKAGE}."
        raise EngineError(f"{name} is not a build of the engine.", hint)
    if not any(engine_pack.is_library(info.filename) for info in files):
        raise EngineError(
            f"{name} was built for another system or another Python.",
            "Choose the wheel for this one; its name says both.",
        )
    return files


def _version(archive: zipfile.ZipFile, files: list[zipfile.ZipInfo], name: str) -> str:
    for info in files:
        if info.filename.endswith(".dist-info/METADATA") and info.filename.count("/") == 1:
            text = archive.read(info).decode("utf-8", "replace")
            fields = Parser().parsestr(text, headersonly=True)
            if fields["Name"] == engine_pack.PACKAGE and fields["Version"]:
                return str(fields["Version"])
    hint = f"Choose a wheel (.whl) of {engine_pack.PACKAGE}."
    raise EngineError(f"{name} does not say what it is.", hint)


def _require_space(folder: Path, total_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < total_bytes + _SPARE_BYTES:
        raise EngineError(
            f"The pack needs {total_bytes / 1e9:.1f} GB; {free / 1e9:.1f} GB are free on the disk.",
            "Free some space, and install it again.",
        )


def _unpack(
    archive: zipfile.ZipFile,
    files: list[zipfile.ZipInfo],
    folder: Path,
    stop: StopSignal,
    progress: Progress,
) -> None:
    done, total = 0, sum(file.file_size for file in files)
    for info in files:
        target = folder / info.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        # `read` never gives more than the size that was counted, and checks the CRC.
        with archive.open(info) as packed, target.open("xb") as stream:
            while block := packed.read(_BLOCK_BYTES):
                if stop.is_stopped:
                    raise Stopped
                stream.write(block)
                done += len(block)
                progress(done, total)
            stream.flush()
            os.fsync(stream.fileno())


def _flush(folder: Path) -> None:
    """Have the disk know the record and the names before the folder gets its own."""
    with (folder / engine_pack.RECORD_FILE).open("r+b") as stream:
        os.fsync(stream.fileno())
    if hasattr(os, "O_DIRECTORY"):  # Windows flushes names by itself
        for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _put_in_place(temporary: Path, final: Path) -> None:
    """Give an unpacked pack its name; what had it before leaves, or comes back."""
    old = final.with_name(f"{_LEAVING}{secrets.token_hex(4)}")
    try:
        os.rename(final, old)
    except FileNotFoundError:
        os.rename(temporary, final)
        return
    try:
        os.rename(temporary, final)
    except OSError:
        os.rename(old, final)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one window at a time change the packs, and clear away what a killed one has left.

    Raises EngineError while another window does, and OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            for left in (*folder.glob(f"{_COMING}*"), *folder.glob(f"{_LEAVING}*")):
                shutil.rmtree(left, ignore_errors=True)
            yield
    except Timeout as error:
        message = "Another Starpad window is installing or removing an engine pack."
        raise EngineError(message, "Wait for it, and try again.", retryable=True) from error


@contextlib.contextmanager
def _as_engine_errors(what: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise EngineError(f"{what}: it is no whole wheel.", "Get it again.") from error
    except PermissionError as error:
        hint = "If it is in use, use the engine in the box first; else check the folder's rights."
        raise EngineError(f"{what}: {error.strerror}.", hint) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "Free some space, and try again." if full else "Try again."
        raise EngineError(f"{what}: {error.strerror or error}.", hint) from error
