"""The LoRA adapters of a model: files, and how much each counts."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

Adapters = tuple[tuple[str, float], ...]


class LoraList(QWidget):
    """A short table with buttons to add and remove."""

    changed = Signal()

    def __init__(self, adapters: Adapters) -> None:
        super().__init__()
        self._table = QTableWidget(0, 2)
        self._table.setAccessibleName("LoRA adapters")
        self._table.setHorizontalHeaderLabels(["Adapter", "Scale"])
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self._table.setTabKeyNavigation(False)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._table.setFixedHeight(110)
        add, remove = QPushButton("A&dd adapter…"), QPushButton("Re&move")
        buttons = QHBoxLayout()
        buttons.addWidget(add)
        buttons.addWidget(remove)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._table)
        column.addLayout(buttons)
        for path, scale in adapters:
            self.add(path, scale)
        add.clicked.connect(self._on_add_clicked)
        remove.clicked.connect(self._on_remove_clicked)

    @property
    def adapters(self) -> Adapters:
        """What the table holds."""
        rows = range(self._table.rowCount())
        return tuple((self._path(row), self._scale(row).value()) for row in rows)

    def add(self, path: str, scale: float = 1.0) -> None:
        """Append an adapter."""
        row = self._table.rowCount()
        self._table.insertRow(row)
        item = QTableWidgetItem(Path(path).name)
        item.setToolTip(path)
        item.setData(Qt.ItemDataRole.UserRole, path)
        item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        self._table.setItem(row, 0, item)
        field = QDoubleSpinBox()
        field.setRange(-10, 10)
        field.setSingleStep(0.1)
        field.setValue(scale)
        field.setAccessibleName(f"Scale of {Path(path).name}")
        field.valueChanged.connect(self.changed)
        self._table.setCellWidget(row, 1, field)
        self._table.setCurrentCell(row, 0)
        self.changed.emit()

    def _path(self, row: int) -> str:
        item = self._table.item(row, 0)
        return str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else ""

    def _scale(self, row: int) -> QDoubleSpinBox:
        field = self._table.cellWidget(row, 1)
        assert isinstance(field, QDoubleSpinBox)
        return field

    @Slot()
    def _on_add_clicked(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(
            self, "Add LoRA adapters", "", "Adapters (*.gguf);;All files (*)"
        )
        for name in names:
            self.add(name)

    @Slot()
    def _on_remove_clicked(self) -> None:
        if self._table.currentRow() >= 0:
            self._table.removeRow(self._table.currentRow())
            self.changed.emit()
