"""The evaluation host: a child process that runs one plan, so that the window's keys stay quick.

Reading hundreds of files as Python does holds its interpreter for long. It ends with its stdin,
which is what stops an evaluation: its outcomes are on the disk.

One line comes in, an EvaluationPlan. Lines go out: how far it is, which model failed, the end.
"""

import asyncio
import threading
import time
from typing import TextIO

from starpad.core import child_process
from starpad.core.errors import StarpadError
from starpad.core.evaluation import EvaluationPlan, EvaluationProgress
from starpad.core.evaluation_pipe import GRACE_S, decode, encode
from starpad.engines.evaluate import evaluate
from starpad.services.evaluation_context import FolderContext

_TOLD_S = 0.2
"""How far it is is told this often at most."""


def run() -> int:
    """Run the one plan that stdin asks for; return the exit code."""
    answers = child_process.protected_stdout()
    with open(0, "rb", buffering=0, closefd=False) as orders:
        plan = decode(orders.readline())
    assert isinstance(plan, EvaluationPlan)
    child_process.end_children_with_us()
    asyncio.run(_evaluate(plan, answers))
    return 0


async def _evaluate(plan: EvaluationPlan, answers: TextIO) -> None:
    told = 0.0

    def tell(value: object) -> None:
        nonlocal told
        if isinstance(value, EvaluationProgress):
            if time.monotonic() - told < _TOLD_S:
                return
            told = time.monotonic()
        answers.write(encode(value).decode())

    work = asyncio.ensure_future(evaluate(plan, tell, FolderContext(plan.paths).of))
    loop, has_ended = asyncio.get_running_loop(), threading.Event()

    def stop() -> None:
        """End the engine first: until it has, its memory is not free."""
        loop.call_soon_threadsafe(work.cancel)
        has_ended.wait(GRACE_S)

    child_process.die_with_parent(stop)
    try:
        tell(await work)
    except StarpadError as error:
        tell(error)
    finally:
        has_ended.set()
