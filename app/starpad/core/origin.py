"""Where a downloaded model file came from, kept in a small file beside it."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from starpad.core import file_store

VERSION = 1

# Ours are a few hundred bytes; whatever else lies there under that name is not read into memory.
_MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Origin:
    """One file at a pinned commit of a hub; each part of a split model has its own."""

    endpoint: str
    """The hub's address, without a slash at the end."""
    repository: str
    commit: str
    """40 hex digits."""
    file: str
    """Relative to the repository, with `/`."""
    size_bytes: int
    sha256: str
    """64 hex digits, as the hub announced it; empty if it did not."""
    license: str
    """The hub's id; empty if unknown."""
    quantization: str
    verified_at: str
    """When the whole file's hash was last found right, ISO 8601 in UTC; empty if never."""


def path_of(model: Path) -> Path:
    """Return where the origin of the file `model` is kept."""
    return model.with_name(f"{model.name}.json")


def read(model: Path) -> Origin | None:
    """Return where the file `model` came from; None if that is not known or not readable."""
    with contextlib.suppress(OSError, ValueError, TypeError, LookupError, RecursionError):
        with path_of(model).open("rb") as stream:
            content = json.loads(stream.read(_MAX_BYTES).decode("utf-8"))
        if content["version"] == VERSION and isinstance(content["size_bytes"], int):
            texts = {
                name: value
                for name, value in content.items()
                if isinstance(value, str) and name in Origin.__dataclass_fields__
            }
            return Origin(size_bytes=content["size_bytes"], **texts)
    return None


def cached_repository(folder_name: str) -> str:
    """Return the repository whose files the Hugging Face cache keeps in a folder; empty if none."""
    prefix, _, name = folder_name.partition("--")
    return name.replace("--", "/") if prefix == "models" else ""


def repository_of(model: Path) -> str:
    """Return the repository that the file `model` came from, as far as its place tells.

    That is the file beside it, else the Hugging Face cache's folder, else the two folders that it
    lies in, which most programs call like owner and repository; whether they are one is for the
    caller to find out.
    """
    if (known := read(model)) is not None:
        return known.repository
    cached = (cached_repository(folder.name) for folder in model.parents)
    return next(filter(None, cached), "/".join(model.parts[-3:-1]))


def write(model: Path, origin: Origin) -> None:
    """Keep the origin beside the file `model`, in one step. Raises OSError."""
    text = json.dumps({"version": VERSION, **asdict(origin)}, indent=1, ensure_ascii=False)
    file_store.replace(path_of(model), text.encode("utf-8"))
