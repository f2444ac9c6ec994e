"""Engines started and ended a hundred times, or killed: nothing of them is left."""

import asyncio
import gc
import os
import sys

import psutil
import pytest

from running_engine import DEMO
from starpad.core.errors import EngineError
from starpad.core.load_options import LoadOptions
from starpad.core.paths import demo_model
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.session import Loaded, hold_model, prepare

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux tells")


async def hold_once(*, is_killed: bool) -> None:
    """Load, ask for a few tokens, and let go, or see the process killed."""
    loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
    prepared = prepare(LoadOptions(demo_model(), context_tokens=256, threads=1))
    holding = asyncio.create_task(
        hold_model(prepared, new_log(), loaded.set_result, lambda fraction: None)
    )
    async for _ in (await loaded).client.complete(CompletionRequest((5, 6, 7), 4)):
        pass
    if is_killed:
        (child,) = psutil.Process().children()
        child.kill()
        assert "killed" in (await holding).sentence
    else:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


async def ask_again_and_again(client: EngineClient) -> None:
    for _ in range(20):
        async for _ in client.complete(CompletionRequest((5, 6, 7), 20)):
            pass


def rest() -> tuple[int, int, int]:
    """Return how many children, descriptors and threads this process has."""
    gc.collect()
    process = psutil.Process()
    return len(process.children(recursive=True)), process.num_fds(), process.num_threads()


@pytest.mark.slow
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_hundred_engines_leave_nothing_behind(*, is_killed: bool) -> None:
    async def main() -> tuple[int, int]:
        for _ in range(5):
            await hold_once(is_killed=is_killed)
        before, memory = rest(), psutil.Process().memory_info().rss
        for _ in range(100):
            await hold_once(is_killed=is_killed)
        assert rest() == before
        assert before[0] == 0
        return memory, psutil.Process().memory_info().rss

    before, after = asyncio.run(main())
    assert after - before < 20_000_000


@pytest.mark.slow
def test_loads_given_up_at_any_moment_leave_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        for number in range(60):
            process = await EngineProcess.start(DEMO, "key", new_log())
            waiting = asyncio.create_task(process.wait_ready())
            await asyncio.wait([waiting], timeout=number * 0.004)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await process.stop()
            assert rest()[0] == 0

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")
def test_an_engine_without_memory_says_so() -> None:
    """Also while it generates: the limit is lowered under a loaded model."""
    import resource

    async def main() -> str:
        process = await EngineProcess.start(DEMO, "key", new_log())
        try:
            ready = await process.wait_ready()
            used = psutil.Process(process.pid).memory_info().vms
            resource.prlimit(process.pid, resource.RLIMIT_AS, (used, used))
            # Whatever it is asked, it cannot take a thread or a buffer for it.
            async with EngineClient(ready.url, "key", process) as client:
                with pytest.raises(EngineError, match="does not answer"):
                    await ask_again_and_again(client)
            return (await asyncio.wait_for(process.wait(), 30)).sentence
        finally:
            await process.stop()

    assert asyncio.run(main()) == "The engine ran out of memory."
