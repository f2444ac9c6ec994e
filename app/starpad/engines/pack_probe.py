"""Tries an engine pack in a process of its own before anybody relies on it."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from starpad.core.child_process import creation_flags
from starpad.core.engine_exit import explain_exit
from starpad.core.engine_pack import PACK_VARIABLE
from starpad.core.engine_status import Device
from starpad.core.errors import EngineError
from starpad.core.paths import host_command, host_environment

TIMEOUT_S = 60.0
"""A first start may compile for the graphics card; a pack that takes longer counts as hung."""
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What a pack that works says of itself."""

    version: str
    devices: tuple[Device, ...]
    tokens: tuple[int, ...]
    """What the demonstration model says with it, always taking the likeliest token."""


def probe(
    pack: Path | None,
    *,
    timeout_s: float = TIMEOUT_S,
    is_stopped: Callable[[], bool] = lambda: False,
) -> ProbeReport:
    """Have the engine in the folder `pack` (None: the one in the box) load a model and speak.

    Raises EngineError, whose message is one sentence on why it does not work.
    """
    environment = host_environment()
    environment.pop(PACK_VARIABLE, None)
    if pack is not None:
        environment[PACK_VARIABLE] = str(pack)
    # Files, no pipes: something that the pack leaves behind may hold a pipe open for ever.
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                host_command("pack-probe"),
                stdin=subprocess.PIPE,  # it ends when this does
                stdout=answer,
                stderr=log,
                env=environment,
                creationflags=creation_flags(),
            )
        except OSError as error:
            raise EngineError(f"It cannot be started: {error.strerror or error}.") from error
        with process:
            try:
                returncode = _wait(process, timeout_s, is_stopped)
            finally:
                process.kill()
        return _report(_text(answer), returncode, _text(log))


def _wait(
    process: "subprocess.Popen[bytes]", timeout_s: float, is_stopped: Callable[[], bool]
) -> int:
    deadline = time.monotonic() + timeout_s
    while not is_stopped():
        try:
            return process.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                message = f"It did not answer within {timeout_s:.0f} seconds."
                raise EngineError(message) from None
    raise EngineError("It was not tried to the end.")


def _report(answer: str, returncode: int, log: str) -> ProbeReport:
    try:
        values = json.loads(answer)
        if "problem" in values:
            raise EngineError(str(values["problem"]).rstrip(".") + ".")
        return ProbeReport(
            values["version"],
            tuple(Device(**device) for device in values["devices"]),
            tuple(values["tokens"]),
        )
    except (ValueError, KeyError, TypeError):
        raise EngineError(explain_exit(returncode, log.splitlines())) from None


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
