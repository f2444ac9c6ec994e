"""A model in an engine of its own, for one job: loaded, asked, unloaded."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starpad.core.engine_exit import ExitReport
from starpad.core.errors import EngineError
from starpad.engines import session
from starpad.engines.process import new_log

_EXIT_S = 2.0
"""A connection that broke and the end of the process come at nearly the same time."""
_Result = TypeVar("_Result")


async def in_own_engine(
    prepared: session.Prepared, job: Callable[[session.Loaded], Awaitable[_Result]], loss: str
) -> _Result:
    """Load a model, return what the job returns; cancelling ends the engine's process.

    If the engine ends before the job, EngineError says why, with `loss` as its hint: what becomes
    of the work. Raises StarpadError.
    """
    loaded: asyncio.Future[session.Loaded] = asyncio.get_running_loop().create_future()
    holding = asyncio.create_task(
        session.hold_model(prepared, new_log(), loaded.set_result, lambda _fraction: None)
    )
    working: asyncio.Future[_Result] | None = None
    try:
        either: set[asyncio.Future[Any]] = {loaded, holding}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not loaded.done():
            raise EngineError(holding.result().sentence)
        working = asyncio.ensure_future(job(loaded.result()))
        either = {working, holding}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return await _outcome(working, holding, loss)
    finally:
        tasks = [task for task in (working, holding) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(
    working: asyncio.Future[_Result], holding: asyncio.Task[ExitReport], loss: str
) -> _Result:
    """Return the result; if the engine ended before it was there, say why."""
    if working.done() and working.exception() is None:
        return working.result()
    await asyncio.wait({holding}, timeout=_EXIT_S)
    if holding.done():
        raise EngineError(holding.result().sentence, loss)
    return working.result()
