"""The evaluation host: a child process that runs one plan, so that the window's keys stay quick.

Reading hundreds of files as Python does holds its interpreter for long. Killing the process is
what stops an evaluation: its outcomes are on the disk.

One line comes in, an EvaluationPlan. Lines go out: how far it is, which model failed, the end.
"""

import asyncio
import base64
import pickle
import time

from starpad.core import child_process
from starpad.core.errors import StarpadError
from starpad.core.evaluation import EvaluationPlan, EvaluationProgress
from starpad.engines.evaluate import evaluate

_TOLD_S = 0.2
"""How far it is is told this often at most."""


def encode(value: object) -> bytes:
    """Return the line that tells a value: both ends are this program, so it is pickled."""
    return base64.b64encode(pickle.dumps(value)) + b"\n"


def decode(line: bytes) -> object:
    """Return what `encode` was given."""
    return pickle.loads(base64.b64decode(line))


def run() -> int:
    """Run the one plan that stdin asks for; return the exit code."""
    answers = child_process.protected_stdout()
    with open(0, "rb", buffering=0, closefd=False) as orders:
        plan = decode(orders.readline())
    assert isinstance(plan, EvaluationPlan)
    child_process.die_with_parent()
    child_process.end_children_with_us()
    told = 0.0

    def tell(value: object) -> None:
        nonlocal told
        now = time.monotonic()
        if isinstance(value, EvaluationProgress):
            if now - told < _TOLD_S:
                return
            told = now
        answers.write(encode(value).decode())
        answers.flush()

    try:
        tell(asyncio.run(evaluate(plan, tell)))
    except StarpadError as error:
        tell(error)
    return 0
