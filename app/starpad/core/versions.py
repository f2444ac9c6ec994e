"""How a file that an earlier Starpad wrote becomes one of today's: step by step, after a copy."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from starpad.core import file_store

Step = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes what a file of one version holds, returns what one of the next holds."""


def backup_path(path: Path, version: int) -> Path:
    """Return where a file lies as it was before it became one of `version`."""
    return path.with_name(f"{path.name}.before-{version}.backup")


def back_up(path: Path, version: int) -> None:
    """Copy a file that is about to become one of `version`, for the user alone. Raises OSError."""
    file_store.replace(backup_path(path, version), path.read_bytes(), mode=0o600)


def version_of(content: dict[str, Any]) -> int:
    """Return the version that a file's content names; 1 if it names none that can be."""
    version = content.get("version")
    return version if type(version) is int and version > 0 else 1


def migrated(content: dict[str, Any], steps: Sequence[Step]) -> dict[str, Any]:
    """Return what `content` becomes; the first step leads from version 1 to version 2.

    What a newer Starpad wrote stays as it is. Raises ValueError if a step can do nothing with it.
    """
    try:
        for step in steps[version_of(content) - 1 :]:
            content = step(content)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("it holds other values than its version has") from error
    return content
