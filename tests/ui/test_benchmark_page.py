"""The benchmark page: real widgets, the real service, the real engine on the embedded model."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QListWidget,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot

from benchmark_results import later, result
from starpad.core.benchmark import BenchmarkPlan, BenchmarkResult
from starpad.core.benchmark_store import BenchmarkStore
from starpad.core.engine_status import EngineState
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.core.paths import demo_model
from starpad.core.suggestion import SuggestionState
from starpad.services.background import BackgroundJobs
from starpad.services.benchmarks import BenchmarkService
from starpad.services.engine import EngineService
from starpad.services.model_library import ModelLibrary
from starpad.services.settings import SettingsService
from starpad.ui.engine.benchmark_page import BenchmarkPage
from starpad.ui.engine.benchmark_table import BenchmarkTable
from starpad.ui.engine.speed_plot import SpeedPlot
from starpad.ui.labels import Notice

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's

SHORT = BenchmarkPlan(prompt_tokens=(48,), generated_tokens=16, repeat=1)
LONG = BenchmarkPlan(prompt_tokens=(480,), generated_tokens=400, repeat=500)
WAIT_MS = 30_000


class Desk:
    """A page and what it works with."""

    def __init__(self, folder: Path, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.store = BenchmarkStore(folder / "data" / "benchmarks.json")
        self.jobs = BackgroundJobs()
        self.engine = EngineService()
        self.library = ModelLibrary(self.jobs, folder / "data", folder / "models", ())
        settings = SettingsService(folder / "settings.json")
        self.service = BenchmarkService(self.engine, self.library, settings, folder / "data")
        self.service.plan = SHORT
        self.page = BenchmarkPage(self.library, self.service)
        self.page.resize(1000, 760)
        qtbot.addWidget(self.page)
        with qtbot.waitSignal(self.library.changed):
            self.library.refresh()

    def keep(self, *results: BenchmarkResult) -> None:
        for one in results:
            self.store.add(one)
        self.page.show()

    def button(self, text: str) -> QPushButton:
        found = self.page.findChildren(QPushButton)
        return next(button for button in found if button.text().replace("&", "") == text)

    @property
    def models(self) -> QListWidget:
        return self.page.findChild(QListWidget)

    @property
    def table(self) -> BenchmarkTable:
        return self.page.findChild(BenchmarkTable)

    @property
    def plot(self) -> SpeedPlot:
        return self.page.findChild(SpeedPlot)

    @property
    def notice(self) -> Notice:
        return self.page.findChild(Notice)

    def tick(self, name: str) -> None:
        [item] = self.models.findItems(name, Qt.MatchFlag.MatchContains)
        item.setCheckState(Qt.CheckState.Checked)

    def wait_until_ended(self) -> None:
        self._qtbot.waitUntil(lambda: self.service.current is None, timeout=WAIT_MS)

    def cells(self, row: int) -> list[str]:
        items = (self.table.item(row, column) for column in range(self.table.columnCount()))
        return [item.text() for item in items if item is not None]


@pytest.fixture
def desk(tmp_path: Path, qtbot: QtBot) -> Iterator[Desk]:
    models = tmp_path / "models"
    models.mkdir()
    (models / "another.gguf").write_bytes(demo_model().read_bytes())
    (models / "broken.gguf").write_text("no model")
    desk = Desk(tmp_path, qtbot)
    yield desk
    desk.service.shutdown()
    desk.engine.shutdown()
    desk.jobs.shutdown()
    assert psutil.Process().children() == []


def test_only_models_that_can_be_loaded_are_offered_and_none_is_ticked(desk: Desk) -> None:
    desk.page.show()
    names = [desk.models.item(row).text() for row in range(desk.models.count())]
    assert names == ["another · Q8_0", "starpad-demo-q8_0"]
    assert not desk.button("Measure").isEnabled()
    assert not desk.button("Stop").isEnabled()
    assert not desk.table.isVisible()


def test_the_model_of_a_server_can_be_chosen_while_we_are_connected(
    desk: Desk, qtbot: QtBot
) -> None:
    desk.page.show()
    desk.tick("another")
    desk.engine.load(LoadOptions(demo_model(), context_tokens=512))
    qtbot.waitUntil(lambda: desk.engine.status.state is EngineState.READY, timeout=WAIT_MS)
    held = desk.engine._held
    assert held is not None
    assert held.model is not None
    # As if it were somebody else's.
    held.model = replace(held.model, kind=EngineKind.REMOTE, path=Path("https://host/v1"))
    desk.engine._set_status(desk.engine._status_now())
    assert desk.models.item(0).text() == "starpad-demo · on a server"
    assert desk.models.item(1).checkState() is Qt.CheckState.Checked
    desk.engine.unload()
    assert desk.models.item(0).text() == "another · Q8_0"


def test_ticked_models_are_measured_and_shown_in_table_and_plot(desk: Desk, qtbot: QtBot) -> None:
    desk.page.show()
    desk.tick("another")
    desk.tick("starpad-demo")
    QTest.mouseClick(desk.button("Measure"), Qt.MouseButton.LeftButton)
    assert desk.button("Stop").isEnabled()
    assert not desk.button("Measure").isEnabled()
    said: set[str] = set()
    desk.service.progressed.connect(lambda *_: said.update(_texts(desk.page)))
    desk.wait_until_ended()
    assert "another: Reading 48 tokens (1 of 1)… (1 of 2 models)" in said
    assert "starpad-demo-q8_0: Writing (1 of 1)… (2 of 2 models)" in said
    assert desk.table.rowCount() == 2
    name, quantization, writing, reading, *_ = desk.cells(0)
    assert (name, quantization) == ("starpad-demo", "Q8_0")
    assert float(writing.replace(",", "")) > 0
    assert reading.endswith(" (48)")
    assert desk.plot.accessibleDescription().count("tokens per second") >= 2
    assert desk.button("Measure").isEnabled(), "what was ticked is ticked still"
    assert not desk.page.findChild(QProgressBar).isVisible()


def _texts(page: QWidget) -> list[str]:
    return [label.text() for label in page.findChildren(QLabel) if label.isVisible()]


def test_all_of_it_can_be_done_with_the_keyboard(desk: Desk, qtbot: QtBot) -> None:
    desk.service.plan = LONG
    desk.page.show()
    desk.page.activateWindow()
    desk.models.setFocus()
    qtbot.waitUntil(desk.models.hasFocus)
    QTest.keyClick(desk.models, Qt.Key.Key_Space)
    assert desk.models.item(0).checkState() is Qt.CheckState.Checked
    QTest.keyClick(desk.models, Qt.Key.Key_Tab)
    assert desk.button("Measure").hasFocus()
    QTest.keyClick(desk.button("Measure"), Qt.Key.Key_Space)
    assert desk.button("Stop").hasFocus(), "the next thing to want"
    qtbot.waitUntil(lambda: any("Reading" in text for text in _texts(desk.page)), timeout=WAIT_MS)
    QTest.keyClick(desk.button("Stop"), Qt.Key.Key_Space)
    desk.wait_until_ended()
    assert not desk.button("Stop").isEnabled()
    assert desk.service.results == []
    assert not desk.notice.isVisible(), "a stop is no failure"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_model_that_fails_is_told_and_the_next_is_measured(desk: Desk, qtbot: QtBot) -> None:
    desk.service.plan = LONG
    desk.page.show()
    desk.tick("another")
    desk.tick("starpad-demo")
    desk.button("Measure").click()
    qtbot.waitUntil(lambda: any("Reading" in text for text in _texts(desk.page)), timeout=WAIT_MS)
    desk.service.plan = SHORT
    [process] = psutil.Process().children()
    process.kill()
    desk.wait_until_ended()
    assert desk.notice.isVisible()
    assert desk.notice.accessibleName().startswith("another: ")
    assert desk.table.rowCount() == 1


def test_a_model_that_is_loaded_meanwhile_is_why_it_stopped(desk: Desk, qtbot: QtBot) -> None:
    desk.service.plan = LONG
    desk.page.show()
    desk.tick("another")
    desk.button("Measure").click()
    desk.engine.load(LoadOptions(demo_model(), context_tokens=512))
    desk.wait_until_ended()
    assert "a model was loaded meanwhile" in desk.notice.accessibleName()
    qtbot.waitUntil(lambda: desk.engine.status.model is not None, timeout=WAIT_MS)


def test_results_of_the_command_line_are_shown_when_the_page_comes_up(desk: Desk) -> None:
    desk.keep(result(), later(result(), day=30, writes=15))
    assert [desk.cells(row)[2] for row in range(2)] == ["15.0", "14.2 ±5 %"]
    assert desk.cells(1) == [
        "StarCoder2 3B", "Q4_K_M", "14.2 ±5 %", "81.0 (512), 72.9 (2,048)", "420 ms", "74 ms",
        "2.1 GB", "2.1 s", "llama", desk.cells(1)[-1],
    ]  # fmt: skip
    assert desk.cells(1)[-1].startswith("2026-11-28")
    assert "writes 15.0" in desk.plot.accessibleDescription(), "of each model the latest"
    assert "writes 14.2" not in desk.plot.accessibleDescription()


def test_chosen_results_are_removed_after_a_question(desk: Desk, qtbot: QtBot) -> None:
    desk.keep(result(), result("Other"), later(result(), day=30, writes=15))
    assert not desk.button("Remove").isEnabled()
    desk.page.activateWindow()
    desk.table.setFocus()
    qtbot.waitUntil(desk.table.hasFocus)
    desk.table.selectRow(0)
    QTest.keyClick(desk.table, Qt.Key.Key_Delete)
    box = desk.page.findChild(QMessageBox)
    assert box.text() == "Remove this result?"
    assert "writes 15.0" in box.informativeText()
    next(button for button in box.buttons() if button.text() == "Remove").click()
    qtbot.waitUntil(lambda: desk.table.rowCount() == 2)
    assert {one.figures.generation.median for one in desk.store.all()} == {14.2}


def test_all_results_are_exported(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.keep(result(), result("Other"))
    path = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    desk.button("Export…").click()
    with path.open(newline="", encoding="utf-8") as file:
        assert sorted(row["name"] for row in csv.DictReader(file)) == ["Other", "StarCoder2 3B"]
    path = tmp_path / "no" / "such" / "folder.csv"
    desk.button("Export…").click()
    assert "could not be written" in desk.notice.accessibleName()


def test_ticks_and_chosen_rows_stay_when_something_changes(desk: Desk, qtbot: QtBot) -> None:
    desk.keep(result(), result("Other"))
    desk.tick("another")
    desk.table.selectRow(1)
    chosen = desk.table.chosen
    desk.store.add(later(result(), day=30, writes=15))
    desk.service.changed.emit()
    with qtbot.waitSignal(desk.library.changed):
        desk.library.refresh()
    assert desk.table.rowCount() == 3
    assert desk.table.chosen == chosen
    assert desk.button("Measure").isEnabled()


def test_everything_has_a_name_for_screen_readers(desk: Desk) -> None:
    desk.keep(result())
    for widget in (desk.models, desk.table, desk.plot, desk.page):
        assert widget.accessibleName(), widget
    interface = QAccessible.queryAccessibleInterface(desk.plot)
    description = interface.text(QAccessible.Text.Description)
    assert description.startswith("StarCoder2 3B · Q4_K_M: writes 14.2 tokens per second")


def test_in_the_real_window_the_model_is_back_and_no_message_is_left(
    fresh_starpad: "Starpad", tmp_path: Path, qtbot: QtBot
) -> None:
    starpad = fresh_starpad
    before = [each.identity for each in starpad.window.messages.notifications]
    service = BenchmarkService(starpad.engine, starpad.library, starpad.settings, tmp_path)
    service.plan = SHORT
    page = BenchmarkPage(starpad.library, service)
    qtbot.addWidget(page)
    page.show()
    service.start([demo_model()])
    assert starpad.completion.refusal("python", is_asked=True) is SuggestionState.NO_MODEL
    qtbot.waitUntil(lambda: service.current is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=WAIT_MS)
    assert [each.identity for each in starpad.window.messages.notifications] == before
    assert len(service.results) == 1
    service.shutdown()


# -- the plot ---------------------------------------------------------------------------------


@pytest.fixture
def plot(qtbot: QtBot) -> SpeedPlot:
    plot = SpeedPlot()
    qtbot.addWidget(plot)
    plot.resize(700, 200)
    return plot


def painted(plot: SpeedPlot) -> list[int]:
    """Return how many pixels of each row of models have the bars' color."""
    image = plot.grab().toImage()
    row = plot._row_height()
    color = plot.palette().highlight().color()
    counts = []
    for number in range(len(plot._results)):
        y = 14 + row * (number + 1) + row // 2 - 3  # off the line of the spread
        pixels = (image.pixelColor(x, y) for x in range(image.width()))
        counts.append(
            sum(pixel.blue() - pixel.red() > (color.blue() - color.red()) // 3 for pixel in pixels)
        )
    return counts


def test_bars_are_as_long_as_their_numbers_are_large(plot: SpeedPlot) -> None:
    one, half = result(), result("Half", writes=7.1, reads=40.5, gigabytes=1.05)
    plot.show_results([one, half])
    first, second = painted(plot)
    assert first > 150
    assert second == pytest.approx(first / 2, abs=12)


def test_what_was_not_measured_has_no_bar(plot: SpeedPlot) -> None:
    plot.show_results([result(), result("Nothing", writes=0, reads=0, gigabytes=0)])
    assert painted(plot)[0] > 150
    plot.show_results([])
    assert plot.grab().toImage().width() == 700


@pytest.mark.qt_log_ignore("raise")  # the off-screen platform's, at a tip
def test_a_row_says_its_figures_in_a_tip(plot: SpeedPlot) -> None:
    plot.show_results([result(), result("Other")])
    plot.show()
    at = QPoint(40, 14 + plot._row_height() * 2 + 4)
    event = QHelpEvent(QHelpEvent.Type.ToolTip, at, plot.mapToGlobal(at))
    QApplication.sendEvent(plot, event)
    assert QToolTip.text().startswith("Other · Q4_K_M: writes")
    QToolTip.hideText()


def test_it_grows_with_its_rows(plot: SpeedPlot) -> None:
    plot.show_results([result()])
    one = plot.sizeHint().height()
    plot.show_results([result(), result("Other"), result("Third")])
    assert plot.sizeHint().height() == one + 2 * plot._row_height()
