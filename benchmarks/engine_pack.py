"""What an engine pack gains over the engine in the box, on one prompt after the other, in turns.

Both hold the same model. Printed are the ratios of the speeds of reading and of writing, by the
engines' own clocks, as the median of pairs that follow each other at once, and how many of the
greedy texts are the same, token for token.

    python benchmarks/engine_pack.py PACK_FOLDER [MODEL ...] [--runs 9]

Without a model: the embedded one, and a StarCoderBase-1B of random weights (random_model.py).
"""

import argparse
import asyncio
import random
import secrets
import statistics
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import random_model
from starpad.core import paths
from starpad.engines import devices
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.spec import EngineSpec

CONTEXT_TOKENS = 1024
READ_TOKENS, WRITTEN_TOKENS = 512, 48


@dataclass(frozen=True, slots=True)
class Answer:
    """Tokens per second of reading and of writing, and what was written."""

    reading: float
    writing: float
    tokens: tuple[int, ...]


async def _ask(client: EngineClient, prompt: tuple[int, ...]) -> Answer:
    tokens: list[int] = []
    async for chunk in client.complete(CompletionRequest(prompt, WRITTEN_TOKENS)):
        tokens += chunk.token_ids
        timings = chunk.timings
    reading = 1000 * timings.evaluated_tokens / timings.prompt_ms
    return Answer(reading, timings.tokens_per_second, tuple(tokens))


async def _start(stack: AsyncExitStack, model: Path, pack: str) -> EngineClient:
    key = secrets.token_urlsafe(32)
    threads = devices.physical_cores()
    spec = EngineSpec(model, "model", CONTEXT_TOKENS, threads, slots=1, pack=pack)
    process = await EngineProcess.start(spec, key, new_log())
    stack.push_async_callback(process.stop)
    ready = await process.wait_ready()
    return await stack.enter_async_context(EngineClient(ready.url, key))


async def _measure(model: Path, pack: str, runs: int) -> str:
    chance = random.Random(1)
    async with AsyncExitStack() as stack:
        box, packed = await _start(stack, model, ""), await _start(stack, model, pack)
        pairs = []
        for number in range(runs + 1):
            # A new prompt each time, so that nothing of it is remembered.
            prompt = tuple(chance.randrange(300, 4000) for _ in range(READ_TOKENS))
            if number % 2:
                new = await _ask(packed, prompt)
                pairs.append((await _ask(box, prompt), new))
            else:
                old = await _ask(box, prompt)
                pairs.append((old, await _ask(packed, prompt)))
    pairs = pairs[1:]
    reading = [new.reading / old.reading for old, new in pairs]
    writing = [new.writing / old.writing for old, new in pairs]
    same = sum(new.tokens == old.tokens for old, new in pairs)
    speed = statistics.median(old.reading for old, _ in pairs)
    return (
        f"{model.name:28.28} reading {statistics.median(reading):4.2f}"
        f" ({min(reading):4.2f} to {max(reading):4.2f}), writing {statistics.median(writing):4.2f}"
        f" ({min(writing):4.2f} to {max(writing):4.2f}), {same} of {runs} texts the same;"
        f" in the box {speed:.0f} tokens a second read"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack", type=Path)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    print(f"median of {arguments.runs} pairs; the bar: 1.8 in reading, all texts the same")
    with tempfile.TemporaryDirectory() as folder:
        models = arguments.models or [
            paths.demo_model(),
            random_model.write(Path(folder) / "random-1b.gguf"),
        ]
        for model in models:
            print(
                asyncio.run(
                    _measure(model.resolve(), str(arguments.pack.resolve()), arguments.runs)
                )
            )


if __name__ == "__main__":
    main()
