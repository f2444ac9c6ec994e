"""The settings file: JSON with a version; what cannot be used costs its default, nothing more."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from starpad.core import file_store, paths
from starpad.core.errors import FileError, SettingsError
from starpad.core.setting_values import with_values
from starpad.core.settings import FIELDS, Settings

VERSION = 1


def default_path() -> Path:
    """Return where the settings file is, also before there is one."""
    return paths.config_folder() / "settings.json"


def backup_path(path: Path) -> Path:
    """Return where `load` keeps a copy of a file that it could not use as a whole."""
    return path.with_name(path.name + ".bak")


def load(path: Path) -> tuple[Settings, list[SettingsError]]:
    """Read the settings; return them with what could not be used, each as one error.

    A missing file means defaults. A bad value keeps its default, names that this version does
    not know are skipped, and a damaged file gives defaults; of a file with errors a copy is kept
    at `backup_path`, because the next `save` replaces it.
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
        values = None
    if not isinstance(values, dict):
        kept = _keep_copy(path)
        return Settings(), [
            SettingsError("The settings file is damaged.", f"The defaults are used.{kept}")
        ]
    return _from_values(values, path)


def save(settings: Settings, path: Path) -> None:
    """Write the settings so that the file is either the old or the new one, never half of it.

    Only the user may read it (it names files). Raises FileError.
    """
    text = json.dumps({"version": VERSION} | asdict(settings), indent=2) + "\n"
    # A link, as people have who keep their settings in a repository, stays one.
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file_store.replace(path, text.encode(), mode=0o600)
    except OSError as error:
        raise FileError(
            f"The settings could not be saved: {error.strerror or error}.",
            f"They count until you quit. Free space on the disk, or check the rights of {path}.",
            retryable=True,
        ) from error


def _from_values(values: dict[str, object], path: Path) -> tuple[Settings, list[SettingsError]]:
    settings = Settings()
    problems: list[tuple[str, str]] = []
    for name, value in values.items():
        if name in FIELDS:
            try:
                settings = with_values(settings, **{name: value})
            except SettingsError as error:
                problems.append((error.message, f"{error.hint} The default is used."))
    if values.get("version", VERSION) != VERSION:
        problems.append(
            ("The settings file is from another version of Starpad.", "What is known is used.")
        )
    kept = _keep_copy(path) if problems else ""
    return settings, [SettingsError(message, hint + kept) for message, hint in problems]


def _keep_copy(path: Path) -> str:
    """Copy the file to `backup_path`; return the sentence that says so, empty if it failed."""
    backup = backup_path(path)
    try:
        shutil.copyfile(path, backup)
        backup.chmod(0o600)
    except OSError:
        return ""
    return f" Your file is kept as {backup}."
