"""The user's conversations on the disk, safe from kills, power cuts and other windows."""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from starpad.core import history_opening, history_rows, history_search
from starpad.core.chat import ChatOptions, Conversation, Message, MessageState
from starpad.core.errors import HistoryError, StarpadError
from starpad.core.history_database import (
    BUSY_S,
    DATABASE_ERRORS,
    as_text,
    encoded,
    explained,
    gone,
    is_damage,
    transaction,
)
from starpad.core.history_search import SearchHit

log = logging.getLogger(__name__)

KEPT_AFTER_DELETION_S = 30 * 24 * 3600.0
_INDEXED_AT_ONCE = 100

# A message and all that follows it.
_FROM_MESSAGE = """
    WITH RECURSIVE below (id, conversation) AS (
        SELECT id, conversation FROM messages WHERE id = ?
        UNION SELECT m.id, m.conversation FROM below
            JOIN messages AS m ON m.conversation = below.conversation AND m.parent = below.id
    )"""


class HistoryStore:
    """One window's connection, for one thread. What a call did is on the disk when it returns.

    Every method raises HistoryError; then nothing has changed, and the next call may succeed.
    """

    def __init__(self, opened: history_opening.OpenedHistory) -> None:
        self.path = opened.path
        self.reports: tuple[StarpadError, ...] = opened.reports
        """What was found damaged when it was opened, and what was brought back; for the user."""
        self._db = opened.db
        self._use = opened.use
        self._index_up_to: int | None = None

    @classmethod
    def open(cls, path: Path, *, busy_s: float = BUSY_S) -> "HistoryStore":
        """Open the database, made or brought back if need be.

        `busy_s` is how long a call waits for another window. Raises HistoryError.
        """
        store = cls(history_opening.open_history(path, busy_s=busy_s))
        # Not worth failing for: a full disk must not keep the conversations from being read.
        try:
            store.purge(KEPT_AFTER_DELETION_S)
            store.index_rest()
        except HistoryError as error:
            log.warning("the conversations could not be tidied up: %s", error)
        return store

    def close(self) -> None:
        """Close the database. May be called again."""
        self._db.close()
        self._use.close()

    def conversations(self, limit: int | None = None, offset: int = 0) -> tuple[Conversation, ...]:
        """Return the conversations that are not deleted, the one updated last first."""
        with self._calling():
            rows = self._db.execute(
                """SELECT * FROM conversations WHERE deleted_at IS NULL
                ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?""",
                (-1 if limit is None else limit, offset),
            )
            return tuple(map(history_rows.conversation_of, rows))

    def conversation(self, conversation_id: int) -> tuple[Conversation, dict[int, Message]]:
        """Return a conversation, be it deleted, and its messages by their ids."""
        # In one transaction, so that what another window writes in between does not show by half.
        with self._calling(), transaction(self._db, "DEFERRED"):
            row = self._db.execute(
                "SELECT * FROM conversations WHERE id = ?", (conversation_id,)
            ).fetchone()
            if row is None:
                raise gone()
            rows = self._db.execute(
                "SELECT * FROM messages WHERE conversation = ? ORDER BY id", (conversation_id,)
            )
            messages = {row["id"]: history_rows.message_of(row) for row in rows}
            return history_rows.conversation_of(row), messages

    def create(self, options: ChatOptions, title: str = "") -> Conversation:
        """Begin a conversation."""
        now = time.time()
        new = Conversation(0, title, now, now, None, options)
        with self._writing():
            cursor = self._db.execute(
                history_rows.INSERT_CONVERSATION, history_rows.conversation_values(new, None)
            )
            return replace(new, id=cursor.lastrowid or 0)

    def add(self, conversation_id: int, message: Message) -> Message:
        """Keep a new message and return it with its id; the conversation's path ends with it.

        Its own id does not count, and a time of 0 is now. A deleted conversation that goes on is
        not deleted any more.
        """
        now = time.time()
        message = replace(message, created_at=message.created_at or now)
        with self._writing():
            cursor = self._db.execute(
                history_rows.INSERT_MESSAGE,
                history_rows.message_values(message, None, conversation_id),
            )
            message = replace(message, id=cursor.lastrowid or 0)
            self._index_if_ended(message)
            self._db.execute(
                "UPDATE conversations SET leaf = ?, updated_at = ?, deleted_at = NULL WHERE id = ?",
                (message.id, now, conversation_id),
            )
            return message

    def update(self, message: Message) -> None:
        """Keep how far an answer is: text, state, figures, problem and model."""
        with self._writing():
            indexed = self._indexed_text(message.id)
            if indexed is not None and indexed != message.text:
                history_search.unindex(self._db, message.id, indexed)
                self._mark_indexed(message.id, is_indexed=False)
            values = (*history_rows.changing_values(message), message.id)
            self._db.execute(history_rows.UPDATE_MESSAGE, values)
            if indexed != message.text:
                self._index_if_ended(message)

    def set_leaf(self, conversation_id: int, leaf: int | None) -> None:
        """Let the path on the screen end with a message of the conversation."""
        self._change(
            """UPDATE conversations SET leaf = ?1 WHERE id = ?2 AND (?1 IS NULL OR EXISTS
            (SELECT 1 FROM messages WHERE id = ?1 AND conversation = ?2))""",
            (leaf, conversation_id),
        )

    def rename(self, conversation_id: int, title: str) -> None:
        """Give a conversation another title."""
        self._change(
            "UPDATE conversations SET title = CAST(? AS TEXT) WHERE id = ?",
            (encoded(title), conversation_id),
        )

    def set_options(self, conversation_id: int, options: ChatOptions) -> None:
        """Let a conversation's questions be answered in another way from now on."""
        self._change(
            "UPDATE conversations SET options = ? WHERE id = ?",
            (options.to_json(), conversation_id),
        )

    def delete(self, conversation_id: int) -> None:
        """Hide a conversation; `restore` brings it back until it is purged."""
        self._change(
            "UPDATE conversations SET deleted_at = ? WHERE id = ?", (time.time(), conversation_id)
        )

    def restore(self, conversation_id: int) -> None:
        """Bring back a deleted conversation."""
        self._change("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (conversation_id,))

    def purge(self, older_than_s: float) -> None:
        """Remove for good what was deleted so many seconds ago, or earlier."""
        before = time.time() - older_than_s
        deleted = "SELECT id FROM conversations WHERE deleted_at <= ?"
        with self._calling():
            if self._db.execute(deleted, (before,)).fetchone() is None:
                return
        with self._writing():
            for row in self._db.execute(deleted, (before,)).fetchall():
                number = (row["id"],)
                messages = "SELECT id FROM messages WHERE conversation = ?"
                self._unindex_all(messages, number)
                self._db.execute("DELETE FROM messages WHERE conversation = ?", number)
                self._db.execute("DELETE FROM conversations WHERE id = ?", number)

    def delete_message(self, message_id: int) -> None:
        """Remove a message and all below it; a path that ended there ends with its parent."""
        below, number = f"{_FROM_MESSAGE} SELECT id FROM below", (message_id,)
        with self._writing():
            row = self._db.execute(
                "SELECT conversation, parent FROM messages WHERE id = ?", number
            ).fetchone()
            if row is None:
                raise gone()
            self._db.execute(
                f"UPDATE conversations SET leaf = ? WHERE id = ? AND leaf IN ({below})",
                (row["parent"], row["conversation"], message_id),
            )
            self._unindex_all(below, number)
            # At once: a message below refers to the one above.
            self._db.execute(f"DELETE FROM messages WHERE id IN ({below})", number)

    def search(self, text: str, limit: int = 50) -> tuple[SearchHit, ...]:
        """Return the conversations that hold all words of `text`: see `history_search.search`."""
        with self._calling():
            return history_search.search(self._db, text, limit)

    def data_version(self) -> int:
        """Return a number that differs from the last one if another window has written since."""
        with self._calling():
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def index_rest(self) -> bool:
        """Let some of what an earlier Starpad left unindexed be found; say whether there is more.

        That is an answer which a kill cut off; after a recovery it is everything, and takes long.
        """
        rest = "SELECT id, text FROM messages WHERE is_indexed = 0 AND id <= ? ORDER BY id LIMIT ?"
        with self._calling():
            if self._index_up_to is None:
                # Later ones are indexed as soon as they have ended.
                newest = self._db.execute("SELECT max(id) FROM messages").fetchone()[0]
                self._index_up_to = newest or 0
            if self._db.execute(rest, (self._index_up_to, 1)).fetchone() is None:
                return False
        with self._writing():
            rows = self._db.execute(rest, (self._index_up_to, _INDEXED_AT_ONCE)).fetchall()
            for row in rows:
                history_search.index(self._db, row["id"], as_text(row["text"]))
                self._mark_indexed(row["id"], is_indexed=True)
        return len(rows) == _INDEXED_AT_ONCE

    def check(self) -> None:
        """Read the whole file; HistoryError if it is damaged. Takes a second for some 500 MB."""
        with self._calling():
            history_opening.check(self._db)

    def _change(self, statement: str, values: tuple[history_rows.Value, ...]) -> None:
        with self._writing():
            if self._db.execute(statement, values).rowcount == 0:
                raise gone()

    def _indexed_text(self, message_id: int) -> str | None:
        """Return the text as which a message can be found."""
        row = self._db.execute(
            "SELECT CASE WHEN is_indexed THEN text END AS text FROM messages WHERE id = ?",
            (message_id,),
        ).fetchone()
        if row is None:
            raise gone()
        return None if row["text"] is None else as_text(row["text"])

    def _index_if_ended(self, message: Message) -> None:
        if message.state is not MessageState.STREAMING:
            history_search.index(self._db, message.id, message.text)
            self._mark_indexed(message.id, is_indexed=True)

    def _mark_indexed(self, message_id: int, *, is_indexed: bool) -> None:
        self._db.execute(
            "UPDATE messages SET is_indexed = ? WHERE id = ?", (is_indexed, message_id)
        )

    def _unindex_all(self, ids: str, values: tuple[int, ...]) -> None:
        """Let the messages that the query `ids` gives be found no more."""
        indexed = f"SELECT id, text FROM messages WHERE id IN ({ids}) AND is_indexed"
        for row in self._db.execute(indexed, values).fetchall():
            history_search.unindex(self._db, row["id"], as_text(row["text"]))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._calling(), transaction(self._db):
            yield

    @contextlib.contextmanager
    def _calling(self) -> Iterator[None]:
        """Translate SQLite's errors; damage is noted for the next start, which then repairs it."""
        try:
            yield
        except sqlite3.ProgrammingError:  # a bug
            raise
        except DATABASE_ERRORS as error:
            if is_damage(error):
                history_opening.note_damage(self.path)
            raise explained(error, self.path) from error
