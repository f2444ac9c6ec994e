"""A list of models to tick."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy

from starpad.core.installed_model import InstalledModel

_PATH = Qt.ItemDataRole.UserRole


class ModelChecks(QListWidget):
    """Models by their names; what is ticked stays so while the list changes."""

    def __init__(self, name: str, rows: int) -> None:
        """`name` is for screen readers; so many `rows` are seen at once."""
        super().__init__()
        self.setAccessibleName(name)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(round(self.fontMetrics().height() * 1.8 * rows))

    def checked(self) -> list[Path]:
        """Return what is ticked."""
        items = (self.item(row) for row in range(self.count()))
        return [item.data(_PATH) for item in items if item.checkState() is Qt.CheckState.Checked]

    def show_models(self, entries: Sequence[tuple[Path, str]]) -> None:
        """List these, each with its name."""
        checked, row = set(self.checked()), self.currentRow()
        self.blockSignals(True)
        self.clear()
        for path, name in entries:
            item = QListWidgetItem(name)
            item.setData(_PATH, path)
            item.setToolTip(str(path))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            is_checked = path in checked
            item.setCheckState(Qt.CheckState.Checked if is_checked else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.setCurrentRow(max(0, min(row, len(entries) - 1)))
        self.blockSignals(False)


def entries_of(models: Sequence[InstalledModel]) -> list[tuple[Path, str]]:
    """Return the models that can be loaded, with their names, by which they are sorted."""
    entries = [(model.path, _name(model)) for model in models if not model.problem]
    return sorted(entries, key=lambda entry: entry[1].casefold())


def _name(model: InstalledModel) -> str:
    """Return the file's name, and the quantization where the name does not tell it."""
    stem, quantization = model.path.stem, model.quantization
    is_told = quantization.casefold() in stem.casefold()
    return stem if is_told else f"{stem} · {quantization}"
