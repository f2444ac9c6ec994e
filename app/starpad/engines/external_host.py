"""The process that holds the user's own llama-server: starts it, waits for it, ends with it.

Started by `engines.process`, as `engines.llama_host` is. One line on stdin says what to load, one
line on stdout says that it is ready or why not, stderr is the server's log. The server is a child
of this process and dies with it, and the other way round.
"""

import http.client
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from starpad.core import frozen
from starpad.core.child_process import (
    creation_flags,
    death_signal_for_children,
    die_with_parent,
    end_children_with_us,
    end_like,
    protected_stdout,
)
from starpad.core.engine_status import Device
from starpad.core.errors import StarpadError
from starpad.core.server_program import (
    Query,
    program_environment,
    program_path,
    require_server,
)
from starpad.engines.server_arguments import KEY_VARIABLE as SERVER_KEY_VARIABLE
from starpad.engines.server_arguments import Options, arguments, read_help
from starpad.engines.server_devices import read_devices
from starpad.engines.spec import KEY_VARIABLE, PLAIN_TEMPLATE, EngineReady, EngineSpec

_POLL_S = 0.02
_ANSWER_S = 1.0
_DEATH_S = 1.0
"""For a kill to take effect; less than `engines.process` gives us."""


class _EndedError(Exception):
    """The server ended before it was ready."""

    def __init__(self, returncode: int) -> None:
        super().__init__(f"llama-server ended with exit code {returncode}")
        self.returncode = returncode


class _Server:
    """The user's llama-server, one at a time: a refused template makes it start twice."""

    def __init__(self, program: Path, key: str, options: Options, *, has_gpu: bool) -> None:
        self._program = program
        self._key = key
        self._options = options
        self._has_gpu = has_gpu
        self._process: subprocess.Popen[bytes] | None = None
        self.is_unwanted = False

    def load(self, spec: EngineSpec) -> int:
        """Start it, wait until the model is loaded, return its port; raises _EndedError."""
        port = spec.port or _free_port()
        with ExitStack() as stack:
            template = None
            if spec.chat_template and "--chat-template-file" in self._options:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="starpad-"))
                template = Path(folder) / "chat-template.jinja"
                template.write_text(spec.chat_template, encoding="utf-8")
            words = arguments(
                spec, self._options, port=port, has_gpu=self._has_gpu, template=template
            )
            self._process = process = subprocess.Popen(
                [self._program, *words],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),  # old versions write half of their log there
                env=program_environment() | {SERVER_KEY_VARIABLE: self._key},
                preexec_fn=death_signal_for_children(),
                creationflags=creation_flags(),
            )
            while not self._is_ready(port):
                if process.poll() is not None:
                    raise _EndedError(process.returncode)
                time.sleep(_POLL_S)
        return port

    def version(self, port: int) -> str:
        """Return the build that it says it is; empty if it does not."""
        status, answer = _get(port, "/props", self._key)
        return str(answer.get("build_info", "")) if status == http.client.OK else ""

    def wait(self) -> int:
        """Return its exit code when it has ended."""
        assert self._process is not None
        return self._process.wait()

    def end(self) -> None:
        """End it at once, and be the reason: the system frees a model faster than a destructor."""
        self.is_unwanted = True
        if self._process is not None:
            self._process.kill()
            self._process.wait(_DEATH_S)

    def _is_ready(self, port: int) -> bool:
        """Whether the model is loaded, in *our* server: another one may hold the port."""
        return (
            _get(port, "/health")[0] == http.client.OK
            and _get(port, "/props")[0] == http.client.UNAUTHORIZED
            and _get(port, "/props", self._key)[0] == http.client.OK
        )


def run() -> int:
    """Load the model, hold its server until stdin or the server ends, return the exit code."""
    answers = protected_stdout()
    spec = EngineSpec.from_json(sys.stdin.buffer.readline())
    key = os.environ.pop(KEY_VARIABLE)
    end_children_with_us()
    _forget_own_libraries()
    server: _Server | None = None

    def end_server() -> None:
        if server is not None:
            server.end()

    watcher = die_with_parent(end_server)
    program = program_path(spec.program)
    try:
        options, devices = _look(program)
        has_gpu = any(device.is_gpu for device in devices)
        server = _Server(program, key, options, has_gpu=has_gpu)
        port, is_refused = _load(server, spec)
    except _EndedError as error:
        if server is not None and server.is_unwanted:
            watcher.join()  # it ends this process
        if error.returncode < 0 or error.returncode > 255:
            end_like(error.returncode)
        return _fail(answers, f"{program.name} ended with exit code {error.returncode}")
    except StarpadError as error:
        return _fail(answers, str(error))
    except Exception as error:  # whatever the system says is the answer
        return _fail(answers, str(error))
    version = f"{program.name} {server.version(port)}".strip()
    ready = EngineReady(f"http://127.0.0.1:{port}", version, devices, is_refused)
    print(ready.to_json(), file=answers)
    code = server.wait()
    if server.is_unwanted:
        watcher.join()
    if code < 0 or code > 255:
        end_like(code)
    return code


def _look(program: Path) -> tuple[Options, tuple[Device, ...]]:
    """Return what this version can be told, and what it computes on. Raises EngineError."""
    guard = death_signal_for_children()
    usage = Query(program, "--help", preexec=guard)
    listing = Query(program, "--list-devices", preexec=guard)
    text = usage.answer()
    require_server(program, text)
    options = read_help(text)
    found = read_devices(listing.answer()) if "--list-devices" in options else ()
    # As the engine in the box lists it, too: it is where layers go that go nowhere else.
    processor = Device("CPU", platform.processor() or platform.machine(), False, 0, 0)
    return options, (*found, processor)


def _load(server: _Server, spec: EngineSpec) -> tuple[int, bool]:
    """Return the port, and whether the chat template that comes with the model was refused."""
    try:
        return server.load(spec), False
    except _EndedError as error:
        if not spec.may_refuse_template or error.returncode < 0:
            raise
    # It does not say why; if it was something else, it will be again.
    return server.load(replace(spec, chat_template=PLAIN_TEMPLATE)), True


def _fail(answers: TextIO, reason: str) -> int:
    print(json.dumps({"event": "failed", "reason": reason}), file=answers)
    return 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get(port: int, route: str, key: str = "") -> tuple[int, dict[str, Any]]:
    """Return the status and the object of an answer; status 0 when there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    try:
        connection.request("GET", route, headers={"Authorization": f"Bearer {key}"} if key else {})
        response = connection.getresponse()
        answer = json.loads(response.read() or b"{}")
        return response.status, answer if isinstance(answer, dict) else {}
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        connection.close()


def _forget_own_libraries() -> None:
    """Keep a frozen app's folder of libraries out of its children's search (Windows)."""
    if sys.platform == "win32" and frozen.is_frozen():
        import ctypes

        ctypes.windll.kernel32.SetDllDirectoryW(None)
