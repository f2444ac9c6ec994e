"""What other programs asked for, the newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QTableView

from starpad.core.serving import LogEntry

_MOST_ROWS = 500
_WIDTHS = (11, 22, 24, 17, 8, 9, 9)
"""In average characters; the last column takes the rest."""

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    text: Callable[[LogEntry], str]
    is_number: bool = False


def _status(entry: LogEntry) -> str:
    names = {200: "answered", 401: "no key", 403: "refused", 429: "too many", 499: "went away"}
    name = names.get(entry.status, f"failed ({entry.status})")
    return f"{name}, {entry.count} times" if entry.count > 1 else name


_COLUMNS = (
    _Column("Time", lambda entry: f"{entry.at.astimezone():%H:%M:%S}"),
    _Column("Program", lambda entry: entry.client),
    _Column("Asked for", lambda entry: entry.route),
    _Column("Outcome", _status),
    _Column("Read", lambda entry: f"{entry.prompt_tokens:,}" if entry.prompt_tokens else "", True),
    _Column(
        "Written",
        lambda entry: f"{entry.generated_tokens:,}" if entry.generated_tokens else "",
        True,
    ),
    _Column("Took", lambda entry: f"{entry.took_ms / 1000:.2f} s", True),
    _Column("Note", lambda entry: entry.note),
)


class _RequestModel(QAbstractTableModel):
    """Entries as rows; new ones come in at the top, so that who reads on keeps the place."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[LogEntry] = []

    def show_entries(self, entries: Sequence[LogEntry]) -> None:
        """Show these, the newest last; most of them are shown already."""
        newest_first = list(reversed(entries))
        known = self._entries[0] if self._entries else None
        new = next((at for at, entry in enumerate(newest_first) if entry is known), None)
        if new is None:
            self.beginResetModel()
            self._entries = newest_first
            self.endResetModel()
            return
        if new:
            self.beginInsertRows(QModelIndex(), 0, new - 1)
            self._entries[:0] = newest_first[:new]
            self.endInsertRows()
        if len(self._entries) > _MOST_ROWS:
            self.beginRemoveRows(QModelIndex(), _MOST_ROWS, len(self._entries) - 1)
            del self._entries[_MOST_ROWS:]
            self.endRemoveRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        column = _COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return column.text(self._entries[index.row()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section].title
        return _alignment(_COLUMNS[section]) if role == Qt.ItemDataRole.TextAlignmentRole else None


class RequestTable(QTableView):
    """The table."""

    def __init__(self) -> None:
        super().__init__()
        self._model = _RequestModel()
        self.setModel(self._model)
        self.setObjectName("library")
        self.setAccessibleName("Requests of other programs")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)  # Tab goes on; the arrows stay here
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        for number, characters in enumerate(_WIDTHS):
            width = self.fontMetrics().averageCharWidth() * characters
            self.setColumnWidth(number, width + 12)

    def show_entries(self, entries: Sequence[LogEntry]) -> None:
        """Show these, the newest last."""
        self._model.show_entries(entries)


def _alignment(column: _Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
