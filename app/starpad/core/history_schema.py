"""The tables of the conversations, and how an older database becomes one of today's."""

import contextlib
import os
import sqlite3
from pathlib import Path

from starpad.core.errors import HistoryError
from starpad.core.history_database import connect, damaged, transaction
from starpad.core.versions import backup_path

PAGE_BYTES = 4096

# What leads from one version to the next; the first makes an empty database one of version 1.
# A step that was released is never changed: a later one does what it should have done.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE conversations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            title TEXT NOT NULL,
            created_at REAL NOT NULL,
            updated_at REAL NOT NULL,
            leaf INTEGER,
            options TEXT NOT NULL
        )""",
        # A message's parent lies in the same conversation: so says the last line.
        """CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            conversation INTEGER NOT NULL REFERENCES conversations (id),
            parent INTEGER,
            role TEXT NOT NULL,
            text TEXT NOT NULL,
            state TEXT NOT NULL,
            created_at REAL NOT NULL,
            model TEXT NOT NULL,
            figures TEXT,
            problem TEXT NOT NULL,
            UNIQUE (conversation, id),
            FOREIGN KEY (conversation, parent) REFERENCES messages (conversation, id)
        )""",
        "CREATE INDEX messages_by_parent ON messages (conversation, parent)",
        "CREATE INDEX conversations_by_time ON conversations (updated_at)",
    ),
    (
        "ALTER TABLE conversations ADD COLUMN deleted_at REAL",
        # An answer that is being written is not indexed: each second costs the whole text.
        "ALTER TABLE messages ADD COLUMN is_indexed INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX messages_not_indexed ON messages (id) WHERE is_indexed = 0",
        # Trigrams find a part of an identifier, which whole words do not.
        "CREATE VIRTUAL TABLE message_index USING fts5 (text, content='', tokenize='trigram')",
        "CREATE VIRTUAL TABLE trigrams USING fts5vocab (message_index, row)",
    ),
)
VERSION = len(STEPS)
_NEWEST_THINKABLE = 200


def version_of(db: sqlite3.Connection) -> int:
    """Return the schema version of a database, 0 for one without tables."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Bring the database in `path` to today's version; a backup lies beside it before each step.

    Only one window at a time may do it. Raises HistoryError for a database of a newer Starpad,
    which is not touched, OSError and DATABASE_ERRORS.
    """
    version = version_of(db)
    if not 0 <= version <= _NEWEST_THINKABLE:
        raise damaged(f"no version {version} was ever made")
    if version > VERSION:
        raise HistoryError(
            "Your conversations were kept by a newer version of Starpad.",
            f"Install that version again; nothing was changed in {path}.",
        )
    if version == 0:
        # What recovery knows of a database's first page holds for pages of this size.
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    for next_version in range(version + 1, VERSION + 1):
        if version > 0:
            _back_up(db, backup_path(path, next_version))
        with transaction(db):
            for statement in STEPS[next_version - 1]:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {next_version}")


def _back_up(db: sqlite3.Connection, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with contextlib.closing(connect(part)) as copy:
            db.backup(copy)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
