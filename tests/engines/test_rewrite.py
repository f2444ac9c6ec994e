"""Code changed by an instruction, by the real engine and in each way of asking."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from running_engine import ask, engine, model_in
from starpad.core.chat_format import ChatFormat, own_format
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import EngineError, PromptTooLongError
from starpad.core.instruction import COMMIT_TOKENS, Instruction
from starpad.core.languages import Language
from starpad.core.rewrite import Rewrite
from starpad.core.sampling import Sampling
from starpad.engines.client import EngineClient
from starpad.engines.rewrite import read_ahead, rewrite

TOLD = Instruction(
    "return the sum",
    "def add(a, b):\n    pass\n",
    Language("python", "Python"),
    before="import os\n\n\n",
    after="\n\ndef other():\n    return 1\n",
)
GREEDY = Sampling()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


async def _rewritten(client: EngineClient, model: LoadedModel, **more: object) -> Rewrite:
    values: dict[str, object] = {"instruction": TOLD, "sampling": GREEDY, **more}
    seen: list[object] = []
    found = await rewrite(client, seen.append, model=model, **values)  # type: ignore[arg-type]
    assert all(isinstance(value, Rewrite) for value in seen)
    return found


def test_a_chat_model_is_asked_a_question_and_its_block_is_the_code(url: str) -> None:
    async def run(client: EngineClient) -> None:
        model = await model_in(client, own_format("starcoder2-instruct"))
        found = await _rewritten(client, model)
        assert found.raw
        assert found.figures.tokens > 0
        assert "```" not in found.code

    ask(url, run)


def test_what_was_read_ahead_is_not_read_again(url: str) -> None:
    async def run(client: EngineClient) -> None:
        model = await model_in(client, own_format("starcoder2-instruct"))
        begun = replace(TOLD, words="return the")
        read = await read_ahead(client, lambda _value: None, instruction=begun, model=model)
        found = await _rewritten(client, model)
        assert read > 20
        # The words and what follows them; never the code above.
        assert found.figures.evaluated_tokens < found.figures.prompt_tokens - 20

    ask(url, run)


def test_a_base_model_fills_a_gap_that_ends_with_its_block(url: str) -> None:
    async def run(client: EngineClient) -> None:
        chat = ChatFormat(problem="This model cannot chat.")
        found = await _rewritten(client, await model_in(client, chat))
        assert found.figures.tokens > 0
        assert "def other" not in found.code
        assert not found.code.startswith("\n")

    ask(url, run)


def test_a_cut_answer_goes_on_where_it_ended(url: str) -> None:
    async def run(client: EngineClient) -> None:
        model = await model_in(client, ChatFormat(problem="This model cannot chat."))
        whole = await _rewritten(client, model)
        half = whole.raw[: len(whole.raw) // 2]
        rest = await _rewritten(client, model, so_far=half)
        assert rest.raw.startswith(half)

    ask(url, run)


class _CommitTokens:
    """A client whose vocabulary has StarCoder 1's tokens for commits, too."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self.prompt: tuple[int, ...] = ()

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        if special and text in COMMIT_TOKENS:
            return [8000 + COMMIT_TOKENS.index(text)]
        return await self._client.tokenize(text, special=special)

    def complete(self, request):  # type: ignore[no-untyped-def]
        self.prompt = request.prompt
        return self._client.complete(request)


def test_a_model_that_knows_commits_gets_code_message_and_writes_the_code_after(url: str) -> None:
    async def run(client: EngineClient) -> None:
        knows = _CommitTokens(client)
        model = await model_in(client, replace(own_format("tech-assistant-short"), is_base=True))
        await _rewritten(knows, model)  # type: ignore[arg-type]
        code, words = await client.tokenize(TOLD.code), await client.tokenize(TOLD.words)
        assert knows.prompt == (8000, *code, 8001, *words, 8002)

    ask(url, run)


def test_code_that_leaves_no_room_for_an_answer_is_refused_before_anything_is_read(
    url: str,
) -> None:
    async def run(client: EngineClient) -> None:
        long = replace(TOLD, code="value = call(1, 2, 3)\n" * 400)
        for chat in (own_format("starcoder2-instruct"), ChatFormat(problem="None.")):
            model = await model_in(client, chat)
            with pytest.raises(PromptTooLongError, match=r"too long|tokens"):
                await _rewritten(client, model, instruction=long)

    ask(url, run)


def test_a_model_that_can_neither_chat_nor_fill_says_so(url: str) -> None:
    async def run(client: EngineClient) -> None:
        model = await model_in(client, ChatFormat(problem="This model cannot chat."))
        with pytest.raises(EngineError, match="cannot be told"):
            await _rewritten(client, replace(model, fim=None))

    ask(url, run)


def test_leaving_early_stops_the_engine(url: str) -> None:
    async def run(client: EngineClient) -> None:
        model = await model_in(client, own_format("starcoder2-instruct"))
        task = asyncio.create_task(_rewritten(client, model))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await client.health()

    ask(url, run)
