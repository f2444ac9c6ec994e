"""How long a suggestion takes while chat is at work: its time to first token beside its time alone.

Types into a file, one suggestion for each character: alone, while an answer streams, and while
the engine reads a long prompt for chat. Prints medians and their ratio to the median alone.

    python benchmarks/chat_beside_typing.py [MODEL] [--prompt-tokens 3000] [--keys 40]
"""

import argparse
import asyncio
import inspect
import itertools
import statistics
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starpad.core import paths
from starpad.core.chat import ChatOptions, Role, Turn
from starpad.core.context_window import CaretContext
from starpad.core.load_options import LoadOptions
from starpad.core.sampling import Sampling
from starpad.core.suggestion import CompletionOptions, line_policy
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.converse import Answer, converse
from starpad.engines.process import new_log
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.session import Loaded, hold_model, prepare
from starpad.engines.suggest import Progress, suggest

TYPED = "result = [item for item in items if item.value > limit and item.name in names]"
BETWEEN_KEYS_S = 0.15
CONTEXT_TOKENS = 8192


def ignore(_: object) -> None:
    pass


@dataclass
class Typist:
    """Types a character and waits for the first token of its suggestion."""

    loaded: Loaded
    keys: int

    async def first_token_times(self) -> list[float]:
        """Return milliseconds, without the first suggestion, which reads the whole file."""
        model = self.loaded.model
        builder = PromptBuilder(model.fim)
        text = inspect.getsource(argparse)[:4000]
        times = []
        for count in range(self.keys + 1):
            before = text + "\n" + (TYPED * 3)[:count]
            progress: Progress = await suggest(
                self.loaded.client,
                ignore,
                builder=builder,
                context=CaretContext(1, "python", 0, before, "\n"),
                policy=line_policy(before, "\n", 1),
                options=CompletionOptions(max_tokens=4, budget_tokens=model.context_tokens // 2),
                model=model,
            )
            times.append(progress.figures.time_to_first_token_ms)
            await asyncio.sleep(BETWEEN_KEYS_S)
        return times[1:]


async def chat(loaded: Loaded, question: str, emit: Callable[[object], None], most: int) -> None:
    """Have one question answered."""
    options = ChatOptions(max_tokens=most, sampling=Sampling(temperature=1.0, seed=1))
    await converse(
        loaded.client,
        emit,
        prompter=ChatPrompter(loaded.model),
        conversation=1,
        turns=[Turn(Role.USER, question)],
        options=options,
        model=loaded.model,
    )


async def answer_for_ever(loaded: Loaded, is_streaming: asyncio.Event) -> None:
    def emit(value: object) -> None:
        if isinstance(value, Answer):
            is_streaming.set()

    for number in itertools.count():
        await chat(loaded, f"Say number {number}.", emit, loaded.model.context_tokens // 2)


async def read_for_ever(loaded: Loaded, tokens: int, reads: list[int]) -> None:
    for number in itertools.count():
        text = f"{number} " + inspect.getsource(argparse)
        ids = await loaded.client.tokenize(text[: tokens * 8])
        question = text[: int(len(text[: tokens * 8]) * tokens / len(ids))]
        await chat(loaded, question, ignore, 1)
        reads.append(number)


async def beside(work: Awaitable[None], typist: Typist, begun: asyncio.Event) -> list[float]:
    task = asyncio.ensure_future(work)
    await begun.wait()
    times = await typist.first_token_times()
    if task.done():
        task.result()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return times


async def run(path: Path, prompt_tokens: int, keys: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Loaded] = loop.create_future()
    options = LoadOptions(path, CONTEXT_TOKENS)
    holding = asyncio.create_task(hold_model(prepare(options), new_log(), ready.set_result, ignore))
    either: set[asyncio.Future[Any]] = {holding, ready}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    loaded = ready.result()
    typist = Typist(loaded, keys)
    tokens = min(prompt_tokens, loaded.model.context_tokens * 2 // 3)
    streaming, reading, reads = asyncio.Event(), asyncio.Event(), list[int]()
    reading.set()
    alone = await typist.first_token_times()
    streamed = await beside(answer_for_ever(loaded, streaming), typist, streaming)
    read = await beside(read_for_ever(loaded, tokens, reads), typist, reading)
    reference = statistics.median(alone)
    print(f"{loaded.model.name}; milliseconds to a suggestion's first token")
    print(f"{'while':34} {'median':>8} {'p90':>8} {'max':>8} {'ratio':>6}")
    for name, times in (
        ("nothing else runs", alone),
        ("an answer streams", streamed),
        (f"chat reads {tokens} tokens ({len(reads)} times)", read),
    ):
        tenth = statistics.quantiles(times, n=10)[-1]
        median = statistics.median(times)
        ratio = median / reference
        print(f"{name:34} {median:8.1f} {tenth:8.1f} {max(times):8.1f} {ratio:6.2f}")
    holding.cancel()
    with suppress(asyncio.CancelledError):
        await holding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=paths.demo_model())
    parser.add_argument("--prompt-tokens", type=int, default=3000)
    parser.add_argument("--keys", type=int, default=40)
    options = parser.parse_args()
    asyncio.run(run(options.model, options.prompt_tokens, options.keys))


if __name__ == "__main__":
    main()
