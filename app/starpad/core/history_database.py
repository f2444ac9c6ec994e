"""A connection to the database of conversations, and what its errors mean to the user."""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from starpad.core.errors import ConversationGoneError, HistoryError

BUSY_S = 5.0
"""How long a call waits for another window's write."""

DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What a call may raise: the second for an error whose sentence quotes damaged names."""

_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def connect(path: Path, *, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open a database; a new file is the user's alone. Raises OSError and DATABASE_ERRORS.

    Nothing is committed by itself but single statements: see `transaction`.
    """
    # Only if it is not there: closing a file drops all of this process's locks on it (POSIX).
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
    try:
        db.execute("PRAGMA foreign_keys = ON")
        # A commit that was answered for survives a power cut; the second is for macOS, where a
        # sync alone does not reach the disk.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")
    except BaseException:
        db.close()
        raise
    return as_starpad_reads(db)


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a database that is not to be changed in the least. Raises DATABASE_ERRORS."""
    return as_starpad_reads(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    )


def as_starpad_reads(db: sqlite3.Connection) -> sqlite3.Connection:
    """Let rows have names, and texts be what `encoded` wrote."""
    db.row_factory = sqlite3.Row
    db.text_factory = _decoded
    return db


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Do all that is done inside, or nothing of it."""
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled it back already, or fail once more.
        with contextlib.suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")
        raise


def encoded(text: str) -> bytes:
    """Return any text as bytes, to be bound as `CAST(? AS TEXT)`.

    SQLite's binding takes no lone surrogate, which a file name or a paste may hold.
    """
    return text.encode("utf-8", "surrogatepass")


def _decoded(data: bytes) -> str:
    """Return what `encoded` was given; a damaged byte costs its character only."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def as_text(value: object) -> str:
    """Return a text, however damage may have changed its kind."""
    match value:
        case str():
            return value
        case bytes():
            return _decoded(value)
        case None:
            return ""
        case _:
            return str(value)


def damaged(reason: str) -> sqlite3.DatabaseError:
    """Return the error that SQLite raises for a damaged database."""
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def is_damage(error: BaseException) -> bool:
    """Say whether the database itself is what is wrong."""
    return _code(error) in _DAMAGED or isinstance(error, UnicodeDecodeError)


def is_foreign(error: BaseException) -> bool:
    """Say whether a table or column of ours is missing, or there twice."""
    return _code(error) == sqlite3.SQLITE_ERROR


def explained(error: Exception, path: Path) -> HistoryError:
    """Return what an error of SQLite or of the system means for the conversations in `path`."""
    code = _code(error)
    if is_damage(error):
        return HistoryError(
            "Some of your conversations are damaged on the disk.",
            "Start Starpad again: it keeps the damaged file and brings back what can be read.",
        )
    if code in _LOCKED:
        return HistoryError(
            "Your conversations are in use by another program.",
            f"Try again, or close the program that uses {path}.",
            retryable=True,
        )
    number = error.errno if isinstance(error, OSError) else None
    if code in _READ_ONLY or number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return HistoryError(
            "Your conversations cannot be opened for writing.",
            f"Check the rights of {path} and of its folder.",
        )
    if code == sqlite3.SQLITE_FULL or number in (errno.ENOSPC, errno.EDQUOT):
        return HistoryError(
            "There is no room left on the disk for the conversations.",
            "Free some space and try again; what was kept before is not lost.",
            retryable=True,
        )
    if code == sqlite3.SQLITE_IOERR:
        return HistoryError(
            "The disk failed while conversations were read or written.",
            f"Look whether it is full or broken, then try again; they are kept in {path}.",
            retryable=True,
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return gone()
    reason = error.strerror if isinstance(error, OSError) else error
    return HistoryError(
        f"Your conversations could not be read or kept: {reason}.",
        f"Look at {path} and its folder, then try again.",
        retryable=True,
    )


def gone() -> ConversationGoneError:
    """Return the error for what another window has deleted."""
    return ConversationGoneError(
        "This conversation or message does not exist any more.",
        "It was deleted, perhaps in another window; choose another conversation.",
    )


def _code(error: BaseException) -> int | None:
    """Return SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
