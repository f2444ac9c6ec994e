"""Engine packs: other builds of the engine that were installed beside the one in the box."""

import json
import re
from dataclasses import asdict, dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path, PurePosixPath

from starpad.core.errors import EngineError

PACK_VARIABLE = "STARPAD_ENGINE_PACK"
"""The environment variable that tells an engine's process the folder of its pack."""
PACKAGE = "xllamacpp"
RECORD_FILE = "pack.json"
_VERSION = 1

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
# Windows keeps these for devices, with any ending.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
_TOP = re.compile(rf"{PACKAGE}|{PACKAGE}\.libs|{PACKAGE}-[\w.+!]+\.dist-info")


@dataclass(frozen=True, slots=True)
class InstalledPack:
    """One pack on this computer, as its own record tells."""

    name: str
    folder: Path
    version: str
    """Of the package in it."""
    built_for: str
    """In words, such as `NVIDIA CUDA 12.8`."""
    source: str
    """The address or file that it was unpacked from."""
    sha256: str
    """Of that file."""
    installed_at: str
    """ISO 8601, in UTC."""
    size_bytes: int
    """On the disk."""


def packs_folder(data: Path) -> Path:
    """Return the folder of all packs below the user's data folder (not created here)."""
    return data / "engines"


def require_name(name: str) -> None:
    """Raise EngineError unless `name` is a folder's name on every system, and nothing else."""
    if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise EngineError(
            f"{name!r} cannot be the name of an engine pack.",
            "Use small letters, digits and hyphens, such as cuda-12.",
        )


def name_from(text: str) -> str:
    """Return a name for a pack that is made of `text`, such as a wheel's file name."""
    words = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:64].strip("-._")
    return words if words and not _DEVICES.fullmatch(words) else f"pack-{words}".strip("-")


def belongs_into_pack(name: str) -> bool:
    """Whether a file of a wheel is one that a pack consists of, and stays inside its folder."""
    path = PurePosixPath(name)
    return (
        _TOP.fullmatch(path.parts[0] if path.parts else "") is not None
        and len(path.parts) > 1
        and not any(mark in name for mark in ("\\", ":", "\0"))
        and all(part not in ("", ".", "..") for part in name.rstrip("/").split("/"))
    )


def is_library(name: str) -> bool:
    """Whether a file of a wheel is the engine, built for this system and Python."""
    return name in {f"{PACKAGE}/{PACKAGE}{suffix}" for suffix in EXTENSION_SUFFIXES}


def write_record(pack: InstalledPack, folder: Path) -> None:
    """Write what is known of a pack into `folder`, where it is being unpacked. Raises OSError."""
    values = {"version_of_record": _VERSION} | asdict(pack)
    del values["name"], values["folder"]  # where it lies says both
    text = json.dumps(values, indent=1) + "\n"
    (folder / RECORD_FILE).write_text(text, encoding="utf-8")


def read_pack(folder: Path) -> InstalledPack | None:
    """Return the pack in a folder; None if there is none, or none that can be used."""
    try:
        values = json.loads((folder / RECORD_FILE).read_bytes())
        require_name(folder.name)
        if values.pop("version_of_record") != _VERSION:
            return None
        size = values.pop("size_bytes")
        if type(size) is not int or not all(type(value) is str for value in values.values()):
            return None
        return InstalledPack(name=folder.name, folder=folder, size_bytes=size, **values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, EngineError):
        return None


def installed(folder: Path) -> list[InstalledPack]:
    """Return the packs in the packs folder by name; nothing if there is no such folder."""
    try:
        found = [read_pack(each) for each in sorted(folder.iterdir())]
    except OSError:
        return []
    return [pack for pack in found if pack is not None]
