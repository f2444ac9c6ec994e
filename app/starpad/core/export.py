"""A result of ours written where the user wants it."""

from pathlib import Path

from starpad.core import file_store
from starpad.core.errors import FileError


def export(path: Path, text: str) -> None:
    """Write a text as a whole or not at all. Raises FileError."""
    try:
        file_store.replace(path, text.encode())
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(
            f"{path.name} could not be written: {reason}.", "Choose another place."
        ) from error
