"""Starts the engine's process, waits until it is ready, notices its end, ends it."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Coroutine
from typing import IO, Any, Self

import psutil

from starpad.core.child_process import creation_flags
from starpad.core.engine_exit import ExitReport, explain_exit, explain_failed_load
from starpad.core.engine_pack import PACK_VARIABLE
from starpad.core.engine_status import Placement
from starpad.core.errors import EngineError
from starpad.core.load_options import EngineKind
from starpad.core.paths import host_command, host_environment
from starpad.engines.placement import PlacementReader
from starpad.engines.spec import KEY_VARIABLE, EngineReady, EngineSpec

log = logging.getLogger(__name__)

LOG_LINES = 400
_LOG_LINE_CHARACTERS = 1000
_TAIL_LINES = 20
_READ_BYTES = 1 << 16
_MOST_LINE_BYTES = 1 << 24
_GRACE_S = 2.0
_LOG_DELAY_S = 1.0
_ROLES = {
    EngineKind.LLAMA: "engine-host",
    EngineKind.GGML: "ggml-host",
    EngineKind.EXTERNAL: "external-host",
}
"""The child process of ours that holds a model; for EXTERNAL, the one that holds its server."""


def new_log() -> deque[str]:
    """Return an empty ring for a process's last lines; reading it needs no lock in CPython."""
    return deque(maxlen=LOG_LINES)


def tail(lines: deque[str]) -> str:
    """Return the last lines as one text, from any thread."""
    return "\n".join(list(lines)[-_TAIL_LINES:])


class EngineProcess:
    """One run of the engine: `start`, `wait_ready`, `wait` for its end or `stop` it.

    Its methods run on one event loop. That loop's thread must live as long as the engine is
    wanted: on Linux the kernel ends the child together with the thread that started it.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, spec: EngineSpec, lines: deque[str]
    ) -> None:
        self._process = process
        self._spec = spec
        self._lines = lines
        self._placement = PlacementReader()
        self._drain = asyncio.create_task(self._read_log())
        self._is_ready = False
        self._quiet_s = 0.0
        self._usage = _usage_of(process.pid)

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self._process.pid

    @classmethod
    async def start(cls, spec: EngineSpec, key: str, lines: deque[str]) -> Self:
        """Start a process that loads `spec`; `lines` receives its log. `stop` it in any case.

        Raises EngineError.
        """
        environment = {KEY_VARIABLE: key, PACK_VARIABLE: spec.pack}
        process = await start_host(_ROLES[spec.kind], subprocess.PIPE, environment)
        assert process.stdin is not None
        process.stdin.write(spec.to_json().encode() + b"\n")
        return cls(process, spec, lines)

    async def wait_ready(self) -> EngineReady:
        """Return when the model is loaded, however long a slow disk takes.

        Raises EngineError when the process ends instead.
        """
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        try:
            ready = EngineReady.from_json(line)
        except (ValueError, KeyError, TypeError) as error:
            reason = self._failure(line, await self.wait())
            adapters = ", ".join(adapter.path.name for adapter in self._spec.lora)
            what = f"{self._spec.name} with {adapters}" if adapters else self._spec.name
            message = f"{what} could not be loaded: {reason}"
            raise EngineError(message, "The engine's log says more.") from error
        self._is_ready = True
        log.info("engine ready at %s, version %s", ready.url, ready.version)
        return ready

    async def placement(self) -> Placement:
        """Return where the engine says it put the model, once it is ready.

        Its log comes by another way than its answer, so that the last lines may be later: by a
        second at most. What was not read by then counts as not said.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._placement.has_loaded.wait(), _LOG_DELAY_S)
        return self._placement.placement

    def _failure(self, line: bytes, report: ExitReport) -> str:
        """Return why it is not ready: the log knows more than the exception, that more than 1."""
        if not line:
            return report.sentence
        try:
            reason = str(json.loads(line)["reason"])
        except (ValueError, KeyError, TypeError):
            reason = "its process gave an answer that Starpad does not understand"
        return explain_failed_load(self._lines) or reason.rstrip(".") + "."

    async def wait(self) -> ExitReport:
        """Return as soon as the process has ended, with the reason."""
        returncode = await self._process.wait()
        await self._drain
        sentence = explain_exit(returncode, list(self._lines))
        if self._quiet_s:
            sentence = f"The engine did not answer for {self._quiet_s:.0f} s and was ended."
        return ExitReport(returncode, sentence, tail(self._lines))

    def processor_s(self) -> float:
        """Return the processor time that it and its children have used; 0 when it has ended."""
        if self._usage is None:
            return 0.0
        total_s = 0.0
        with contextlib.suppress(psutil.Error):
            for process in (self._usage, *self._usage.children(recursive=True)):
                times = process.cpu_times()
                total_s += times.user + times.system
        return total_s

    def end_hung(self, quiet_s: float) -> None:
        """End it, as it has said nothing for `quiet_s` seconds; `wait` will say so."""
        if self._process.returncode is None:
            self._quiet_s = quiet_s
            self._kill()

    def _kill(self) -> None:
        """Kill it past asyncio, which would read the exit status that its own watcher waits for."""
        if sys.platform == "win32":
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End the process: at once while it loads, else after it had time to end by itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            # Killed, the host of the user's own server could not end that one everywhere.
            if self._is_ready or self._spec.kind is EngineKind.EXTERNAL:
                await asyncio.wait_for(self._process.wait(), _GRACE_S)
        except TimeoutError:
            log.warning("the engine did not end by itself and is killed")
        finally:
            if self._process.returncode is None:
                self._kill()
        await self._process.wait()
        await self._drain

    async def _read_log(self) -> None:
        """Keep the last lines; a process whose stderr is not read stops when the pipe is full."""
        assert self._process.stderr is not None
        rest = b""
        while data := await self._process.stderr.read(_READ_BYTES):
            *parts, rest = (rest + data).split(b"\n")
            lines = [
                part.decode("utf-8", "replace").rstrip("\r")[:_LOG_LINE_CHARACTERS]
                for part in parts
            ]
            self._lines.extend(lines)
            self._placement.feed(lines)
            rest = rest[:_LOG_LINE_CHARACTERS]
        if rest:
            self._lines.append(rest.decode("utf-8", "replace"))


async def start_host(
    role: str, errors: int | IO[bytes], environment: dict[str, str]
) -> asyncio.subprocess.Process:
    """Start the child process of ours that plays a role; `errors` is where its stderr goes.

    Raises EngineError.
    """
    _watch_children_without_threads()
    try:
        return await _whole(
            asyncio.create_subprocess_exec(
                *host_command(role),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=host_environment() | environment,
                creationflags=creation_flags(),
                limit=_MOST_LINE_BYTES,
            )
        )
    except OSError as error:
        message = f"The engine's program cannot be started: {error.strerror or error}."
        raise EngineError(message, "Install Starpad again.") from error


async def _whole(
    creation: Coroutine[Any, Any, asyncio.subprocess.Process],
) -> asyncio.subprocess.Process:
    """Return the new process; when cancelled meanwhile, end it first.

    asyncio cancelled in the middle of making a process leaves it behind, and nobody to wait for it.
    """
    task = asyncio.ensure_future(creation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        process = await task  # takes milliseconds
        process.kill()
        await process.communicate()
        raise


def _usage_of(pid: int) -> psutil.Process | None:
    """Return where a process's use of the computer is told; None when it has ended already."""
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _watch_children_without_threads() -> None:
    """Have asyncio wait for children by file descriptor, as it does by itself from 3.12 on.

    Python 3.11 starts a thread for each child instead. Its watcher serves one loop at a time, and
    there is one: the inference thread's.
    """
    if sys.platform == "linux" and sys.version_info < (3, 12):
        present = asyncio.get_child_watcher()
        if isinstance(present, asyncio.PidfdChildWatcher) and present.is_active():
            return
        try:
            os.close(os.pidfd_open(os.getpid()))
        except OSError:  # Linux before 5.3
            return
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(asyncio.get_running_loop())
        asyncio.set_child_watcher(watcher)
