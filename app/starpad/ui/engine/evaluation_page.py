"""Ask models for what was cut out of the user's own files, and show how often they are right."""

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from starpad.core.errors import FileError, StarpadError
from starpad.core.evaluation import EvaluationProgress
from starpad.core.evaluation_report import sentence
from starpad.services.evaluation import EvaluationService
from starpad.services.model_library import ModelLibrary
from starpad.ui.engine.evaluation_choice import EvaluationChoice
from starpad.ui.engine.evaluation_plot import EvaluationPlot
from starpad.ui.engine.evaluation_table import EvaluationTable
from starpad.ui.engine.model_checks import entries_of
from starpad.ui.engine.results_view import ResultsView
from starpad.ui.engine.work_strip import WorkStrip
from starpad.ui.labels import EmptyState, Notice, text_label
from starpad.ui.spoken import announce

_EXPLANATION = (
    "How good models are on your own code: parts of it are cut out, and each model is asked for "
    "them as the editor would ask. Your files stay as they are. Until all is asked no model is "
    "loaded, so there are no suggestions and no chat. What was asked once is kept: after a stop "
    "it goes on from there."
)


class EvaluationPage(QWidget):
    """What to evaluate, how far it is, and the results as a table and as a plot."""

    def __init__(
        self, library: ModelLibrary, evaluation: EvaluationService, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Evaluation")
        self._library = library
        self._evaluation = evaluation
        self._problems: list[str] = []
        self._was_running = False
        self.choice = EvaluationChoice()
        self._start = QPushButton()
        self._stop = QPushButton("Sto&p")
        self._notice = Notice("error")
        self._work = WorkStrip()
        self._export = QPushButton("Save &CSV…")
        self._results = ResultsView(
            EvaluationTable(),
            EvaluationPlot(),
            EmptyState("Nothing evaluated yet", "Choose files and tick models above, then Start."),
            self._export,
            "starpad-evaluation.csv",
        )
        self._lay_out()
        self._connect()
        self._show_models()
        self._show_start(is_stopped=False)
        self._show_rows()

    def _lay_out(self) -> None:
        self._export.setToolTip("Save this table for a spreadsheet")
        buttons = QHBoxLayout()
        buttons.addWidget(self._start)
        buttons.addWidget(self._stop)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(text_label(_EXPLANATION, is_quiet=True))
        column.addWidget(self.choice)
        column.addLayout(buttons)
        column.addWidget(self._work)
        column.addWidget(self._notice)
        column.addWidget(self._results, 1)

    def _connect(self) -> None:
        self._library.changed.connect(self._show_models)
        self._evaluation.changed.connect(self._on_evaluation_changed)
        self._evaluation.progressed.connect(self._on_evaluation_progressed)
        self._evaluation.reported.connect(self._on_evaluation_reported)
        self.choice.changed.connect(self._on_choice_changed)
        self._start.clicked.connect(self._on_start_clicked)
        self._stop.clicked.connect(self._on_stop_clicked)
        self._results.export_requested.connect(self._on_export_requested)

    @Slot()
    def _show_models(self) -> None:
        entries, loaded = entries_of(self._library.models), self._evaluation.loaded
        if loaded is not None and all(path != loaded.path for path, _ in entries):
            entries.insert(0, (loaded.path, f"{loaded.path.stem} · {loaded.quantization}"))
        self.choice.models.show_models(entries)
        self._show_state()

    def _show_state(self) -> None:
        """Offer what can be done now."""
        is_running = self._evaluation.is_running
        self._start.setEnabled(not is_running and self.choice.is_complete)
        self._stop.setEnabled(is_running)
        self.choice.setEnabled(not is_running)
        self._work.setVisible(is_running)

    def _show_start(self, *, is_stopped: bool) -> None:
        self._start.setText("&Go on" if is_stopped else "St&art")

    def _show_rows(self) -> None:
        rows = self._evaluation.rows
        self._results.show_results(rows, rows)

    @Slot()
    def _on_choice_changed(self) -> None:
        self._show_start(is_stopped=False)
        self._show_state()

    @Slot()
    def _on_start_clicked(self) -> None:
        choice = self.choice
        self._problems.clear()
        self._notice.show_sentence("", "")
        self._show_start(is_stopped=False)
        self._work.show_work("Choosing holes…", 0)
        self._evaluation.start(choice.paths, choice.models.checked(), choice.ways, choice.selection)
        self._stop.setFocus()

    @Slot()
    def _on_stop_clicked(self) -> None:
        self._evaluation.stop()
        self._show_start(is_stopped=True)

    @Slot()
    def _on_evaluation_changed(self) -> None:
        had_focus = self._stop.hasFocus()
        self._show_rows()
        self._show_models()
        if had_focus and self._start.isEnabled():
            self._start.setFocus()
        if self._was_running and not self._evaluation.is_running:
            rows = map(sentence, self._evaluation.rows)
            announce(self, " ".join(["The evaluation has ended.", *rows]))
        self._was_running = self._evaluation.is_running

    @Slot(object)
    def _on_evaluation_progressed(self, progress: EvaluationProgress) -> None:
        self._work.show_work(progress.sentence, progress.fraction)
        self._show_rows()

    @Slot(object)
    def _on_evaluation_reported(self, error: StarpadError) -> None:
        self._problems.append(str(error))
        self._tell("\n".join(self._problems), "")

    def _tell(self, sentence: str, hint: str) -> None:
        self._notice.show_sentence(sentence, hint)
        announce(self, f"{sentence} {hint}".strip())

    @Slot(object)
    def _on_export_requested(self, path: Path) -> None:
        try:
            self._evaluation.export(path)
        except FileError as error:
            self._tell(error.message, error.hint)
