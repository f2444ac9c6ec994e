"""Evaluations through the real engine service and the real process beside it."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from evaluations import python_source, write_project
from starpad.core.engine_status import EngineState
from starpad.core.errors import FileError, StarpadError
from starpad.core.evaluation import EvaluationProgress, Hole, HoleKind, Selection, Source, Way
from starpad.core.evaluation_log import FILE_NAME
from starpad.core.load_options import LoadOptions
from starpad.core.paths import demo_model
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.evaluation import EvaluationService
from starpad.services.evaluation_context import FolderContext
from starpad.services.model_library import ModelLibrary
from starpad.services.settings import SettingsService

WAIT_MS = 30_000
FEW = Selection((HoleKind.LINE_REST, HoleKind.BLOCK), 3)
MANY = Selection(tuple(HoleKind), 12, per_file=12)


class Listener(QObject):
    """Keeps what the service says."""

    def __init__(self, service: EvaluationService) -> None:
        super().__init__()
        self.progress: list[EvaluationProgress] = []
        self.reports: list[StarpadError] = []
        service.progressed.connect(self._on_progressed)
        service.reported.connect(self._on_reported)

    @Slot(object)
    def _on_progressed(self, progress: EvaluationProgress) -> None:
        self.progress.append(progress)

    @Slot(object)
    def _on_reported(self, error: StarpadError) -> None:
        self.reports.append(error)

    def has_begun(self) -> bool:
        return any(progress.rows for progress in self.progress)


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    yield engine
    engine.shutdown()
    assert psutil.Process().children(recursive=True) == []


@pytest.fixture
def service(tmp_path: Path, engine: EngineService) -> Iterator[EvaluationService]:
    jobs = BackgroundJobs()
    library = ModelLibrary(jobs, tmp_path / "data", tmp_path / "models", ())
    settings = SettingsService(tmp_path / "settings.json")
    service = EvaluationService(engine, library, settings, tmp_path / "data")
    yield service
    service.shutdown()
    jobs.shutdown()


def wait_for_end(service: EvaluationService, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not service.is_running, timeout=WAIT_MS)


def test_a_model_is_evaluated_while_the_apps_own_engine_rests_and_that_one_comes_back(
    tmp_path: Path, engine: EngineService, service: EvaluationService, qtbot: QtBot
) -> None:
    engine.load(LoadOptions(demo_model(), context_tokens=512))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=WAIT_MS)
    listener = Listener(service)
    service.start([write_project(tmp_path)], [demo_model()], [Way(), Way(None, True)], FEW)
    assert service.is_running
    assert engine.status.state is EngineState.EMPTY
    wait_for_end(service, qtbot)
    assert [(row.kind, row.has_context, row.holes) for row in service.rows] == [
        (HoleKind.LINE_REST, False, 3),
        (HoleKind.BLOCK, False, 3),
        (HoleKind.LINE_REST, True, 3),
        (HoleKind.BLOCK, True, 3),
    ]
    assert listener.reports == []
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=WAIT_MS)


def test_it_goes_on_where_it_was_stopped(
    tmp_path: Path, service: EvaluationService, qtbot: QtBot
) -> None:
    listener = Listener(service)
    choice = ([write_project(tmp_path)], [demo_model()], [Way()], MANY)
    service.start(*choice)
    qtbot.waitUntil(listener.has_begun, timeout=WAIT_MS)
    service.stop()
    wait_for_end(service, qtbot)
    assert psutil.Process().children(recursive=True) == [], "its engine ended with it"
    file = tmp_path / "data" / "evaluation" / FILE_NAME
    kept = file.read_bytes()
    assert listener.reports == []
    service.start(*choice)
    wait_for_end(service, qtbot)
    assert file.read_bytes().startswith(kept)
    keys = [line.split(b'", ')[0] for line in file.read_bytes().splitlines()]
    assert len(set(keys)) == len(keys) == sum(row.holes for row in service.rows)


def test_a_killed_process_is_told_and_loses_nothing(
    tmp_path: Path, service: EvaluationService, qtbot: QtBot
) -> None:
    listener = Listener(service)
    service.start([write_project(tmp_path)], [demo_model()], [Way()], MANY)
    qtbot.waitUntil(listener.has_begun, timeout=WAIT_MS)
    [process] = psutil.Process().children()
    process.kill()
    wait_for_end(service, qtbot)
    [report] = listener.reports
    assert "ended unexpectedly" in report.message
    assert "goes on" in report.hint
    assert (tmp_path / "data" / "evaluation" / FILE_NAME).stat().st_size > 0


def test_a_model_that_is_loaded_meanwhile_stops_it_and_stays(
    tmp_path: Path, engine: EngineService, service: EvaluationService, qtbot: QtBot
) -> None:
    listener = Listener(service)
    service.start([write_project(tmp_path)], [demo_model()], [Way()], MANY)
    qtbot.waitUntil(listener.has_begun, timeout=WAIT_MS)
    engine.load(LoadOptions(demo_model(), context_tokens=512))
    wait_for_end(service, qtbot)
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=WAIT_MS)
    assert [report.message for report in listener.reports] == [
        "The evaluation was stopped, because a model was loaded meanwhile."
    ]


def test_what_fails_is_told(tmp_path: Path, service: EvaluationService, qtbot: QtBot) -> None:
    listener = Listener(service)
    (tmp_path / "broken.gguf").write_text("no model")
    service.start([write_project(tmp_path)], [tmp_path / "broken.gguf"], [Way()], FEW)
    wait_for_end(service, qtbot)
    service.start([tmp_path / "missing"], [demo_model()], [Way()], FEW)
    wait_for_end(service, qtbot)
    first, second = listener.reports
    assert first.message.startswith("broken: ")
    assert "does not exist" in second.message
    assert service.rows == ()


def test_nothing_begins_without_a_complete_choice_or_twice(
    tmp_path: Path, service: EvaluationService, qtbot: QtBot
) -> None:
    service.start([], [demo_model()], [Way()], FEW)
    service.start([tmp_path], [], [Way()], FEW)
    service.start([tmp_path], [demo_model()], [], FEW)
    service.start([tmp_path], [demo_model()], [Way()], Selection(()))
    assert not service.is_running
    service.start([write_project(tmp_path)], [demo_model()], [Way()], MANY)
    service.start([tmp_path], [demo_model()], [Way()], FEW)
    service.stop()
    wait_for_end(service, qtbot)


def test_a_table_that_cannot_be_written_is_told(service: EvaluationService, tmp_path: Path) -> None:
    service.export(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().startswith("name,quantization,order")
    with pytest.raises(FileError, match=r"table\.csv could not be written"):
        service.export(tmp_path / "missing" / "table.csv")


def test_what_may_be_read_besides_a_file_is_never_the_file_itself(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    (project / ".env").write_text("Shape0 = size0 area largest found\n")
    text = (project / "shapes0.py").read_text()
    hole = Hole(Source("shapes0.py", "python", text), HoleKind.BLOCK, 200, 260)
    context = FolderContext([project]).of(hole)
    assert context.repository_name == "project"
    assert context.path == "shapes0.py"
    assert {chunk.path for chunk in context.chunks} == {"shapes1.py", "shapes2.py"}
    assert FolderContext([project]).of(hole) == context


def test_an_import_that_was_cut_out_says_nothing_about_itself(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "secret_name.py").write_text("def zebra():\n    return 1\n")
    text = "import secret_name\n" + python_source().text
    (project / "main.py").write_text(text)
    hole = Hole(Source("main.py", "python", text), HoleKind.LINE, 0, 18)
    assert FolderContext([project]).of(hole).chunks == ()
