"""A JSON object in a file that several windows read and change, and that garbage cannot spoil."""

import copy
import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starpad.core import file_store
from starpad.core.errors import FileError, StarpadError

Content = dict[str, Any]


class JsonStore:
    """The file at `path`: a version number, and under each name of `shape` a list or an object.

    What is on disk counts, not what was read before: another window may have written. Any thread
    may use it. What went wrong while reading is in `problems`, for the user.
    """

    def __init__(
        self, path: Path, what: str, version: int, shape: Mapping[str, type[list[Any] | Content]]
    ) -> None:
        self.path = path
        self.problems: list[StarpadError] = []
        self._what = what
        self._version = version
        self._shape = dict(shape)
        self._lock = threading.RLock()
        self._read: tuple[tuple[int, int, int], Content] | None = None

    def read(self) -> Content:
        """Return what the file holds, not to be changed; without a good file empty values.

        Garbage is renamed, so that the next `change` does not write over it.
        """
        try:
            return self._load()
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
                content = copy.deepcopy(self._load())
                function(content)
                self.path.parent.mkdir(parents=True, exist_ok=True)
                data = json.dumps({"version": self._version, **content}, indent=1)
                # Only the user may read it: it names files.
                file_store.replace(self.path, data.encode("ascii"), mode=0o600)
        except OSError as error:
            raise FileError(
                f"{self._what} could not be saved: {error.strerror or error}.",
                f"Free space on the disk, or check the rights of {self.path}.",
                retryable=True,
            ) from error

    def _load(self) -> Content:
        with self._lock:
            try:
                status = os.stat(self.path)
            except FileNotFoundError:
                return self._empty()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._read is None or self._read[0] != seen:
                try:
                    self._read = seen, self._checked(json.loads(self.path.read_bytes()))
                except (ValueError, RecursionError):
                    self._set_aside()
                    return self._empty()
            return self._read[1]

    def _checked(self, content: object) -> Content:
        if not isinstance(content, dict) or content.get("version") != self._version:
            raise ValueError("not an object, or of another version")
        for name, kind in self._shape.items():
            if not isinstance(content.get(name), kind):
                raise ValueError(f"{name} is missing or of another kind")
        return {name: content[name] for name in self._shape}

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
            f"{self._what} cannot be used: damaged, or from another version of Starpad.",
            f"Starpad begins anew; your file is kept as {aside}.",
        )

    def _report(self, message: str, hint: str) -> None:
        if all(problem.message != message for problem in self.problems):
            self.problems.append(FileError(message, hint))
