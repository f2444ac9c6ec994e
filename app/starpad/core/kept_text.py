"""One document's unsaved text on the disk: all of it once, and a journal of what changed since.

`N.text` is a head (one line of JSON) and the text. `N.TOKEN.edits`, whose token the head names, has
a line for each change: a checksum and JSON. What a kill or a full disk broke off is not followed.
"""

import contextlib
import json
import logging
import os
import secrets
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from starpad.core import file_store, line_ends, text_file
from starpad.core.edited_text import CHUNK_BYTES, EditedText, TextChange, edited_text
from starpad.core.file_store import Signature
from starpad.core.text_file import TextFormat

_log = logging.getLogger(__name__)

TEXT, EDITS, SAVING = ".text", ".edits", ".saving"
_VERSION = 2
_BEFORE_EDITS = 1
"""The version that had no journal; its text is UTF-8."""
_LEAST_JOURNAL, _MOST_JOURNAL = 256_000, 16_000_000
"""Bytes: a journal is followed in less than a second, and short ones need no new text."""


@dataclass(frozen=True, slots=True)
class KeptHead:
    """What is known of a document with unsaved text; `number` is its own within the session."""

    number: int
    path: Path | None
    title: str
    format: TextFormat
    signature: Signature | None = None
    """Of the file as it was read or written last."""
    caret: int = 0
    """Where it was when the text was kept, in UTF-16 units."""
    revision: int = 0
    """Of the editor's document: the caret of a KeptTab with another one is not for this text."""
    is_saved: bool = False
    """The file holds the text, too. It is kept on, so that the next change costs no more."""


@dataclass(frozen=True, slots=True)
class Saving:
    """A file is about to be written: if it holds these bytes, they are newer than what is kept."""

    number: int
    path: Path
    sha256: str
    temporary: Path | None = None
    """The file that takes its place; a kill leaves it behind."""


@dataclass(frozen=True, slots=True)
class KeptText(KeptHead):
    r"""A document with its unsaved text, whose line ends are \n."""

    text: str = ""
    saving: Saving | None = None
    """The last saving that was begun, if any was since the text was kept first."""


@dataclass(frozen=True, slots=True)
class TextUpdate:
    """What has become of a document's text since the last update, or since it was empty."""

    head: KeptHead
    changes: tuple[TextChange, ...]
    is_whole: bool = False
    """The changes make all of the text, whatever was there before."""

    def then(self, later: "TextUpdate") -> "TextUpdate":
        """Return both as one."""
        if later.is_whole:
            return later
        return TextUpdate(later.head, self.changes + later.changes, self.is_whole)


class KeptTextWriter:
    """Writes one document's text. Every call may raise OSError; then it may be made again."""

    def __init__(self, folder: Path, number: int) -> None:
        self._file = folder / f"{number}{TEXT}"
        self._journal = self._file
        self._text_bytes = self._journal_bytes = 0

    def write(self, update: TextUpdate) -> None:
        """Have an update on the disk when this returns."""
        if update.is_whole:
            text = EditedText()
            for change in update.changes:
                text.apply(change)
            self._write_all(update.head, text)
            return
        self._append(update)
        if self._journal_bytes > min(max(self._text_bytes, _LEAST_JOURNAL), _MOST_JOURNAL):
            # The update is safe already, so the next one may see to it that this is done.
            try:
                self._write_all(*_replayed(self._file))
            except (OSError, ValueError, LookupError) as error:
                _log.warning("The journal of %s stays long: %s", self._file, error)

    def _write_all(self, head: KeptHead, text: EditedText) -> None:
        """Put the text in the place of what was there, with an empty journal."""
        if head.format.stored:
            text = edited_text(text_file.as_stored(text.text(), head.format))
        before, token = self._journal, secrets.token_hex(4)
        length = text.units * 2
        first = {"version": _VERSION, **_as_json(head), "bytes": length, "journal": token}
        pieces = (json.dumps(first).encode("ascii"), b"\n")
        file_store.replace(self._file, (*pieces, *text.pieces()), mode=0o600)
        self._journal = _journal(self._file, token)
        self._text_bytes, self._journal_bytes = length, 0
        if before != self._file:
            before.unlink(missing_ok=True)

    def _append(self, update: TextUpdate) -> None:
        *others, last = update.changes or (TextChange(0, 0, ""),)
        length = self._journal_bytes
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
        with open(os.open(self._journal, flags, 0o600), "wb") as stream:
            # What an earlier try wrote in part is written over.
            stream.seek(length)
            stream.truncate()
            for change in others:
                length += stream.write(_line(None, change))
            length += stream.write(_line(update.head, last))
            stream.flush()
            os.fsync(stream.fileno())
        self._journal_bytes = length


def remove(folder: Path, number: int) -> None:
    """Forget a document's text."""
    # First that without which the others are not looked at.
    for kind in (TEXT, SAVING):
        (folder / f"{number}{kind}").unlink(missing_ok=True)
    for journal in folder.glob(f"{number}.*{EDITS}"):
        journal.unlink(missing_ok=True)


def read(file: Path) -> KeptText:
    """Return what is kept in a file named `N.text`. Raises OSError, ValueError or LookupError."""
    head, edited = _replayed(file)
    return KeptText(
        head.number, head.path, head.title, head.format, head.signature, head.caret, head.revision,
        head.is_saved, edited.text(), read_saving(file.with_suffix(SAVING)),
    )  # fmt: skip


def note_saving(folder: Path, saving: Saving) -> None:
    """Note a saving before it is done; not synced."""
    note = {
        "path": str(saving.path), "sha256": saving.sha256,
        "temporary": saving.temporary and str(saving.temporary),
    }  # fmt: skip
    (folder / f"{saving.number}{SAVING}").write_bytes(json.dumps(note).encode("ascii"))


def read_saving(file: Path) -> Saving | None:
    """Return the saving that was noted in a file named `N.saving`, if that can be read."""
    with contextlib.suppress(OSError, ValueError):
        match json.loads(file.read_bytes()):
            case {"path": str(path), "sha256": str(sha256), **rest}:
                temporary = rest.get("temporary")
                return Saving(
                    int(file.stem), Path(path), sha256,
                    Path(temporary) if isinstance(temporary, str) else None,
                )  # fmt: skip
    return None


def _replayed(file: Path) -> tuple[KeptHead, EditedText]:
    with file.open("rb") as stream:
        first = json.loads(stream.readline())
        head = _head(int(file.stem), first)
        match first:
            case {"version": int(version), "bytes": int(length)} if version == _BEFORE_EDITS:
                body = stream.read()
                text = edited_text(body.decode("utf-8", "surrogatepass"))
                is_whole = len(body) == length
                token = ""
            case {"version": int(version), "bytes": int(length), "journal": str(token)} if (
                version == _VERSION
            ):
                text = EditedText()
                for piece in _pieces(stream):
                    text.append(piece)
                is_whole = text.units * 2 == length
            case _:
                raise ValueError("it is not of this Starpad")
    if not is_whole:
        raise ValueError("it is not whole")
    if head.format.stored:
        stored = text.text()
        head = replace(head, format=replace(head.format, stored=stored))
        text = edited_text(line_ends.unified(stored))
    if token:
        for later, change in _lines(_journal(file, token)):
            text.apply(change)
            if later is not None:
                head = _following(head, later)
    return head, text


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(CHUNK_BYTES):
        yield piece


def _journal(file: Path, token: str) -> Path:
    return file.with_name(f"{file.stem}.{token}{EDITS}")


def _line(head: KeptHead | None, change: TextChange) -> bytes:
    row = [head and _as_json(head), change.start, change.removed, change.text]
    body = json.dumps(row).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _lines(journal: Path) -> Iterator[tuple[dict[str, object] | None, TextChange]]:
    """Yield what a journal holds up to the first line that is not whole."""
    try:
        stream = journal.open("rb")
    except FileNotFoundError:
        return  # nothing has changed since
    with stream:
        for line in stream:
            checksum, _, body = line.partition(b" ")
            if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(body[:-1]):
                return
            match json.loads(body):
                case [dict() | None as head, int(start), int(removed), str(text)]:
                    yield head, TextChange(start, removed, text)
                case _:
                    raise ValueError("its journal holds other fields than this Starpad writes")


def _following(head: KeptHead, later: dict[str, object]) -> KeptHead:
    """Return the later head; the text as it was stored stands with the first one."""
    new = _head(head.number, later)
    if not new.format.stored:
        return new
    return replace(new, format=replace(new.format, stored=head.format.stored))


def _as_json(head: KeptHead) -> dict[str, object]:
    return {
        "path": None if head.path is None else str(head.path),
        "title": head.title,
        "format": asdict(replace(head.format, stored="")),
        "is_mixed": bool(head.format.stored),
        "signature": None if head.signature is None else asdict(head.signature),
        "caret": head.caret,
        "revision": head.revision,
        "is_saved": head.is_saved,
    }


def _head(number: int, row: object) -> KeptHead:
    """Return a head; its format's `stored` only tells whether the text's line ends are mixed."""
    match row:
        case {
            "path": str() | None as path,
            "title": str(title),
            "format": {"encoding": str(encoding), "line_end": "\n" | "\r\n" | "\r"} as stored_as,
            "is_mixed": bool(is_mixed),
            "signature": dict() | None as signature,
            "caret": int(caret),
            "revision": int(revision),
            **rest,
        } if "\0" not in encoding:
            "".encode(encoding)
            return KeptHead(
                number,
                None if path is None else Path(path),
                title,
                replace(TextFormat(**stored_as), stored="mixed" if is_mixed else ""),
                None if signature is None else Signature(**signature),
                max(0, caret),
                revision,
                rest.get("is_saved") is True,
            )
        case _:
            raise ValueError("it is not whole, or not of this Starpad")
