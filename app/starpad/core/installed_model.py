"""A model on this computer, wherever it lies, and the files that it consists of."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from starpad.core.model_file import ModelHeader
from starpad.core.origin import Origin

_FIRST_PART = re.compile(r"(?P<stem>.+)-00001-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_PART = re.compile(r".+-(?P<number>\d{5})-of-\d{5}\.gguf", re.IGNORECASE)


class ModelSource(StrEnum):
    """Where a model on this computer comes from; the value is what the user reads."""

    DOWNLOADED = "downloaded"
    IMPORTED = "imported"
    HUGGING_FACE_CACHE = "Hugging Face cache"
    LM_STUDIO = "LM Studio"
    FOLDER = "your folder"
    DEMO = "comes with Starpad"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """One model file (or several parts) and all that is known of it without loading it."""

    path: Path
    """Of the file to load: the only one, or the first part."""
    name: str
    """The family's, else the file's without its ending."""
    header: ModelHeader | None
    """None if it cannot be read; then `problem` says why."""
    problem: str
    """Why it cannot be loaded; empty if it can."""
    source: ModelSource
    disk_bytes: int
    """Of all parts."""
    quantization: str
    """As in Q4_K_M; empty if neither header nor name tells."""
    architecture: str
    context_tokens: int
    """What the model was trained for; 0 if unknown."""
    license: str
    """The hub's id; empty if unknown."""
    family_id: str
    """Of the catalog; empty if it is of none."""
    origin: Origin | None
    verified_at: datetime | None
    """When all of it was last found to be what the hub announced (or what it was before)."""
    is_ours: bool
    """Lies in the models folder: Starpad may delete and move it."""


def parts_of(model: Path) -> tuple[Path, ...]:
    """Return the files of a model, the given one first: one, or as many as its name says."""
    first = _FIRST_PART.fullmatch(model.name)
    if first is None:
        return (model,)
    stem, count, ending = first["stem"], first["count"], model.suffix
    later = (f"{stem}-{number:05}-of-{count}{ending}" for number in range(2, int(count) + 1))
    return (model, *(model.with_name(name) for name in later))


def is_later_part(name: str) -> bool:
    """Say whether a file's name is that of a second or later part of a model."""
    part = _PART.fullmatch(name)
    return part is not None and int(part["number"]) > 1


def stamp_of(model: Path) -> tuple[int, int]:
    """Return the size in bytes of all parts together and the newest change in nanoseconds.

    While both stay, the model is taken to be the same. Raises OSError if a part is missing.
    """
    found = [part.stat() for part in parts_of(model)]
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)
