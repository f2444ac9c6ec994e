"""The results of benchmarks as a table, the latest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from starpad.core.benchmark import BenchmarkResult
from starpad.core.benchmark_report import (
    duration_text,
    memory_text,
    reading_text,
    spread_text,
)

_NAME_CHARACTERS = 30


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    text: Callable[[BenchmarkResult], str]
    tip: str = ""
    is_number: bool = True


def _name(result: BenchmarkResult) -> str:
    return ", ".join(filter(None, (result.name, result.setup.note)))


def _gpu(result: BenchmarkResult) -> str:
    return f" + {result.gpu_bytes / 1e9:.1f} GB on the GPU" if result.gpu_bytes else ""


_COLUMNS = (
    _Column("Model", _name, is_number=False),
    _Column("Quantization", lambda result: result.quantization, is_number=False),
    _Column(
        "Writing tok/s",
        lambda result: spread_text(result.figures.generation),
        "Tokens written in a second: the median, and how far single measurements were from it",
    ),
    _Column(
        "Reading tok/s",
        lambda result: reading_text(result.figures),
        "Tokens of a new prompt read in a second, behind it the prompt's length",
    ),
    _Column(
        "First token",
        lambda result: duration_text(result.figures.first_token_ms.median),
        "Time until the first token comes after a short prompt that is new",
    ),
    _Column(
        "While typing",
        lambda result: duration_text(result.figures.warm_token_ms.median),
        "The same after a long prompt of which only the last token is new",
    ),
    _Column(
        "Memory",
        lambda result: memory_text(result) + _gpu(result),
        "The most that the engine held, its context included",
    ),
    _Column(
        "Loading",
        lambda result: duration_text(result.load_ms),
        "From the start of the engine until it could be asked",
    ),
    _Column("Engine", lambda result: result.setup.engine, is_number=False),
    _Column("Measured", lambda result: f"{result.measured_at.astimezone():%Y-%m-%d %H:%M}"),
)


class BenchmarkTable(QTableWidget):
    """Rows of results; several can be chosen."""

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self.results: Sequence[BenchmarkResult] = ()
        """In the order of the rows."""
        self.setObjectName("library")
        self.setAccessibleName("Benchmark results")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)  # Tab goes on; the arrows stay here
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        for number, column in enumerate(_COLUMNS):
            title = QTableWidgetItem(column.title)
            title.setTextAlignment(_alignment(column))
            title.setToolTip(column.tip)
            self.setHorizontalHeaderItem(number, title)

    @property
    def chosen(self) -> list[BenchmarkResult]:
        """The results in the chosen rows."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        return [self.results[row] for row in rows]

    def show_results(self, results: Sequence[BenchmarkResult]) -> None:
        """Show these; what is chosen stays so."""
        if results == self.results:
            return
        chosen = self.chosen
        self.results = results
        self.setRowCount(len(results))
        for row, result in enumerate(results):
            for number, column in enumerate(_COLUMNS):
                item = QTableWidgetItem(column.text(result))
                item.setTextAlignment(_alignment(column))
                item.setToolTip(_how(result) if number == 0 else "")
                self.setItem(row, number, item)
        self._choose([row for row, result in enumerate(results) if result in chosen])
        self.setColumnWidth(0, self.fontMetrics().averageCharWidth() * _NAME_CHARACTERS)
        for number in range(1, len(_COLUMNS)):
            self.resizeColumnToContents(number)

    def _choose(self, rows: Sequence[int]) -> None:
        selection = QItemSelection()
        for row in rows:
            last = self.model().index(row, len(_COLUMNS) - 1)
            selection.select(self.model().index(row, 0), last)
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)


def _how(result: BenchmarkResult) -> str:
    """Return where the model lies, how it was loaded, and on what."""
    setup, machine = result.setup, result.machine
    threads = f", {setup.threads} threads" if setup.threads else ""
    return (
        f"{Path(result.model)}\n"
        f"{setup.engine} {setup.engine_version}, context {setup.context_tokens:,} in "
        f"{setup.kv_type}{threads}{', on the GPU' if setup.on_gpu else ''}\n"
        f"{machine.processor}, {machine.cores} cores, {machine.system}"
    )


def _alignment(column: _Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
