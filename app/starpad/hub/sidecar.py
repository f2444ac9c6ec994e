"""What is kept of a download on disk: its order, in a small file beside what has arrived of it.

A file `model.gguf` arrives as `model.gguf.part`, whose size is where it goes on. Beside the first
file of an order lie `model.gguf.part.json` (the sidecar) and `model.gguf.part.lock` (held by the
window that fetches it). There is no other record. No token and no signed address is ever in it.
"""

import contextlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starpad.core import file_store
from starpad.core.download import DownloadOrder
from starpad.core.hub_errors import HubProblem
from starpad.core.quantization import is_safe_path
from starpad.core.remote import RemoteFile

VERSION = 1
_PART, _SIDECAR, _LOCK, _DAMAGED = ".part", ".part.json", ".part.lock", ".damaged"

# Ours are a few kilobytes, even with a hundred parts.
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Sidecar:
    """An order and how it stands, apart from its bytes."""

    order: DownloadOrder
    created: str
    """When it was ordered, ISO 8601 in UTC."""
    position: int
    """In the queue: smaller ones come first."""
    is_paused: bool = False
    """By the user, or because it cannot go on without them."""
    problem: HubProblem | None = None
    """Why it stopped for good, with the sentence for the user and the page to open."""
    note: str = ""
    url: str = ""


def final_path(folder: Path, order: DownloadOrder, file: RemoteFile) -> Path:
    """Return where a file of the order is installed below the models folder."""
    return folder / order.repository / file.path


def part_path(folder: Path, order: DownloadOrder, file: RemoteFile) -> Path:
    """Return where a file of the order grows."""
    final = final_path(folder, order, file)
    return final.with_name(final.name + _PART)


def sidecar_path(folder: Path, order: DownloadOrder) -> Path:
    """Return where the order itself is kept."""
    final = final_path(folder, order, order.files[0])
    return final.with_name(final.name + _SIDECAR)


def lock_path(folder: Path, order: DownloadOrder) -> Path:
    """Return the file that the window which fetches the order locks."""
    final = final_path(folder, order, order.files[0])
    return final.with_name(final.name + _LOCK)


def is_sound(order: DownloadOrder) -> bool:
    """Say whether all that an order names stays inside the models folder and makes sense."""
    address = urlsplit(order.endpoint)
    return (
        address.scheme in ("http", "https")
        and bool(address.hostname)
        and re.fullmatch(r"[0-9a-f]{40}", order.commit) is not None
        and bool(order.files)
        and len({file.path for file in order.files}) == len(order.files)
        and all(
            is_safe_path(f"{order.repository}/{file.path}")
            and file.size_bytes > 0
            and re.fullmatch(r"[0-9a-f]{64}|", file.sha256) is not None
            for file in order.files
        )
    )


def write(folder: Path, sidecar: Sidecar) -> None:
    """Keep the sidecar, in one step; its folder must be there. Raises OSError."""
    path = sidecar_path(folder, sidecar.order)
    text = json.dumps({"version": VERSION, **asdict(sidecar)}, indent=1, ensure_ascii=False)
    file_store.replace(path, text.encode("utf-8"))


def read(path: Path) -> Sidecar:
    """Return what the file holds. Raises OSError; ValueError if it is no sidecar."""
    with path.open("rb") as stream:
        data = stream.read(_MAX_BYTES)
    try:
        return _sidecar(json.loads(data.decode("utf-8")))
    except (TypeError, LookupError, RecursionError, AttributeError) as error:
        raise ValueError(f"{path.name} is not a sidecar") from error


def read_all(folder: Path) -> tuple[list[Sidecar], list[str]]:
    """Return the downloads that a models folder holds, in order, and what was wrong with others.

    A sidecar that makes no sense is renamed, and what arrived of it is kept: see `orphans`.
    """
    found, wrong = [], []
    for path in _files(folder, _SIDECAR):
        try:
            sidecar = read(path)
            if sidecar_path(folder, sidecar.order) != path:
                raise ValueError("it describes another download")
        except OSError as error:
            wrong.append(f"{path} could not be read: {error.strerror or error}.")
        except ValueError:
            wrong.append(_set_aside(path))
        else:
            found.append(sidecar)
    return sorted(found, key=lambda sidecar: (sidecar.position, sidecar.created)), wrong


def orphans(folder: Path) -> list[Path]:
    """Return what is left of downloads that nobody knows any more: worth cleaning up."""
    owned = set()
    for path in _files(folder, _SIDECAR):
        with contextlib.suppress(OSError, ValueError):
            order = read(path).order
            owned |= {part_path(folder, order, file) for file in order.files}
    parts = [path for path in _files(folder, _PART) if path not in owned]
    return sorted([*parts, *_files(folder, _SIDECAR + _DAMAGED)])


def _files(folder: Path, ending: str) -> list[Path]:
    return [path for path in folder.rglob(f"*{ending}") if path.is_file()]


def _set_aside(path: Path) -> str:
    aside = path.with_name(path.name + _DAMAGED)
    name = path.name.removesuffix(_SIDECAR)
    try:
        path.replace(aside)
    except OSError as error:
        return f"{path} is damaged and could not be set aside: {error.strerror or error}."
    return (
        f"The record of the download of {name} was damaged; it is kept as {aside.name}. "
        "Start the download again: it goes on from what has arrived."
    )


def _sidecar(content: dict[str, Any]) -> Sidecar:
    if content["version"] != VERSION:
        raise ValueError("written by another version")
    order = content["order"]
    sidecar = Sidecar(
        order=DownloadOrder(
            endpoint=_text(order["endpoint"]),
            repository=_text(order["repository"]),
            commit=_text(order["commit"]),
            files=tuple(
                RemoteFile(_text(file["path"]), _number(file["size_bytes"]), _text(file["sha256"]))
                for file in order["files"]
            ),
            quantization=_text(order["quantization"]),
            license=_text(order["license"]),
        ),
        created=_text(content["created"]),
        position=_number(content["position"]),
        is_paused=content["is_paused"] is True,
        problem=HubProblem(content["problem"]) if content["problem"] else None,
        note=_text(content["note"]),
        url=_text(content["url"]),
    )
    if not is_sound(sidecar.order):
        raise ValueError("its order leads out of the folder or makes no sense")
    return sidecar


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value
