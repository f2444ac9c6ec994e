"""Damage: the damaged file is kept, what can be read is brought back, and the user is told."""

import contextlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from conversations import (
    all_texts,
    answer,
    ask,
    closed_history,
    copy_of,
    files_beside,
    killed_history,
    overwrite,
    question,
)
from starpad.core import history_opening, history_schema
from starpad.core.chat import MessageState, Role
from starpad.core.history_database import connect
from starpad.core.history_store import HistoryStore

PAGE = history_schema.PAGE_BYTES


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    return closed_history(tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    return killed_history(tmp_path_factory.mktemp("killed"))


@pytest.fixture
def path(closed: tuple[Path, dict[int, str]], tmp_path: Path) -> Path:
    """Return a copy of the database that a test may damage."""
    return copy_of(closed[0], tmp_path / "history")


@pytest.fixture
def texts(closed: tuple[Path, dict[int, str]]) -> dict[int, str]:
    return closed[1]


def _change(path: Path, *statements: str) -> None:
    """Change rows as damage would: without the database's own rules, noticed while it was used."""
    with contextlib.closing(connect(path)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            db.execute(statement)
    history_opening.note_damage(path)


def _page_of(path: Path, name: str) -> int:
    with contextlib.closing(connect(path)) as db:
        row = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        return int(row[0])


GARBAGE: dict[str, Callable[[bytes], bytes]] = {
    "another kind of file": lambda data: b'{"version": 1}',
    "noise": lambda data: random.Random(7).randbytes(len(data)),
    "zeros": lambda data: bytes(len(data)),
    "a few bytes": lambda data: data[:50],
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_set_aside_reported_and_a_new_history_begins(kind: str, path: Path) -> None:
    garbage = GARBAGE[kind](path.read_bytes())
    path.write_bytes(garbage)
    with contextlib.closing(HistoryStore.open(path)) as store:
        [report] = store.reports
        assert "brought back: 0 conversations with 0 messages" in report.message
        aside = path.with_name("history.db.damaged")
        assert str(aside) in report.hint
        assert aside.read_bytes() == garbage
        assert store.conversations() == ()
        ask(store, "a new beginning")
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert store.reports == ()
        assert len(store.conversations()) == 1
    assert files_beside(path) == ["history.db", "history.db.damaged"]


def test_a_second_damaged_file_does_not_replace_the_first(path: Path) -> None:
    for text in ("first", "second", "third"):
        path.write_text(text)
        HistoryStore.open(path).close()
    for number, text in (("", "first"), ("-2", "second"), ("-3", "third")):
        assert path.with_name(f"history.db.damaged{number}").read_text() == text


def test_with_a_lost_first_page_all_is_brought_back(path: Path, texts: dict[int, str]) -> None:
    overwrite(path, 0, bytes(PAGE))
    with contextlib.closing(HistoryStore.open(path)) as store:
        [report] = store.reports
        assert "brought back: 12 conversations with 72 messages." in report.message
        assert all_texts(store) == texts
        first = store.conversations()[-1]
        assert (first.title, first.leaf) == ("conversation 0", 6)
        store.check()


@pytest.mark.parametrize("version", [-1, 0, 1, 1_000_000])
def test_a_version_that_cannot_be_is_damage(
    version: int, path: Path, texts: dict[int, str]
) -> None:
    with contextlib.closing(connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert all_texts(store) == texts
        assert len(store.reports) == 1


def test_with_a_lost_page_of_messages_the_rest_is_brought_back(
    path: Path, texts: dict[int, str]
) -> None:
    place = path.read_bytes().index(b"5.5 def total")
    overwrite(path, place // PAGE * PAGE, bytes(PAGE))
    with contextlib.closing(HistoryStore.open(path)) as store:
        kept = all_texts(store)
        assert len(store.reports) == 1
        assert 0 < len(texts) - len(kept) < 9
        assert all(texts[number] == text for number, text in kept.items())


def test_a_file_that_was_cut_in_half_gives_what_is_left(path: Path, texts: dict[int, str]) -> None:
    os.truncate(path, path.stat().st_size // 2)
    with contextlib.closing(HistoryStore.open(path)) as store:
        kept = all_texts(store)
        assert len(kept) > 10
        assert all(texts[number] == text for number, text in kept.items())
        assert len(store.reports) == 1


def test_without_its_conversations_messages_get_new_ones_named_by_a_question(
    path: Path, texts: dict[int, str]
) -> None:
    overwrite(path, (_page_of(path, "conversations") - 1) * PAGE, bytes(PAGE))
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert all_texts(store) == texts
        conversations = store.conversations()
        assert len(conversations) == 12
        titles = {each.id: each.title for each in conversations}
        assert titles[1] == "0.0 def total(prices):"
        assert conversations[0].leaf == max(texts)
        assert conversations[0].updated_at >= conversations[0].created_at > 0
        assert [each.id for each in conversations] == sorted(titles, reverse=True)


@pytest.mark.parametrize("damage", ["none", "no log", "a log of noise", "an empty file"])
def test_a_killed_starpad_leaves_a_log_and_what_it_holds(
    damage: str, killed: tuple[Path, dict[int, str]], tmp_path: Path
) -> None:
    source, texts = killed
    path = copy_of(source, tmp_path / "history")
    wal = path.with_name("history.db-wal")
    assert wal.stat().st_size > 0
    if damage == "no log":
        wal.unlink()
    elif damage == "a log of noise":
        wal.write_bytes(random.Random(3).randbytes(50_000))
    elif damage == "an empty file":
        path.write_bytes(b"")
    with contextlib.closing(HistoryStore.open(path)) as store:
        is_lost = damage in ("no log", "a log of noise")
        assert all_texts(store) == ({} if is_lost else texts)
        assert len(store.reports) == (damage == "an empty file")
        ask(store, "goes on")
        store.check()


def test_a_folder_in_its_place_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.mkdir()
    (path / "file").write_text("theirs")
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(store.reports) == 1
        ask(store, "works")
    assert (tmp_path / "history.db.damaged" / "file").read_text() == "theirs"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_its_place_is_set_aside_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    os.mkfifo(path)
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(store.reports) == 1


def test_a_file_that_may_not_be_read_is_set_aside(path: Path, texts: dict[int, str]) -> None:
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the administrator may read anything")
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(store.reports) == 1
        assert store.conversations() == ()
    aside = path.with_name("history.db.damaged")
    aside.chmod(0o600)
    with contextlib.closing(HistoryStore.open(aside)) as store:
        assert all_texts(store) == texts


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_one(path: Path, texts: dict[int, str], tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    overwrite(path, 0, bytes(PAGE))
    with contextlib.closing(HistoryStore.open(link)) as store:
        assert all_texts(store) == texts
    assert link.is_symlink()
    assert files_beside(path) == ["history.db", "history.db.damaged"]


def test_a_message_without_its_parent_hangs_on_the_nearest_earlier_one(path: Path) -> None:
    with contextlib.closing(HistoryStore.open(path)) as store:
        conversation, [first, second, third, fourth] = ask(store, "q", "a", "q2", "a2")
        branch = store.add(conversation.id, question("other", second.id))
        root = store.add(conversation.id, question("another first"))
        deleted, _ = ask(store, "q")
        store.delete(deleted.id)
    _change(
        path,
        f"DELETE FROM messages WHERE id IN ({first.id}, {third.id})",
        f"UPDATE conversations SET leaf = 1 WHERE id = {conversation.id}",
        # In a circle, and in another conversation.
        f"UPDATE messages SET parent = {branch.id} WHERE id = {second.id}",
        f"UPDATE messages SET parent = 1 WHERE id = {branch.id}",
    )
    with contextlib.closing(HistoryStore.open(path)) as store:
        kept, messages = store.conversation(conversation.id)
        parents = {number: message.parent for number, message in messages.items()}
        assert parents == {
            second.id: None,
            fourth.id: second.id,
            branch.id: fourth.id,
            root.id: None,
        }
        assert kept.leaf == root.id
        assert deleted.id not in {each.id for each in store.conversations()}
        store.restore(deleted.id)
        # New ones do not get the ids of old ones.
        assert store.add(conversation.id, answer("a", root.id)).id > root.id


def test_values_that_make_no_sense_cost_only_themselves(path: Path) -> None:
    _change(
        path,
        """UPDATE messages SET role = 'x', state = x'ff', created_at = 'late', figures = '[',
            model = 7, problem = x'c3a9', text = CAST(x'61ff62' AS TEXT) WHERE id = 1""",
        'UPDATE messages SET figures = \'{"tokens": "x", "more": 1, "stop_reason": "eos"}\' '
        "WHERE id = 2",
        "UPDATE messages SET figures = '[]', parent = 'x', conversation = 'x' WHERE id = 3",
        "UPDATE conversations SET options = x'00', leaf = 'x', updated_at = 9e999, title = 5 "
        "WHERE id = 1",
    )
    with contextlib.closing(HistoryStore.open(path)) as store:
        conversation, messages = store.conversation(1)
        first = messages[1]
        assert (first.role, first.state, first.text) == (
            Role.USER,
            MessageState.COMPLETE,
            "a\ufffdb",
        )
        assert (first.created_at, first.figures, first.model, first.problem) == (0, None, "7", "é")
        assert messages[2].figures is not None
        assert (messages[2].figures.tokens, messages[2].figures.stop_reason) == (0, "eos")
        assert 3 not in messages
        assert (conversation.title, conversation.leaf) == ("5", 6)
        assert 0 < conversation.updated_at < 9e9
