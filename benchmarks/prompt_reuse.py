"""How many prompt tokens a keystroke costs: Starpad's SPMv2 beside PSM and llama-server's /infill.

Ours once with pieces of other files of the folder, once without.

Types 40 characters into the middle of a 2,000-line Python file, one request each, on the embedded
model, and prints the prompt tokens that the engine evaluated per request after the first.

    python benchmarks/prompt_reuse.py [FILE]
"""

import argparse
import asyncio
import inspect
import optparse
import secrets
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from starpad.core import fim, paths
from starpad.core.context_window import CaretContext
from starpad.core.fim import FimOrder
from starpad.core.repository_context import ContextChunk, ContextReason, RepositoryContext
from starpad.core.sampling import Sampling
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import CompletionRequest
from starpad.engines.spec import EngineSpec
from starpad.repository.chunks import pieces_of

TYPED = "result = [item for item in items if item"
CONTEXT_TOKENS = 1024
MAX_TOKENS = 16
REACH = 6 * CONTEXT_TOKENS

_FILES = ", files"

Evaluate = Callable[[str, str], Awaitable[int]]


def _file(path: Path | None) -> str:
    text = (path or Path(inspect.getfile(argparse))).read_text(encoding="utf-8")
    return "\n".join(text.split("\n")[:2000])


async def _typed(text: str, evaluate: Evaluate) -> list[int]:
    lines = text.split("\n")
    middle = len("\n".join(lines[: len(lines) // 2])) + 1
    before, after = text[:middle], "\n" + text[middle:]
    return [await evaluate(before + TYPED[:count], after) for count in range(len(TYPED) + 1)]


def _other_files() -> RepositoryContext:
    """Return what the model would read of a folder that holds these two."""
    chunks = (
        ContextChunk(f"lib/{module.__name__}.py", piece.text, ContextReason.SIMILAR)
        for module in (optparse, textwrap)
        for piece in pieces_of(inspect.getsource(module))[:2]
    )
    return RepositoryContext("lib", "lib/argparse.py", tuple(chunks))


def _ours(
    client: EngineClient, tokens: fim.FimTokens, order: FimOrder, repository: RepositoryContext
) -> Evaluate:
    builder = PromptBuilder(tokens)

    async def evaluate(before: str, after: str) -> int:
        start = before.rfind("\n", 0, max(0, len(before) - REACH)) + 1
        context = CaretContext(
            1,
            "python",
            before.count("\n", 0, start),
            before[start:],
            after[:REACH],
            repository,
        )
        prompt = await builder.build(client, context, CONTEXT_TOKENS - MAX_TOKENS, order)
        request = CompletionRequest(prompt.ids, MAX_TOKENS, Sampling(), slot=0)
        evaluated = 0
        async for chunk in client.complete(request):
            if chunk.timings is not None:
                evaluated = chunk.timings.evaluated_tokens
        return evaluated

    return evaluate


def _infill(url: str, key: str) -> Evaluate:
    http = httpx2.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
        timeout=60,
        limits=httpx2.Limits(max_keepalive_connections=0),
    )

    async def evaluate(before: str, after: str) -> int:
        body = {
            "input_prefix": before[-REACH:],
            "input_suffix": after[:REACH],
            "n_predict": MAX_TOKENS,
            "temperature": 0,
            "id_slot": 0,
        }
        answer = (await http.post("/infill", json=body)).json()
        return int(answer["timings"]["prompt_n"])

    return evaluate


async def _run(text: str) -> None:
    results: dict[str, list[int]] = {}
    for name in ("SPMv2", f"SPMv2{_FILES}", "PSM", f"PSM{_FILES}", "/infill"):
        key = secrets.token_urlsafe(32)
        # /infill takes its window from the batch size; a small one would starve it of text.
        batch = CONTEXT_TOKENS * 3 // 4 if name == "/infill" else 128
        spec = EngineSpec(paths.demo_model(), "demo", CONTEXT_TOKENS, threads=2, batch_tokens=batch)
        process = await EngineProcess.start(spec, key, new_log())
        ready = await process.wait_ready()
        async with EngineClient(ready.url, key) as client:
            ids = {t: await client.tokenize(t, special=True) for t in fim.SPECIAL_TOKEN_TEXTS}
            tokens = fim.resolve(ids)
            assert tokens is not None
            if name == "/infill":
                evaluate = _infill(ready.url, key)
            else:
                files = _other_files() if name.endswith(_FILES) else RepositoryContext()
                order = FimOrder(name.removesuffix(_FILES))
                evaluate = _ours(client, tokens, order, files)
            results[name] = await _typed(text, evaluate)
        await process.stop()
    print(f"{'order':14} {'first':>7} {'then, mean':>11} {'most':>6} {'ratio':>7}")
    reference = _mean(results["/infill"])
    for name, counts in results.items():
        mean = _mean(counts)
        print(f"{name:14} {counts[0]:7} {mean:11.2f} {max(counts[1:]):6} {mean / reference:7.3f}")


def _mean(counts: list[int]) -> float:
    return sum(counts[1:]) / len(counts[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    asyncio.run(_run(_file(parser.parse_args().file)))


if __name__ == "__main__":
    main()
