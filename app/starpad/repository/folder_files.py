"""The files of a folder that a model may read: no ignored, secret, binary or generated ones."""

import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from starpad.core.ignored_files import IgnoreRules
from starpad.repository.private_files import has_private_name, holds_secret

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 20_000
MAX_BYTES = 200_000_000
_LONGEST_LINE = 2_000
"""Nobody writes such a line by hand."""
_MEAN_LINE = 200
_NOT_WRITTEN = (
    "*.min.js", "*.min.css", "*.map", "*.lock", "*-lock.json", "*-lock.yaml", "*.csv", "*.tsv",
    "*.log", "*.svg", "*.jsonl", "*.ipynb", "*.po", "*.pdf",
)  # fmt: skip


class Stamp(NamedTuple):
    """What changes when a file does."""

    modified_ns: int
    size: int


class FolderFiles:
    """A folder's files as they may be read. Names are relative, with slashes.

    What may be read is decided anew each time that a file is read.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.realpath(root))
        self._rules = IgnoreRules.load(self._root)

    def scan(self) -> dict[str, Stamp]:
        """Return the files that may be worth reading; the nearest to the top if there are many."""
        self._rules = IgnoreRules.load(self._root)
        found: dict[str, Stamp] = {}
        left = MAX_BYTES
        for name, stamp in self._walk():
            if len(found) >= MAX_FILES or stamp.size > left:
                break
            left -= stamp.size
            found[name] = stamp
        return found

    def stamp(self, name: str) -> Stamp | None:
        """Return a file's stamp now; None for one that may not be read."""
        path = self._root / name
        if not path.is_relative_to(self._root) or os.path.realpath(path) != str(path):
            return None  # a link, or a name like ../x
        if self._rules.is_ignored(name):
            return None
        try:
            return _stamp(path.name, path.lstat()) if not has_private_name(name) else None
        except OSError:
            return None

    def read(self, name: str) -> str | None:
        """Return a file's text with LF line ends; None for one that may not be read."""
        if self.stamp(name) is None:
            return None
        try:
            data = (self._root / name).read_bytes()
            text = data.decode("utf-8-sig")
        except (OSError, ValueError):
            return None
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return None if "\0" in text or _is_generated(text) or holds_secret(text) else text

    def look_again(self) -> None:
        """Have the rules read anew before the next `read`."""
        self._rules = IgnoreRules.load(self._root)

    def _walk(self) -> Iterator[tuple[str, Stamp]]:
        folders = [""]
        for folder in folders:  # grows as folders are found: those near the top come first
            try:
                entries = sorted(os.scandir(self._root / folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                name = f"{folder}{entry.name}"
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    stamp = (
                        None if is_folder else _stamp(entry.name, entry.stat(follow_symlinks=False))
                    )
                except OSError:
                    continue
                if not is_folder and stamp is None:
                    continue
                if has_private_name(f"{name}/x" if is_folder else name):
                    continue
                if self._rules.is_ignored(name, is_folder=is_folder):
                    continue
                if stamp is None:
                    folders.append(f"{name}/")
                else:
                    yield name, stamp


def _stamp(name: str, status: os.stat_result) -> Stamp | None:
    if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= MAX_FILE_BYTES:
        return None
    if any(fnmatch(name.lower(), pattern) for pattern in _NOT_WRITTEN):
        return None
    return Stamp(status.st_mtime_ns, status.st_size)


def _is_generated(text: str) -> bool:
    lines = text.split("\n")
    return len(text) > _MEAN_LINE * max(10, len(lines)) or max(map(len, lines)) > _LONGEST_LINE
