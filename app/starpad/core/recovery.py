"""Unsaved text as Starpad 0.1.0 kept it in a crash: one JSON file a document.

Only read: what is kept today lies in sessions (`core/session_store.py`).
"""

import codecs
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starpad.core.errors import FileError
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
