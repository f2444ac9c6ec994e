"""What came of each hole, on the disk: a line each, so that a kill loses nothing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starpad.core.errors import FileError
from starpad.core.evaluation import Outcome, Score

FILE_NAME = "outcomes.jsonl"


class EvaluationLog:
    """The outcomes in a folder, by their keys; of other evaluations, too, if they share it."""

    def __init__(self, folder: Path) -> None:
        """Read what is there, and make the folder. Raises FileError."""
        self.path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            data = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise _file_error(self.path, error) from error
        self._ends_well = not data or data.endswith(b"\n")
        self._outcomes = dict(filter(None, map(_read, data.split(b"\n"))))

    def get(self, key: str) -> Outcome | None:
        """Return an outcome, None if that was not asked yet."""
        return self._outcomes.get(key)

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome, on the disk at once. Raises FileError."""
        line = json.dumps({"key": key} | asdict(outcome)).encode() + b"\n"
        # A line that a kill has cut stays cut, and a line of its own.
        start = b"" if self._ends_well else b"\n"
        try:
            with self.path.open("ab", buffering=0) as file:
                file.write(start + line)
        except OSError as error:
            raise _file_error(self.path, error) from error
        self._ends_well = True
        self._outcomes[key] = outcome


def _read(line: bytes) -> tuple[str, Outcome] | None:
    try:
        values: dict[str, Any] = json.loads(line)
        key, score = str(values.pop("key")), Score(**values.pop("score"))
        return key, Outcome(score=score, **values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _file_error(path: Path, error: OSError) -> FileError:
    reason = error.strerror or error
    return FileError(f"{path} cannot be used: {reason}.", "Choose another folder for the results.")
