"""What can be read of a damaged database comes into a new one; the damaged one is kept."""

import contextlib
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from starpad.core import history_rows, history_schema
from starpad.core.chat import Conversation, Message, Role, title_of
from starpad.core.errors import HistoryError
from starpad.core.history_database import (
    DATABASE_ERRORS,
    connect,
    connect_read_only,
    encoded,
    transaction,
)

log = logging.getLogger(__name__)

_LOGS = ("-wal", "-journal")
# One damaged page of the tree hides fewer rows than that.
_MOST_LOST_IN_A_ROW = 10_000


def damage_note(path: Path) -> Path:
    """Return the file that says: damage was found while the database was used."""
    return path.with_name(f"{path.name}.damage-found")


def is_due(path: Path) -> bool:
    """Say whether `recover` has to be called: damage was noted, or a recovery was cut off."""
    return _recovered(path).exists() or (path.exists() and damage_note(path).exists())


def recover(path: Path) -> HistoryError:
    """Put a new database in the place of a damaged one, and say what was brought back.

    Nobody else may use the database meanwhile. It may be cut off at any moment: what is there
    then is damaged as before, or is finished by the next call. Raises OSError and DATABASE_ERRORS.
    """
    recovered = _recovered(path)
    if not recovered.exists():
        _build(path, recovered)
    conversations, messages = _counts(recovered)
    aside = _set_aside(path)
    os.replace(recovered, path)
    damage_note(path).unlink(missing_ok=True)
    report = HistoryError(
        "The file of your conversations was damaged; brought back: "
        f"{_counted(conversations, 'conversation')} with {_counted(messages, 'message')}.",
        f"The damaged file is kept as {aside}.",
    )
    log.warning("%s", report)
    return report


def _recovered(path: Path) -> Path:
    """Return where a new database lies when it is complete, until it takes the old one's place."""
    return path.with_name(f"{path.name}.recovered")


def _build(path: Path, target: Path) -> None:
    """Make `target` a database of what can be read; it is complete once it is there."""
    folder = path.with_name(f"{path.name}.recovery")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        new = folder / "new"
        with contextlib.closing(connect(new)) as db:
            history_schema.prepare(db, new)
            with _readable(path, folder) as damaged, transaction(db):
                if damaged is not None:
                    _Rows(damaged, db).copy()
        os.replace(new, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _readable(path: Path, folder: Path) -> Iterator[sqlite3.Connection | None]:
    """Give a connection to what is damaged, or to a copy with a new first page, or None."""
    db = None
    # Opening a pipe would wait for ever.
    if path.is_file():
        # Of an empty file SQLite would delete the log.
        db = _opened(path) if path.stat().st_size else None
        with contextlib.suppress(PermissionError):
            db = db or _opened(_with_new_first_page(path, folder))
    try:
        yield db
    finally:
        if db is not None:
            db.close()


def _opened(path: Path) -> sqlite3.Connection | None:
    """Return a connection to a database of which at least the list of tables can be read."""
    db = None
    try:
        db = connect_read_only(path)
        db.execute("SELECT id FROM messages LIMIT 0")
    except DATABASE_ERRORS:
        if db is not None:
            db.close()
        return None
    return db


def _with_new_first_page(path: Path, folder: Path) -> Path:
    """Return a copy of the database whose first page is that of a new one.

    That page holds nothing but the list of the tables and on which page each begins, which are the
    same in every database of ours.
    """
    copy, sample = folder / "copy", folder / "sample"
    with contextlib.closing(connect(sample)) as db:
        history_schema.prepare(db, sample)
        db.execute("PRAGMA journal_mode = WAL")
    first = bytearray(sample.read_bytes()[: history_schema.PAGE_BYTES])
    # Where SQLite keeps the number of pages; what lies behind them would not be read.
    pages = max(1, path.stat().st_size // history_schema.PAGE_BYTES)
    first[28:32] = pages.to_bytes(4, "big")
    shutil.copyfile(path, copy)
    with copy.open("r+b") as stream:
        stream.write(first)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(path.with_name(f"{path.name}-wal"), copy.with_name("copy-wal"))
    return copy


class _Rows:
    """Copies the rows that can be read, in an order in which each finds what it hangs on."""

    def __init__(self, damaged: sqlite3.Connection, new: sqlite3.Connection) -> None:
        self._damaged = damaged
        self._new = new
        self._conversation_of: dict[int, int] = {}
        self._newest: dict[int, int] = {}
        self._leaves: dict[int, int | None] = {}
        self._untitled: set[int] = set()

    def copy(self) -> None:
        for row in _rows(self._damaged, "conversations"):
            deleted_at = row["deleted_at"] if "deleted_at" in row.keys() else None  # noqa: SIM118
            self._add_conversation(
                history_rows.conversation_of(row), history_rows.time_of(deleted_at) or None
            )
        for row in _rows(self._damaged, "messages"):
            conversation_id = row["conversation"]
            if isinstance(conversation_id, int) and conversation_id > 0:
                self._add_message(conversation_id, history_rows.message_of(row))
        for conversation_id, leaf in self._leaves.items():
            if self._conversation_of.get(leaf or 0) != conversation_id:
                leaf = self._newest.get(conversation_id)
            self._new.execute(
                """UPDATE conversations SET leaf = ?1, updated_at = max(updated_at,
                coalesce((SELECT created_at FROM messages WHERE id = ?1), 0)) WHERE id = ?2""",
                (leaf, conversation_id),
            )

    def _add_conversation(self, found: Conversation, deleted_at: float | None = None) -> None:
        self._leaves[found.id] = found.leaf
        self._new.execute(
            history_rows.INSERT_CONVERSATION,
            history_rows.conversation_values(found, found.id, deleted_at),
        )

    def _add_message(self, conversation_id: int, message: Message) -> None:
        if conversation_id not in self._leaves:
            when = message.created_at or time.time()
            self._add_conversation(Conversation(conversation_id, "", when, when))
            self._untitled.add(conversation_id)
        if conversation_id in self._untitled and message.role is Role.USER:
            self._untitled.remove(conversation_id)
            self._new.execute(
                "UPDATE conversations SET title = CAST(? AS TEXT) WHERE id = ?",
                (encoded(title_of(message.text)), conversation_id),
            )
        parent = message.parent
        if parent is not None and self._conversation_of.get(parent) != conversation_id:
            parent = self._newest.get(conversation_id)
        values = history_rows.message_values(
            replace(message, parent=parent), message.id, conversation_id
        )
        self._new.execute(history_rows.INSERT_MESSAGE, values)
        self._conversation_of[message.id] = self._newest[conversation_id] = message.id


def _rows(db: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """Give the rows that can be read, by rising ids."""
    last, lost = 0, 0
    while lost < _MOST_LOST_IN_A_ROW:
        try:
            for row in db.execute(f"SELECT * FROM {table} WHERE id > ? ORDER BY id", (last,)):
                if row["id"] > last:  # a damaged tree may lead to one page twice
                    last, lost = row["id"], 0
                    yield row
        except (*DATABASE_ERRORS, MemoryError):
            last, lost = last + 1, lost + 1
        else:
            return


def _counts(path: Path) -> tuple[int, int]:
    """Return how many conversations and messages a database holds."""
    with contextlib.closing(connect(path)) as db:
        conversations = db.execute("SELECT count(*) FROM conversations").fetchone()[0]
        return conversations, db.execute("SELECT count(*) FROM messages").fetchone()[0]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _set_aside(path: Path) -> Path:
    """Rename the damaged database and what belongs to it; return its new name."""
    aside, number = path.with_name(f"{path.name}.damaged"), 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    # The list of what is in the log; it is made anew whenever the log is read.
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    # The database last: if this is cut off, the next call finds the same name for it.
    for ending in (*_LOGS, ""):
        file = path.with_name(path.name + ending)
        if ending and file.exists() and file.stat().st_size == 0:
            file.unlink()
        elif file.exists():
            os.replace(file, aside.with_name(aside.name + ending))
    return aside
