"""Finding text in the files of a folder: which files count, and where in them it stands."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path, PurePosixPath

from starpad.core import text_file
from starpad.core.ignored_files import IgnoreRules
from starpad.core.text_search import SearchQuery

MAX_FILE_BYTES = 5_000_000
MAX_MATCHES = 10_000
_MATCHES_AT_ONCE = 200
_PREVIEW_CHARACTERS = 200
_BEFORE_MATCH = 60
_PROGRESS_S = 0.1
_NO_TEXT_BYTES = 8_000


@dataclass(frozen=True, slots=True)
class FolderQuery:
    """What is looked for, and in which files.

    `include` and `exclude` are patterns with commas between: `*.py, docs/**`. One without a slash
    counts for the name of a file or of any folder above it. `open_texts` are documents with
    changes that are not saved: their text counts, not the file's.
    """

    folder: str
    search: SearchQuery
    include: str = ""
    exclude: str = ""
    open_texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineMatch:
    """One hit: its line (from 1), column and length (in code points), and the line to look at."""

    line: int
    column: int
    length: int
    preview: str
    preview_column: int
    """Where the hit stands in the preview, of which both ends may be cut off."""


@dataclass(frozen=True, slots=True)
class FileMatches:
    """Hits in one file; of many hits it takes several."""

    path: str
    matches: tuple[LineMatch, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the search is."""

    done: int
    total: int
    is_cut_short: bool = False
    """There are more than MAX_MATCHES; the rest was not looked for."""


def compiled(search: SearchQuery) -> re.Pattern[str]:
    """Return what finds the hits; raises re.error if it is no regular expression."""
    flags = re.MULTILINE | (re.NOFLAG if search.matches_case else re.IGNORECASE)
    return re.compile(search.pattern, flags)


def search(query: FolderQuery) -> Iterator[FileMatches | Progress]:
    """Yield what is found, file by file, and now and then how far it is, also at the end.

    Files that are too large, binary or unreadable are passed over, and links are not followed.
    """
    pattern = compiled(query.search)
    folder = Path(query.folder)
    names = [name for name in files_of(folder) if _is_wanted(name, query)]
    left, told = MAX_MATCHES, 0.0
    for number, name in enumerate(names):
        if time.monotonic() - told > _PROGRESS_S:
            told = time.monotonic()
            yield Progress(number, len(names))
        path = str(folder / name)
        text = query.open_texts[path] if path in query.open_texts else _text_of(path, pattern)
        hits = _matches(pattern, text)
        while matches := tuple(islice(hits, min(_MATCHES_AT_ONCE, left))):
            yield FileMatches(path, matches)
            left -= len(matches)
        if not left:
            yield Progress(number + 1, len(names), is_cut_short=True)
            return
    yield Progress(len(names), len(names))


def files_of(folder: Path) -> list[str]:
    """Return the files of a folder, relative and sorted; those that git ignores are left out."""
    listed = _git_files(folder)
    if listed is None:
        return sorted(_walked(folder))
    names: list[str] = []
    for name in listed:
        # A repository in a repository is listed as a folder.
        is_folder = name.endswith("/") or (folder / name).is_dir()
        names += (
            (f"{name.rstrip('/')}/{each}" for each in files_of(folder / name))
            if is_folder
            else [name]
        )
    return sorted(names)


def _git_files(folder: Path) -> list[str] | None:
    """Ask git; None if there is no git, or the folder is not in a work tree."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # A repository from elsewhere may name a program as its file system monitor.
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others"]
    try:
        result = subprocess.run(
            [*command, "--exclude-standard"], cwd=folder, env=environment, check=False,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
    except OSError:
        return None
    if result.returncode:
        return None
    # A folder that is ignored as a whole was opened on purpose.
    return list(dict.fromkeys(filter(None, os.fsdecode(result.stdout).split("\0")))) or None


def _walked(folder: Path) -> Iterator[str]:
    rules = IgnoreRules.load(folder)
    for place, folders, files in os.walk(folder):
        inner = Path(place).relative_to(folder).as_posix()
        start = "" if inner == "." else f"{inner}/"
        folders[:] = [
            name for name in folders if not rules.is_ignored(start + name, is_folder=True)
        ]
        yield from (start + name for name in files if not rules.is_ignored(start + name))


def _is_wanted(name: str, query: FolderQuery) -> bool:
    include, exclude = _patterns(query.include), _patterns(query.exclude)
    is_included = not include or any(_fits(name, pattern) for pattern in include)
    return is_included and not any(_fits(name, pattern) for pattern in exclude)


def _patterns(text: str) -> list[str]:
    return [part.strip().removeprefix("./") for part in text.split(",") if part.strip()]


def _fits(name: str, pattern: str) -> bool:
    if "/" not in pattern.rstrip("/"):
        return any(fnmatch(part, pattern.rstrip("/")) for part in PurePosixPath(name).parts)
    return fnmatch(name, pattern) or fnmatch(name, f"{pattern.rstrip('/')}/*")


def _text_of(path: str, pattern: re.Pattern[str]) -> str:
    """Return the text as the editor would show it, empty if there is nothing to find in it."""
    try:
        if os.path.islink(path) or os.path.getsize(path) > MAX_FILE_BYTES:
            return ""
        data = Path(path).read_bytes()
    except OSError:
        return ""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return text_file.decode(data).text
    if b"\0" in data[:_NO_TEXT_BYTES]:
        return ""
    # What an editor must know of a file takes longer than to look into it.
    rough = data.decode(errors="replace").replace("\r\n", "\n")
    return text_file.decode(data).text if pattern.search(rough) else ""


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[LineMatch]:
    line, line_start = 1, 0
    for match in pattern.finditer(text):
        if match.start() == match.end():
            continue  # an empty hit is nowhere to go to
        skipped = text.count("\n", line_start, match.start())
        if skipped:
            line += skipped
            line_start = text.rindex("\n", 0, match.start()) + 1
        line_end = text.find("\n", match.start())
        line_end = len(text) if line_end < 0 else line_end
        column = match.start() - line_start
        cut = max(0, column - _BEFORE_MATCH) if line_end - line_start > _PREVIEW_CHARACTERS else 0
        preview = text[line_start + cut : min(line_end, line_start + cut + _PREVIEW_CHARACTERS)]
        indent = len(preview) - len(preview.lstrip())
        indent = min(indent, column - cut)
        yield LineMatch(
            line, column, match.end() - match.start(), preview[indent:], column - cut - indent
        )
