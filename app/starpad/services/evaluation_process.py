"""Runs an evaluation in a child process, for the window."""

import asyncio
import logging
import tempfile
from collections.abc import Callable

from starpad.core.errors import EngineError, StarpadError
from starpad.core.evaluation import EvaluationEnd, EvaluationPlan
from starpad.core.evaluation_pipe import GRACE_S, decode, encode
from starpad.engines.process import start_host

log = logging.getLogger(__name__)

_LOG_CHARACTERS = 4000


async def evaluate_apart(plan: EvaluationPlan, emit: Callable[[object], None]) -> EvaluationEnd:
    """Run a plan, emitting what `evaluate` does; cancelling ends the process and its engine.

    Raises StarpadError.
    """
    with tempfile.TemporaryFile() as errors:
        process = await start_host("evaluation-host", errors, {})
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(encode(plan))
            while line := await process.stdout.readline():
                value = decode(line)
                if isinstance(value, EvaluationEnd):
                    return value
                if isinstance(value, StarpadError):
                    raise value
                emit(value)
        finally:
            await _end(process)
        errors.seek(0)
        text = errors.read().decode(errors="replace")
        log.error("the evaluation's process ended:\n%s", text[-_LOG_CHARACTERS:])
    raise EngineError(
        "The evaluation ended unexpectedly; Starpad's log says more.",
        "Start it again: it goes on where it was.",
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the process: by itself, so that its engine ends before it, or else at once."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), 2 * GRACE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
