"""Switching models: beside each other where there is room, and never without a way back."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.errors import EngineError, ModelFileError, NotEnoughMemoryError, StarpadError
from starpad.core.load_options import LoadOptions
from starpad.engines import devices
from starpad.engines.client import EngineClient
from starpad.engines.protocol import CompletionRequest
from starpad.services.engine import EngineService
from starpad.services.inference_thread import Emit

LOAD_MS = 30_000


class Recorder(QObject):
    """Keeps every status and every failed switch."""

    def __init__(self, engine: EngineService) -> None:
        super().__init__()
        self.statuses: list[EngineStatus] = []
        self.failures: list[StarpadError] = []
        engine.status_changed.connect(self._on_status_changed)
        engine.load_failed.connect(self._on_load_failed)

    @Slot(object)
    def _on_status_changed(self, status: EngineStatus) -> None:
        self.statuses.append(status)

    @Slot(object)
    def _on_load_failed(self, error: StarpadError) -> None:
        self.failures.append(error)


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    engine.restart_automatically = False
    yield engine
    engine.shutdown()
    assert psutil.Process().children() == []


@pytest.fixture
def recorder(engine: EngineService) -> Recorder:
    return Recorder(engine)


@pytest.fixture
def first(demo_model: Path, tmp_path: Path) -> LoadOptions:
    return _copy(demo_model, tmp_path / "first.gguf")


@pytest.fixture
def second(demo_model: Path, tmp_path: Path) -> LoadOptions:
    return _copy(demo_model, tmp_path / "second.gguf")


def _copy(model: Path, path: Path) -> LoadOptions:
    path.write_bytes(model.read_bytes())
    return LoadOptions(path, context_tokens=512)


def _is_ready_with(engine: EngineService, options: LoadOptions) -> bool:
    status = engine.status
    assert status.state is not EngineState.FAILED, status.reason
    return (
        status.state is EngineState.READY
        and status.model is not None
        and status.model.path == options.path
        and status.loading is None
    )


def _load(engine: EngineService, qtbot: QtBot, options: LoadOptions) -> None:
    engine.load(options)
    qtbot.waitUntil(lambda: _is_ready_with(engine, options), timeout=LOAD_MS)


def _have_room_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the memory hold one engine at a time, as this machine's processes really are."""

    def available_memory_bytes() -> int:
        return 10**6 if psutil.Process().children() else 10**10

    monkeypatch.setattr(devices, "available_memory_bytes", available_memory_bytes)


async def _complete(client: EngineClient, _emit: Emit) -> object:
    return [chunk async for chunk in client.complete(CompletionRequest((5, 6, 7), 4))]


def test_the_present_model_answers_until_the_new_one_is_ready(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, first: LoadOptions, second: LoadOptions
) -> None:
    _load(engine, qtbot, first)
    recorder.statuses.clear()
    engine.load(second)
    assert engine.status.model is not None
    assert engine.status.model.path == first.path
    assert engine.status.loading is not None
    assert engine.status.loading.path == second.path
    with qtbot.waitSignal(engine.request_ended, timeout=10_000) as blocker:
        engine.submit(_complete)
    assert blocker.args[1].value
    qtbot.waitUntil(lambda: _is_ready_with(engine, second), timeout=LOAD_MS)
    assert all(status.model is not None for status in recorder.statuses)
    qtbot.waitUntil(lambda: len(psutil.Process().children()) == 1)


def test_where_memory_holds_one_model_the_present_one_leaves_first(
    engine: EngineService,
    recorder: Recorder,
    qtbot: QtBot,
    first: LoadOptions,
    second: LoadOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _have_room_for_one(monkeypatch)
    _load(engine, qtbot, first)
    recorder.statuses.clear()
    engine.load(second)
    most = 0

    def is_switched() -> bool:
        nonlocal most
        most = max(most, len(psutil.Process().children()))
        return _is_ready_with(engine, second)

    qtbot.waitUntil(is_switched, timeout=LOAD_MS)
    assert most == 1
    assert any(status.state is EngineState.LOADING for status in recorder.statuses)
    assert recorder.failures == []


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>"], ids=["empty", "page"])
def test_a_bad_file_leaves_the_present_model_as_it_is(
    engine: EngineService,
    recorder: Recorder,
    qtbot: QtBot,
    first: LoadOptions,
    tmp_path: Path,
    content: bytes,
) -> None:
    _load(engine, qtbot, first)
    (child,) = psutil.Process().children()
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(content)
    engine.load(LoadOptions(bad))
    qtbot.waitUntil(lambda: bool(recorder.failures), timeout=LOAD_MS)
    assert isinstance(recorder.failures[0], ModelFileError)
    assert _is_ready_with(engine, first)
    assert psutil.Process().children() == [child]


def test_a_model_that_cannot_be_loaded_after_all_brings_the_one_before_back(
    engine: EngineService,
    recorder: Recorder,
    qtbot: QtBot,
    first: LoadOptions,
    second: LoadOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _have_room_for_one(monkeypatch)
    _load(engine, qtbot, first)
    # Its header is right, but llama.cpp will miss a tensor.
    data = second.path.read_bytes()
    second.path.write_bytes(data.replace(b"blk.0.attn_q.weight", b"blk.0.attn_X.weight", 1))
    engine.load(second)
    qtbot.waitUntil(lambda: bool(recorder.failures), timeout=LOAD_MS)
    assert isinstance(recorder.failures[0], EngineError)
    qtbot.waitUntil(lambda: _is_ready_with(engine, first), timeout=LOAD_MS)
    assert EngineState.FAILED not in {status.state for status in recorder.statuses}


def test_a_model_larger_than_all_memory_does_not_push_the_present_one_out(
    engine: EngineService,
    recorder: Recorder,
    qtbot: QtBot,
    first: LoadOptions,
    second: LoadOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _load(engine, qtbot, first)
    monkeypatch.setattr(devices, "available_memory_bytes", lambda: -(10**10))
    engine.load(second)
    qtbot.waitUntil(lambda: bool(recorder.failures), timeout=LOAD_MS)
    assert isinstance(recorder.failures[0], NotEnoughMemoryError)
    assert _is_ready_with(engine, first)


def test_a_switch_can_be_cancelled_beside_the_present_model(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, first: LoadOptions, second: LoadOptions
) -> None:
    _load(engine, qtbot, first)
    engine.load(second)
    qtbot.waitUntil(lambda: len(psutil.Process().children()) == 2, timeout=LOAD_MS)
    engine.cancel_load()
    assert _is_ready_with(engine, first)
    qtbot.waitUntil(lambda: len(psutil.Process().children()) == 1)
    assert recorder.failures == []


def test_a_switch_can_be_cancelled_after_the_present_model_has_left(
    engine: EngineService,
    recorder: Recorder,
    qtbot: QtBot,
    first: LoadOptions,
    second: LoadOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _have_room_for_one(monkeypatch)
    _load(engine, qtbot, first)
    engine.load(second)
    qtbot.waitUntil(lambda: engine.status.state is EngineState.LOADING, timeout=LOAD_MS)
    engine.cancel_load()
    qtbot.waitUntil(lambda: _is_ready_with(engine, first), timeout=LOAD_MS)
    assert recorder.failures == []


def test_a_first_load_can_be_cancelled(engine: EngineService, first: LoadOptions) -> None:
    engine.load(first)
    engine.cancel_load()
    assert engine.status == EngineStatus(EngineState.EMPTY)


def test_the_last_of_many_choices_wins_and_one_process_remains(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, first: LoadOptions, second: LoadOptions
) -> None:
    _load(engine, qtbot, first)
    for options in (second, first, second, first, second):
        engine.load(options)
    qtbot.waitUntil(lambda: _is_ready_with(engine, second), timeout=LOAD_MS)
    qtbot.waitUntil(lambda: len(psutil.Process().children()) == 1)
    assert recorder.failures == []


def test_progress_grows_to_the_whole(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, first: LoadOptions
) -> None:
    _load(engine, qtbot, first)
    fractions = [status.loading.fraction for status in recorder.statuses if status.loading]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1


def test_when_the_present_model_dies_during_a_switch_the_new_one_comes_all_the_same(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, first: LoadOptions, second: LoadOptions
) -> None:
    _load(engine, qtbot, first)
    (child,) = psutil.Process().children()
    engine.load(second)
    child.kill()
    qtbot.waitUntil(lambda: _is_ready_with(engine, second), timeout=LOAD_MS)
