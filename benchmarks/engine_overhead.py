"""What Starpad's process and client cost, beside xllamacpp in this process and without HTTP.

Both hold the same model and continue the same prompt, in turns. Printed is how fast tokens come
once they come, Starpad's divided by xllamacpp's, and how much later the first one is. On a machine
with other work the two engines themselves run at different speeds; so the same ratio is printed
again with each speed divided by what its engine measured of itself.

    python benchmarks/engine_overhead.py [MODEL ...] [--runs 9] [--tokens 200]

Without a model: the embedded one, and a StarCoderBase-1B of random weights (random_model.py).
"""

import argparse
import asyncio
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xllamacpp

import random_model
from starpad.core import paths
from starpad.engines import devices
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.spec import BATCH_TOKENS, EngineSpec

PROMPT = tuple(range(300, 364))
CONTEXT_TOKENS = 1024
BARS = "the bars: 0.97 (embedded model 0.85) and 3 ms"


@dataclass
class Run:
    """One completion: when each token came, in seconds, and its engine's own speed."""

    times: list[float] = field(default_factory=list)
    engine_speed: float = 0.0

    @property
    def speed(self) -> float:
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


def _in_process(model: Path, threads: int) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_parallel = 1
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_batch = BATCH_TOKENS
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    parameters.fit_params = False
    parameters.cache_ram_mib = 0
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    return xllamacpp.Server(parameters)


def _ask_in_process(server: Any, tokens: int) -> Run:
    run = Run()
    body = {"prompt": PROMPT, "max_tokens": tokens, "stream": True, "id_slot": 0}
    body |= {"temperature": 0.0, "cache_prompt": True, "timings_per_token": True}
    started = time.perf_counter()

    def look(event: Any) -> bool:
        choices = event.get("choices")
        if choices and choices[0]["finish_reason"] is None:
            run.times.append(time.perf_counter() - started)
            figures = event["timings"]
            run.engine_speed = _own_speed(figures["predicted_n"], figures["predicted_ms"])
        return False

    server.handle_completions(body, look)
    return run


async def _ask_starpad(client: EngineClient, tokens: int) -> Run:
    run = Run()
    started = time.perf_counter()
    async for chunk in client.complete(CompletionRequest(PROMPT, tokens)):
        if chunk.token_ids:
            run.times += [time.perf_counter() - started] * len(chunk.token_ids)
            figures = chunk.timings
            run.engine_speed = _own_speed(figures.generated_tokens, figures.generated_ms)
    return run


def _own_speed(tokens: int, taken_ms: float) -> float:
    return (tokens - 1) * 1000 / taken_ms if taken_ms else 0.0


async def _measure(model: Path, runs: int, tokens: int) -> str:
    threads = max(1, devices.physical_cores() - 1)
    key = secrets.token_urlsafe(32)
    spec = EngineSpec(model, "model", CONTEXT_TOKENS, threads, slots=1)
    process = await EngineProcess.start(spec, key, new_log())
    try:
        ready = await process.wait_ready()
        server = _in_process(model, threads)
        async with EngineClient(ready.url, key) as client:
            await _ask_starpad(client, tokens)
            _ask_in_process(server, tokens)
            pairs = []
            for number in range(runs):
                if number % 2:
                    ours = await _ask_starpad(client, tokens)
                    pairs.append((ours, _ask_in_process(server, tokens)))
                else:
                    theirs = _ask_in_process(server, tokens)
                    pairs.append((await _ask_starpad(client, tokens), theirs))
        del server
    finally:
        await process.stop()
    ratios = [ours.speed / theirs.speed for ours, theirs in pairs]
    own = [
        ratio / (o.engine_speed / t.engine_speed)
        for ratio, (o, t) in zip(ratios, pairs, strict=True)
    ]
    firsts = [(ours.times[0] - theirs.times[0]) * 1000 for ours, theirs in pairs]
    speed = statistics.median(theirs.speed for _, theirs in pairs)
    return (
        f"{model.name:28.28} ratio {statistics.median(ratios):5.3f}"
        f" ({min(ratios):5.3f} to {max(ratios):5.3f}), by the engines' own clocks"
        f" {statistics.median(own):5.3f}, first token {statistics.median(firsts):+5.2f} ms"
        f" ({min(firsts):+.2f} to {max(firsts):+.2f}); xllamacpp alone {speed:.0f} tokens a second"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep llama.cpp's log in this process off the screen."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=200)
    arguments = parser.parse_args()
    print(f"median of {arguments.runs} pairs of {arguments.tokens} tokens; {BARS}")
    with tempfile.TemporaryDirectory() as folder:
        models = arguments.models or [
            paths.demo_model(),
            random_model.write(Path(folder) / "random-1b.gguf"),
        ]
        for model in models:
            with _quiet():
                line = asyncio.run(_measure(model.resolve(), arguments.runs, arguments.tokens))
            print(line)


if __name__ == "__main__":
    main()
