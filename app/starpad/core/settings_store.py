"""The settings file: JSON with a version; what cannot be used costs its default, nothing more."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starpad.core import file_store, paths, versions
from starpad.core.errors import FileError, SettingsError
from starpad.core.setting_values import with_values
from starpad.core.settings import FIELDS, Settings

STEPS: tuple[versions.Step, ...] = ()
"""What leads from one version to the next; a new setting needs none, one that changes meaning does.
A step that was released is never changed."""


def default_path() -> Path:
    """Return where the settings file is, also before there is one."""
    return paths.config_folder() / "settings.json"


def backup_path(path: Path) -> Path:
    """Return where `load` keeps a copy of a file that it could not use as a whole."""
    return path.with_name(path.name + ".bak")


def load(
    path: Path, steps: Sequence[versions.Step] = STEPS
) -> tuple[Settings, list[SettingsError]]:
    """Read the settings; return them with what could not be used, each as one error.

    A missing file means defaults, an older one is brought to today's version. A bad value keeps
    its default, names that this version does not know are skipped, and a damaged file gives
    defaults; of a file with errors a copy is kept at `backup_path`, because the next `save`
    replaces it.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), []
    except OSError as error:
        problem = SettingsError(
            f"The settings file cannot be read: {error.strerror or error}.",
            f"The defaults are used. Check the rights of {path}.",
        )
        return Settings(), [problem]
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end
        return _damaged(path)
    if not isinstance(values, dict):
        return _damaged(path)
    try:
        return _from_values(versions.migrated(values, steps), path, newest=len(steps) + 1)
    except ValueError:
        return _damaged(path)


def save(settings: Settings, path: Path, steps: Sequence[versions.Step] = STEPS) -> None:
    """Write the settings so that the file is either the old or the new one, never half of it.

    Only the user may read it (it names files). A file of another version is copied to
    `versions.backup_path` before; names in one of today's that only a later Starpad knows stay.
    Raises FileError.
    """
    version = len(steps) + 1
    # A link, as people have who keep their settings in a repository, stays one.
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        others = _on_disk(path)
        if others and versions.version_of(others) != version:
            versions.back_up(path, version)
            others = {}
        others = {name: value for name, value in others.items() if name not in FIELDS}
        text = json.dumps(others | {"version": version} | asdict(settings), indent=2) + "\n"
        file_store.replace(path, text.encode(), mode=0o600)
    except OSError as error:
        raise FileError(
            f"The settings could not be saved: {error.strerror or error}.",
            f"They count until you quit. Free space on the disk, or check the rights of {path}.",
            retryable=True,
        ) from error


def _on_disk(path: Path) -> dict[str, Any]:
    """Return what the file holds; nothing if it is missing or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _damaged(path: Path) -> tuple[Settings, list[SettingsError]]:
    kept = _keep_copy(path)
    problem = SettingsError("The settings file is damaged.", f"The defaults are used.{kept}")
    return Settings(), [problem]


def _from_values(
    values: dict[str, Any], path: Path, *, newest: int
) -> tuple[Settings, list[SettingsError]]:
    settings = Settings()
    problems: list[SettingsError] = []
    for name, value in values.items():
        if name in FIELDS:
            try:
                settings = with_values(settings, **{name: value})
            except SettingsError as error:
                problems.append(error)
    kept = _keep_copy(path) if problems else ""
    problems = [
        SettingsError(error.message, f"{error.hint} The default is used.{kept}")
        for error in problems
    ]
    if versions.version_of(values) > newest:
        backup = versions.backup_path(path, newest)
        message = "The settings were written by a newer version of Starpad."
        hint = f"What this one knows is used. Before a change your file is copied to {backup}."
        problems.append(SettingsError(message, hint))
    return settings, problems


def _keep_copy(path: Path) -> str:
    """Copy the file to `backup_path`; return the sentence that says so, empty if it failed."""
    backup = backup_path(path)
    try:
        shutil.copyfile(path, backup)
        backup.chmod(0o600)
    except OSError:
        return ""
    return f" Your file is kept as {backup}."
