"""A table of results: columns that know their text, rows that can be chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

_NAME_CHARACTERS = 30
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Column(Generic[_Result]):
    """A column: its title, what it says of a result, and what that means."""

    title: str
    text: Callable[[_Result], str]
    tip: str = ""
    is_number: bool = True


class ResultTable(QTableWidget, Generic[_Result]):
    """Rows of results; several can be chosen. The first column is the name."""

    def __init__(
        self,
        name: str,
        columns: Sequence[Column[_Result]],
        how: Callable[[_Result], str] = lambda _result: "",
    ) -> None:
        """`name` is for screen readers; `how` returns the tip over a result's name."""
        super().__init__(0, len(columns))
        self.results: Sequence[_Result] = ()
        """In the order of the rows."""
        self._columns = columns
        self._how = how
        self.setObjectName("library")
        self.setAccessibleName(name)
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
        for number, column in enumerate(self._columns):
            title = QTableWidgetItem(column.title)
            title.setTextAlignment(_alignment(column))
            title.setToolTip(column.tip)
            self.setHorizontalHeaderItem(number, title)

    @property
    def chosen(self) -> list[_Result]:
        """The results in the chosen rows."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        return [self.results[row] for row in rows]

    def show_results(self, results: Sequence[_Result]) -> None:
        """Show these; what is chosen stays so."""
        if results == self.results:
            return
        chosen = self.chosen
        self.results = results
        self.setRowCount(len(results))
        for row, result in enumerate(results):
            for number, column in enumerate(self._columns):
                item = QTableWidgetItem(column.text(result))
                item.setTextAlignment(_alignment(column))
                item.setToolTip(self._how(result) if number == 0 else "")
                self.setItem(row, number, item)
        self._choose([row for row, result in enumerate(results) if result in chosen])
        self.setColumnWidth(0, self.fontMetrics().averageCharWidth() * _NAME_CHARACTERS)
        for number in range(1, len(self._columns)):
            self.resizeColumnToContents(number)

    def _choose(self, rows: Sequence[int]) -> None:
        selection = QItemSelection()
        for row in rows:
            last = self.model().index(row, len(self._columns) - 1)
            selection.select(self.model().index(row, 0), last)
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)


def _alignment(column: Column[_Result]) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
