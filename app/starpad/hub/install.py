"""From a whole, checked file to an installed model; and whether what lies there is right."""

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from starpad.core import origin
from starpad.core.download import DownloadOrder
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.origin import Origin
from starpad.core.remote import RemoteFile
from starpad.hub.session import StopSignal
from starpad.hub.sidecar import final_path, part_path

_BLOCK_BYTES = 1 << 20


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The StopSignal was used."""


def is_installed(folder: Path, order: DownloadOrder, file: RemoteFile) -> bool:
    """Say whether the file lies in its place, as its origin tells: its bytes are not read."""
    final = final_path(folder, order, file)
    known = origin.read(final)
    if known is None or known.size_bytes != file.size_bytes or known.sha256 != file.sha256:
        return False
    # Without a hash only the commit tells one version from another of the same size.
    if not file.sha256 and known.commit != order.commit:
        return False
    return _has_size(final, file.size_bytes)


def has_size(folder: Path, order: DownloadOrder, file: RemoteFile) -> bool:
    """Say whether a file of the announced size lies in the final place, wherever from."""
    return _has_size(final_path(folder, order, file), file.size_bytes)


def is_right(folder: Path, order: DownloadOrder, file: RemoteFile, stop: StopSignal) -> bool:
    """Say whether what lies in the final place has the announced hash; reads it all.

    Starpad may have been killed between its last two steps, or somebody has put the file there.
    Raises OSError, and Stopped as soon as the signal is used.
    """
    return bool(file.sha256) and sha256_of(final_path(folder, order, file), stop) == file.sha256


def install(folder: Path, order: DownloadOrder, file: RemoteFile) -> None:
    """Give a whole and right part its final name, and keep where it came from.

    Raises OSError, or HubError IN_USE where a loaded model cannot be replaced (Windows); then
    the part is still there.
    """
    final = final_path(folder, order, file)
    is_update = final.exists()
    if not is_update:
        note_origin(folder, order, file)
    try:
        os.replace(part_path(folder, order, file), final)
    except PermissionError as error:
        if not is_update:
            raise
        raise HubError(
            f"{final.name} is in use, so the new version cannot take its place.",
            "Unload the model, then retry; what arrived is kept.",
            problem=HubProblem.IN_USE,
        ) from error
    if is_update:
        # Not before: it would have said of the old file what is true of the new one.
        note_origin(folder, order, file)


def note_origin(folder: Path, order: DownloadOrder, file: RemoteFile) -> None:
    """Keep beside the final place where the file came from. Raises OSError."""
    verified_at = datetime.now(UTC).isoformat(timespec="seconds") if file.sha256 else ""
    origin.write(
        final_path(folder, order, file),
        Origin(
            endpoint=order.endpoint,
            repository=order.repository,
            commit=order.commit,
            file=file.path,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            license=order.license,
            quantization=order.quantization,
            verified_at=verified_at,
        ),
    )


def sha256_of(
    path: Path, stop: StopSignal, on_read: Callable[[int], None] = lambda count: None
) -> str:
    """Return the hash of what is on the disk, in hex; `on_read` is told the bytes of each block.

    Raises OSError, and Stopped as soon as the signal is used.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            if stop.is_stopped:
                raise Stopped
            digest.update(buffer[:count])
            on_read(count)
    return digest.hexdigest()


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except OSError:
        return False
