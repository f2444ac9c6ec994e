"""Unsaved text that outlives the program: one JSON file a document, read at the next start."""

import codecs
import json
import logging
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from starpad.core.errors import FileError
from starpad.core.file_store import replace
from starpad.core.text_file import TextFormat

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecoveredDocument:
    """A document with unsaved text; `path` is None if it never had a file."""

    path: Path | None
    title: str
    text: str
    format: TextFormat
    caret: int
    """In UTF-16 units, as QTextCursor counts."""
    entry: Path | None = None
    """The file that `load` read it from, for `clear`."""


def save(folder: Path, documents: Iterable[RecoveredDocument]) -> list[Path]:
    """Keep documents in `folder` (made if missing) and return the new files, for `clear`.

    Only the user can read them. Files of earlier calls stay. If one document cannot be kept the
    others still are; then FileError is raised at the end.
    """
    saved: list[Path] = []
    lost: list[str] = []
    reason: OSError | None = None
    # In the order of saving also when loaded, and never the name of another program's entry.
    stamp = f"{time.time_ns():020}-{os.getpid()}"
    for number, document in enumerate(documents):
        entry = folder / f"{stamp}-{number:04}.json"
        fields = {
            "path": None if document.path is None else str(document.path),
            "title": document.title,
            "text": document.text,
            "format": asdict(document.format),
            "caret": document.caret,
        }
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # json escapes all but ASCII, so half a surrogate pair survives too.
            replace(entry, json.dumps(fields).encode("ascii"), mode=0o600)
            saved.append(entry)
        except OSError as error:
            lost.append(document.title)
            reason = error
    if reason is not None:
        raise FileError(
            f"The unsaved text of {', '.join(lost)} could not be kept: {reason.strerror}.",
            "Save it yourself before you close Starpad.",
            retryable=True,
        ) from reason
    return saved


def load(folder: Path) -> list[RecoveredDocument]:
    """Return the documents kept in `folder`, oldest first.

    An entry that cannot be read is logged, skipped and left where it is.
    """
    documents: list[RecoveredDocument] = []
    for entry in sorted(folder.glob("*.json")):
        try:
            documents.append(_document(entry))
        except (OSError, ValueError, LookupError, RecursionError) as error:
            _log.warning("Unsaved text in %s cannot be read: %s", entry, error)
    return documents


def clear(entries: Iterable[Path]) -> None:
    """Delete entries whose text is saved or given up; one that is gone already is fine."""
    for entry in entries:
        try:
            entry.unlink(missing_ok=True)
        except OSError as error:
            raise FileError(
                f"{entry} could not be deleted: {error.strerror}.", "Delete it yourself."
            ) from error


def _document(entry: Path) -> RecoveredDocument:
    match json.loads(entry.read_bytes()):
        case {
            "path": str() | None as path,
            "title": str(title),
            "text": str(text),
            "format": {
                "encoding": str(encoding),
                "has_bom": bool(has_bom),
                "line_end": "\n" | "\r\n" | "\r" as line_end,
            },
            "caret": int(caret),
        } if caret >= 0:
            codecs.lookup(encoding)
            text_format = TextFormat(encoding, has_bom, line_end)
            place = None if path is None else Path(path)
            return RecoveredDocument(place, title, text, text_format, caret, entry)
        case _:
            raise ValueError("it holds other fields than Starpad writes")
