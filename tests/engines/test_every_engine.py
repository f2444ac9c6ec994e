"""One suite for every engine: whatever holds the model, the same requests end in the same way."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

import pytest

from every_engine import RunningEngine, running
from starpad.core.chat import ChatOptions, MessageState, Role, Turn
from starpad.core.context_window import CaretContext
from starpad.core.errors import PromptTooLongError
from starpad.core.fim import build_prompt
from starpad.core.sampling import Sampling
from starpad.core.suggestion import CompletionOptions, LinePolicy
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.client import EngineClient
from starpad.engines.converse import converse
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason
from starpad.engines.suggest import suggest

T = TypeVar("T")
HOT = Sampling(temperature=1.0, seed=7)
POLICY = LinePolicy(8, 0, False, "", "", "    return ")
CODE = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return "


@pytest.fixture(scope="module", params=["llama", "ggml", "external", "remote"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEngine]:
    with running(request.param, tmp_path_factory.mktemp("engine")) as engine:
        yield engine


async def _read(client: EngineClient, request: CompletionRequest) -> list[Chunk]:
    async with aclosing(client.complete(request)) as stream:
        return [chunk async for chunk in stream]


def _text(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_it_says_what_it_is(engine: RunningEngine) -> None:
    properties = engine.run(engine.client.properties())
    assert engine.model.kind == engine.kind
    assert properties.context_tokens == engine.model.context_tokens
    assert properties.slots >= 1
    assert engine.run(engine.client.health())


def test_special_tokens_are_one_id_and_in_user_text_they_are_text(engine: RunningEngine) -> None:
    fim = engine.model.fim
    assert fim is not None
    parsed = engine.run(engine.client.tokenize("<fim_middle>", special=True))
    assert parsed == [fim.middle]
    plain = engine.run(engine.client.tokenize("a <fim_middle> b"))
    assert len(plain) > 3
    assert fim.middle not in plain


def test_fim_at_the_caret_streams_and_says_what_it_cost(engine: RunningEngine) -> None:
    context = CaretContext(1, "python", 0, CODE, "\n\n\nprint(add(1, 2))\n")
    options = CompletionOptions(max_tokens=12, sampling=Sampling())
    seen: list[object] = []
    progress = engine.run(
        suggest(
            engine.client, seen.append, builder=PromptBuilder(engine.model.fim),
            context=context, policy=POLICY, options=options, model=engine.model,
        )
    )  # fmt: skip
    assert progress.figures.tokens <= 12
    assert progress.figures.prompt_tokens > 20
    assert progress.figures.time_to_first_token_ms > 0
    assert "<fim_" not in progress.text


def test_every_engine_has_another_answer(engine: RunningEngine) -> None:
    context = CaretContext(1, "python", 0, CODE, "\n\n\nprint(add(1, 2))\n")

    def answer(alternative: int) -> str:
        return engine.run(
            suggest(
                engine.client, lambda _value: None, builder=PromptBuilder(engine.model.fim),
                context=context, policy=POLICY, options=CompletionOptions(max_tokens=6),
                model=engine.model, alternative=alternative,
            )
        ).text  # fmt: skip

    assert answer(1) == answer(1)
    assert answer(0) != answer(1)


def test_a_chat_answer_streams_and_ends_at_the_most_tokens(engine: RunningEngine) -> None:
    turns = [Turn(Role.USER, "What does this do?")]
    answer = engine.run(
        converse(
            engine.client, lambda _: None, prompter=ChatPrompter(engine.model), conversation=1,
            turns=turns, options=ChatOptions(max_tokens=10, sampling=HOT), model=engine.model,
        )
    )  # fmt: skip
    assert answer.state in (MessageState.CUT, MessageState.COMPLETE)
    assert answer.figures.tokens <= 10
    assert answer.figures.prompt_tokens > 4


def test_prefix_and_suffix_decide_and_a_seed_repeats(engine: RunningEngine) -> None:
    def request(prefix: str, seed: int) -> CompletionRequest:
        ids = engine.run(engine.client.tokenize(prefix))
        prompt = build_prompt(engine.model.fim, ids, [])
        return CompletionRequest(prompt, 16, replace(HOT, seed=seed))

    first, again, other, elsewhere = (
        _text(engine.run(_read(engine.client, request(prefix, seed))))
        for prefix, seed in ((CODE, 1), (CODE, 1), (CODE, 2), ("class Tree:\n", 1))
    )
    assert first == again
    assert len({first, other, elsewhere}) > 1


def test_the_same_prompt_is_not_read_again(engine: RunningEngine) -> None:
    ids = tuple(engine.run(engine.client.tokenize(CODE * 6)))
    first, second = (
        engine.run(_read(engine.client, CompletionRequest(ids, 2)))[-1].timings for _ in range(2)
    )
    assert first.prompt_tokens == second.prompt_tokens
    assert second.evaluated_tokens <= 4


def test_a_stop_text_ends_it_and_is_not_delivered(engine: RunningEngine) -> None:
    ids = tuple(engine.run(engine.client.tokenize(CODE)))
    request = CompletionRequest(ids, 24, replace(HOT, seed=3))
    whole = _text(engine.run(_read(engine.client, request)))
    stop = whole[len(whole) // 2 :][:1] if whole else ""
    assert stop, "this seed gives no text"
    chunks = engine.run(_read(engine.client, replace(request, stop_texts=(stop,))))
    assert _text(chunks) == whole[: whole.index(stop)]
    assert chunks[-1].stop_reason is StopReason.STOP_TEXT


def test_a_stop_id_ends_it(engine: RunningEngine) -> None:
    ids = tuple(engine.run(engine.client.tokenize(CODE)))
    request = CompletionRequest(ids, 12, replace(HOT, seed=3))
    chunks = engine.run(_read(engine.client, request))
    stop = [token for chunk in chunks for token in chunk.token_ids][4]
    ended = engine.run(_read(engine.client, replace(request, stop_ids=frozenset([stop]))))
    assert ended[-1].stop_reason is StopReason.STOP_TOKEN
    assert stop not in [token for chunk in ended for token in chunk.token_ids]


def test_characters_are_whole_however_many_tokens_they_have(engine: RunningEngine) -> None:
    ids = tuple(engine.run(engine.client.tokenize("# 日本語 ünï 🙂👍🏽 العربية\nx = '")))
    for seed in range(4):
        request = CompletionRequest(ids, 24, Sampling(temperature=1.5, seed=seed))
        for chunk in engine.run(_read(engine.client, request)):
            chunk.text.encode()  # no half of a pair
            assert "\udcff" not in chunk.text


def test_a_prompt_that_does_not_fit_is_refused_and_the_next_one_is_not(
    engine: RunningEngine,
) -> None:
    ids = engine.run(engine.client.tokenize(CODE))
    most = engine.model.context_tokens
    long = tuple((ids * (most // len(ids) + 2))[: most + 50])
    with pytest.raises(PromptTooLongError, match="tokens"):
        engine.run(_read(engine.client, CompletionRequest(long, 4)))
    assert engine.run(_read(engine.client, CompletionRequest(tuple(ids), 2)))[-1].is_last


def test_a_cancelled_request_leaves_the_engine_free(engine: RunningEngine) -> None:
    ids = tuple(engine.run(engine.client.tokenize(CODE)))

    async def leave_early() -> None:
        async with aclosing(engine.client.complete(CompletionRequest(ids, 400, HOT))) as stream:
            async for chunk in stream:
                if chunk.text:
                    return

    async def cancel_while_reading() -> None:
        long = ids * (engine.model.context_tokens // len(ids) - 1)
        reading = asyncio.ensure_future(_read(engine.client, CompletionRequest(long, 200, HOT)))
        # The smallest model has read and written all of it within 50 ms (seen on a quiet machine).
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    for way in (leave_early, cancel_while_reading):
        engine.run(way())
        assert engine.run(_read(engine.client, CompletionRequest(ids, 2)))[-1].is_last


def test_many_at_once_each_get_their_own_text(engine: RunningEngine) -> None:
    prompts = [f"value_{number} = {number} * " for number in range(12)]

    async def one(prompt: str) -> str:
        ids = tuple(await engine.client.tokenize(prompt))
        return _text(await _read(engine.client, CompletionRequest(ids, 6, slot=0)))

    async def together() -> list[str]:
        return await asyncio.gather(*map(one, prompts))

    alone = [engine.run(one(prompt)) for prompt in prompts]
    assert engine.run(together()) == alone
