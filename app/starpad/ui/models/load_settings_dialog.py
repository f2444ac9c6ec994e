"""How one model is loaded, where it differs from the settings for all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from starpad.core.load_options import KvType
from starpad.core.memory_fit import Fit
from starpad.core.model_records import ModelRecord
from starpad.ui.labels import text_label, title_label
from starpad.ui.models.advanced_fields import USUAL, AdvancedFields

_STEP_TOKENS = 1024
_ALL_LAYERS = 999
"""More than any model has: all of them."""


class LoadSettingsDialog(QDialog):
    """Accepted when the user wants the model loaded with what is shown."""

    def __init__(
        self,
        parent: QWidget | None,
        *,
        name: str,
        trained_tokens: int,
        record: ModelRecord,
        fit: Callable[[Mapping[str, object]], Fit],
        devices: Sequence[str] = (),
        drafts: Sequence[tuple[str, Path]] = (),
    ) -> None:
        """`fit` says how the model would fit with what `values` returns.

        `devices` are the GPUs that the engine sees, `drafts` the models that can guess ahead.
        """
        super().__init__(parent)
        self.setWindowTitle("Load settings")
        self._fit = fit
        self._context = QSpinBox()
        self._context.setRange(0, max(trained_tokens, _STEP_TOKENS))
        self._context.setSingleStep(_STEP_TOKENS)
        self._context.setGroupSeparatorShown(True)
        self._context.setSuffix(" tokens")
        self._context.setSpecialValueText(USUAL)
        self._kv = QComboBox()
        self._kv.addItem(USUAL, None)
        for kind in KvType:
            self._kv.addItem(kind.value, kind.value)
        self._layers = QSpinBox()
        self._layers.setRange(-1, _ALL_LAYERS)
        self._layers.setSpecialValueText("Automatic")
        self._numbers = text_label(is_quiet=True)
        self._numbers.setAccessibleName("Memory that the model needs")
        form = QFormLayout()
        for words, field in (
            ("&Context window", self._context),
            ("Context &numbers", self._kv),
            ("Layers on the &GPU", self._layers),
        ):
            field.setAccessibleName(words.replace("&", ""))
            form.addRow(words, field)
        self._advanced = AdvancedFields(record, devices, drafts)
        self._fold = QCheckBox("&More settings")
        self._fold.setChecked(bool(_chosen(self._advanced.values)))
        self._advanced.setVisible(self._fold.isChecked())
        self._fold.toggled.connect(self._advanced.setVisible)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton("&Load with these", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(title_label(name, scale=1.15))
        column.addLayout(form)
        column.addWidget(self._fold)
        column.addWidget(self._advanced)
        column.addWidget(self._numbers)
        column.addStretch()
        column.addWidget(buttons)
        self.setMinimumWidth(480)
        self._context.setValue(record.context_tokens or 0)
        self._kv.setCurrentIndex(max(0, self._kv.findData(record.kv_type)))
        self._layers.setValue(-1 if record.gpu_layers is None else record.gpu_layers)
        self._context.valueChanged.connect(self._on_values_changed)
        self._kv.currentIndexChanged.connect(self._on_values_changed)
        self._layers.valueChanged.connect(self._on_values_changed)
        self._advanced.changed.connect(self._on_values_changed)
        self._on_values_changed()

    @property
    def values(self) -> dict[str, object]:
        """What was chosen, by the names of a model's record; None means as usual."""
        layers = self._layers.value()
        return {
            "context_tokens": self._context.value() or None,
            "kv_type": self._kv.currentData(),
            "gpu_layers": layers if layers >= 0 else None,
            **self._advanced.values,
        }

    @Slot()
    def _on_values_changed(self) -> None:
        self._numbers.setText(self._fit(self.values).sentence)


def _chosen(values: Mapping[str, object]) -> list[str]:
    return [name for name, value in values.items() if value not in (None, ())]
