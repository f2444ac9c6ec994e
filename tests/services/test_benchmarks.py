"""Benchmarks through the real engine service: nothing spoils them, everything comes back."""

import csv
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from benchmark_results import later, result
from starpad.core.benchmark import BenchmarkPlan, BenchmarkProgress
from starpad.core.engine_status import EngineState
from starpad.core.errors import FileError, StarpadError
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.core.paths import demo_model
from starpad.services.background import BackgroundJobs
from starpad.services.benchmarks import BenchmarkService
from starpad.services.engine import EngineService
from starpad.services.model_library import ModelLibrary
from starpad.services.settings import SettingsService

LOAD_MS = 30_000
SHORT = BenchmarkPlan(prompt_tokens=(48,), generated_tokens=16, repeat=1)
LONG = BenchmarkPlan(prompt_tokens=(480,), generated_tokens=400, repeat=500)


class Listener(QObject):
    """Keeps what the service says, and what state the app's own engine is in then."""

    def __init__(self, service: BenchmarkService, engine: EngineService) -> None:
        super().__init__()
        self._engine = engine
        self.progress: list[tuple[Path, BenchmarkProgress]] = []
        self.states: set[EngineState] = set()
        self.failures: list[tuple[Path, StarpadError]] = []
        self.reports: list[StarpadError] = []
        service.progressed.connect(self._on_progressed)
        service.failed.connect(self._on_failed)
        service.reported.connect(self._on_reported)

    @Slot(object, object)
    def _on_progressed(self, path: Path, progress: BenchmarkProgress) -> None:
        self.progress.append((path, progress))
        self.states.add(self._engine.status.state)

    @Slot(object, object)
    def _on_failed(self, path: Path, error: StarpadError) -> None:
        self.failures.append((path, error))

    @Slot(object)
    def _on_reported(self, error: StarpadError) -> None:
        self.reports.append(error)

    def is_reading(self) -> bool:
        return any("Reading" in progress.sentence for _, progress in self.progress)


@pytest.fixture
def jobs() -> Iterator[BackgroundJobs]:
    jobs = BackgroundJobs()
    yield jobs
    jobs.shutdown()


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    yield engine
    engine.shutdown()
    assert psutil.Process().children() == []


@pytest.fixture
def library(jobs: BackgroundJobs, tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(jobs, tmp_path / "data", tmp_path / "models", ())


@pytest.fixture
def service(engine: EngineService, library: ModelLibrary, tmp_path: Path) -> BenchmarkService:
    settings = SettingsService(tmp_path / "settings.json")
    service = BenchmarkService(engine, library, settings, tmp_path / "data")
    service.plan = SHORT
    return service


@pytest.fixture
def listener(service: BenchmarkService, engine: EngineService) -> Listener:
    return Listener(service, engine)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return another file of the embedded model."""
    path = tmp_path / "models" / "copy.gguf"
    path.parent.mkdir()
    shutil.copy(demo_model(), path)
    return path


def load(engine: EngineService, qtbot: QtBot, path: Path) -> None:
    engine.load(LoadOptions(path, context_tokens=512))
    wait_until_loaded(engine, qtbot, path)


def wait_until_loaded(engine: EngineService, qtbot: QtBot, path: Path) -> None:
    def is_loaded() -> bool:
        model = engine.status.model
        return model is not None and model.path == path and engine.status.loading is None

    qtbot.waitUntil(is_loaded, timeout=LOAD_MS)


def wait_until_ended(service: BenchmarkService, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: service.current is None, timeout=LOAD_MS)


def test_models_are_measured_in_turn_and_what_was_loaded_comes_back(
    service: BenchmarkService, engine: EngineService, listener: Listener, copy: Path, qtbot: QtBot
) -> None:
    load(engine, qtbot, demo_model())
    service.start([copy, demo_model()])
    assert (service.current, service.waiting) == (copy, 1)
    wait_until_ended(service, qtbot)
    assert [result.model for result in service.results] == [str(demo_model()), str(copy)]
    assert {path for path, _ in listener.progress} == {copy, demo_model()}
    assert listener.states == {EngineState.EMPTY}, "no suggestion could have spoiled the figures"
    assert listener.failures == []
    wait_until_loaded(engine, qtbot, demo_model())
    assert engine.status.model is not None
    assert engine.status.model.context_tokens == 512, "loaded as it was before"


def test_nothing_is_measured_before_the_loaded_model_has_given_its_memory_back(
    service: BenchmarkService, engine: EngineService, qtbot: QtBot
) -> None:
    load(engine, qtbot, demo_model())
    [process] = psutil.Process().children()
    alive: list[bool] = []
    service.progressed.connect(lambda *_: alive.append(process.is_running()))
    service.start([demo_model()])
    assert process.is_running(), "else this would show nothing"
    wait_until_ended(service, qtbot)
    assert alive
    assert not any(alive)


def test_without_a_model_before_there_is_none_afterwards(
    service: BenchmarkService, engine: EngineService, qtbot: QtBot
) -> None:
    service.start([demo_model()])
    service.start([demo_model()])  # one at a time
    wait_until_ended(service, qtbot)
    assert len(service.results) == 1
    assert engine.status.state is EngineState.EMPTY


def test_the_model_manager_hears_of_the_speed(
    service: BenchmarkService,
    library: ModelLibrary,
    jobs: BackgroundJobs,
    qtbot: QtBot,
) -> None:
    with qtbot.waitSignal(library.changed):
        library.refresh()
    size = demo_model().stat().st_size
    with qtbot.waitSignal(jobs.job_ended):
        library.note_speed(demo_model(), 3.0)
    assert library.expected_speed(size) == pytest.approx(3)
    with qtbot.waitSignal(jobs.job_ended, timeout=LOAD_MS):
        service.start([demo_model()])
    speed = service.results[0].figures.generation.median
    assert library.expected_speed(size) == pytest.approx(speed, abs=0.01)
    assert library.expected_speed(size * 2) == pytest.approx(speed / 2, abs=0.01)
    with qtbot.waitSignal(jobs.job_ended):
        library.note_speed(demo_model(), 3.0)
    assert library.expected_speed(size) == pytest.approx(speed, abs=0.01), "it counts more"


def test_a_stop_in_the_middle_keeps_nothing_and_brings_the_model_back(
    service: BenchmarkService, engine: EngineService, listener: Listener, copy: Path, qtbot: QtBot
) -> None:
    load(engine, qtbot, demo_model())
    service.plan = LONG
    service.start([copy, demo_model()])
    qtbot.waitUntil(listener.is_reading, timeout=LOAD_MS)
    service.stop()
    wait_until_ended(service, qtbot)
    assert service.results == []
    assert listener.failures == []
    wait_until_loaded(engine, qtbot, demo_model())
    qtbot.waitUntil(lambda: len(psutil.Process().children()) == 1, timeout=LOAD_MS)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_engine_is_told_and_the_next_model_is_measured(
    service: BenchmarkService, engine: EngineService, listener: Listener, copy: Path, qtbot: QtBot
) -> None:
    load(engine, qtbot, demo_model())
    service.plan = LONG
    service.start([copy, demo_model()])
    qtbot.waitUntil(listener.is_reading, timeout=LOAD_MS)
    service.plan = SHORT
    [process] = psutil.Process().children()
    os.kill(process.pid, signal.SIGKILL)
    wait_until_ended(service, qtbot)
    [(path, error)] = listener.failures
    assert path == copy
    assert "memory" in error.message or "killed" in error.message
    assert [result.model for result in service.results] == [str(demo_model())]
    wait_until_loaded(engine, qtbot, demo_model())


def test_a_file_that_cannot_be_loaded_is_told_and_the_model_before_comes_back(
    service: BenchmarkService,
    engine: EngineService,
    listener: Listener,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    load(engine, qtbot, demo_model())
    service.start([tmp_path / "gone.gguf"])
    wait_until_ended(service, qtbot)
    [(path, error)] = listener.failures
    assert path.name == "gone.gguf"
    assert "does not exist" in error.message
    wait_until_loaded(engine, qtbot, demo_model())


def test_a_model_that_is_loaded_meanwhile_stops_the_benchmark_and_stays(
    service: BenchmarkService, engine: EngineService, listener: Listener, copy: Path, qtbot: QtBot
) -> None:
    load(engine, qtbot, demo_model())
    service.plan = LONG
    service.start([demo_model(), demo_model()])
    qtbot.waitUntil(listener.is_reading, timeout=LOAD_MS)
    load(engine, qtbot, copy)
    assert service.current is None
    assert service.results == []
    [report] = listener.reports
    assert "a model was loaded meanwhile" in report.message
    qtbot.waitUntil(lambda: len(psutil.Process().children()) == 1, timeout=LOAD_MS)
    service.plan = SHORT
    service.start([demo_model()])
    wait_until_ended(service, qtbot)
    assert len(service.results) == 1
    wait_until_loaded(engine, qtbot, copy)


def test_a_shutdown_in_the_middle_leaves_no_process(
    service: BenchmarkService, engine: EngineService, listener: Listener, copy: Path, qtbot: QtBot
) -> None:
    load(engine, qtbot, demo_model())
    service.plan = LONG
    service.start([copy, demo_model()])
    qtbot.waitUntil(listener.is_reading, timeout=LOAD_MS)
    service.shutdown()
    engine.shutdown()
    assert psutil.Process().children() == []
    qtbot.waitUntil(lambda: service.current is None)  # what the thread still had to say
    assert service.results == []


def test_the_model_of_a_server_is_measured_where_it_is_and_says_nothing_of_this_computer(
    service: BenchmarkService,
    library: ModelLibrary,
    engine: EngineService,
    listener: Listener,
    copy: Path,
    qtbot: QtBot,
) -> None:
    load(engine, qtbot, demo_model())
    held = engine._held
    assert held is not None
    assert held.model is not None
    # As if it were somebody else's; it answers all the same.
    held.model = replace(held.model, kind=EngineKind.REMOTE, path=Path("https://host/v1"))
    with qtbot.waitSignal(service.changed):
        engine._set_status(engine._status_now())
    assert service.server == held.model
    service.start([copy, held.model.path])
    assert (service.current, service.waiting) == (held.model.path, 1), "while it is loaded"
    service.stop()
    wait_until_ended(service, qtbot)
    assert service.results == []
    assert engine.status.model == held.model, "it need not come back: it never went"
    service.start([held.model.path])
    wait_until_ended(service, qtbot)
    [result] = service.results
    assert (result.setup.engine, result.peak_bytes, result.load_ms) == ("remote", 0, 0)
    assert result.figures.generation.median > 0
    assert engine.status.model == held.model
    assert library.records.get(held.model.path).benchmark_tokens_per_second == 0
    assert listener.states == {EngineState.BUSY}


def make_unwritable(folder: Path) -> Callable[[], object]:
    """Put a folder where the file would be renamed to; return how to end that."""
    target = folder / "benchmarks.json"
    target.mkdir(parents=True)
    return target.rmdir


def test_results_that_cannot_be_kept_are_told(
    service: BenchmarkService, listener: Listener, tmp_path: Path, qtbot: QtBot
) -> None:
    mend = make_unwritable(tmp_path / "data")
    service.start([demo_model()])
    wait_until_ended(service, qtbot)
    assert any("could not be saved" in report.message for report in listener.reports)
    mend()
    assert service.results == []


def test_a_damaged_file_of_results_is_told_once(
    service: BenchmarkService, listener: Listener, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "benchmarks.json").write_text("garbage")
    assert service.results == service.results == []
    assert len(listener.reports) == 1


def test_results_are_removed_and_exported(service: BenchmarkService, tmp_path: Path) -> None:
    old = result()
    new = later(old, day=30, writes=15)
    for one in (old, new):
        service._store.add(one)
    path = tmp_path / "out.csv"
    service.export(path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["generation_tokens_per_second"]) for row in rows] == [15, 14.2]
    service.remove([old])
    assert service.results == [new]
    with pytest.raises(FileError, match="could not be written"):
        service.export(tmp_path / "no" / "such" / "folder.csv")
