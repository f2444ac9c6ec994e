"""What an evaluation is to do: which files and models, which holes, which ways of asking."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from starpad.core.evaluation import HoleKind, Selection, Way
from starpad.core.fim import FimOrder
from starpad.ui.engine.model_checks import ModelChecks
from starpad.ui.labels import ElidedLabel

_Key = TypeVar("_Key")
_SHOWN_MODELS = 4
_MOST_HOLES = 10_000
_KINDS = {
    HoleKind.LINE_REST: ("Rest of a line", "From between two words to the line's end"),
    HoleKind.ANY_COLUMN: ("Rest from any column", "Also from the middle of a word"),
    HoleKind.LINE: ("Line", "All of a line but its indentation"),
    HoleKind.BLOCK: ("Block", "Two to eight lines that are indented together"),
    HoleKind.FUNCTION: ("Function body", "All that a function does, without its docstring"),
}
_ORDERS: dict[FimOrder | None, tuple[str, str]] = {
    None: ("The family's own", "The order of the prompt's parts that Starpad uses for this model"),
    FimOrder.PSM: ("PSM", "First what stands before the caret, then what stands behind it"),
    FimOrder.SPMV2: ("SPMv2", "First what stands behind the caret, then what stands before it"),
}
_CONTEXTS = {
    False: ("The file alone", "The model reads nothing but the file"),
    True: ("With other files", "It may also read what is related in the folder"),
}


class EvaluationChoice(QWidget):
    """Fields to choose with; it starts nothing itself."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.paths: tuple[Path, ...] = ()
        self.models = ModelChecks("Models to evaluate", _SHOWN_MODELS)
        self._place = ElidedLabel("No files chosen")
        self._files = QPushButton("Choose &files…")
        self._folder = QPushButton("Choose fo&lder…")
        self._kinds = {kind: _check(*words) for kind, words in _KINDS.items()}
        self._orders = {order: _check(*words) for order, words in _ORDERS.items()}
        self._contexts = {context: _check(*words) for context, words in _CONTEXTS.items()}
        usual = Selection()
        self._holes = _number("Holes of each kind", 1, _MOST_HOLES, usual.holes)
        self._seed = _number("Seed of the choice", 0, 1 << 30, usual.seed)
        self._lay_out()
        self._kinds[HoleKind.LINE_REST].setChecked(True)
        self._orders[None].setChecked(True)
        self._contexts[False].setChecked(True)
        self._connect()

    @property
    def ways(self) -> list[Way]:
        """How each model is asked."""
        return [
            Way(order, context)
            for order in _ticked(self._orders)
            for context in _ticked(self._contexts)
        ]

    @property
    def selection(self) -> Selection:
        """Which holes are punched."""
        kinds = tuple(_ticked(self._kinds))
        return Selection(kinds, self._holes.value(), seed=self._seed.value())

    @property
    def is_complete(self) -> bool:
        """Whether there is something to do."""
        return bool(self.paths and self.models.checked() and self.ways and _ticked(self._kinds))

    def choose(self, paths: Sequence[Path]) -> None:
        """Take these files and folders."""
        self.paths = tuple(paths)
        names = ", ".join(path.name or str(path) for path in self.paths)
        self._place.setText(names or "No files chosen")
        self._place.setAccessibleName(f"Files to evaluate on: {self._place.text()}")
        self.changed.emit()

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.addWidget(self._files)
        place.addWidget(self._folder)
        place.addWidget(self._place, 1)
        fields = QHBoxLayout()
        fields.setSpacing(10)
        fields.addWidget(self.models, 1)
        fields.addWidget(_group("Cut out", list(self._kinds.values()), columns=2))
        fields.addWidget(_group("Order of the prompt", list(self._orders.values())))
        fields.addWidget(_group("Context", list(self._contexts.values())))
        for name, number in (("&Holes of each kind", self._holes), ("S&eed", self._seed)):
            label = QLabel(name)
            label.setBuddy(number)
            place.addWidget(label)
            place.addWidget(number)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(place)
        column.addLayout(fields)

    def _connect(self) -> None:
        self._files.clicked.connect(self._on_files_clicked)
        self._folder.clicked.connect(self._on_folder_clicked)
        self.models.itemChanged.connect(self._on_field_changed)
        for check in (*self._kinds.values(), *self._orders.values(), *self._contexts.values()):
            check.toggled.connect(self._on_field_changed)
        for number in (self._holes, self._seed):
            number.valueChanged.connect(self._on_field_changed)

    @Slot()
    def _on_field_changed(self) -> None:
        self.changed.emit()

    @Slot()
    def _on_files_clicked(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Files to evaluate on", self._start())
        if names:
            self.choose([Path(name) for name in names])

    @Slot()
    def _on_folder_clicked(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder to evaluate on", self._start())
        if name:
            self.choose([Path(name)])

    def _start(self) -> str:
        return str(self.paths[0] if self.paths else Path.home())


def _check(text: str, tip: str) -> QCheckBox:
    check = QCheckBox(text)
    check.setToolTip(tip)
    check.setAccessibleDescription(tip)
    return check


def _number(name: str, least: int, most: int, value: int) -> QSpinBox:
    number = QSpinBox()
    number.setAccessibleName(name)
    number.setRange(least, most)
    number.setValue(value)
    return number


def _group(title: str, checks: Sequence[QCheckBox], *, columns: int = 1) -> QGroupBox:
    group = QGroupBox(title)
    grid = QGridLayout(group)
    rows = -(-len(checks) // columns)
    for number, check in enumerate(checks):
        grid.addWidget(check, number % rows, number // rows)
    grid.setRowStretch(rows, 1)
    return group


def _ticked(checks: Mapping[_Key, QCheckBox]) -> list[_Key]:
    return [key for key, check in checks.items() if check.isChecked()]
