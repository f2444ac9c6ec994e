"""Holds a model in any kind of engine, as the application does, for one test module."""

import asyncio
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from external_server import llama_server
from legacy_ggml_files import write_legacy
from starpad.core.engine_status import LoadedModel
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.core.paths import demo_model, host_command, host_environment
from starpad.core.remote_server import RemoteOptions, RemoteServer
from starpad.core.serving import KEY_VARIABLE
from starpad.engines import session
from starpad.engines.client import EngineClient
from starpad.engines.process import new_log
from starpad.engines.remote_session import hold_remote

T = TypeVar("T")
LIMIT_S = 120
KEY = "a-key-for-the-tests-of-every-engine"
Loading = Callable[[session.Loaded], None]
Hold = Callable[[Loading], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A loaded model, and the loop on which its client lives."""

    kind: EngineKind
    model: LoadedModel
    client: EngineClient
    loop: asyncio.AbstractEventLoop

    def run(self, job: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns on the engine's loop."""
        return asyncio.run_coroutine_threadsafe(job, self.loop).result(LIMIT_S)


@contextmanager
def running(name: str, folder: Path, legacy: bytes | None = None) -> Iterator[RunningEngine]:
    """Load a small model into the engine that `name` stands for; `legacy` is one for ggml."""
    with _loop() as loop:
        if name == "remote":
            with _served() as address, _held(_connection(address), loop) as engine:
                yield engine
            return
        if name == "ggml":
            options = LoadOptions(write_legacy(folder, legacy), context_tokens=512)
        elif name == "external":
            program = str(llama_server(folder))
            options = LoadOptions(demo_model(), context_tokens=1024, program=program)
        else:
            options = LoadOptions(demo_model(), context_tokens=1024)
        prepared = session.prepare(options)

        def hold(on_loaded: Loading) -> Coroutine[Any, Any, Any]:
            return session.hold_model(prepared, new_log(), on_loaded, lambda _fraction: None)

        with _held(hold, loop) as engine:
            yield engine


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="engine-loop")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _served() -> Iterator[str]:
    """Serve the demonstration model as `starpad serve` does; give the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [*host_command("")[:-1], "serve", "demo", "--port", port, "--context", "1024"]
    environment = host_environment() | {KEY_VARIABLE: KEY}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "served at" in line:
                break
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def _connection(address: str) -> Hold:
    options = RemoteOptions(RemoteServer("test", address), KEY)
    return lambda on_loaded: hold_remote(options, on_loaded, lambda _fraction: None)


@contextmanager
def _held(hold: Hold, loop: asyncio.AbstractEventLoop) -> Iterator[RunningEngine]:
    """Load a model as the application does, and unload it at the end."""

    async def start() -> tuple[asyncio.Task[Any], session.Loaded]:
        loaded: asyncio.Future[session.Loaded] = loop.create_future()
        holding = asyncio.create_task(hold(loaded.set_result))
        await asyncio.wait((holding, loaded), return_when=asyncio.FIRST_COMPLETED)
        return holding, loaded.result() if loaded.done() else await holding

    async def end(holding: asyncio.Task[Any]) -> None:
        holding.cancel()
        await asyncio.wait((holding,))

    holding, loaded = asyncio.run_coroutine_threadsafe(start(), loop).result(LIMIT_S)
    try:
        yield RunningEngine(loaded.model.kind, loaded.model, loaded.client, loop)
    finally:
        asyncio.run_coroutine_threadsafe(end(holding), loop).result(LIMIT_S)
