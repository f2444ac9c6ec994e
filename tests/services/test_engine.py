"""The engine service with the real engine: loads, fails clearly, survives what kills the engine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from gguf_files import gguf, write
from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.errors import EngineError
from starpad.core.fim import FimOrder
from starpad.core.load_options import LoadOptions
from starpad.core.paths import host_environment
from starpad.core.restart_policy import RestartPolicy
from starpad.engines import devices
from starpad.engines.client import EngineClient
from starpad.engines.protocol import Chunk, CompletionRequest
from starpad.services.engine import EngineService
from starpad.services.inference_thread import Emit, RequestEnd

LOAD_MS = 30_000


class Recorder(QObject):
    """Keeps everything that the service says."""

    def __init__(self, engine: EngineService) -> None:
        super().__init__()
        self.states: list[EngineState] = []
        self.stops: list[tuple[float, ExitReport]] = []
        self.values: list[object] = []
        self.ends: dict[int, RequestEnd] = {}
        engine.status_changed.connect(self._on_status_changed)
        engine.stopped_unexpectedly.connect(self._on_stopped)
        engine.value_received.connect(self._on_value_received)
        engine.request_ended.connect(self._on_request_ended)

    @Slot(object)
    def _on_status_changed(self, status: EngineStatus) -> None:
        if self.states[-1:] != [status.state]:  # progress changes the status, not the state
            self.states.append(status.state)

    @Slot(object)
    def _on_stopped(self, report: ExitReport) -> None:
        self.stops.append((time.perf_counter(), report))

    @Slot(int, object)
    def _on_value_received(self, request_id: int, value: object) -> None:
        self.values.append(value)

    @Slot(int, object)
    def _on_request_ended(self, request_id: int, end: RequestEnd) -> None:
        assert request_id not in self.ends
        self.ends[request_id] = end

    def chunks(self) -> list[Chunk]:
        return [value for value in self.values if isinstance(value, Chunk)]


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    engine.restart_automatically = False
    yield engine
    engine.shutdown()
    assert children() == []


@pytest.fixture
def recorder(engine: EngineService) -> Recorder:
    return Recorder(engine)


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def load(engine: EngineService, qtbot: QtBot, path: Path, context_tokens: int = 4096) -> None:
    engine.load(LoadOptions(path, context_tokens=context_tokens))
    wait_for(engine, qtbot, EngineState.READY)


def wait_for(engine: EngineService, qtbot: QtBot, state: EngineState) -> None:
    def is_there() -> bool:
        assert state is EngineState.FAILED or engine.status.state is not EngineState.FAILED, (
            engine.status.reason
        )
        return engine.status.state is state

    qtbot.waitUntil(is_there, timeout=LOAD_MS)


def failure(engine: EngineService, qtbot: QtBot, path: Path) -> str:
    engine.load(LoadOptions(path, context_tokens=4096))
    wait_for(engine, qtbot, EngineState.FAILED)
    assert engine.status.model is None
    return engine.status.reason


async def stream(client: EngineClient, emit: Emit) -> object:
    async for chunk in client.complete(CompletionRequest((5, 6, 7), 1000)):
        emit(chunk)
    return "complete"


async def stream_a_little(client: EngineClient, emit: Emit) -> object:
    async for chunk in client.complete(CompletionRequest((5, 6, 7), 20)):
        emit(chunk)
    return "complete"


def kill_engine() -> None:
    (child,) = children()
    child.send_signal(signal.SIGKILL)


def test_loading_tells_what_the_model_is(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    assert engine.status == EngineStatus(EngineState.EMPTY)
    load(engine, qtbot, demo_model)
    assert recorder.states == [EngineState.LOADING, EngineState.READY]
    model = engine.status.model
    assert model is not None
    assert (model.name, model.quantization) == ("starpad-demo", "Q8_0")
    assert model.context_tokens == 1024  # asked for 4,096, trained for 1,024
    assert model.is_demo
    assert model.fim is not None
    assert (model.fim.prefix, model.fim.middle, model.fim.suffix) == (1, 2, 3)
    assert model.fim.order is FimOrder.SPMV2
    assert model.stop_ids == model.fim.stop_ids == set(range(16))  # all special tokens
    assert "model loaded" in engine.log_tail()


def test_the_setting_bounds_the_context(
    engine: EngineService, qtbot: QtBot, demo_model: Path
) -> None:
    load(engine, qtbot, demo_model, context_tokens=512)
    assert engine.status.model is not None
    assert engine.status.model.context_tokens == 512


def test_a_copy_of_the_demo_model_is_not_the_demo_model(
    engine: EngineService, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    load(engine, qtbot, write(tmp_path, demo_model.read_bytes(), "mit Ümläut 😀.gguf"))
    assert engine.status.model is not None
    assert not engine.status.model.is_demo


def test_the_engine_is_busy_while_a_request_runs(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    load(engine, qtbot, demo_model)
    model = engine.status.model
    first, second = engine.submit(stream), engine.submit(stream)
    assert engine.status == EngineStatus(EngineState.BUSY, model)
    qtbot.waitUntil(lambda: bool(recorder.chunks()))
    engine.cancel(first)
    qtbot.waitUntil(lambda: first in recorder.ends)
    assert recorder.ends[first] == RequestEnd(cancelled=True)
    assert engine.status.state is EngineState.BUSY
    engine.cancel(second)
    wait_for(engine, qtbot, EngineState.READY)
    assert engine.status == EngineStatus(EngineState.READY, model)
    ready = [EngineState.READY, EngineState.BUSY, EngineState.READY]
    assert recorder.states == [EngineState.LOADING, *ready]


def test_a_request_streams_chunks_and_ends_with_the_jobs_value(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    load(engine, qtbot, demo_model)
    request = engine.submit(stream_a_little)
    qtbot.waitUntil(lambda: request in recorder.ends, timeout=LOAD_MS)
    assert recorder.ends[request] == RequestEnd(value="complete")
    assert len(recorder.chunks()) > 10
    assert recorder.chunks()[-1].is_last


def test_without_a_model_a_request_ends_with_an_error(
    engine: EngineService, recorder: Recorder, qtbot: QtBot
) -> None:
    request = engine.submit(stream)
    qtbot.waitUntil(lambda: request in recorder.ends)
    assert isinstance(recorder.ends[request].error, EngineError)
    assert recorder.states == []


def test_unloading_ends_the_process_and_what_runs_on_it(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    load(engine, qtbot, demo_model)
    request = engine.submit(stream)
    engine.unload()
    assert engine.status == EngineStatus(EngineState.EMPTY)
    qtbot.waitUntil(lambda: children() == [])
    qtbot.waitUntil(lambda: request in recorder.ends)
    assert recorder.ends[request] == RequestEnd(cancelled=True)
    assert recorder.stops == []
    assert engine.status.state is EngineState.EMPTY


def test_a_newer_load_replaces_an_older_one(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    copy = write(tmp_path, demo_model.read_bytes(), "second.gguf")
    for path in (demo_model, copy, demo_model, copy):
        engine.load(LoadOptions(path, context_tokens=512, threads=1))
    wait_for(engine, qtbot, EngineState.READY)
    assert engine.status.model is not None
    assert engine.status.model.path == copy
    assert len(children()) == 1
    assert recorder.stops == []


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (None, "does not exist"),
        (b"", "empty"),
        (b"lmgg" + bytes(100), "legacy GGML"),
        (b"<!DOCTYPE html>", "web page"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 2000, "number of tensors"),
        (gguf()[:-1], "truncated"),
        (gguf(), "could not be loaded"),
    ],
    ids=["missing", "empty", "legacy", "page", "corrupt", "truncated", "nonsense"],
)
def test_an_unusable_file_fails_with_its_reason(
    engine: EngineService, qtbot: QtBot, tmp_path: Path, data: bytes | None, word: str
) -> None:
    path = tmp_path / "model.gguf"
    if data is not None:
        path.write_bytes(data)
    assert word in failure(engine, qtbot, path)
    qtbot.waitUntil(lambda: children() == [])


def test_a_model_that_does_not_fit_into_memory_is_not_even_started(
    engine: EngineService, qtbot: QtBot, demo_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "available_memory_bytes", lambda: 1_000_000)
    reason = failure(engine, qtbot, demo_model)
    assert "only 1 MB are free" in reason
    assert engine.log_tail() == ""


def test_a_bug_while_loading_is_a_failure_not_a_hang(
    engine: EngineService, qtbot: QtBot, demo_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(devices, "physical_cores")
    assert "error in Starpad" in failure(engine, qtbot, demo_model)


def test_after_a_failure_another_model_loads(
    engine: EngineService, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    failure(engine, qtbot, tmp_path / "none.gguf")
    engine.load(LoadOptions(demo_model, context_tokens=512))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOAD_MS)


def test_a_kill_in_the_middle_of_a_stream_is_told_within_a_second(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    load(engine, qtbot, demo_model)
    request = engine.submit(stream)
    qtbot.waitUntil(lambda: bool(recorder.chunks()))
    killed = time.perf_counter()
    kill_engine()
    qtbot.waitUntil(lambda: bool(recorder.stops) and request in recorder.ends)
    noticed, report = recorder.stops[0]
    assert noticed - killed < 1
    assert "killed" in report.sentence
    assert "listening on" in report.log_tail
    assert report.restart_in_ms is None
    assert engine.status == EngineStatus(EngineState.FAILED, reason=report.sentence)
    assert isinstance(recorder.ends[request].error, EngineError)


def test_after_a_kill_the_engine_comes_back_by_itself(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    engine.restart_automatically = True
    engine.restart_delay_ms = 20
    load(engine, qtbot, demo_model)
    kill_engine()
    qtbot.waitUntil(lambda: bool(recorder.stops))
    assert recorder.stops[0][1].restart_in_ms == 20
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOAD_MS)
    request = engine.submit(stream_a_little)
    qtbot.waitUntil(lambda: request in recorder.ends, timeout=LOAD_MS)
    assert recorder.ends[request].value == "complete"


def test_automatic_restarts_are_limited_and_a_restart_by_hand_is_not(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    engine.restart_automatically = True
    engine.restart_delay_ms = 20
    engine._policy = RestartPolicy(limit=1)
    load(engine, qtbot, demo_model)
    for expected in (20, None):
        recorder.stops.clear()
        kill_engine()
        qtbot.waitUntil(lambda: bool(recorder.stops))
        assert recorder.stops[0][1].restart_in_ms == expected
        if expected is not None:
            qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOAD_MS)
    engine.restart()
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOAD_MS)


@pytest.mark.parametrize("action", ["restart", "unload", "shutdown"])
def test_a_planned_restart_is_dropped_when_the_user_decides(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, action: str
) -> None:
    engine.restart_automatically = True
    load(engine, qtbot, demo_model)
    kill_engine()
    qtbot.waitUntil(lambda: bool(recorder.stops))
    assert recorder.stops[0][1].restart_in_ms == 3000
    assert engine._restart_timer.isActive()
    getattr(engine, action)()
    assert not engine._restart_timer.isActive()


def test_a_restart_without_a_model_does_nothing(engine: EngineService, recorder: Recorder) -> None:
    engine.restart()
    assert recorder.states == []


def test_shutdown_ends_the_process_and_every_request_and_may_be_repeated(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path
) -> None:
    load(engine, qtbot, demo_model)
    request = engine.submit(stream)
    engine.shutdown()
    assert children() == []
    qtbot.waitUntil(lambda: request in recorder.ends)
    assert recorder.ends[request] == RequestEnd(cancelled=True)
    engine.shutdown()


def test_shutdown_right_after_unloading_leaves_no_process(
    engine: EngineService, qtbot: QtBot, demo_model: Path
) -> None:
    load(engine, qtbot, demo_model)
    engine.unload()
    qtbot.waitUntil(lambda: engine.status.state is EngineState.EMPTY)
    engine.shutdown()
    assert children() == []


def test_shutdown_while_loading_leaves_no_process(
    engine: EngineService, qtbot: QtBot, demo_model: Path
) -> None:
    engine.load(LoadOptions(demo_model, context_tokens=512))
    qtbot.waitUntil(lambda: bool(children()))
    engine.shutdown()
    assert children() == []


PARENT = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QObject, Slot
import psutil
from starpad.core.engine_status import EngineState
from starpad.core.load_options import LoadOptions
from starpad.services.engine import EngineService

class Reporter(QObject):
    @Slot(object)
    def on_status_changed(self, status):
        if status.state is EngineState.READY:
            print(*(child.pid for child in psutil.Process().children()), flush=True)

application = QCoreApplication([])
engine, reporter = EngineService(), Reporter()
engine.status_changed.connect(reporter.on_status_changed)
engine.load(LoadOptions(Path(sys.argv[1]), context_tokens=512))
application.exec()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_when_the_app_is_killed_the_engine_is_gone_within_two_seconds(demo_model: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, demo_model], env=host_environment(), stdout=subprocess.PIPE
    ) as app:
        assert app.stdout is not None
        child = psutil.Process(int(app.stdout.readline()))
        assert "--engine-host" in child.cmdline()
        app.kill()
        psutil.wait_procs([child], timeout=2)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_window_need_not_wait_for_the_http_library() -> None:
    code = "import sys, starpad.services.engine; raise SystemExit('httpx2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=host_environment(), check=True)
