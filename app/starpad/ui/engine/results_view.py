"""Results as a table and as a plot, to be saved; or, while there are none, how to get some."""

from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from starpad.ui.engine.bar_plot import BarPlot, scrolled
from starpad.ui.engine.result_table import ResultTable
from starpad.ui.labels import EmptyState, title_label

_Result = TypeVar("_Result")


class ResultsView(QWidget, Generic[_Result]):
    """The lower half of a page that measures."""

    export_requested = Signal(object)
    """(Path of the CSV file to write)"""

    def __init__(
        self,
        table: ResultTable[_Result],
        plot: BarPlot[_Result],
        empty: EmptyState,
        export: QPushButton,
        file_name: str,
    ) -> None:
        """`export` is the button that asks for a place; `file_name` is the one proposed."""
        super().__init__()
        self._table = table
        self._plot = plot
        self._empty = empty
        self._file_name = file_name
        self._head = QHBoxLayout()
        self._head.addWidget(title_label("Results"), 1)
        self._head.addWidget(export)
        self._plot_area = scrolled(plot)
        self._results = QWidget()
        results = QVBoxLayout(self._results)
        results.setContentsMargins(0, 0, 0, 0)
        results.setSpacing(8)
        results.addLayout(self._head)
        results.addWidget(table, 1)
        results.addWidget(self._plot_area, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._results, 1)
        column.addWidget(empty, 1)
        export.clicked.connect(self._on_export_clicked)

    def add_button(self, button: QPushButton) -> None:
        """Put one more button above the table."""
        self._head.addWidget(button)

    def show_results(self, results: Sequence[_Result], plotted: Sequence[_Result]) -> None:
        """Show these; some may be in the table alone."""
        self._table.show_results(results)
        self._plot.show_results(plotted)
        self._plot_area.setMaximumHeight(self._plot.sizeHint().height())
        self._results.setVisible(bool(results))
        self._empty.setVisible(not results)

    @Slot()
    def _on_export_clicked(self) -> None:
        place = str(Path.home() / self._file_name)
        name, _ = QFileDialog.getSaveFileName(self, "Save results", place, "CSV (*.csv)")
        if name:
            self.export_requested.emit(Path(name))
