"""Answers from the real engine: streamed, ended where they end, and cheap to follow up."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from chat_prompts import assistant, fake_model, system, user
from running_engine import ask, engine, model_in
from starpad.core.chat import ChatOptions, MessageState, Turn
from starpad.core.chat_format import own_format
from starpad.core.errors import ChatTemplateError, EngineError, PromptTooLongError
from starpad.core.sampling import Sampling
from starpad.engines.caret_priority import CaretPriority, EngineNews
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.client import EngineClient
from starpad.engines.converse import CHAT_SLOT, Answer, PromptReady, converse, measure
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason, Timings
from starpad.engines.suggest import SLOT

GREEDY = ChatOptions(max_tokens=24, sampling=Sampling())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


class Talk:
    """One conversation with the model in one format."""

    def __init__(self, client: EngineClient, format_id: str, **changes: object) -> None:
        self.client = client
        self.chat = replace(own_format(format_id), **changes)  # type: ignore[arg-type]
        self.turns: list[Turn] = []
        self.emitted: list[object] = []
        self.prompter: ChatPrompter | None = None

    async def ask(self, question: str, options: ChatOptions = GREEDY) -> Answer:
        self.turns.append(user(question))
        answer = await self.go_on(options)
        self.turns.append(assistant(answer.text))
        return answer

    async def go_on(self, options: ChatOptions = GREEDY) -> Answer:
        model = await model_in(self.client, self.chat)
        self.prompter = self.prompter or ChatPrompter(model)
        self.emitted = []
        return await converse(
            self.client,
            self.emitted.append,
            prompter=self.prompter,
            conversation=1,
            turns=self.turns,
            options=options,
            model=model,
        )


def test_others_hear_of_a_conversation_while_it_lasts(url: str) -> None:
    async def job(client: EngineClient) -> list[EngineNews]:
        heard: list[EngineNews] = []
        client.caret.listener = heard.append
        await Talk(client, "starcoder2-instruct").ask("Add two numbers.")
        return heard

    assert ask(url, job) == [EngineNews.CHAT, EngineNews.CHAT_OVER]


def test_a_slot_that_others_have_used_is_read_in_steps_from_its_beginning(url: str) -> None:
    async def job(client: EngineClient) -> tuple[Answer, Answer, bool]:
        talk = Talk(client, "starcoder2-instruct")
        first = await talk.ask("Add two numbers. " * 20)
        other = CompletionRequest(tuple(range(100, 200)), max_tokens=1, slot=CHAT_SLOT)
        async for _ in client.complete(other):
            pass
        client.caret.is_slot_lent = True
        return first, await talk.ask("And then?"), client.caret.is_slot_lent

    first, second, is_slot_lent = ask(url, job)
    assert second.figures.evaluated_tokens > first.figures.prompt_tokens
    assert not is_slot_lent


def test_chat_and_completion_have_slots_of_their_own() -> None:
    assert CHAT_SLOT != SLOT


def test_an_answer_grows_and_says_what_it_cost(url: str) -> None:
    async def job(client: EngineClient) -> tuple[Answer, list[object]]:
        talk = Talk(client, "starcoder2-instruct")
        return await talk.ask("Add two numbers.", replace(GREEDY, max_tokens=300)), talk.emitted

    answer, (ready, *growing) = ask(url, job)
    assert isinstance(ready, PromptReady)
    assert (ready.context_tokens, ready.left_out_messages, ready.max_tokens) == (1024, 0, 300)
    assert all(isinstance(each, Answer) for each in growing)
    texts = [each.text for each in growing if isinstance(each, Answer)]
    assert all(answer.text.startswith(text.rstrip()) for text in texts)
    assert [len(text) for text in texts] == sorted({len(text) for text in texts})
    figures = answer.figures
    assert figures.prompt_tokens == ready.prompt_tokens > 40
    assert 0 < figures.evaluated_tokens <= figures.prompt_tokens
    assert figures.tokens > 0
    assert figures.tokens_per_second > 0
    assert figures.time_to_first_token_ms > 0


def test_text_is_sent_out_at_most_thirty_times_a_second(url: str) -> None:
    async def job(client: EngineClient) -> tuple[float, int, int]:
        talk = Talk(client, "starchat2", stop_texts=())
        start = time.perf_counter()
        answer = await talk.ask("x", ChatOptions(max_tokens=400, sampling=Sampling()))
        return time.perf_counter() - start, len(talk.emitted) - 1, answer.figures.tokens

    seconds, emitted, tokens = ask(url, job)
    assert emitted <= seconds / 0.033 + 1 < tokens


def test_an_answer_is_cut_at_the_most_tokens_and_can_be_continued(url: str) -> None:
    async def job(client: EngineClient) -> tuple[Answer, Answer, Answer]:
        talk = Talk(client, "tech-assistant-short")
        first = await talk.ask("Write a class.", replace(GREEDY, max_tokens=10))
        second = await talk.go_on(replace(GREEDY, max_tokens=14))
        whole = await Talk(client, "tech-assistant-short").ask("Write a class.")
        return first, second, whole

    first, second, whole = ask(url, job)
    assert (first.state, first.figures.stop_reason) == (MessageState.CUT, StopReason.LIMIT)
    assert first.figures.tokens == 10
    assert second.figures.evaluated_tokens <= 2
    assert (first.text + second.text).split() == whole.text.split()


def test_an_answer_is_cut_at_the_windows_end(url: str) -> None:
    async def job(client: EngineClient) -> Answer:
        talk = Talk(client, "starchat2", stop_texts=())
        talk.turns = [user("word " * 300)]
        return await talk.go_on(ChatOptions(max_tokens=5000, sampling=Sampling()))

    answer = ask(url, job)
    assert answer.state is MessageState.CUT
    assert 1000 < answer.figures.prompt_tokens + answer.figures.tokens <= 1024


def test_a_stop_text_ends_an_answer_and_does_not_belong_to_it(url: str) -> None:
    async def job(client: EngineClient) -> tuple[Answer, Answer]:
        whole = await Talk(client, "starchat2").ask("Write a class.")
        stop = whole.text[9:12]
        return whole, await Talk(client, "starchat2", stop_texts=(stop,)).ask("Write a class.")

    whole, answer = ask(url, job)
    assert answer.state is MessageState.COMPLETE
    assert answer.figures.stop_reason == StopReason.STOP_TEXT
    assert answer.text == whole.text[: whole.text.index(whole.text[9:12])].rstrip()


def test_a_stop_token_ends_an_answer(url: str) -> None:
    async def job(client: EngineClient) -> Answer:
        talk = Talk(client, "starcoder2-instruct")
        for seed in range(30):
            options = ChatOptions(max_tokens=400, sampling=Sampling(temperature=1.0, seed=seed))
            talk.turns = [user("Print hello.")]
            answer = await talk.go_on(options)
            if answer.state is MessageState.COMPLETE:
                break
        return answer

    answer = ask(url, job)
    assert answer.state is MessageState.COMPLETE
    assert "<|endoftext|>" not in answer.text
    assert answer.text == answer.text.rstrip()


SAMPLINGS = {
    "greedy": Sampling(),
    "sampled": Sampling(temperature=1.0, seed=7),
    "wild": Sampling(temperature=3.0, top_p=1.0, top_k=0, seed=7),
}


async def new_tokens(talk: Talk, question: str) -> int:
    """Return how many tokens a further turn adds, its surroundings with it."""
    if talk.chat.is_base:
        return len(await talk.client.tokenize(f"\n\nHuman: {question}\n\nAssistant:"))
    # In this vocabulary ChatML's special tokens are text.
    around = f"<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    return len(await talk.client.tokenize(around))


@pytest.mark.parametrize("format_id", ["tech-assistant-short", "starchat2"])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_further_turn_reads_only_what_is_new(
    url: str, format_id: str, sampling: str, is_cancelled: bool
) -> None:
    """Bar 3: the new turn's own tokens and eight, for each of ten turns."""

    async def job(client: EngineClient) -> list[tuple[int, int, str]]:
        talk, found = Talk(client, format_id), []
        for number in range(10):
            question = f"Question {number}: how do I sort {number * 3} naïve 漢字 quickly?"
            options = ChatOptions(
                max_tokens=16 + number, sampling=replace(SAMPLINGS[sampling], seed=number)
            )
            if is_cancelled and number % 2:
                answer = await cancelled(talk, question)
            else:
                answer = await talk.ask(question, options)
            new = await new_tokens(talk, question)
            found.append((answer.figures.evaluated_tokens, new, answer.text))
        return found

    turns = ask(url, job)
    assert turns[0][0] > 0
    for (_, _, before), (evaluated, new, _) in pairwise(turns):
        # Bytes that are no text, which only a model out of its mind writes, are lost on the way.
        if "\ufffd" not in before:
            assert 0 < evaluated <= new + 8, (evaluated, new, before)
    assert sum("\ufffd" not in text for _, _, text in turns) > 5


@pytest.mark.parametrize("format_id", ["tech-assistant-short", "starchat2"])
@pytest.mark.parametrize("words", ["漢字", "naïve é", "😀", "— “x” …"])
def test_an_answer_of_characters_of_several_tokens_need_not_be_read_again(
    url: str, format_id: str, words: str
) -> None:
    async def job(client: EngineClient) -> tuple[Answer, int, int]:
        talk = Talk(client, format_id)
        talk.turns = [user("q"), assistant(" " + " ".join([words] * 12))]
        answer = await talk.go_on()
        talk.turns[-1] = assistant(talk.turns[-1].text + answer.text)
        following = await talk.ask("And then?")
        return answer, following.figures.evaluated_tokens, await new_tokens(talk, "And then?")

    answer, evaluated, new = ask(url, job)
    assert sum(not character.isascii() for character in answer.text) > 3
    assert evaluated <= new + 8


async def cancelled(talk: Talk, question: str) -> Answer:
    """Ask, and stop in the middle of the answer; return what had come."""
    talk.turns.append(user(question))
    talk.emitted = []
    task = asyncio.create_task(talk.go_on(ChatOptions(max_tokens=60, sampling=Sampling())))
    while len(talk.emitted) < 2 and not task.done():
        await asyncio.wait({task}, timeout=0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    answer = talk.emitted[-1]
    assert isinstance(answer, Answer)
    talk.turns.append(assistant(answer.text.rstrip()))
    return answer


def test_measuring_gives_what_an_answer_will_need_and_generates_nothing(url: str) -> None:
    async def job(client: EngineClient) -> tuple[PromptReady, object, int]:
        talk = Talk(client, "starchat2")
        await talk.ask("One?")
        model = await model_in(client, talk.chat)
        assert talk.prompter is not None
        turns = [*talk.turns, user("Two?")]
        measured = await measure(
            client,
            talk.emitted.append,
            prompter=talk.prompter,
            conversation=1,
            turns=turns,
            options=GREEDY,
            model=model,
        )
        answer = await talk.ask("Two?")
        return measured, talk.emitted[0], answer.figures.evaluated_tokens

    measured, ready, evaluated = ask(url, job)
    assert measured == ready
    assert evaluated < measured.prompt_tokens - 20


def test_instructions_come_first(url: str) -> None:
    async def job(client: EngineClient) -> tuple[object, object]:
        talk = Talk(client, "starchat2")
        await talk.ask("x", replace(GREEDY, max_tokens=1, system_prompt="Be brief."))
        with_option, talk.turns = talk.emitted[0], [system("Be brief."), user("x")]
        await talk.go_on(replace(GREEDY, max_tokens=1))
        return with_option, talk.emitted[0]

    one, other = ask(url, job)
    assert one == other


def test_what_cannot_be_asked_is_refused_before_the_engine_sees_it(url: str) -> None:
    async def job(client: EngineClient) -> None:
        with pytest.raises(PromptTooLongError, match=r"[\d,]+ tokens .* room for [\d,]+"):
            await Talk(client, "starchat2").ask("word " * 2000)
        with pytest.raises(ChatTemplateError):
            await Talk(client, "starchat2", template="{{ nosuch.x }}").ask("q")

    ask(url, job)


def test_an_engine_that_is_gone_is_an_error_that_a_restart_may_cure() -> None:
    async def job() -> None:
        with engine() as url:
            client = EngineClient(url, "a key for the tests")
            talk = Talk(client, "starchat2")
            await talk.ask("q")
            model = await model_in(client, talk.chat)
        async with client:
            assert talk.prompter is not None
            with pytest.raises(EngineError, match="does not answer") as caught:
                await converse(
                    client,
                    lambda _: None,
                    prompter=talk.prompter,
                    conversation=1,
                    turns=[user("other")],
                    options=GREEDY,
                    model=model,
                )
            assert caught.value.retryable

    asyncio.run(job())


class Scripted:
    """An engine whose answers are written down beforehand."""

    reads_prompts_in_steps = True

    def __init__(self, *chunks: Chunk) -> None:
        self.caret = CaretPriority()
        self.chunks = chunks

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        return [100 + ord(character) for character in text]

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        for chunk in self.chunks:
            yield chunk


def scripted(*chunks: Chunk) -> Answer:
    client = Scripted(*chunks)
    model = fake_model(own_format("tech-assistant-short"))
    return asyncio.run(
        converse(
            client,  # type: ignore[arg-type]
            lambda _: None,
            prompter=ChatPrompter(model),
            conversation=1,
            turns=[user("q")],
            options=GREEDY,
            model=model,
        )
    )


TIMINGS = Timings(1, 0, 1.0, 2, 1.0)


@pytest.mark.parametrize("name", ["", "<|endoftext|>", "<file_sep>"])
def test_what_was_held_back_before_a_stop_token_belongs_to_the_answer(name: str) -> None:
    answer = scripted(
        Chunk("a = b", (1,), TIMINGS),
        Chunk("", (2,), TIMINGS),
        Chunk("", (), TIMINGS, StopReason.STOP_TOKEN, f"--.\n{name}"),
    )
    assert (answer.text, answer.state) == ("a = b--.", MessageState.COMPLETE)
