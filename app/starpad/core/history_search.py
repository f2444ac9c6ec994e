"""Full-text search through the conversations, and the index that it needs."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starpad.core.history_database import as_text, encoded

# The index knows texts by three characters in a row.
_TRIGRAM = 3
# A longer query is looked up by its beginning, and then compared in full.
_MOST_WORDS = 16
_MOST_TRIGRAMS = 200
_MOST_CHARACTERS = 64
_SNIPPET_BEFORE = 40
_SNIPPET_AFTER = 120


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A conversation that holds what was searched for; `message_id` is None for its title."""

    conversation_id: int
    title: str
    message_id: int | None
    snippet: str
    """One line around the first hit."""
    start: int
    """Where the hit begins in `snippet`."""
    length: int
    updated_at: float


def index(db: sqlite3.Connection, message_id: int, text: str) -> None:
    """Let a message be found, inside a transaction. Its text must not change before `unindex`."""
    db.execute("INSERT INTO message_index (rowid, text) VALUES (?, ?)", (message_id, _padded(text)))


def unindex(db: sqlite3.Connection, message_id: int, text: str) -> None:
    """Let a message be found no more; `text` is what was indexed."""
    db.execute(
        "INSERT INTO message_index (message_index, rowid, text) VALUES ('delete', ?, ?)",
        (message_id, _padded(text)),
    )


def search(db: sqlite3.Connection, query: str, limit: int) -> tuple[SearchHit, ...]:
    """Return the conversations with a title, or else a message, that holds all words of `query`.

    A word is found in any place, also within another, and whatever its case. First come titles,
    then messages, each newest first; deleted conversations are left out; an answer that is
    being written may be. Raises DATABASE_ERRORS.
    """
    words = query.replace("\0", " ").split()[:_MOST_WORDS]
    if not words:
        return ()
    patterns = [re.compile(re.escape(word), re.IGNORECASE) for word in words]
    whole = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    hits: dict[int, SearchHit] = {}
    for row in _candidates(db, words):
        if len(hits) >= limit:
            break
        text = as_text(row["text"])
        if row["conversation"] in hits or not all(pattern.search(text) for pattern in patterns):
            continue
        found = whole.search(text) or patterns[0].search(text)
        assert found is not None
        snippet, start, length = _snippet(text, *found.span())
        hits[row["conversation"]] = SearchHit(
            row["conversation"], as_text(row["title"]), row["message"], snippet, start, length,
            row["updated_at"],
        )  # fmt: skip
    return tuple(hits.values())


def _candidates(db: sqlite3.Connection, words: Sequence[str]) -> Iterator[sqlite3.Row]:
    """Give the texts that may hold the words, best first."""
    longest = max(words, key=len)
    yield from db.execute(
        """SELECT id AS conversation, title, NULL AS message, title AS text, updated_at
        FROM conversations WHERE deleted_at IS NULL AND title LIKE CAST(? AS TEXT) ESCAPE '\\'
        ORDER BY updated_at DESC, id DESC""",
        # LIKE knows the case of ASCII letters only; others are compared later.
        (_like(re.sub(r"[^\0-\x7f]", "\0", longest)),),
    )
    # The cross joins keep the order in which messages are read, so that a word which is nearly
    # everywhere has its hits together after a few of them.
    columns = "SELECT c.id AS conversation, c.title, m.id AS message, m.text, c.updated_at FROM"
    join = "CROSS JOIN conversations AS c ON c.id = m.conversation AND c.deleted_at IS NULL"
    terms = [term for word in words if (term := _term(db, word)) is not None]
    if terms:
        yield from db.execute(
            f"""{columns} message_index AS i CROSS JOIN messages AS m ON m.id = i.rowid {join}
            WHERE message_index MATCH ? ORDER BY i.rowid DESC""",
            (" AND ".join(terms),),
        )
    else:
        like = "m.text LIKE CAST(? AS TEXT) ESCAPE '\\'"
        yield from db.execute(
            f"{columns} messages AS m {join} WHERE {like} OR {like} ORDER BY m.id DESC",
            (_like(longest.lower()), _like(longest.upper())),
        )


def _term(db: sqlite3.Connection, word: str) -> str | None:
    """Return a word in FTS5's language; None if it is too short and in too many places.

    A word of one or two characters is the beginning of some of the trigrams that there are.
    """
    if len(word) >= _TRIGRAM:
        return _quoted(word)
    start = _indexable(word.lower())
    rows = db.execute(
        "SELECT term FROM trigrams WHERE term >= ? AND term < ? LIMIT ?",
        (start, start + "\U0010ffff", _MOST_TRIGRAMS + 1),
    ).fetchall()
    if len(rows) > _MOST_TRIGRAMS:
        return None
    # Without any, one that is nowhere either.
    trigrams = [as_text(row["term"]) for row in rows] or [start + "\U0010ffff" * _TRIGRAM]
    return "(" + " OR ".join(map(_quoted, trigrams)) + ")"


def _indexable(text: str) -> str:
    """Return what the index may see of a text: it ends at a NUL, and takes no lone surrogate."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _padded(text: str) -> str:
    """Return a message for the index; in the end, too, each character begins a trigram."""
    return _indexable(text) + " " * (_TRIGRAM - 1)


def _quoted(word: str) -> str:
    """Return a word as a string of FTS5's language, in which no character means anything."""
    return '"' + _indexable(word[:_MOST_CHARACTERS]).replace('"', '""') + '"'


def _like(word: str) -> bytes:
    """Return a pattern for what holds a word; a NUL in it stands for any character."""
    pattern = re.sub(r"([%_\\])", r"\\\1", word[:_MOST_CHARACTERS]).replace("\0", "_")
    return encoded(f"%{pattern}%")


def _snippet(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Return a line around a hit, and where the hit begins in it and how long it is."""
    end = min(end, start + _SNIPPET_AFTER)
    first, last = max(0, start - _SNIPPET_BEFORE), min(len(text), end + _SNIPPET_AFTER)
    lead = _line(text[first:start]).lstrip()
    hit = _line(text[start:end])
    tail = _line(text[end:last]).rstrip()
    if first > 0:
        lead = "…" + lead
    if last < len(text):
        tail += "…"
    return lead + hit + tail, len(lead), len(hit)


def _line(text: str) -> str:
    """Return a text in one line, runs of blanks as one, nothing in it that does not print."""
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text))
