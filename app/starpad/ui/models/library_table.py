"""The models on this computer as a table that can be sorted by any of its columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QFont, QGuiApplication, QPalette

from starpad.core.errors import ModelFileError
from starpad.core.installed_model import InstalledModel
from starpad.core.licenses import license_for
from starpad.ui.models.progress_text import size_text

_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
_TEXT_ROLES = (_Role.DisplayRole, _Role.AccessibleTextRole)
_ROOT = QModelIndex()


def family_text(model: InstalledModel) -> str:
    """Return the family's name; for a model of no family, its architecture."""
    return model.name if model.family_id else model.architecture


def verified_text(model: InstalledModel) -> str:
    """Return when the file was last found intact, in the local time."""
    if model.verified_at is None:
        return "never"
    return f"{model.verified_at.astimezone():%Y-%m-%d %H:%M}"


def context_text(model: InstalledModel) -> str:
    """Return as in `16,384 tokens`, or nothing where nobody knows."""
    return f"{model.context_tokens:,} tokens" if model.context_tokens else ""


def license_text(model: InstalledModel) -> str:
    """Return the name of the licence, or nothing where nobody knows."""
    if not model.license:
        return ""
    try:
        return license_for(model.license).name
    except ModelFileError:  # a damaged installation; the id says enough here
        return model.license


def _tokens(model: InstalledModel) -> str:
    return f"{model.context_tokens:,}" if model.context_tokens else ""


def _day(model: InstalledModel) -> str:
    return verified_text(model).partition(" ")[0]


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    text: Callable[[InstalledModel], str]
    key: Callable[[InstalledModel], Any] | None = None
    """What to sort by if not the text."""
    is_number: bool = False


_COLUMNS = (
    _Column("Name", lambda model: model.path.stem),
    _Column("Family", family_text),
    _Column("Size", lambda model: size_text(model.disk_bytes), lambda m: m.disk_bytes, True),
    _Column("Quantization", lambda model: model.quantization),
    _Column("Context", _tokens, lambda model: model.context_tokens, True),
    _Column("Verified", _day, lambda m: m.verified_at.timestamp() if m.verified_at else 0),
    _Column("Source", lambda model: str(model.source)),
    _Column("Licence", license_text),
)


class LibraryTable(QAbstractTableModel):
    """Rows of InstalledModel; sorted here, because Qt compares large numbers as 32 bit."""

    def __init__(self) -> None:
        super().__init__()
        self._models: list[InstalledModel] = []
        self._texts: list[tuple[str, ...]] = []
        self._loaded: Path | None = None
        self._sort_column = 0
        self._order = Qt.SortOrder.AscendingOrder
        self._bold = QFont()
        self._bold.setBold(True)

    @property
    def models(self) -> Sequence[InstalledModel]:
        """In the order of the rows."""
        return self._models

    @property
    def loaded(self) -> Path | None:
        """The file of the model that is loaded."""
        return self._loaded

    def show_models(self, models: Sequence[InstalledModel], loaded: Path | None) -> None:
        """Show these; rows that stay are changed in place."""
        before = [model.path for model in self._models]
        models = self._sorted(models)
        if [model.path for model in models] != before:
            self.beginResetModel()
            self._fill(models, loaded)
            self.endResetModel()
        elif models:
            self._fill(models, loaded)
            last = self.index(len(models) - 1, len(_COLUMNS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def row_of(self, path: Path | None) -> int:
        """Return where the model is shown, -1 if it is not."""
        return next((row for row, model in enumerate(self._models) if model.path == path), -1)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._models)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> object:
        if orientation is Qt.Orientation.Vertical:
            return None
        if role == _Role.DisplayRole:
            return _COLUMNS[section].title
        if role == _Role.TextAlignmentRole:
            return _alignment(_COLUMNS[section])
        return None

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> object:
        model, at = self._models[index.row()], index.column()
        if role in _TEXT_ROLES:
            return self._texts[index.row()][at]
        if role == _Role.TextAlignmentRole:
            return _alignment(_COLUMNS[at])
        if role == _Role.ToolTipRole:
            return model.problem or str(model.path)
        if role == _Role.AccessibleDescriptionRole:
            return model.problem
        if role == _Role.FontRole and at == 0 and model.path == self._loaded:
            return self._bold
        if role == _Role.ForegroundRole and model.problem:
            return QGuiApplication.palette().brush(QPalette.ColorRole.PlaceholderText)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sort_column, self._order = column, order
        self.beginResetModel()
        self._fill(self._sorted(self._models), self._loaded)
        self.endResetModel()

    def _sorted(self, models: Sequence[InstalledModel]) -> list[InstalledModel]:
        column = _COLUMNS[self._sort_column]
        key = column.key or (lambda model: column.text(model).casefold())
        is_descending = self._order is Qt.SortOrder.DescendingOrder
        by_name = sorted(models, key=lambda model: (model.path.stem.casefold(), model.path))
        return sorted(by_name, key=key, reverse=is_descending)

    def _fill(self, models: list[InstalledModel], loaded: Path | None) -> None:
        self._models, self._loaded = models, loaded
        self._texts = [tuple(column.text(model) for column in _COLUMNS) for model in models]
        for row, model in enumerate(models):
            remark = "cannot be loaded" if model.problem else ""
            remark = "loaded" if model.path == loaded else remark
            if remark:
                name, *others = self._texts[row]
                self._texts[row] = (f"{name} · {remark}", *others)


def _alignment(column: _Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
