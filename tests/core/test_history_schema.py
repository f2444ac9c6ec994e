"""The tables: a new database, an older one with a backup, one from a newer Starpad."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from conversations import ask, question
from starpad.core import history_schema
from starpad.core.chat import ChatOptions, Message, MessageState, Role
from starpad.core.errors import HistoryError
from starpad.core.history_database import connect
from starpad.core.history_store import HistoryStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "history.db"


def _version_1(path: Path) -> None:
    """Write a database as the first version did, with one question and its answer."""
    path.parent.mkdir()
    with contextlib.closing(connect(path)) as db:
        for statement in history_schema.STEPS[0]:
            db.execute(statement)
        db.execute("PRAGMA user_version = 1")
        options = ChatOptions(max_tokens=7).to_json()
        db.execute("INSERT INTO conversations VALUES (3, 'sums', 10, 20, 9, ?)", (options,))
        db.execute(
            """INSERT INTO messages VALUES
            (8, 3, NULL, 'user', 'How do I add_up?', 'complete', 11, '', NULL, ''),
            (9, 3, 8, 'assistant', 'With sum().', 'cut', 12, 'demo', '{"tokens": 4}', '')"""
        )


def _names(path: Path) -> list[str]:
    locks = {"history.db.lock", "history.db.in-use"}
    return sorted({file.name for file in path.parent.iterdir()} - locks)


def test_a_new_database_is_of_todays_version_and_only_for_the_user(path: Path) -> None:
    with contextlib.closing(HistoryStore.open(path)) as store:
        ask(store, "question")
        assert history_schema.version_of(store._db) == history_schema.VERSION
        assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert store.reports == ()
        if os.name == "posix":
            for file in path.parent.iterdir():
                assert file.stat().st_mode & 0o077 == 0, f"others may read {file.name}"
    assert _names(path) == ["history.db"]


def test_a_database_of_version_1_becomes_todays_and_nothing_is_lost(path: Path) -> None:
    _version_1(path)
    with contextlib.closing(HistoryStore.open(path)) as store:
        [conversation] = store.conversations()
        assert (conversation.id, conversation.title, conversation.leaf) == (3, "sums", 9)
        assert conversation.options == ChatOptions(max_tokens=7)
        messages = store.conversation(3)[1]
        assert messages[8] == Message(8, None, Role.USER, "How do I add_up?", created_at=11)
        assert messages[9].state is MessageState.CUT
        assert messages[9].figures is not None
        assert messages[9].figures.tokens == 4
        assert [hit.message_id for hit in store.search("dd_u")] == [8]
        assert store.add(3, question("And now?", 9)).id == 10
        assert store.reports == ()


def test_a_backup_lies_beside_a_migrated_database(path: Path) -> None:
    _version_1(path)
    HistoryStore.open(path).close()
    backup = history_schema.backup_path(path, 2)
    assert _names(path) == ["history.db", "history.db.before-2.backup"]
    with contextlib.closing(connect(backup)) as db:
        assert history_schema.version_of(db) == 1
        assert db.execute("SELECT text FROM messages WHERE id = 8").fetchone()[0].startswith("How")
    # It is a database of its own, so it can be put in the other's place.
    os.replace(backup, path)
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(store.conversation(3)[1]) == 2


def test_a_step_that_fails_changes_nothing_and_is_done_the_next_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _version_1(path)
    broken = (history_schema.STEPS[0], ("CREATE TABLE more (id)", "INSERT INTO nowhere VALUES (1)"))
    with monkeypatch.context() as patch, contextlib.closing(connect(path)) as db:
        patch.setattr(history_schema, "STEPS", broken)
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            history_schema.prepare(db, path)
        assert history_schema.version_of(db) == 1
        tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
        assert "more" not in tables
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(store.conversation(3)[1]) == 2


def test_without_a_backup_nothing_is_migrated(path: Path) -> None:
    _version_1(path)
    before = path.read_bytes()
    backup = history_schema.backup_path(path, 2)
    backup.mkdir()
    with pytest.raises(HistoryError):
        HistoryStore.open(path)
    assert path.read_bytes() == before
    assert _names(path) == ["history.db", "history.db.before-2.backup"]
    backup.rmdir()
    HistoryStore.open(path).close()


def test_a_database_of_a_newer_starpad_is_refused_and_not_touched(path: Path) -> None:
    HistoryStore.open(path).close()
    with contextlib.closing(connect(path)) as db:
        db.execute(f"PRAGMA user_version = {history_schema.VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="newer version of Starpad") as caught:
        HistoryStore.open(path)
    assert str(path) in caught.value.hint
    assert path.read_bytes() == before
    assert _names(path) == ["history.db"]
