"""The real engine for tests: its process, and a model as the session would describe it."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from starpad.core.chat_format import ChatFormat
from starpad.core.engine_status import LoadedModel
from starpad.core.fim import SPECIAL_TOKEN_TEXTS, resolve
from starpad.core.paths import demo_model, host_command, host_environment
from starpad.engines import process
from starpad.engines.client import EngineClient
from starpad.engines.session import Loaded
from starpad.engines.spec import KEY_VARIABLE, EngineReady, EngineSpec

KEY = "a key for the tests"
DEMO = EngineSpec(demo_model(), "demo", 1024, threads=1, prompt_threads=2)
T = TypeVar("T")


@contextmanager
def engine(spec: EngineSpec = DEMO) -> Iterator[str]:
    """Run an engine; give its address."""
    with subprocess.Popen(
        host_command(process._ROLES[spec.kind]), env=host_environment() | {KEY_VARIABLE: KEY},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(spec.to_json().encode() + b"\n")
        child.stdin.flush()
        yield EngineReady.from_json(child.stdout.readline()).url
        child.stdin.close()


def ask(url: str, job: Callable[[EngineClient], Awaitable[T]]) -> T:
    """Return what a job gets from the engine."""

    async def main() -> T:
        async with EngineClient(url, KEY) as client:
            return await job(client)

    return asyncio.run(main())


async def model_in(
    client: EngineClient, chat: ChatFormat, *, context_tokens: int = 0
) -> LoadedModel:
    """Return the demonstration model as it would be with another chat format."""
    ids = {
        text: await client.tokenize(text, special=True)
        for text in (*SPECIAL_TOKEN_TEXTS, *chat.stop_tokens)
    }
    fim = resolve(ids)
    assert fim is not None
    properties = await client.properties()
    model = LoadedModel(
        path=DEMO.model, name="demo", quantization="Q8_0", fim=fim, stop_ids=fim.stop_ids,
        context_tokens=context_tokens or properties.context_tokens, on_gpu=False, is_demo=True,
    )  # fmt: skip
    stops = {found[0] for text in chat.stop_tokens if len(found := ids[text]) == 1}
    return replace(
        model, chat=chat, chat_stop_ids=fim.stop_ids | stops,
        bos_text=properties.bos_text, eos_text=properties.eos_text,
    )  # fmt: skip


def with_held(
    hold: Callable[[Callable[[Loaded], None]], Coroutine[Any, Any, object]],
    job: Callable[[Loaded], Awaitable[T]],
) -> T:
    """Run a job with the model that `hold` loads and tells of, then let it go."""

    async def main() -> T:
        loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(hold(loaded.set_result))
        await asyncio.wait((holding, loaded), return_when=asyncio.FIRST_COMPLETED)
        if not loaded.done():
            await holding
        try:
            return await job(loaded.result())
        finally:
            holding.cancel()
            await asyncio.wait((holding,))

    return asyncio.run(main())
