"""Opening the database of the conversations: one window at a time, and only a sound one."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starpad.core import history_recovery, history_schema
from starpad.core.errors import HistoryError, StarpadError
from starpad.core.history_database import (
    DATABASE_ERRORS,
    connect,
    damaged,
    explained,
    is_damage,
    is_foreign,
)

# Reading every page of a larger file would be felt at the start; what is damaged in one is found
# when it is read.
_CHECKED_BYTES = 32_000_000
_LOOK_S = 0.5


class _DamagedError(Exception):
    """The database cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class OpenedHistory:
    """An open database of today's version."""

    path: Path
    db: sqlite3.Connection
    use: sqlite3.Connection
    """Says that a window uses the database, until it is closed."""
    reports: tuple[StarpadError, ...]
    """What was found damaged and what was brought back."""


def open_history(path: Path, *, busy_s: float) -> OpenedHistory:
    """Open the database at `path`: a new one, or one that is brought to today's version.

    A damaged one is set aside and what can be read is brought back. Waits `busy_s` for another
    window that does the same. Raises HistoryError.
    """
    # A link stays one: files are kept and renamed beside its target.
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No other window opens it, or begins to use it, meanwhile.
        with contextlib.closing(_lock(path, "lock", "IMMEDIATE", busy_s)):
            reports: tuple[StarpadError, ...] = ()
            try:
                db = _open_sound(path, busy_s)
            except _DamagedError:
                reports = (_recover_alone(path, busy_s),)
                db = _open_sound(path, busy_s)
            with contextlib.ExitStack() as stack:
                stack.callback(db.close)
                use = _lock(path, "in-use", "DEFERRED", busy_s)
                stack.pop_all()
            return OpenedHistory(path, db, use, reports)
    except (OSError, *DATABASE_ERRORS) as error:
        raise explained(error, path) from error
    except _DamagedError as error:
        raise HistoryError(
            "Your conversations are damaged again, right after they were brought back.",
            f"The disk may be broken: copy {path.parent} to another one.",
        ) from error


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep every window away from the database at `path`, which need not be there.

    Raises HistoryError, retryable if a window uses it. Leaves no file behind that was not there.
    """
    path = Path(os.path.realpath(path))
    kinds = {"lock": "IMMEDIATE", "in-use": "EXCLUSIVE"}
    files = [path.with_name(f"{path.name}.{name}") for name in kinds]
    new = [file for file in files if not file.exists()]
    try:
        with contextlib.ExitStack() as stack:
            try:
                for name, kind in kinds.items():
                    lock = _lock(path, name, kind, busy_s=_LOOK_S)
                    stack.enter_context(contextlib.closing(lock))
            except (OSError, *DATABASE_ERRORS) as error:
                raise explained(error, path) from error
            yield
    finally:
        for file in new:
            with contextlib.suppress(OSError):
                file.unlink()


def note_damage(path: Path) -> None:
    """Let the next `open_history` bring back what can be read, whatever it finds."""
    with contextlib.suppress(OSError):
        history_recovery.damage_note(path).touch()


def check(db: sqlite3.Connection) -> None:
    """Read every page; raises sqlite3.DatabaseError if the database is damaged."""
    [answer] = db.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise damaged(answer)


def _recover_alone(path: Path, busy_s: float) -> HistoryError:
    """Bring back what can be read, and say what; raises HistoryError if another window is there."""
    try:
        lock = _lock(path, "in-use", "EXCLUSIVE", busy_s)
    except sqlite3.OperationalError as error:
        raise HistoryError(
            "Your conversations are damaged, and another window of Starpad still uses them.",
            "Close all windows of Starpad and start it again: it brings back what can be read.",
            retryable=True,
        ) from error
    with contextlib.closing(lock):
        return history_recovery.recover(path)


def _open_sound(path: Path, busy_s: float) -> sqlite3.Connection:
    """Return a connection to a database of today's version; raises _DamagedError as well."""
    if history_recovery.is_due(path) or _is_unusable(path):
        raise _DamagedError
    if not path.exists():
        history_recovery.damage_note(path).unlink(missing_ok=True)
    db: sqlite3.Connection | None = None
    try:
        db = connect(path, busy_s=busy_s)
        history_schema.prepare(db, path)
        # Only now: all that a new database needs lies in the file itself, not in a log beside it.
        db.execute("PRAGMA journal_mode = WAL")
        _look_into(db)
        if path.stat().st_size <= _CHECKED_BYTES:
            check(db)
    except BaseException as error:
        if db is not None:
            db.close()
        # Tables that are not ours, or not all: the version number cannot be trusted.
        if is_damage(error) or is_foreign(error):
            raise _DamagedError from error
        raise
    return db


def _is_unusable(path: Path) -> bool:
    """Say whether there is something that is no file, or not for us, or lost its beginning."""
    if not path.exists():
        return False
    if not path.is_file() or not os.access(path, os.R_OK):
        return True
    # SQLite would take it for a new one and delete the log, with all that is in it.
    return path.stat().st_size == 0 and path.with_name(f"{path.name}-wal").exists()


def _look_into(db: sqlite3.Connection) -> None:
    """Read a little of each table: the ends are what is read and written next."""
    for table in ("conversations", "messages"):
        for order in ("ASC", "DESC"):
            db.execute(f"SELECT * FROM {table} ORDER BY id {order} LIMIT 1").fetchall()
    db.execute("SELECT rowid FROM message_index WHERE message_index MATCH '\"the\"'").fetchone()


def _lock(path: Path, name: str, kind: str, busy_s: float) -> sqlite3.Connection:
    """Return a lock that holds until it is closed: it is SQLite's own, on an empty file.

    So it is the same on every system, and a killed process leaves none behind. IMMEDIATE: only one
    has it; DEFERRED: many may; EXCLUSIVE: nobody else has it in any way.
    """
    file = path.with_name(f"{path.name}.{name}")
    lock: sqlite3.Connection | None = None
    try:
        lock = connect(file, busy_s=busy_s)
        # In memory: nothing is ever written, and no journal is to be left behind.
        lock.execute("PRAGMA journal_mode = MEMORY")
        lock.execute(f"BEGIN {kind}")
        lock.execute("SELECT 1 FROM sqlite_master").fetchone()
    except DATABASE_ERRORS as error:
        if lock is not None:
            lock.close()
        if not is_damage(error):
            raise
        # Somebody wrote into it: it holds nothing of worth.
        file.unlink()
        return _lock(path, name, kind, busy_s)
    return lock
