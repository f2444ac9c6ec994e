"""Tells a model file's content from another's in a moment, however large it is."""

import hashlib
from pathlib import Path

from starpad.core.errors import ModelFileError
from starpad.core.installed_model import parts_of

_SAMPLE_BYTES = 8 << 20


def fingerprint(model: Path) -> str:
    """Return a hash of each part's size, its first and its last 8 MiB. Raises ModelFileError.

    The weights at the end differ between any two trainings and quantizations; all of a file of
    gigabytes would take minutes to read.
    """
    digest = hashlib.sha256()
    try:
        for part in parts_of(model):
            size = part.stat().st_size
            digest.update(f"{size};".encode())
            with part.open("rb") as file:
                digest.update(file.read(_SAMPLE_BYTES))
                file.seek(max(0, size - _SAMPLE_BYTES))
                digest.update(file.read(_SAMPLE_BYTES))
    except OSError as error:
        reason = error.strerror or error
        raise ModelFileError(f"The model file {model} cannot be read: {reason}.") from error
    return digest.hexdigest()[:16]
