"""The search: every text can be asked for, and what holds it is found."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations import CODE, answer, ask, question
from starpad.core.chat import ChatOptions, MessageState
from starpad.core.history_search import SearchHit
from starpad.core.history_store import HistoryStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HistoryStore]:
    with contextlib.closing(HistoryStore.open(tmp_path / "history.db")) as store:
        yield store


def _found(store: HistoryStore, query: str) -> set[int]:
    return {hit.conversation_id for hit in store.search(query)}


def _marked(hit: SearchHit) -> str:
    return hit.snippet[hit.start : hit.start + hit.length]


@pytest.mark.parametrize(
    "query",
    ["user", "get_user", "r_na", "getUser", "GETUSER", "name(", "->", "übe", "ÜBE", "ü", "Ü"],
)  # fmt: skip
def test_any_part_of_an_identifier_is_found_whatever_its_case(
    store: HistoryStore, query: str
) -> None:
    conversation, [message] = ask(store, "def get_user_name(x) -> über: return getUserName(x)")
    ask(store, "something else")
    [hit] = store.search(query)
    assert (hit.conversation_id, hit.message_id) == (conversation.id, message.id)
    assert _marked(hit).lower() == query.lower()


def test_all_words_must_be_there_in_any_order(store: HistoryStore) -> None:
    both, _ = ask(store, "sort the list of primes")
    ask(store, "sort it")
    ask(store, "a list", "primes")
    assert _found(store, "primes sort") == {both.id}
    assert _found(store, "primes of") == {both.id}, "a short word counts too"
    [hit] = store.search("sort  the")
    assert _marked(hit) == "sort the", "together where they stand together"


@pytest.mark.parametrize(
    "query",
    [
        '"', '""', 'un"balanced', "*", "-", "NEAR(a b)", "a OR b", "NOT", "text:x", "(", "^a", "{",
        "'", "😀", "%", "_", "\\", "a\0b", "\udcff", "\udcff\udcfe\udcfd", "\ufeff", "+", ":",
        ";--", "text MATCH 'x'", "\u0130\u0130\u0130", "x" * 100_000, "a " * 9999,
    ],
)  # fmt: skip
def test_no_query_is_a_mistake_and_each_is_found_as_it_is_written(
    store: HistoryStore, query: str
) -> None:
    ask(store, "nothing of the kind, I hope")
    conversation, _ = ask(store, f"before {query} after")
    assert conversation.id in _found(store, query)


@pytest.mark.parametrize("letter", ["q", "Q", "й", "Й"])
def test_a_letter_is_found_also_where_it_begins_very_much(store: HistoryStore, letter: str) -> None:
    conversation, _ = ask(store, " ".join(f"{letter}{number:02x}" for number in range(256)))
    ask(store, "none here")
    assert _found(store, letter.lower()) == _found(store, letter.upper()) == {conversation.id}
    assert _found(store, f"{letter} {letter}f") == {conversation.id}


@pytest.mark.parametrize("query", ["", " ", "\n", "\0"])
def test_an_empty_query_finds_nothing(store: HistoryStore, query: str) -> None:
    ask(store, "text")
    assert store.search(query) == ()


def test_what_stands_behind_a_nul_is_found(store: HistoryStore) -> None:
    conversation, _ = ask(store, "a\0needle")
    assert _found(store, "needle") == {conversation.id}


def test_wildcards_of_the_database_are_plain_characters(store: HistoryStore) -> None:
    ask(store, "ab cd")
    conversation, _ = ask(store, "100% a_b \\")
    for query in ("%", "_", "\\", "a_", "0%", "a_b"):
        assert _found(store, query) == {conversation.id}, query


def test_a_conversation_comes_once_titles_first_then_the_newest(store: HistoryStore) -> None:
    old, _ = ask(store, "needle", "needle", title="other")
    titled, _ = ask(store, "needle", title="A needle's title")
    new, [_, second] = ask(store, "needle", "the last needle")
    hits = store.search("needle")
    assert [hit.conversation_id for hit in hits] == [titled.id, new.id, old.id]
    assert hits[0].message_id is None
    assert (hits[0].snippet, _marked(hits[0])) == ("A needle's title", "needle")
    assert hits[1].message_id == second.id
    assert (hits[2].title, hits[2].updated_at) == (old.title, old.updated_at)
    assert store.search("needle", limit=2) == hits[:2]


def test_a_snippet_is_one_line_around_the_hit(store: HistoryStore) -> None:
    ask(store, CODE * 30 + "\n\n\there \x1b\u202e is\n  the  needle\r\nand\tmore\n" + CODE * 30)
    [hit] = store.search("the needle")
    assert _marked(hit) == "the needle"
    assert "here is the needle and more def total" in hit.snippet
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert hit.snippet.isprintable()
    assert len(hit.snippet) < 200


def test_the_hit_itself_may_be_longer_than_a_snippet(store: HistoryStore) -> None:
    ask(store, "x" * 5000)
    [hit] = store.search("x" * 4000)
    assert len(hit.snippet) < 300
    assert hit.start + hit.length <= len(hit.snippet)


def test_an_answer_is_found_when_it_has_ended(store: HistoryStore) -> None:
    conversation, [asked] = ask(store, "question")
    told = store.add(conversation.id, answer("", asked.id, MessageState.STREAMING))
    told = replace(told, text="first needle")
    store.update(told)
    assert store.search("needle") == ()
    store.update(replace(told, state=MessageState.CUT))
    assert _found(store, "needle") == {conversation.id}
    # It is continued: what is no longer right is not found any more.
    store.update(replace(told, text="first thread", state=MessageState.STREAMING))
    assert store.search("needle") == ()
    store.update(replace(told, text="first thread", state=MessageState.COMPLETE))
    store.update(replace(told, text="first thread", state=MessageState.FAILED, problem="Oh."))
    assert _found(store, "thread") == {conversation.id}
    store._db.execute("INSERT INTO message_index (message_index) VALUES ('integrity-check')")


def test_an_answer_that_a_kill_cut_off_is_found_after_the_next_start(store: HistoryStore) -> None:
    conversation, [asked] = ask(store, "question")
    told = store.add(conversation.id, answer("a needle", asked.id, MessageState.STREAMING))
    assert store.search("needle") == ()
    with contextlib.closing(HistoryStore.open(store.path)) as next_store:
        assert _found(next_store, "needle") == {conversation.id}
        # The first window was still alive after all, and goes on.
        store.update(replace(told, text="a thread", state=MessageState.COMPLETE))
        assert next_store.search("needle") == ()
        assert _found(next_store, "thread") == {conversation.id}


def test_a_renamed_conversation_is_found_by_its_new_title(store: HistoryStore) -> None:
    conversation, _ = ask(store, "text", title="old")
    store.rename(conversation.id, "Größe")
    assert _found(store, "old") == set()
    assert _found(store, "GRÖ") == {conversation.id}


def test_a_limit_below_one_finds_nothing(store: HistoryStore) -> None:
    ask(store, "needle")
    assert store.search("needle", limit=0) == ()


PIECES = st.lists(
    st.sampled_from(["a", "b", "A", "_", " ", "\n", '"', "*", "é", "É", "%", "界", "ab_", "1"]),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=60)
@given(texts=st.lists(PIECES, min_size=1, max_size=6), queries=st.lists(PIECES, max_size=8))
def test_it_finds_exactly_what_a_look_at_every_text_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], queries: list[str]
) -> None:
    path = tmp_path_factory.mktemp("history") / "history.db"
    with contextlib.closing(HistoryStore.open(path)) as store:
        by_id: dict[int, str] = {}
        for text in texts:
            conversation = store.create(ChatOptions())
            store.add(conversation.id, question(text))
            by_id[conversation.id] = text
        for query in queries:
            words = query.split()
            expected = {
                number
                for number, text in by_id.items()
                if words and all(re.search(re.escape(word), text, re.I) for word in words)
            }
            assert _found(store, query) == expected, query
