"""What is asked of the repository host and what it answers, a JSON line each."""

import json
from dataclasses import asdict, dataclass

from starpad.core.repository_context import ContextChunk, ContextReason


@dataclass(frozen=True, slots=True)
class Question:
    """Which pieces of a folder's other files are worth reading at a caret. Paths are in it."""

    serial: int
    root: str
    path: str
    """Of the file with the caret; empty if it has none."""
    head: str
    """Its first lines; empty if they are to be read from the file."""
    before: str
    """The lines around the caret."""
    after: str
    open_paths: tuple[str, ...] = ()
    held_paths: tuple[str, ...] = ()
    """Of texts that the asker has already: may they be shown?"""
    most_characters: int = 10_000
    """Of one piece with its path: more has no room in the prompt."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The pieces, best first, and which of the held paths may not be shown."""

    serial: int
    chunks: tuple[ContextChunk, ...]
    refused_paths: tuple[str, ...]
    is_final: bool
    """False while files are still being read: another answer will come."""


def encode(message: Question | Answer) -> str:
    """Return the line that says it."""
    return json.dumps(asdict(message))


def decode_question(line: str) -> Question:
    """Return what `encode` was given."""
    values = json.loads(line)
    paths = {name: tuple(values[name]) for name in ("open_paths", "held_paths")}
    return Question(**values | paths)


def decode_answer(line: str) -> Answer:
    """Return what `encode` was given."""
    values = json.loads(line)
    chunks = (
        ContextChunk(chunk["path"], chunk["text"], ContextReason(chunk["reason"]))
        for chunk in values["chunks"]
    )
    return Answer(
        values["serial"], tuple(chunks), tuple(values["refused_paths"]), values["is_final"]
    )
