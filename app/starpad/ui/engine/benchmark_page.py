"""Measure models on this computer: which, how far it is, and what came out."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.core.benchmark import BenchmarkProgress, latest
from starpad.core.benchmark_report import sentence
from starpad.core.errors import FileError, StarpadError
from starpad.services.benchmarks import BenchmarkService
from starpad.services.model_library import ModelLibrary
from starpad.ui.engine.benchmark_table import BenchmarkTable
from starpad.ui.engine.model_checks import ModelChecks, entries_of
from starpad.ui.engine.results_view import ResultsView
from starpad.ui.engine.speed_plot import SpeedPlot
from starpad.ui.engine.work_strip import WorkStrip
from starpad.ui.labels import EmptyState, Notice, text_label
from starpad.ui.questions import ask
from starpad.ui.spoken import announce

_EXPLANATION = (
    "How fast models read and write here, and how much memory they take. Each is loaded by itself: "
    "until all are measured no model is loaded, so there are no suggestions and no chat, which "
    "would spoil the figures. Other programs at work spoil them, too."
)
_SHOWN_MODELS = 5


class BenchmarkPage(QWidget):
    """A list of models to choose from, and the results as a table and as a plot."""

    def __init__(
        self, library: ModelLibrary, benchmarks: BenchmarkService, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Benchmark")
        self._library = library
        self._benchmarks = benchmarks
        self._total = 0
        self._failures: list[str] = []
        self._models = ModelChecks("Models to measure", _SHOWN_MODELS)
        self._start = QPushButton("&Measure")
        self._stop = QPushButton("S&top")
        self._notice = Notice("error")
        self._work = WorkStrip()
        self._export = QPushButton("&Export…")
        self._remove = QPushButton("&Remove")
        self._table = BenchmarkTable()
        self._results = ResultsView(
            self._table,
            SpeedPlot(),
            EmptyState("Nothing measured yet", "Tick models above, then Measure."),
            self._export,
            "starpad-benchmark.csv",
        )
        self._results.add_button(self._remove)
        self._lay_out()
        self._connect()
        self._show_models()
        self._show_results()

    def showEvent(self, event: QShowEvent) -> None:
        """Show what `starpad bench` may have measured meanwhile."""
        super().showEvent(event)
        self._show_results()

    def _lay_out(self) -> None:
        for button in (self._start, self._stop, self._export, self._remove):
            button.setAutoDefault(False)
        self._export.setToolTip("Save all results as a CSV file, for a spreadsheet")
        self._remove.setToolTip("Forget the chosen results")
        buttons = QVBoxLayout()
        buttons.addWidget(self._start)
        buttons.addWidget(self._stop)
        buttons.addStretch(1)
        choice = QHBoxLayout()
        choice.setSpacing(10)
        choice.addWidget(self._models, 1)
        choice.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(text_label(_EXPLANATION, is_quiet=True))
        column.addLayout(choice)
        column.addWidget(self._work)
        column.addWidget(self._notice)
        column.addWidget(self._results, 1)

    def _connect(self) -> None:
        self._library.changed.connect(self._show_models)
        self._benchmarks.changed.connect(self._on_benchmarks_changed)
        self._benchmarks.progressed.connect(self._on_benchmarks_progressed)
        self._benchmarks.failed.connect(self._on_benchmarks_failed)
        self._benchmarks.reported.connect(self._on_benchmarks_reported)
        self._models.itemChanged.connect(self._show_state)
        self._start.clicked.connect(self._on_start_clicked)
        self._stop.clicked.connect(self._benchmarks.stop)
        self._results.export_requested.connect(self._on_export_requested)
        self._remove.clicked.connect(self._on_remove_clicked)
        self._table.itemSelectionChanged.connect(self._show_state)
        delete = QShortcut(Qt.Key.Key_Delete, self._table)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._on_remove_clicked)

    @Slot()
    def _show_models(self) -> None:
        """List what can be measured."""
        entries = entries_of(self._library.models)
        server = self._benchmarks.server
        if server is not None:
            entries.insert(0, (server.path, f"{server.name} · on a server"))
        self._models.show_models(entries)
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        """Offer what can be done now."""
        is_running = self._benchmarks.current is not None
        self._start.setEnabled(not is_running and bool(self._models.checked()))
        self._stop.setEnabled(is_running)
        self._remove.setEnabled(bool(self._table.chosen))
        self._work.setVisible(is_running)

    @Slot()
    def _on_benchmarks_changed(self) -> None:
        had = self._table.results
        self._show_results()
        if self._benchmarks.current is None and self._total:
            self._total = 0
            new = [result for result in self._table.results if result not in had]
            announce(self, " ".join(["The benchmark has ended.", *map(sentence, new)]))
        self._show_models()

    def _show_results(self) -> None:
        results = self._benchmarks.results
        self._results.show_results(results, latest(results))

    @Slot()
    def _on_start_clicked(self) -> None:
        models = self._models.checked()
        self._total = len(models)
        self._failures.clear()
        self._notice.show_sentence("", "")
        self._work.show_work("Preparing…", 0)
        self._benchmarks.start(models)
        self._stop.setFocus()

    @Slot(object, object)
    def _on_benchmarks_progressed(self, path: Path, progress: BenchmarkProgress) -> None:
        total = max(self._total, self._benchmarks.waiting + 1)
        number = total - self._benchmarks.waiting
        of = f" ({number} of {total} models)" if total > 1 else ""
        fraction = (number - 1 + progress.fraction) / total
        self._work.show_work(f"{path.stem}: {progress.sentence}{of}", fraction)

    @Slot(object, object)
    def _on_benchmarks_failed(self, path: Path, error: StarpadError) -> None:
        self._failures.append(f"{path.stem}: {error}")
        self._tell("\n".join(self._failures), "")

    @Slot(object)
    def _on_benchmarks_reported(self, error: StarpadError) -> None:
        self._tell(error.message, error.hint)

    def _tell(self, sentence: str, hint: str) -> None:
        self._notice.show_sentence(sentence, hint)
        announce(self, f"{sentence} {hint}".strip())

    @Slot(object)
    def _on_export_requested(self, path: Path) -> None:
        try:
            self._benchmarks.export(path)
        except FileError as error:
            self._tell(error.message, error.hint)

    @Slot()
    def _on_remove_clicked(self) -> None:
        chosen = self._table.chosen
        if not chosen:
            return
        many = "this result" if len(chosen) == 1 else f"these {len(chosen)} results"
        ask(
            self,
            f"Remove {many}?",
            "\n".join(map(sentence, chosen[:_SHOWN_MODELS])),
            "Remove",
            "Keep",
            partial(self._benchmarks.remove, chosen),
        )
