"""The search host: a child process that looks through one folder and ends.

A process and not a thread: a regular expression can run for minutes without letting go of the
interpreter. Killing the process is what ends a search.

One JSON line comes in, a FolderQuery. JSON lines go out: the hits of a file, or how far it is.
"""

import json
import os
from dataclasses import asdict
from typing import Any

from starpad.core import child_process
from starpad.core.folder_search import FileMatches, FolderQuery, LineMatch, Progress, search
from starpad.core.text_search import SearchQuery


def encode_query(query: FolderQuery) -> bytes:
    """Return the line that asks for a search."""
    return json.dumps(asdict(query)).encode() + b"\n"


def decode_query(line: str) -> FolderQuery:
    """Return what `encode_query` was given."""
    values = json.loads(line)
    return FolderQuery(**values | {"search": SearchQuery(**values["search"])})


def encode_result(result: FileMatches | Progress) -> str:
    """Return the line that tells a result."""
    return json.dumps(asdict(result))


def decode_result(line: str) -> FileMatches | Progress:
    """Return what `encode_result` was given."""
    values: dict[str, Any] = json.loads(line)
    if "path" not in values:
        return Progress(**values)
    return FileMatches(values["path"], tuple(LineMatch(**match) for match in values["matches"]))


def run() -> int:
    """Do the one search that stdin asks for; return the exit code."""
    child_process.ask_for_death_signal()
    if hasattr(os, "nice"):
        os.nice(5)
    answers = child_process.protected_stdout()
    with open(0, encoding="utf-8", closefd=False) as questions:
        query = decode_query(questions.readline())
    for result in search(query):
        answers.write(f"{encode_result(result)}\n")
        answers.flush()
    return 0
