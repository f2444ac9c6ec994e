"""Finds the pieces of a folder's files that are nearest to some words: SQLite's FTS5, by BM25."""

import sqlite3
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from starpad.repository.chunks import pieces_of
from starpad.repository.folder_files import FolderFiles, Stamp
from starpad.repository.words import told_words

_MOST_WORDS = 4_000
"""Of one piece: a table of names has no more to say."""


@dataclass(frozen=True, slots=True)
class Found:
    """A piece that is near, by its file and its place in `pieces_of`."""

    name: str
    number: int


class FolderIndex:
    """A folder's pieces by their words. It follows the files in small steps.

    The texts are not in it: who wants one reads the file, and is told if it may not any more.
    """

    def __init__(self, files: FolderFiles) -> None:
        self._files = files
        # A private database in a temporary file: what does not fit in its cache is on the disk.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            """PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            CREATE TABLE pieces (id INTEGER PRIMARY KEY, file TEXT, number INTEGER);
            CREATE INDEX by_file ON pieces (file);
            CREATE VIRTUAL TABLE words USING fts5(text, tokenize = "unicode61 tokenchars '_'");
            """
        )
        self._indexed: dict[str, Stamp] = {}
        self._waiting: dict[str, Stamp | None] = {}
        self._scanned_s = float("-inf")

    @property
    def names(self) -> Collection[str]:
        """Return the files as of the last look, whether they are indexed by now or not."""
        return {name for name in self._indexed | self._waiting if self._waiting.get(name, 1)}

    @property
    def is_complete(self) -> bool:
        """Return whether all that the last look found is indexed."""
        return not self._waiting

    def look(self, least_age_s: float) -> bool:
        """Look which files are new, changed or gone, unless the last look is no older than that.

        Return whether it looked.
        """
        if time.monotonic() - self._scanned_s < least_age_s:
            return False
        found = self._files.scan()
        gone = dict.fromkeys(name for name in self._indexed if name not in found)
        changed = {name: stamp for name, stamp in found.items() if self._indexed.get(name) != stamp}
        self._waiting = {**gone, **changed}
        self._scanned_s = time.monotonic()
        return True

    def work(self, limit_s: float) -> None:
        """Index some of what waits, for about that long."""
        until = time.monotonic() + limit_s
        self._database.execute("BEGIN")
        while self._waiting:
            name = next(iter(self._waiting))
            self._index(name, self._waiting.pop(name))
            if time.monotonic() > until:
                break
        self._database.execute("COMMIT")

    def nearest(
        self, words: Iterable[str], passed_over: Collection[str], limit: int
    ) -> list[Found]:
        """Return the pieces nearest to the words, best first, not of the files passed over."""
        query = " OR ".join(f'"{word}"' for word in words)
        if not query:
            return []
        rows = self._database.execute(
            """SELECT file, number FROM words JOIN pieces ON pieces.id = words.rowid
            WHERE words MATCH ? ORDER BY bm25(words) LIMIT ?""",
            (query, limit + 16 * len(passed_over)),
        )
        found = [Found(name, number) for name, number in rows if name not in passed_over]
        return found[:limit]

    def _index(self, name: str, stamp: Stamp | None) -> None:
        execute = self._database.execute
        execute("DELETE FROM words WHERE rowid IN (SELECT id FROM pieces WHERE file = ?)", (name,))
        execute("DELETE FROM pieces WHERE file = ?", (name,))
        self._indexed.pop(name, None)
        if stamp is None:
            return
        self._indexed[name] = stamp
        for number, piece in enumerate(pieces_of(self._files.read(name) or "")):
            words = list(islice(told_words(piece.text), _MOST_WORDS))
            if words:
                row = execute("INSERT INTO pieces (file, number) VALUES (?, ?)", (name, number))
                execute(
                    "INSERT INTO words (rowid, text) VALUES (?, ?)",
                    (row.lastrowid, " ".join(words)),
                )
