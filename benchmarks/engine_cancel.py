"""How soon the engine is free when a request is cancelled while its long prompt is being read.

A prompt of 4,000 tokens (as many as fit, for a smaller context) is cancelled somewhere on its way;
the next request on the same slot is sent at once. Printed is how much later its first token comes
than on an idle engine, beside the time of one batch.

    python benchmarks/engine_cancel.py [MODEL ...] [--runs 15]

Without a model: the embedded one, and two layers of a StarCoderBase-1B's shape (random_model.py).
"""

import argparse
import asyncio
import random
import secrets
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import random_model
from starpad.core import paths
from starpad.core.load_options import LoadOptions
from starpad.core.model_file import read_header
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import CompletionRequest, Timings
from starpad.engines.session import prepare
from starpad.engines.spec import BATCH_TOKENS

PROMPT_TOKENS = 4000
CONTEXT_TOKENS = 4096
LAYERS = 2
BAR_MS = 50


async def _ask(client: EngineClient, prompt: tuple[int, ...]) -> tuple[float, Timings]:
    """Return the time to the first token in ms, and what the engine says of the prompt."""
    started = time.perf_counter()
    async for chunk in client.complete(CompletionRequest(prompt, 1)):
        return (time.perf_counter() - started) * 1000, chunk.timings
    raise SystemExit("the engine gave no token")


async def _measure(model: Path, runs: int) -> None:
    context = min(CONTEXT_TOKENS, read_header(model).context_tokens)
    length = min(PROMPT_TOKENS, context - BATCH_TOKENS)
    spec = replace(prepare(LoadOptions(model, context_tokens=context)).spec, slots=1)
    key, numbers = secrets.token_urlsafe(32), random.Random(1)

    def prompt(count: int) -> tuple[int, ...]:
        return tuple(numbers.randrange(10, 250) for _ in range(count))

    process = await EngineProcess.start(spec, key, new_log())
    try:
        ready = await process.wait_ready()
        async with EngineClient(ready.url, key) as client:
            whole_ms, timings = await _ask(client, prompt(length))
            batch_ms = timings.prompt_ms / (timings.evaluated_tokens / BATCH_TOKENS)
            alone_ms = statistics.median([(await _ask(client, prompt(4)))[0] for _ in range(9)])
            waits_ms: list[float] = []
            while len(waits_ms) < runs:
                task = asyncio.create_task(_ask(client, prompt(length)))
                await asyncio.sleep(whole_ms / 1000 * numbers.uniform(0.1, 0.8))
                task.cancel()
                await asyncio.wait([task])
                waited_ms = (await _ask(client, prompt(4)))[0] - alone_ms
                if task.cancelled():  # else the prompt had been read before
                    waits_ms.append(waited_ms)
    finally:
        await process.stop()
    print(
        f"{model.name:26.26} {length} tokens in {whole_ms:5.0f} ms, a batch {batch_ms:5.1f};"
        f" free after {statistics.median(waits_ms):6.1f} (at most {max(waits_ms):.1f}),"
        f" allowed {batch_ms + BAR_MS:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = arguments.models or [
            paths.demo_model(),
            random_model.write(Path(folder) / "random-2-layers.gguf", LAYERS),
        ]
        for model in models:
            asyncio.run(_measure(model.resolve(), arguments.runs))


if __name__ == "__main__":
    main()
