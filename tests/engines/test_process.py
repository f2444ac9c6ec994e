"""The engine's process: started, watched, ended, and explained when it fails."""

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from starpad.core.errors import EngineError
from starpad.engines import process as process_module
from starpad.engines.process import EngineProcess, new_log, tail
from starpad.engines.spec import EngineReady, EngineSpec

T = TypeVar("T")


def with_process(
    spec: EngineSpec, job: Callable[[EngineProcess], Awaitable[T]], lines: deque[str] | None = None
) -> T:
    """Run `job` on a process that is stopped afterwards."""

    async def main() -> T:
        process = await EngineProcess.start(spec, "key", new_log() if lines is None else lines)
        try:
            return await job(process)
        finally:
            await process.stop()

    return asyncio.run(main())


def failure(spec: EngineSpec, lines: deque[str] | None = None) -> EngineError:
    with pytest.raises(EngineError) as caught:
        with_process(spec, lambda process: process.wait_ready(), lines)
    return caught.value


def children() -> list[psutil.Process]:
    return psutil.Process().children()


@pytest.fixture
def spec(demo_model: Path) -> EngineSpec:
    return EngineSpec(demo_model, "demo", 1024, threads=1)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a Python script in the engine's place."""

    def replace(script: str) -> None:
        command = [sys.executable, "-c", script]
        monkeypatch.setattr(process_module, "host_command", lambda role: command)

    return replace


def test_a_process_gets_ready_on_loopback_and_is_gone_after_stop(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> tuple[EngineReady, set[str], list[str]]:
        ready = await process.wait_ready()
        (child,) = children()
        addresses = {c.laddr.ip for c in child.net_connections() if c.status == "LISTEN"}
        return ready, addresses, child.cmdline()

    lines = new_log()
    ready, addresses, command = with_process(spec, job, lines)
    assert ready.url.startswith("http://127.0.0.1:")
    assert [device.name for device in ready.devices if not device.is_gpu] == ["CPU"]
    assert addresses == {"127.0.0.1"}
    assert "key" not in command
    assert "listening on" in tail(lines)
    assert children() == []


def test_a_port_may_be_chosen(spec: EngineSpec) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    fixed = EngineSpec(spec.model, "demo", 1024, threads=1, port=port)
    assert with_process(fixed, lambda process: process.wait_ready()).url.endswith(f":{port}")


def test_a_port_that_is_taken_is_named(spec: EngineSpec) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        error = failure(EngineSpec(spec.model, "demo", 1024, threads=1, port=port))
    assert "could not be loaded" in error.message
    assert f"another program uses port {port}" in error.message
    assert children() == []


def test_llama_cpps_reason_for_refusing_a_file_is_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 2000)
    lines = new_log()
    error = failure(EngineSpec(path, "odd", 1024, threads=1), lines)
    assert error.message.startswith("odd could not be loaded: ")
    assert "number of tensors" in error.message or "failed to load model" in error.message
    assert any("gguf" in line for line in lines)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_kill_is_noticed_at_once_and_explained(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> tuple[str, str, float]:
        await process.wait_ready()
        (child,) = children()
        start = time.perf_counter()
        child.send_signal(signal.SIGKILL)
        report = await process.wait()
        return report.sentence, report.log_tail, time.perf_counter() - start

    sentence, log_tail, seconds = with_process(spec, job)
    assert "killed" in sentence
    assert "load_model" in log_tail  # the last lines may not be written yet
    assert seconds < 5


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("name", "words"), [("SIGKILL", "memory"), ("SIGILL", "processor lacks")])
def test_a_death_while_loading_is_explained(
    spec: EngineSpec, host: Callable[[str], None], name: str, words: str
) -> None:
    host(f"import os, signal; os.kill(os.getpid(), signal.{name})")
    assert words in failure(spec).message


def test_a_process_that_fails_without_a_log_gives_its_reason(
    spec: EngineSpec, host: Callable[[str], None]
) -> None:
    host("""print('{"event": "failed", "reason": "libgomp.so.1 is missing"}')""")
    assert failure(spec).message == "demo could not be loaded: libgomp.so.1 is missing."


def test_a_process_that_talks_nonsense_is_refused(
    spec: EngineSpec, host: Callable[[str], None]
) -> None:
    host("print('hello')")
    assert "does not understand" in failure(spec).message


def test_a_process_that_just_ends_is_explained(
    spec: EngineSpec, host: Callable[[str], None]
) -> None:
    host("raise SystemExit(3)")
    assert "exit code 3" in failure(spec).message


def test_a_program_that_is_not_there_is_an_error(
    spec: EngineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "host_command", lambda role: ["/nowhere/starpad"])
    assert "cannot be started" in failure(spec).message


def test_a_flood_of_log_neither_blocks_the_process_nor_fills_memory(
    spec: EngineSpec, host: Callable[[str], None]
) -> None:
    host("import sys; [print(i, 'x' * 5000, file=sys.stderr) for i in range(2000)]; "
         "sys.stderr.write('y' * 3_000_000)")  # fmt: skip
    lines = new_log()
    failure(spec, lines)
    assert len(lines) == 400
    assert lines[-2].startswith("1999 x")
    assert max(map(len, lines)) <= 1000
    assert tail(lines).count("\n") == 19


def test_a_process_that_does_not_end_by_itself_is_killed(
    spec: EngineSpec, host: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "_GRACE_S", 0.2)
    ready = EngineReady("http://127.0.0.1:1", "1", ()).to_json()
    host(f"import time; print({ready!r}, flush=True); time.sleep(60)")
    with_process(spec, lambda process: process.wait_ready())
    assert children() == []


def test_cancelling_a_load_ends_the_process_without_grace(
    spec: EngineSpec, host: Callable[[str], None]
) -> None:
    host("import time; time.sleep(60)")

    async def job(process: EngineProcess) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.wait_ready(), 0.05)

    start = time.perf_counter()
    with_process(spec, job)
    assert time.perf_counter() - start < 20
    assert children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="process descriptors are Linux's")
def test_watching_a_process_takes_no_thread(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> int:
        await process.wait_ready()
        return threading.active_count()

    before = threading.active_count()
    assert with_process(spec, job) == before
