"""The files that an evaluation punches holes into."""

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from starpad.core import file_store
from starpad.core.errors import FileError
from starpad.core.evaluation import Source
from starpad.core.folder_search import files_of
from starpad.core.languages import language_for

MOST_BYTES = 200_000
"""A larger file is passed over: few people write such, and many programs do."""
_NOT_CODE = frozenset(
    ("", "diff", "html", "ini", "json", "markdown", "rst", "tex", "text", "toml", "xml", "yaml")
)
_HEAD_LINES = 5


def sources_in(paths: Sequence[Path], seed: int) -> Iterator[Source]:
    """Yield the files in an order that the seed and their names decide, each read when it is due.

    Of a folder what git does not ignore and what is code; a file that was named itself counts in
    any language. Raises FileError for a path that is not there.
    """
    for path in paths:
        if not path.exists():
            raise FileError(f"{path} does not exist.", "Name files and folders that are there.")
    named = {path.absolute() for path in paths if path.is_file()}
    found = set(named)
    for folder in {path.absolute() for path in paths if path.is_dir()}:
        found.update(folder / name for name in files_of(folder))
    base = base_of(paths)
    by_name = {_name(path, base): path for path in found}
    names = sorted(by_name)
    random.Random(seed).shuffle(names)
    for name in names:
        path = by_name[name]
        source = _source(path, name)
        if source is not None and (path in named or source.language not in _NOT_CODE):
            yield source


def base_of(paths: Sequence[Path]) -> Path:
    """Return the folder that names are relative to: the chosen one, or what all have in common."""
    folders = [str(path.absolute() if path.is_dir() else path.absolute().parent) for path in paths]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on several of Windows' drives, or none at all
        return Path(folders[0]).parent if folders else Path()


def _name(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.as_posix()


def _source(path: Path, name: str) -> Source | None:
    """Return a file if it is text of a moderate size."""
    try:
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            return None
        text = file_store.read(path)[0].text
    except (OSError, FileError):
        return None
    lines = text.split("\n", _HEAD_LINES)
    return Source(name, language_for(name, lines[:_HEAD_LINES]).alias, text)
