"""A pack that fails costs nothing but itself: the engine in the box takes over, with the model."""

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from engine_packs import ABORTS, RAISES, broken_pack, linked_pack, truncated_pack
from gguf_files import gguf
from starpad.core.engine_pack import InstalledPack
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.errors import StarpadError
from starpad.core.load_options import LoadOptions
from starpad.core.restart_policy import RestartPolicy
from starpad.engines.client import EngineClient
from starpad.engines.protocol import CompletionRequest
from starpad.services.engine import EngineService
from starpad.services.inference_thread import Emit
from starpad.services.pack_trial import PackFailure

LOAD_MS = 30_000


class Recorder(QObject):
    """Keeps what the service says of packs and failures."""

    def __init__(self, engine: EngineService) -> None:
        super().__init__()
        self.failures: list[PackFailure] = []
        self.refusals: list[StarpadError] = []
        self.states: list[EngineState] = []
        engine.pack_failed.connect(self._on_pack_failed)
        engine.load_failed.connect(self._on_load_failed)
        engine.status_changed.connect(self._on_status_changed)

    @Slot(object)
    def _on_pack_failed(self, failure: PackFailure) -> None:
        self.failures.append(failure)

    @Slot(object)
    def _on_load_failed(self, error: StarpadError) -> None:
        self.refusals.append(error)

    @Slot(object)
    def _on_status_changed(self, status: EngineStatus) -> None:
        self.states.append(status.state)


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


def with_pack(path: Path, pack: InstalledPack) -> LoadOptions:
    return LoadOptions(path, context_tokens=512, pack=str(pack.folder))


def wait_ready(engine: EngineService, qtbot: QtBot) -> str:
    """Wait for a model; return the folder of the pack that holds it."""
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOAD_MS)
    assert engine.status.model is not None
    return engine.status.model.pack


async def say_a_little(client: EngineClient, emit: Emit) -> object:
    return [chunk async for chunk in client.complete(CompletionRequest((5, 6, 7), 4))]


def test_a_pack_that_works_holds_the_model(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    pack = linked_pack(tmp_path, "good")
    engine.load(with_pack(demo_model, pack))
    assert wait_ready(engine, qtbot) == str(pack.folder)
    with qtbot.waitSignal(engine.request_ended, timeout=LOAD_MS) as ended:
        engine.submit(say_a_little)
    assert ended.args is not None
    assert ended.args[1].value
    assert recorder.failures == []


def test_without_a_pack_the_box_holds_it_whatever_the_environment_says(
    engine: EngineService,
    qtbot: QtBot,
    demo_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STARPAD_ENGINE_PACK", str(linked_pack(tmp_path, "other").folder))
    engine.load(LoadOptions(demo_model, context_tokens=512))
    assert wait_ready(engine, qtbot) == ""


def _removed(packs: Path, name: str) -> InstalledPack:
    pack = linked_pack(packs, name)
    shutil.rmtree(pack.folder)
    return pack


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_removed, "not there any more"),
        (lambda packs, name: broken_pack(packs, name, RAISES), "the build was bad"),
        (lambda packs, name: broken_pack(packs, name, ABORTS), "SIGABRT"),
        (truncated_pack, "could not be loaded"),
    ],
    ids=["removed", "raises", "aborts", "cut off"],
)
def test_a_pack_that_fails_leaves_the_model_to_the_box_at_once(
    engine: EngineService,
    recorder: Recorder,
    qtbot: QtBot,
    demo_model: Path,
    tmp_path: Path,
    make: Callable[[Path, str], InstalledPack],
    words: str,
) -> None:
    pack = make(tmp_path, "bad")
    engine.load(with_pack(demo_model, pack))
    assert wait_ready(engine, qtbot) == ""
    (failure,) = recorder.failures
    assert failure.folder == str(pack.folder)
    assert words in failure.reason
    assert EngineState.FAILED not in recorder.states
    assert recorder.refusals == []
    # A restart does not try it again.
    engine.restart()
    qtbot.waitUntil(lambda: engine.status.state is EngineState.LOADING)
    assert wait_ready(engine, qtbot) == ""
    assert len(recorder.failures) == 1


def test_a_model_that_the_box_does_not_load_either_says_why_and_the_pack_stays(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    pack = linked_pack(tmp_path, "good")
    nonsense = tmp_path / "nonsense.gguf"
    nonsense.write_bytes(gguf())
    engine.load(with_pack(nonsense, pack))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.FAILED, timeout=LOAD_MS)
    assert "could not be loaded" in engine.status.reason
    assert recorder.failures == []
    assert engine.wanted == with_pack(nonsense, pack)
    engine.load(with_pack(demo_model, pack))
    assert wait_ready(engine, qtbot) == str(pack.folder)


def test_a_file_that_is_refused_before_is_tried_once(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, tmp_path: Path
) -> None:
    engine.load(with_pack(tmp_path / "none.gguf", linked_pack(tmp_path, "good")))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.FAILED, timeout=LOAD_MS)
    assert "does not exist" in engine.status.reason
    assert recorder.states == [EngineState.LOADING, EngineState.FAILED]
    assert recorder.failures == []


def test_a_device_that_only_the_pack_has_is_no_reason_for_the_box_to_fail(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    pack = broken_pack(tmp_path, "bad", RAISES)
    engine.load(replace(with_pack(demo_model, pack), device="CUDA0"))
    assert wait_ready(engine, qtbot) == ""
    assert [failure.folder for failure in recorder.failures] == [str(pack.folder)]


def test_the_model_before_stays_while_a_failing_pack_is_replaced(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    engine.load(LoadOptions(demo_model, context_tokens=512))
    wait_ready(engine, qtbot)
    copy = tmp_path / "second.gguf"
    copy.write_bytes(demo_model.read_bytes())
    recorder.states.clear()
    engine.load(with_pack(copy, broken_pack(tmp_path, "bad", RAISES)))
    qtbot.waitUntil(lambda: bool(recorder.failures), timeout=LOAD_MS)
    assert engine.status.model is not None
    assert engine.status.model.path == copy
    assert set(recorder.states) == {EngineState.READY}


def test_another_choice_ends_the_trial(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    bad = broken_pack(tmp_path, "bad", RAISES)
    engine.load(with_pack(demo_model, bad))
    qtbot.waitUntil(lambda: engine.wanted != with_pack(demo_model, bad), timeout=LOAD_MS)
    good = linked_pack(tmp_path, "good")
    engine.load(with_pack(demo_model, good))
    assert wait_ready(engine, qtbot) == str(good.folder)
    assert recorder.failures == []


def test_a_pack_that_crashes_again_and_again_is_given_up(
    engine: EngineService, recorder: Recorder, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    engine.restart_automatically = True
    engine.restart_delay_ms = 20
    engine._policy = RestartPolicy(limit=2)
    pack = linked_pack(tmp_path, "shaky")
    engine.load(with_pack(demo_model, pack))
    for _ in range(3):
        assert wait_ready(engine, qtbot) == str(pack.folder)
        (child,) = psutil.Process().children()
        child.send_signal(signal.SIGSEGV)
        qtbot.waitUntil(lambda: engine.status.state is not EngineState.READY)
    assert wait_ready(engine, qtbot) == ""
    (failure,) = recorder.failures
    assert "SIGSEGV" in failure.reason
