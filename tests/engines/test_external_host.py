"""The user's own llama-server: a real one, started, asked, killed from every side, and broken."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from external_server import has_vulkan, llama_server, script
from running_engine import KEY
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import EngineError
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.core.paths import host_command, host_environment
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.session import Loaded, hold_model, prepare
from starpad.engines.spec import KEY_VARIABLE, EngineReady, EngineSpec

T = TypeVar("T")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the server at hand is Linux's")


@pytest.fixture
def spec(demo_model: Path, tmp_path: Path) -> EngineSpec:
    program = llama_server(tmp_path)
    return EngineSpec(
        demo_model, "demo", 512, 1, kind=EngineKind.EXTERNAL, program=str(program), gpu_layers=0
    )


def with_process(
    spec: EngineSpec,
    job: Callable[[EngineProcess], Awaitable[T]],
    lines: deque[str] | None = None,
    key: str = KEY,
) -> T:
    async def main() -> T:
        process = await EngineProcess.start(spec, key, new_log() if lines is None else lines)
        try:
            return await job(process)
        finally:
            await process.stop()

    return asyncio.run(main())


def failure(spec: EngineSpec, key: str = KEY) -> str:
    with pytest.raises(EngineError) as caught:
        with_process(spec, lambda process: process.wait_ready(), key=key)
    return caught.value.message


def server_of(pid: int) -> psutil.Process:
    (server,) = psutil.Process(pid).children()
    return server


def is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def until_gone(process: psutil.Process) -> None:
    async with asyncio.timeout(20):
        while is_running(process):
            await asyncio.sleep(0.01)


def test_it_gets_ready_on_loopback_and_is_gone_after_stop(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> tuple[EngineReady, psutil.Process, set[str]]:
        ready = await process.wait_ready()
        server = server_of(process.pid)
        assert KEY not in " ".join(server.cmdline())
        assert (await process.placement()).layers == 7
        async with EngineClient(ready.url, KEY) as client:
            properties = await client.properties()
            assert (properties.context_tokens, properties.slots) == (512, 2)
        async with EngineClient(ready.url, "another key") as client:
            with pytest.raises(EngineError, match="key"):
                await client.properties()
        addresses = {c.laddr.ip for c in server.net_connections() if c.status == "LISTEN"}
        return ready, server, addresses

    lines = new_log()
    ready, server, addresses = with_process(spec, job, lines)
    assert addresses == {"127.0.0.1"}
    assert ready.version.startswith("llama-server b")
    assert [device.name for device in ready.devices] == ["CPU"] or has_vulkan()
    assert "listening on" in "\n".join(lines)
    assert not is_running(server)


def test_its_completions_are_those_of_the_engine_in_the_box(spec: EngineSpec) -> None:
    async def complete(process: EngineProcess) -> str:
        ready = await process.wait_ready()
        async with EngineClient(ready.url, KEY) as client:
            prompt = await client.tokenize("def add(a, b):\n    return ")
            request = CompletionRequest(tuple(prompt), 24)
            return "".join([chunk.text async for chunk in client.complete(request)])

    own = with_process(spec, complete)
    assert own
    assert own == with_process(replace(spec, kind=EngineKind.LLAMA), complete)


def test_killing_the_server_ends_the_host_in_the_same_way(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> str:
        await process.wait_ready()
        server_of(process.pid).send_signal(signal.SIGKILL)
        report = await process.wait()
        assert report.returncode == -signal.SIGKILL
        return report.sentence

    assert "killed, perhaps because memory ran out" in with_process(spec, job)


def test_a_server_that_crashes_is_explained_by_its_signal(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> str:
        await process.wait_ready()
        server_of(process.pid).send_signal(signal.SIGSEGV)
        return (await process.wait()).sentence

    assert "SIGSEGV" in with_process(spec, job)


def test_killing_the_host_leaves_no_server_behind(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> None:
        await process.wait_ready()
        server = server_of(process.pid)
        psutil.Process(process.pid).kill()
        await until_gone(server)

    with_process(spec, job)


def test_killing_the_app_leaves_neither_host_nor_server_behind(spec: EngineSpec) -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", _APP, spec.to_json()],
        env=host_environment() | {KEY_VARIABLE: KEY},
        stdout=subprocess.PIPE,
    )
    assert app.stdout is not None
    host = psutil.Process(int(app.stdout.readline()))
    server = server_of(host.pid)
    app.kill()
    app.wait()
    app.stdout.close()

    async def gone() -> None:
        await until_gone(host)
        await until_gone(server)

    asyncio.run(gone())


_APP = """
import subprocess, sys
from starpad.core.paths import host_command
host = subprocess.Popen(
    host_command("external-host"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
)
host.stdin.write(sys.argv[1].encode() + b"\\n")
host.stdin.flush()
assert b"ready" in host.stdout.readline()
print(host.pid, flush=True)
host.wait()
"""


def test_closing_stdin_ends_both(spec: EngineSpec) -> None:
    with subprocess.Popen(
        host_command("external-host"), env=host_environment() | {KEY_VARIABLE: KEY},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as host:  # fmt: skip
        assert host.stdin is not None
        assert host.stdout is not None
        host.stdin.write(spec.to_json().encode() + b"\n")
        host.stdin.flush()
        assert b"ready" in host.stdout.readline()
        server = server_of(host.pid)
        host.stdin.close()
        assert host.wait(20) == 0
    asyncio.run(until_gone(server))


def test_stopping_it_while_it_loads_leaves_nothing(spec: EngineSpec, tmp_path: Path) -> None:
    """A server that answers every question and then never gets ready."""
    real = Path(spec.program)
    pid_file = tmp_path / "pid"
    slow = script(
        tmp_path / "slow",
        f'case "$1" in --help|--list-devices) exec "{real}" "$1";; esac\n'
        f'echo $$ > "{pid_file}.new"; mv "{pid_file}.new" "{pid_file}"; exec sleep 600',
    )

    async def job(process: EngineProcess) -> psutil.Process:
        async with asyncio.timeout(20):
            while not pid_file.exists():
                await asyncio.sleep(0.01)
        return psutil.Process(int(pid_file.read_text()))

    server = with_process(replace(spec, program=str(slow)), job)
    asyncio.run(until_gone(server))


def test_a_port_may_be_chosen_and_one_that_is_taken_is_named(spec: EngineSpec) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"uses port {port}" in failure(replace(spec, port=port))
    url = with_process(replace(spec, port=port), lambda process: process.wait_ready()).url
    assert url == f"http://127.0.0.1:{port}"


def test_another_server_on_the_port_is_not_taken_for_ours(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> str:
        url = (await process.wait_ready()).url
        port = int(url.rpartition(":")[2])
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, failure, replace(spec, port=port), "other")

    assert "another program uses port" in with_process(spec, job)


def test_a_broken_model_is_explained_in_the_servers_words(spec: EngineSpec, tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 2000)
    message = failure(replace(spec, model=path))
    assert message.startswith("demo could not be loaded: ")
    assert "number of tensors" in message or "failed to load model" in message


def test_a_chat_template_that_it_refuses_is_done_without(spec: EngineSpec) -> None:
    odd = replace(spec, chat_template="{{ nonsense(", may_refuse_template=True)
    assert with_process(odd, lambda process: process.wait_ready()).is_template_refused
    good = replace(odd, chat_template="{{ messages[0]['content'] }}")
    assert not with_process(good, lambda process: process.wait_ready()).is_template_refused


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exit 0", "is not a llama-server"),
        ("echo 'x: error while loading shared libraries: libcuda.so.1: no such file'; exit 127",
         "lacks a library: error while loading shared libraries: libcuda.so.1"),
        ("kill -ILL $$", "crashes"),
        ("echo '--port --ctx-size'", "too old"),
    ],
)  # fmt: skip
def test_a_program_that_cannot_do_it_is_named(
    demo_model: Path, tmp_path: Path, text: str, words: str
) -> None:
    program = script(tmp_path / "mine", text)
    spec = EngineSpec(demo_model, "demo", 512, 1, kind=EngineKind.EXTERNAL, program=str(program))
    assert words in failure(spec)


def test_a_program_that_is_missing_is_named(demo_model: Path, tmp_path: Path) -> None:
    spec = EngineSpec(
        demo_model, "demo", 512, 1, kind=EngineKind.EXTERNAL, program=str(tmp_path / "gone")
    )
    assert "There is no" in failure(spec)


def test_what_the_user_set_for_a_server_of_theirs_does_not_count(
    spec: EngineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_ARG_EMBEDDINGS", "1")
    monkeypatch.setenv("LLAMA_ARG_API_PREFIX", "/elsewhere")
    monkeypatch.setenv("LLAMA_API_KEY", "theirs")
    assert with_process(spec, lambda process: process.wait_ready()).url


def held(options: LoadOptions, *, tokens: int = 16) -> tuple[LoadedModel, list[float], str]:
    """Return a model that was held by a session, the fractions before, and its completion."""
    fractions: list[float] = []

    async def main() -> tuple[LoadedModel, list[float], str]:
        loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(
            hold_model(prepare(options), new_log(), loaded.set_result, fractions.append)
        )
        first: set[asyncio.Future[Any]] = {holding, loaded}
        await asyncio.wait(first, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        if not loaded.done():
            await holding  # raises what went wrong
        client = loaded.result().client
        prompt = await client.tokenize("def add(a, b):\n    return ")
        request = CompletionRequest(tuple(prompt), tokens)
        text = "".join([chunk.text async for chunk in client.complete(request)]) if tokens else ""
        holding.cancel()
        await asyncio.wait({holding})
        return loaded.result().model, fractions, text

    return asyncio.run(main())


def test_a_session_says_what_holds_the_model_and_that_no_layer_is_on_a_gpu(
    demo_model: Path, tmp_path: Path
) -> None:
    program = str(llama_server(tmp_path))
    model, fractions, _ = held(LoadOptions(demo_model, 512, 1, gpu_layers=0, program=program))
    assert (model.kind, model.program, model.on_gpu) == (EngineKind.EXTERNAL, program, False)
    assert (model.placement.layers, model.placement.gpu_layers) == (7, 0)
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)


@pytest.mark.slow
@pytest.mark.skipif(not has_vulkan(), reason="no Vulkan driver, not even Mesa's")
@pytest.mark.parametrize(("asked", "really"), [(999, 7), (3, 3), (-1, 7), (0, 0)])
def test_layers_on_a_vulkan_device_are_counted_where_they_are(
    demo_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int, really: int
) -> None:
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    options = LoadOptions(demo_model, 512, 1, gpu_layers=asked, program=str(llama_server(tmp_path)))
    # Mesa's lavapipe of Debian 12 crashes in the middle of texts when only some layers are on it.
    model, _, text = held(options, tokens=16 if really == 7 else 0)
    assert [device.name for device in model.devices if device.is_gpu] == ["Vulkan0"]
    assert (model.placement.layers, model.placement.gpu_layers) == (7, really)
    assert model.on_gpu == (really > 0)
    assert ("Vulkan0" in dict(model.placement.weights_bytes)) == (really > 0)
    if really == 7:
        alone = held(LoadOptions(demo_model, 512, 1, gpu_layers=0))[2]
        assert text[:12] == alone[:12]  # rounding differs, which shows after a while


def test_no_file_of_the_chat_template_is_left(spec: EngineSpec, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    with_template = replace(spec, chat_template="{{ messages[0]['content'] }}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "TMPDIR", str(folder))
        with_process(with_template, lambda process: process.wait_ready())
    assert list(folder.iterdir()) == []
