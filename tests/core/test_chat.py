"""A conversation is a tree: paths, alternatives, a title; options survive any database."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.chat import (
    TITLE_CHARACTERS,
    ChatOptions,
    Entry,
    Message,
    MessageState,
    Role,
    Turn,
    alternatives,
    beside,
    entries_of,
    newest_leaf,
    path_to,
    title_of,
    turns_of,
)
from starpad.core.sampling import Sampling


def _tree(parents: dict[int, int | None]) -> dict[int, Message]:
    """Return a message for each id with its parent."""
    return {id_: Message(id_, parent, Role.USER, f"text {id_}") for id_, parent in parents.items()}


def _ids(messages: tuple[Message, ...]) -> list[int]:
    return [message.id for message in messages]


# A question (1) with two answers (2, 3); each went on; the first question was also edited (6).
BRANCHED = _tree({1: None, 2: 1, 3: 1, 4: 2, 5: 3, 6: None, 7: 4})


def test_a_path_leads_from_the_first_message_to_its_leaf() -> None:
    assert _ids(path_to(BRANCHED, 7)) == [1, 2, 4, 7]
    assert _ids(path_to(BRANCHED, 5)) == [1, 3, 5]
    assert _ids(path_to(BRANCHED, 6)) == [6]


def test_a_path_to_nothing_is_empty() -> None:
    assert path_to(BRANCHED, None) == ()
    assert path_to(BRANCHED, 99) == ()
    assert path_to({}, 1) == ()


def test_a_path_ends_where_a_message_is_missing_or_the_parents_go_in_a_circle() -> None:
    assert _ids(path_to(_tree({3: 2, 2: 99}), 3)) == [2, 3]
    assert _ids(path_to(_tree({1: 3, 2: 1, 3: 2}), 3)) == [1, 2, 3]
    assert _ids(path_to(_tree({1: 1}), 1)) == [1]


def test_alternatives_have_one_parent_and_are_in_the_order_they_came() -> None:
    assert _ids(alternatives(BRANCHED, BRANCHED[3])) == [2, 3]
    assert _ids(alternatives(BRANCHED, BRANCHED[1])) == [1, 6]
    assert _ids(alternatives(BRANCHED, BRANCHED[7])) == [7]
    backwards = dict(reversed(BRANCHED.items()))
    assert _ids(alternatives(backwards, BRANCHED[2])) == [2, 3]


def test_the_newest_leaf_follows_the_newest_message_at_each_fork() -> None:
    assert newest_leaf(BRANCHED, 1) == 5
    assert newest_leaf(BRANCHED, 2) == 7
    assert newest_leaf(BRANCHED, 7) == 7
    assert newest_leaf(BRANCHED, 99) == 99


def test_the_newest_leaf_is_found_in_a_circle_too() -> None:
    assert newest_leaf(_tree({1: 3, 2: 1, 3: 2}), 1) == 3
    assert newest_leaf(_tree({1: 1}), 1) == 1


@given(st.dictionaries(st.integers(1, 9), st.none() | st.integers(1, 9), min_size=1))
def test_any_parents_give_a_path_without_repeats_that_ends_at_the_leaf(
    parents: dict[int, int | None],
) -> None:
    messages = _tree(parents)
    for start in messages:
        leaf = newest_leaf(messages, start)
        path = _ids(path_to(messages, leaf))
        assert path[-1] == leaf
        assert len(path) == len(set(path))


def test_what_is_shown_knows_its_place_among_its_alternatives() -> None:
    entries = entries_of(BRANCHED, 5)
    assert [entry.message.id for entry in entries] == [1, 3, 5]
    assert [(entry.alternative, entry.alternatives) for entry in entries] == [
        (1, 2),
        (2, 2),
        (1, 1),
    ]
    assert [entry.is_last for entry in entries] == [False, False, True]
    assert entries_of(BRANCHED, None) == ()


def test_only_a_streaming_answer_grows() -> None:
    begun = Message(2, 1, Role.ASSISTANT, "It is ", MessageState.STREAMING)
    longer = replace(begun, text="It is a")
    ended = replace(begun, text="It is", state=MessageState.COMPLETE)
    assert Entry(begun).grows_into(Entry(longer))
    assert Entry(begun).grows_into(Entry(ended))
    assert not Entry(longer).grows_into(Entry(begun))
    assert not Entry(ended).grows_into(Entry(longer))
    assert not Entry(begun).grows_into(Entry(replace(longer, id=3)))


def test_turns_leave_out_a_question_that_got_no_word_of_an_answer() -> None:
    path = (
        Message(1, None, Role.USER, "Why?"),
        Message(2, 1, Role.ASSISTANT, "", MessageState.FAILED),
        Message(3, 2, Role.USER, "Why then?"),
        Message(4, 3, Role.ASSISTANT, "So", MessageState.STOPPED),
        Message(5, 4, Role.USER, "So?"),
    )
    assert turns_of(path) == (
        Turn(Role.USER, "Why then?"),
        Turn(Role.ASSISTANT, "So"),
        Turn(Role.USER, "So?"),
    )
    assert turns_of(()) == ()


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is a loop?", "What is a loop?"),
        ("", ""),
        (" \n\t\r\n ", ""),
        ("\n\n  First line.\nSecond.", "First line."),
        ("a  \t b\x00c\u202ed", "a b c d"),
        ("\u200b\n", ""),
        ("x" * TITLE_CHARACTERS, "x" * TITLE_CHARACTERS),
        ("x" * 99, "x" * (TITLE_CHARACTERS - 1) + "…"),
        ("word " * 30, ("word " * 10) + "word…"),
        # A cut at the only space would leave next to nothing.
        ("Why " + "x" * 99, "Why " + "x" * (TITLE_CHARACTERS - 5) + "…"),
        ("x" * 40 + ", " + "y" * 40, "x" * 40 + "…"),
    ],
)
def test_a_title_is_the_first_words(question: str, title: str) -> None:
    assert title_of(question) == title


@given(st.text(st.characters(), max_size=200))
def test_any_question_gives_one_short_line_that_can_be_shown(question: str) -> None:
    title = title_of(question)
    assert len(title) <= TITLE_CHARACTERS
    assert title.isprintable()
    assert title == title.strip()


def test_a_pasted_megabyte_gives_a_title() -> None:
    assert len(title_of("x " * 500_000)) <= TITLE_CHARACTERS


OPTIONS = ChatOptions("Be \ud800 brief.\n", 99, Sampling(temperature=1.5, seed=7), "Mine")


def test_options_are_read_back_as_they_were() -> None:
    line = OPTIONS.to_json()
    assert line.isascii()
    assert "\n" not in line
    assert ChatOptions.from_json(line) == OPTIONS


@pytest.mark.parametrize(
    "line",
    [
        *("", "{", "null", "7", "[]", '"text"', "{}", "[" * 100_000, "1" * 5000),
        *('{"sampling": null}', '{"sampling": 7}', '{"sampling": []}'),
        *('{"max_tokens": "99"}', '{"max_tokens": 9.5}', '{"max_tokens": true}'),
        *('{"system_prompt": null}', '{"preset": 7}', '{"unknown": 7}'),
        *('{"sampling": {"temperature": "hot"}}', '{"sampling": {"top_k": 1.5}}'),
    ],
)
def test_options_that_make_no_sense_are_the_defaults(line: str) -> None:
    assert ChatOptions.from_json(line) == ChatOptions()


def test_what_makes_sense_is_kept_beside_what_does_not() -> None:
    values = {"max_tokens": 99, "preset": None, "sampling": {"temperature": 1, "seed": "x"}}
    sampling = replace(ChatOptions().sampling, temperature=1.0)
    expected = ChatOptions(max_tokens=99, sampling=sampling)
    found = ChatOptions.from_json(json.dumps(values))
    assert found == expected
    assert type(found.sampling.temperature) is float


def test_an_alternative_beside_another_is_found_up_to_the_ends() -> None:
    messages = {n: Message(n, 1 if n > 1 else None, Role.ASSISTANT, "") for n in (1, 4, 2, 3)}
    assert [beside(messages, 3, step) for step in (-2, -1, 0, 1, 2)] == [None, 2, 3, 4, None]
    assert beside(messages, 9, 1) is None
