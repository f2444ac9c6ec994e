"""All that Starpad keeps of a user on this computer, and its removal when they ask for it."""

import contextlib
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from starpad.core import paths, serve_key


class Kind(StrEnum):
    """What can be removed by itself; the value is what the user reads."""

    SETTINGS = "settings, presets, servers, keys and accepted licences"
    MODELS = "models, what is known of them, and engine packs"
    CONVERSATIONS = "conversations and unsaved text"
    LOGS = "logs"


DATABASE = "conversations.sqlite3"
# A file's name stands for longer ones, too: backups, a database's log, what was found damaged.
_NAMES = {
    "settings.json": Kind.SETTINGS,
    "chat-presets.json": Kind.SETTINGS,
    "accepted-licenses.json": Kind.SETTINGS,
    "remote-servers.json": Kind.SETTINGS,
    serve_key.FILE_NAME: Kind.SETTINGS,
    "tokens": Kind.SETTINGS,
    "models": Kind.MODELS,
    "models.json": Kind.MODELS,
    "model-headers.json": Kind.MODELS,
    "benchmarks.json": Kind.MODELS,
    "evaluation": Kind.MODELS,
    "engines": Kind.MODELS,
    DATABASE: Kind.CONVERSATIONS,
    "recovery": Kind.CONVERSATIONS,  # unsaved text, as kept before there were sessions
    "sessions": Kind.CONVERSATIONS,
    "starpad.log": Kind.LOGS,
    "crash.log": Kind.LOGS,
    ".starpad": Kind.LOGS,  # with more behind it: a write that a power cut ended
}


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder of ours; a link counts as itself, never as what it leads to."""

    path: Path
    kind: Kind
    size_bytes: int

    @property
    def is_link(self) -> bool:
        """Whether it leads elsewhere, to what stays."""
        return _is_link(self.path)


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that Starpad writes to; some are the same on some systems."""

    config: Path
    data: Path
    logs: Path
    models: Path | None = None
    """Where the user moved the models to; None: they lie with the data."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are ours alone, those inside others first."""
        own = {self.config, self.data, self.logs}
        if self.logs.parent.name == self.data.name:  # state/starpad/log
            own.add(self.logs.parent)
        return tuple(sorted(own, key=lambda folder: len(folder.parts), reverse=True))

    @property
    def foreign_models(self) -> Path | None:
        """The models folder, if it is the user's own: named, and never removed."""
        if self.models is None:
            return None
        models = Path(os.path.realpath(self.models))
        folders = [Path(os.path.realpath(folder)) for folder in self.folders]
        holds_ours = any(folder.is_relative_to(models) for folder in folders)
        is_inside = any(models.is_relative_to(folder) for folder in folders)
        return None if is_inside and not holds_ours else self.models


def usual_places(models_folder: str) -> Places:
    """Return this user's places; `models_folder` is that of the settings, maybe empty."""
    models = Path(models_folder) if models_folder else None
    return Places(paths.config_folder(), paths.data_folder(), paths.log_folder(), models)


def find(places: Places, kinds: Collection[Kind]) -> list[Item]:
    """Return what there is of these kinds, by its place. Raises OSError."""
    found = {
        path: kind
        for folder in places.folders
        for path in _entries(folder)
        if (kind := _kind(path.name)) is not None
    }
    models = places.models
    if models is not None and places.foreign_models is None and os.path.lexists(models):
        found[models] = Kind.MODELS
    return [Item(path, found[path], _size(path)) for path in sorted(found) if found[path] in kinds]


def remove(items: Collection[Item]) -> list[Path]:
    """Delete them; return what could not be deleted. No link is followed."""
    for item in items:
        with contextlib.suppress(OSError):
            if item.is_link or not item.path.is_dir():
                item.path.unlink()
            else:
                shutil.rmtree(item.path, ignore_errors=True)
    return [item.path for item in items if os.path.lexists(item.path)]


def remove_empty_folders(places: Places) -> list[Path]:
    """Delete our folders, but for links and those that still hold something; return all that."""
    for folder in places.folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
    links = [folder for folder in places.folders if _is_link(folder)]
    rest = {path for folder in places.folders for path in _entries(folder)}
    return sorted([*links, *rest.difference(places.folders)])


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder; nothing if there is none, or it is a link to the user's own."""
    if _is_link(folder) or not folder.is_dir():
        return []
    return list(folder.iterdir())


def _kind(name: str) -> Kind | None:
    for known, kind in _NAMES.items():
        if name == known or ("." in known and name.startswith((f"{known}.", f"{known}-"))):
            return kind
    return None


def _size(path: Path) -> int:
    """Return how many bytes a file, or all in a folder, have."""
    return sum(_sizes(path))


def _sizes(path: Path) -> Iterator[int]:
    with contextlib.suppress(OSError):  # gone meanwhile, or not ours to look into
        status = path.lstat()
        yield status.st_size if stat.S_ISREG(status.st_mode) else 0
        if stat.S_ISDIR(status.st_mode) and not _is_link(path):
            for entry in path.iterdir():
                yield from _sizes(entry)


def _is_link(path: Path) -> bool:
    """Return whether a path leads elsewhere; Windows has several ways to do that."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_reparse_tag", 0))
