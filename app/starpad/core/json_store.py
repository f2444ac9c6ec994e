"""A JSON object in a file that several windows read and change, and that garbage cannot spoil."""

import copy
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starpad.core import file_store, versions
from starpad.core.errors import FileError, StarpadError

Content = dict[str, Any]


class JsonStore:
    """The file at `path`: a version number, and under each name of `shape` a list or an object.

    What is on disk counts, not what was read before: another window may have written. Any thread
    may use it. What went wrong while reading is in `problems`, for the user.

    `steps` lead from one version to the next: see `versions.migrated`. A file of another version
    is copied to `versions.backup_path` before its first change. Names beside those of `shape`, of
    a later Starpad, stay.
    """

    def __init__(
        self,
        path: Path,
        what: str,
        shape: Mapping[str, type[list[Any] | Content]],
        steps: Sequence[versions.Step] = (),
    ) -> None:
        self.path = path
        self.problems: list[StarpadError] = []
        self._what = what
        self._steps = tuple(steps)
        self._version = len(self._steps) + 1
        self._shape = dict(shape)
        self._lock = threading.RLock()
        self._read: tuple[tuple[int, int, int], tuple[int, Content]] | None = None

    def read(self) -> Content:
        """Return what the file holds, not to be changed; without a good file empty values.

        Garbage is renamed, so that the next `change` does not write over it.
        """
        try:
            return self._load()[1]
        except OSError as error:
            self._report(
                f"{self._what} cannot be read: {error.strerror or error}.",
                f"Check the rights of {self.path}.",
            )
            return self._empty()

    def change(self, function: Callable[[Content], None]) -> None:
        """Let `function` change what is on disk now and write it, all of it or nothing.

        Raises FileError; then the file is as it was.
        """
        try:
            with self._lock:
                version, content = copy.deepcopy(self._load())
                function(content)
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if version != self._version:
                    versions.back_up(self.path, self._version)
                data = json.dumps({"version": self._version, **content}, indent=1)
                # Only the user may read it: it names files.
                file_store.replace(self.path, data.encode("ascii"), mode=0o600)
        except OSError as error:
            raise FileError(
                f"{self._what} could not be saved: {error.strerror or error}.",
                f"Free space on the disk, or check the rights of {self.path}.",
                retryable=True,
            ) from error

    def _load(self) -> tuple[int, Content]:
        """Return which version the file is of, and what it holds in the terms of today's."""
        with self._lock:
            try:
                status = os.stat(self.path)
            except FileNotFoundError:
                return self._version, self._empty()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._read is None or self._read[0] != seen:
                try:
                    self._read = seen, self._checked(json.loads(self.path.read_bytes()))
                except (ValueError, RecursionError):
                    self._set_aside()
                    return self._version, self._empty()
            return self._read[1]

    def _checked(self, content: object) -> tuple[int, Content]:
        if not isinstance(content, dict) or type(content.get("version")) is not int:
            raise ValueError("not an object, or without a version")
        version = versions.version_of(content)
        content = versions.migrated(content, self._steps)
        for name, kind in self._shape.items():
            if not isinstance(content.get(name), kind):
                raise ValueError(f"{name} is missing or of another kind")
        if version > self._version:
            backup = versions.backup_path(self.path, self._version)
            self._report(
                f"{self._what} was written by a newer version of Starpad.",
                f"What this one knows is used. Before a change your file is copied to {backup}.",
            )
        return version, {name: value for name, value in content.items() if name != "version"}

    def _empty(self) -> Content:
        return {name: kind() for name, kind in self._shape.items()}

    def _set_aside(self) -> None:
        aside, number = self.path.with_name(f"{self.path.name}.damaged"), 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.name}.damaged-{number}")
        try:
            os.replace(self.path, aside)
        except FileNotFoundError:  # another window was quicker
            return
        self._report(
            f"{self._what} is damaged.",
            f"Starpad begins anew; your file is kept as {aside}.",
        )

    def _report(self, message: str, hint: str) -> None:
        if all(problem.message != message for problem in self.problems):
            self.problems.append(FileError(message, hint))
