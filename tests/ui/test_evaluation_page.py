"""The evaluation page: real widgets, the real service, the real process and model."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from evaluations import write_project
from starpad.core.benchmark import Spread
from starpad.core.evaluation import EvaluationRow, HoleKind, Selection, Way
from starpad.core.fim import FimOrder
from starpad.core.load_options import LoadOptions
from starpad.core.paths import demo_model
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.evaluation import EvaluationService
from starpad.services.model_library import ModelLibrary
from starpad.services.settings import SettingsService
from starpad.ui.engine.evaluation_page import EvaluationPage
from starpad.ui.engine.evaluation_plot import EvaluationPlot
from starpad.ui.engine.evaluation_table import EvaluationTable
from starpad.ui.labels import Notice

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's

WAIT_MS = 30_000
ROW = EvaluationRow(
    "StarCoder2 3B", "Q4_K_M", "SPMv2", has_context=False, heals=True, kind=HoleKind.LINE,
    holes=10, exact=0.5, similarity=0.75, starts_right=0.6, still_parses=None,
    first_token_ms=40.0, first_token_p90_ms=80.0, tokens_per_second=30.0, prompt_tokens=900.0,
    evaluated_tokens=900.0,
)  # fmt: skip


class Desk:
    """A page and what it works with."""

    def __init__(self, folder: Path, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.project = write_project(folder)
        self.jobs = BackgroundJobs()
        self.engine = EngineService()
        library = ModelLibrary(self.jobs, folder / "data", folder / "models", ())
        settings = SettingsService(folder / "settings.json")
        self.service = EvaluationService(self.engine, library, settings, folder / "data")
        self.page = EvaluationPage(library, self.service)
        self.page.resize(1000, 760)
        qtbot.addWidget(self.page)
        with qtbot.waitSignal(library.changed):
            library.refresh()
        self.page.show()

    def button(self, text: str) -> QPushButton:
        found = self.page.findChildren(QPushButton)
        return next(button for button in found if button.text().replace("&", "") == text)

    def check(self, text: str) -> QCheckBox:
        return next(box for box in self.page.findChildren(QCheckBox) if box.text() == text)

    def number(self, name: str) -> QSpinBox:
        return next(box for box in self.page.findChildren(QSpinBox) if box.accessibleName() == name)

    def texts(self) -> list[str]:
        return [label.text() for label in self.page.findChildren(QLabel) if label.isVisible()]

    def choose(self, *, holes: int) -> None:
        """Tick the demonstration model and take the project."""
        self.page.choice.models.item(0).setCheckState(Qt.CheckState.Checked)
        self.page.choice.choose([self.project])
        self.number("Holes of each kind").setValue(holes)

    def wait_until_ended(self) -> None:
        self._qtbot.waitUntil(lambda: not self.service.is_running, timeout=WAIT_MS)


@pytest.fixture
def desk(tmp_path: Path, qtbot: QtBot) -> Iterator[Desk]:
    desk = Desk(tmp_path, qtbot)
    yield desk
    desk.service.shutdown()
    desk.engine.shutdown()
    desk.jobs.shutdown()
    assert psutil.Process().children(recursive=True) == []


def test_it_starts_only_with_files_models_kinds_and_orders(desk: Desk) -> None:
    start = desk.button("Start")
    assert not start.isEnabled()
    desk.choose(holes=1)
    assert start.isEnabled()
    for text in ("Rest of a line", "The family's own", "The file alone"):
        desk.check(text).setChecked(False)
        assert not start.isEnabled(), text
        desk.check(text).setChecked(True)
        assert start.isEnabled(), text


def test_files_and_folders_are_chosen_in_dialogs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [desk.project / "shapes0.py", desk.project / "shapes1.py"]
    answer = ([str(file) for file in files], "")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: answer)
    desk.button("Choose files…").click()
    assert desk.page.choice.paths == tuple(files)
    assert "shapes0.py, shapes1.py" in desk.texts()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(desk.project))
    desk.button("Choose folder…").click()
    assert desk.page.choice.paths == (desk.project,)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    desk.button("Choose folder…").click()
    assert desk.page.choice.paths == (desk.project,), "cancelled"


def test_what_is_ticked_is_what_is_asked(desk: Desk) -> None:
    desk.check("Block").setChecked(True)
    desk.check("PSM").setChecked(True)
    desk.check("With other files").setChecked(True)
    desk.number("Seed of the choice").setValue(9)
    choice = desk.page.choice
    assert choice.selection == Selection((HoleKind.LINE_REST, HoleKind.BLOCK), 50, seed=9)
    assert choice.ways == [
        Way(None, has_context=False),
        Way(None, has_context=True),
        Way(FimOrder.PSM, has_context=False),
        Way(FimOrder.PSM, has_context=True),
    ]


def test_an_evaluation_ends_in_a_table_a_plot_and_a_csv(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.choose(holes=2)
    QTest.mouseClick(desk.button("Start"), Qt.MouseButton.LeftButton)
    assert desk.button("Stop").hasFocus(), "the next thing to want"
    assert not desk.page.choice.isEnabled()
    said: set[str] = set()
    desk.service.progressed.connect(lambda _: said.update(desk.texts()))
    desk.wait_until_ended()
    assert any("line-rest in shapes" in text for text in said)
    table = desk.page.findChild(EvaluationTable)
    assert [table.item(0, column).text() for column in (0, 1, 2, 3, 4, 5)] == [
        "starpad-demo", "Q8_0", "SPMv2", "without", "line-rest", "2",
    ]  # fmt: skip
    plot = desk.page.findChild(EvaluationPlot)
    assert "line-rest · SPMv2 · starpad-demo · Q8_0, 2 holes: " in plot.accessibleDescription()
    assert not desk.page.findChild(QProgressBar).isVisible()
    assert not desk.page.findChild(Notice).isVisible()
    target = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    desk.button("Save CSV…").click()
    with target.open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["kind"] == "line-rest"
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "out.csv"), "")
    )
    desk.button("Save CSV…").click()
    assert desk.page.findChild(Notice).accessibleName().startswith("out.csv could not be written")


def test_a_stopped_one_offers_to_go_on_until_something_else_is_chosen(
    desk: Desk, qtbot: QtBot
) -> None:
    desk.choose(holes=40)
    for text in ("Line", "Rest from any column"):
        desk.check(text).setChecked(True)
    desk.button("Start").click()
    qtbot.waitUntil(lambda: bool(desk.service.rows), timeout=WAIT_MS)
    desk.button("Stop").click()
    desk.wait_until_ended()
    assert not desk.page.findChild(Notice).isVisible(), "a stop is no failure"
    assert desk.page.findChild(EvaluationTable).rowCount() > 0
    assert desk.button("Go on").isEnabled()
    assert desk.button("Go on").hasFocus(), "the next thing to want"
    desk.check("Line").setChecked(False)
    assert desk.button("Start").isEnabled()


def test_a_model_that_fails_is_told(desk: Desk, qtbot: QtBot) -> None:
    desk.choose(holes=40)
    desk.button("Start").click()
    qtbot.waitUntil(lambda: bool(desk.service.rows), timeout=WAIT_MS)
    for process in psutil.Process().children():
        process.kill()
    desk.wait_until_ended()
    assert "ended unexpectedly" in desk.page.findChild(Notice).accessibleName()
    assert desk.button("Start").isEnabled()


def test_every_field_and_picture_has_a_name_for_screen_readers(desk: Desk) -> None:
    for kind in (QSpinBox, EvaluationTable, EvaluationPlot):
        for widget in desk.page.findChildren(kind):
            assert isinstance(widget, QWidget)
            assert widget.accessibleName(), kind
    assert desk.page.choice.models.accessibleName() == "Models to evaluate"


def test_the_plot_is_painted_where_all_are_zero_or_nothing_is_known(qtbot: QtBot) -> None:
    plot = EvaluationPlot()
    qtbot.addWidget(plot)
    nothing = replace(ROW, exact=0.0, similarity=0.0, starts_right=0.0, first_token_ms=0.0)
    plot.show_results([nothing, nothing])
    plot.show()
    assert not plot.grab().isNull()


def test_the_best_of_the_plot_is_the_best_of_its_kind(qtbot: QtBot) -> None:
    plot = EvaluationPlot()
    qtbot.addWidget(plot)
    block = replace(ROW, kind=HoleKind.BLOCK, exact=0.1)
    better = replace(ROW, order="PSM", exact=0.6)
    plot.show_results([block, ROW, better])
    lines = plot.accessibleDescription().splitlines()
    assert [line.partition(" · StarCoder2")[0] for line in lines] == [
        "line · SPMv2",
        "line · PSM",
        "block · SPMv2",
    ]
    exact = [Spread.of([row.exact]) for row in (ROW, better, block)]
    assert plot._best(exact, max) == {1}, "and a block alone is compared with nothing"


def test_the_model_in_the_box_is_offered(desk: Desk) -> None:
    models = desk.page.choice.models
    assert [models.item(row).text() for row in range(models.count())] == [demo_model().stem]


def test_a_model_that_is_loaded_from_elsewhere_is_offered_and_stays_ticked(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.gguf"
    elsewhere.write_bytes(demo_model().read_bytes())
    desk.engine.load(LoadOptions(elsewhere, context_tokens=512))
    models = desk.page.choice.models
    qtbot.waitUntil(lambda: models.count() == 2, timeout=WAIT_MS)
    assert models.item(0).text() == "elsewhere · Q8_0"
    desk.choose(holes=1)
    desk.button("Start").click()
    desk.wait_until_ended()
    assert models.checked() == [elsewhere]
    qtbot.waitUntil(lambda: desk.engine.status.model is not None, timeout=WAIT_MS)
