"""A conversation of any length fits the window: by whole exchanges, and seldom anew."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_prompts import Stubborn, assistant, build, fake_model, system, texts, user
from running_engine import ask, engine, model_in
from starpad.core.chat import Role, Turn
from starpad.core.chat_format import own_format
from starpad.core.errors import PromptTooLongError
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.client import EngineClient


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


LONG = [turn for n in range(40) for turn in (user(f"q{n} " + "x" * 30), assistant(f"a{n}"))]


def test_the_oldest_exchanges_are_left_out_whole_and_the_instructions_kept() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    prompt = build(prompter, [system("be brief"), *LONG, user("last")], 200)
    assert prompt.left_out_messages > 0
    assert prompt.left_out_messages % 2 == 0
    text = texts(prompt)
    first = prompt.left_out_messages // 2
    assert text.startswith(f"system\nbe brief\nuser\nq{first} ")
    assert text.endswith("user\nlast\nassistant\n")


def test_once_something_is_left_out_the_next_prompts_begin_at_the_same_place() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    turns, starts, previous = [*LONG], [], ""
    for n in range(12):
        turns.append(user(f"more {n}"))
        prompt = build(prompter, turns, 200)
        assert len(prompt.ids) <= 800
        starts.append(prompt.left_out_messages)
        if len(starts) > 1 and starts[-1] == starts[-2]:
            assert texts(prompt).startswith(previous)
        previous = texts(prompt)
        turns.append(assistant("fine"))
    assert len(set(starts)) <= 2


def test_another_branch_begins_where_it_can() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    assert build(prompter, [*LONG, user("last")], 200).left_out_messages
    assert build(prompter, [user("new"), assistant("a"), user("b")], 200).left_out_messages == 0


def test_measuring_changes_nothing_of_the_prompts_to_come() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    turns = [*LONG[:20], user("last")]
    before = build(prompter, turns, 200)
    asyncio.run(prompter.measure(Stubborn(), 1, [*LONG, user("draft" * 20)], 200))
    after = build(prompter, turns, 200)
    assert (after.ids, after.left_out_messages) == (before.ids, before.left_out_messages)


def test_a_question_that_cannot_fit_is_refused_with_the_numbers() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    with pytest.raises(PromptTooLongError, match=r"takes 1,019 tokens .* room for 989 beside"):
        build(prompter, [*LONG, user("x" * 1000)])


def test_an_answers_room_shrinks_before_a_question_is_refused() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    prompt = build(prompter, [user("x" * 700)], 900)
    assert len(prompt.ids) + prompt.max_tokens == 999
    assert prompt.max_tokens > 250
    with pytest.raises(PromptTooLongError):
        build(prompter, [user("x" * 740)], 900)


@pytest.mark.parametrize("text", ["x = foo(bar) + 1\n" * 62_000, "a" * 1_000_000, "é漢" * 500_000])
def test_a_paste_of_a_million_characters_is_refused_at_once(url: str, text: str) -> None:
    async def job(client: EngineClient) -> float:
        model = await model_in(client, own_format("starchat2"))
        start = time.perf_counter()
        with pytest.raises(PromptTooLongError, match=r"takes about [\d,]{7,} tokens"):
            await ChatPrompter(model).build(client, 1, [user("q"), assistant("a"), user(text)], 99)
        return time.perf_counter() - start

    assert ask(url, job) < 0.5


def test_a_long_paste_earlier_on_is_left_out() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    turns = [user("x" * 1_000_000), assistant("no"), user("short")]
    assert build(prompter, turns).left_out_messages == 2


TURNS = st.lists(
    st.builds(
        Turn,
        st.sampled_from((Role.USER, Role.ASSISTANT)),
        st.text(st.characters(codec="ascii", exclude_characters="\r"), max_size=60),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(TURNS, min_size=1, max_size=3),
    st.text("s ", max_size=40),
    st.integers(1, 2000),
    st.integers(120, 900),
    st.sampled_from(("starchat2", "octocoder")),
)
def test_a_prompt_never_exceeds_the_window_and_keeps_what_it_must(
    rounds: list[list[Turn]], instructions: str, max_tokens: int, context: int, format_id: str
) -> None:
    prompter = ChatPrompter(fake_model(own_format(format_id), context))
    turns: list[Turn] = [system(instructions)]
    for number, more in enumerate(rounds):
        turns += [*more, user(f"question {number}")]
        try:
            prompt = build(prompter, turns, max_tokens)
        except PromptTooLongError:
            # What stands with the last question, unanswered, counts as part of it.
            last = next((i for i, t in enumerate(reversed(turns)) if answered(t)), len(turns))
            assert sum(len(turn.text) + 30 for turn in turns[-last:]) + len(instructions) > (
                context - 256 - context // 4
            )
            continue
        assert len(prompt.ids) + prompt.max_tokens < context
        assert 1 <= prompt.max_tokens <= max_tokens
        text = texts(prompt)
        assert f"question {number}" in text[-60:]
        assert instructions.strip() in text
        left, said = prompt.left_out_messages, [t for t in turns[1:] if t.text.strip()]
        assert left == 0 or (said[left].role is Role.USER and said[left - 1].role is not Role.USER)


def answered(turn: Turn) -> bool:
    return turn.role is Role.ASSISTANT and bool(turn.text.strip())
