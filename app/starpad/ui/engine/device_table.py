"""What the running engine computes on, and how much of the model lies where."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

from starpad.core.engine_status import Device, LoadedModel

_TITLES = ("Device", "What it is", "Memory", "Free before", "Weights there")
_NUMBERS = range(2, 5)
_ROWS_SHOWN = 6
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class DeviceTable(QTableWidget):
    """One row for each device; weights in the processor's memory count at the processor."""

    def __init__(self) -> None:
        super().__init__(0, len(_TITLES))
        self.setObjectName("library")
        self.setAccessibleName("Devices that the engine sees")
        for column, title in enumerate(_TITLES):
            item = QTableWidgetItem(title)
            item.setTextAlignment(_RIGHT if column in _NUMBERS else _LEFT)
            self.setHorizontalHeaderItem(column, item)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)

    def show_model(self, model: LoadedModel | None) -> None:
        """Show the devices of what holds the model."""
        rows = device_rows(model) if model is not None else []
        self.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column in _NUMBERS:
                    item.setTextAlignment(_RIGHT)
                item.setToolTip(text)
                self.setItem(row, column, item)
        height = self.horizontalHeader().sizeHint().height() + 8
        height += sum(self.rowHeight(row) for row in range(min(len(rows), _ROWS_SHOWN)))
        self.setFixedHeight(height)


def device_rows(model: LoadedModel) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each device: name, description, memory, free, weights."""
    weights = _weights_by_device(model)
    rows = [
        (
            device.name,
            device.description,
            _size(device.memory_bytes),
            _size(device.memory_free_bytes),
            _size(weights.pop(device.name, 0)),
        )
        for device in model.devices
    ]
    return rows + [(name, "", "", "", _size(count)) for name, count in weights.items()]


def _weights_by_device(model: LoadedModel) -> dict[str, int]:
    """Return the bytes at each device; the places that llama.cpp has in the memory are one."""
    weights: dict[str, int] = {}
    for place, count_bytes in model.placement.weights_bytes:
        name = _device_of(place, model.devices)
        weights[name] = weights.get(name, 0) + count_bytes
    return weights


def _device_of(place: str, devices: tuple[Device, ...]) -> str:
    if place.startswith("CPU") or place.endswith("_Host"):
        return "CPU"
    return next((d.name for d in devices if place.split("_")[0] == d.name), place)


def _size(count_bytes: int) -> str:
    if not count_bytes:
        return ""
    if count_bytes < 950_000_000:
        return f"{count_bytes / 1e6:,.0f} MB"
    return f"{count_bytes / 1e9:,.1f} GB"
