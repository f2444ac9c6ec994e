"""HistoryStore: what a call did is on the disk, and a call that failed did nothing."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations import CODE, answer, ask, question
from starpad.core.chat import AnswerFigures, ChatOptions, Message, MessageState, Role
from starpad.core.errors import HistoryError
from starpad.core.history_database import connect
from starpad.core.history_store import KEPT_AFTER_DELETION_S, HistoryStore
from starpad.core.sampling import Sampling

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=50)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def store(path: Path) -> Iterator[HistoryStore]:
    with contextlib.closing(HistoryStore.open(path, busy_s=0.05)) as store:
        yield store


@pytest.fixture
def other(store: HistoryStore) -> Iterator[HistoryStore]:
    """Return another window on the same conversations."""
    with contextlib.closing(HistoryStore.open(store.path)) as other:
        yield other


@pytest.fixture(scope="module")
def lasting_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryStore]:
    folder = tmp_path_factory.mktemp("history")
    with contextlib.closing(HistoryStore.open(folder / "history.db")) as store:
        yield store


def test_what_is_kept_is_read_again_by_the_next_window(path: Path) -> None:
    options = ChatOptions("Be brief.", 99, Sampling(temperature=0.7, seed=3), "short")
    figures = AnswerFigures(100, 20, 5, 12.5, 80.25, "eos", 2)
    with contextlib.closing(HistoryStore.open(path)) as store:
        conversation = store.create(options, "sums")
        asked = store.add(conversation.id, question("How?"))
        told = store.add(conversation.id, answer("So", asked.id, MessageState.STREAMING))
        told = replace(told, text="So.", state=MessageState.FAILED, figures=figures, problem="Oh.")
        store.update(told)
    with contextlib.closing(HistoryStore.open(path)) as store:
        [kept] = store.conversations()
        assert (kept.id, kept.title, kept.options) == (conversation.id, "sums", options)
        assert kept.leaf == told.id
        assert store.conversation(kept.id) == (kept, {asked.id: asked, told.id: told})


@given(text=ANY_TEXT, title=ANY_TEXT)
def test_any_text_comes_back_as_it_was(lasting_store: HistoryStore, text: str, title: str) -> None:
    conversation = lasting_store.create(ChatOptions(system_prompt=text), title)
    asked = lasting_store.add(conversation.id, question(text))
    told = lasting_store.add(conversation.id, answer("", asked.id, MessageState.STREAMING))
    told = replace(told, text=title, model=text, problem=text, state=MessageState.STOPPED)
    lasting_store.update(told)
    kept, messages = lasting_store.conversation(conversation.id)
    assert kept.title == title
    assert kept.options.system_prompt == text
    assert messages == {asked.id: asked, told.id: told}
    lasting_store.rename(conversation.id, text)
    assert lasting_store.conversation(conversation.id)[0].title == text
    lasting_store.search(text)


@pytest.mark.parametrize("text", ["\udc80\ud800", "a\0b", "\ufeffx", "", "😀\u202e\u200b", "\r\n"])
def test_odd_texts_come_back_as_they_were(store: HistoryStore, text: str) -> None:
    conversation, [message] = ask(store, text, title=text)
    assert store.conversation(conversation.id) == (conversation, {message.id: message})
    assert conversation.title == message.text == text


def test_a_paste_of_a_megabyte_is_kept_and_found(store: HistoryStore) -> None:
    text = CODE * 12_000 + "the_needle"
    _, [message] = ask(store, text)
    assert len(text) > 900_000
    [hit] = store.search("needle")
    assert (hit.message_id, hit.snippet[hit.start :][: hit.length]) == (message.id, "needle")


def test_the_list_begins_with_what_was_spoken_in_last(store: HistoryStore) -> None:
    first, second, third = (ask(store, name, title=name)[0] for name in ("one", "two", "three"))
    store.add(first.id, question("more", first.leaf))
    store.rename(second.id, "renamed")
    assert [each.id for each in store.conversations()] == [first.id, third.id, second.id]
    assert [each.id for each in store.conversations(2)] == [first.id, third.id]
    assert [each.title for each in store.conversations(2, 2)] == ["renamed"]
    assert store.conversations(2, 3) == ()


def test_a_message_gets_an_id_a_time_and_the_end_of_the_path(store: HistoryStore) -> None:
    conversation = store.create(ChatOptions())
    before = time.time()
    message = store.add(conversation.id, replace(question("q"), id=4711))
    assert message.id != 4711
    assert message.created_at >= before
    kept = store.add(conversation.id, replace(question("q", message.id), created_at=5.0))
    assert kept.created_at == 5.0
    assert kept.id > message.id
    changed = store.conversation(conversation.id)[0]
    assert changed.leaf == kept.id
    assert changed.updated_at >= before


def test_path_title_and_options_are_set(store: HistoryStore) -> None:
    conversation, [asked, _] = ask(store, "q", "a")
    store.set_leaf(conversation.id, asked.id)
    store.rename(conversation.id, "new")
    store.set_options(conversation.id, ChatOptions(max_tokens=3))
    assert store.conversation(conversation.id)[0] == replace(
        conversation, leaf=asked.id, title="new", options=ChatOptions(max_tokens=3)
    )
    store.set_leaf(conversation.id, None)
    assert store.conversation(conversation.id)[0].leaf is None


def test_a_deleted_conversation_is_hidden_until_it_is_restored(store: HistoryStore) -> None:
    conversation, messages = ask(store, "needle", title="needles")
    store.delete(conversation.id)
    assert store.conversations() == store.search("needle") == ()
    store.purge(3600)
    assert len(store.conversation(conversation.id)[1]) == len(messages)
    store.restore(conversation.id)
    assert store.conversations() == (conversation,)
    assert len(store.search("needle")) == 1


def test_a_question_brings_back_what_another_window_deleted(
    store: HistoryStore, other: HistoryStore
) -> None:
    conversation, _ = ask(store, "q", "a")
    other.delete(conversation.id)
    store.add(conversation.id, question("still here", conversation.leaf))
    assert [each.id for each in other.conversations()] == [conversation.id]


def test_purging_removes_for_good_what_was_deleted_long_ago(store: HistoryStore) -> None:
    gone, _ = ask(store, "needle in it", "and more", title="gone")
    kept, _ = ask(store, "needle kept", title="kept")
    store.delete(gone.id)
    store.purge(0)
    with pytest.raises(HistoryError, match="does not exist"):
        store.conversation(gone.id)
    store.purge(0)
    assert store.conversations() == (kept,)
    assert [hit.conversation_id for hit in store.search("needle")] == [kept.id]
    assert store._db.execute("SELECT count(*) FROM messages").fetchone()[0] == 1
    store._db.execute("INSERT INTO message_index (message_index) VALUES ('integrity-check')")


def test_opening_purges_after_thirty_days(store: HistoryStore) -> None:
    old, _ = ask(store, "q")
    new, _ = ask(store, "q")
    for conversation, days in ((old, 1), (new, -1)):
        store.delete(conversation.id)
        when = time.time() - KEPT_AFTER_DELETION_S - days * 86_400
        store._db.execute(
            "UPDATE conversations SET deleted_at = ? WHERE id = ?", (when, conversation.id)
        )
    with contextlib.closing(HistoryStore.open(store.path)) as later:
        later.restore(new.id)
        with pytest.raises(HistoryError):
            later.restore(old.id)


def test_a_message_is_removed_with_all_below_it(store: HistoryStore) -> None:
    conversation, [asked, told, more, _] = ask(store, "q", "a", "needle", "b")
    branch = store.add(conversation.id, question("branch", told.id))
    other, _ = ask(store, "q", "needle")
    store.delete_message(more.id)
    kept, messages = store.conversation(conversation.id)
    assert list(messages) == [asked.id, told.id, branch.id]
    assert kept.leaf == branch.id, "it was not on the path"
    store.set_leaf(conversation.id, branch.id)
    store.delete_message(told.id)
    kept, messages = store.conversation(conversation.id)
    assert list(messages) == [asked.id]
    assert kept.leaf == asked.id
    store.delete_message(asked.id)
    assert store.conversation(conversation.id)[0].leaf is None
    assert [hit.conversation_id for hit in store.search("needle")] == [other.id]


def test_a_conversation_of_thousands_of_messages_is_removed_too(store: HistoryStore) -> None:
    conversation, messages = ask(store, *["text"] * 1500)
    store.delete_message(messages[1].id)
    assert len(store.conversation(conversation.id)[1]) == 1
    store.delete_message(messages[0].id)
    assert store.conversation(conversation.id)[1] == {}


GONE: dict[str, Callable[[HistoryStore], object]] = {
    "conversation": lambda store: store.conversation(99),
    "add": lambda store: store.add(99, question("q")),
    "update": lambda store: store.update(Message(99, None, Role.USER, "q")),
    "set_leaf": lambda store: store.set_leaf(99, None),
    "rename": lambda store: store.rename(99, "title"),
    "set_options": lambda store: store.set_options(99, ChatOptions()),
    "delete": lambda store: store.delete(99),
    "restore": lambda store: store.restore(99),
    "delete_message": lambda store: store.delete_message(99),
}


@pytest.mark.parametrize("call", GONE)
def test_what_another_window_removed_is_said_to_be_gone(call: str, store: HistoryStore) -> None:
    with pytest.raises(HistoryError, match="does not exist any more"):
        GONE[call](store)
    ask(store, "the store still works")


def test_a_message_hangs_only_on_one_of_its_own_conversation(store: HistoryStore) -> None:
    one, [asked] = ask(store, "q")
    other, _ = ask(store, "q")
    with pytest.raises(HistoryError):
        store.add(other.id, answer("a", asked.id))
    with pytest.raises(HistoryError):
        store.set_leaf(other.id, asked.id)
    assert len(store.conversation(other.id)[1]) == 1
    assert store.conversation(one.id)[0] == one


def test_a_window_notices_that_another_one_wrote(store: HistoryStore, other: HistoryStore) -> None:
    seen = store.data_version()
    conversation, _ = ask(store, "mine")
    assert store.data_version() == seen
    other.rename(conversation.id, "theirs")
    assert store.data_version() != seen
    assert store.conversations()[0].title == "theirs"


def test_closing_twice_is_fine_and_a_sound_file_passes_the_check(store: HistoryStore) -> None:
    ask(store, "q", "a")
    store.check()
    store.close()
    store.close()


def test_a_locked_database_is_reported_and_the_next_try_succeeds(
    store: HistoryStore, path: Path
) -> None:
    conversation, _ = ask(store, "q")
    with contextlib.closing(connect(path)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="another program") as caught:
            store.add(conversation.id, question("lost?", conversation.leaf))
        assert caught.value.retryable
        assert len(store.conversation(conversation.id)[1]) == 1, "reading goes on"
        foreign.execute("ROLLBACK")
    store.add(conversation.id, question("kept", conversation.leaf))
    assert len(store.conversation(conversation.id)[1]) == 2


def test_a_full_disk_is_reported_and_the_next_try_succeeds(store: HistoryStore) -> None:
    conversation, [asked] = ask(store, "q")
    [pages] = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    for call in (
        lambda: store.add(conversation.id, answer(CODE * 500, asked.id)),
        lambda: store.update(replace(asked, text=CODE * 500)),
    ):
        with pytest.raises(HistoryError, match="no room left on the disk") as caught:
            call()
        assert caught.value.retryable
    assert store.conversation(conversation.id) == (conversation, {asked.id: asked})
    store._db.execute("PRAGMA max_page_count = 1000000")
    told = store.add(conversation.id, answer(CODE * 500, asked.id))
    assert store.conversation(conversation.id)[1][told.id] == told
    store.check()


def test_a_database_that_may_only_be_read_is_reported(store: HistoryStore) -> None:
    conversation, _ = ask(store, "q")
    store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(HistoryError, match="cannot be opened for writing"):
        store.rename(conversation.id, "new")
    assert store.conversations() == (conversation,)


def test_a_bug_is_not_taken_for_trouble_with_the_disk(store: HistoryStore) -> None:
    store.close()
    with pytest.raises(Exception, match="closed database") as caught:
        store.conversations()
    assert not isinstance(caught.value, HistoryError)
