"""What Starpad's process and client cost, beside xllamacpp in this process and without HTTP.

Both hold the same model and continue the same prompt, in turns. Printed is how fast tokens come
once they come, Starpad's divided by xllamacpp's, and how much later the first one is.

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

Times = list[float]


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


def _ask_in_process(server: Any, tokens: int) -> Times:
    """Return when each piece of text came, in seconds from the call."""
    times: Times = []
    body = {"prompt": PROMPT, "max_tokens": tokens, "stream": True, "id_slot": 0}
    started = time.perf_counter()

    def look(event: Any) -> bool:
        choices = event.get("choices")
        if choices and choices[0]["finish_reason"] is None:
            times.append(time.perf_counter() - started)
        return False

    server.handle_completions(body | {"temperature": 0.0, "cache_prompt": True}, look)
    return times


async def _ask_starpad(client: EngineClient, tokens: int) -> Times:
    times: Times = []
    started = time.perf_counter()
    async for chunk in client.complete(CompletionRequest(PROMPT, tokens)):
        if chunk.token_ids:
            times += [time.perf_counter() - started] * len(chunk.token_ids)
    return times


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
            for _ in range(runs):
                ours = await _ask_starpad(client, tokens)
                pairs.append((ours, _ask_in_process(server, tokens)))
        del server
    finally:
        await process.stop()
    ratios = [_speed(ours) / _speed(theirs) for ours, theirs in pairs]
    firsts = [(ours[0] - theirs[0]) * 1000 for ours, theirs in pairs]
    theirs = statistics.median(_speed(pair[1]) for pair in pairs)
    return (
        f"{model.name:28.28} ratio {statistics.median(ratios):5.3f}"
        f" ({min(ratios):5.3f} to {max(ratios):5.3f}), first token"
        f" {statistics.median(firsts):+5.2f} ms ({min(firsts):+.2f} to {max(firsts):+.2f});"
        f" xllamacpp alone {theirs:.0f} tokens a second"
    )


def _speed(times: Times) -> float:
    return (len(times) - 1) / (times[-1] - times[0])


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
