"""How a model is loaded, the part that hardly anybody needs."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QSpinBox, QWidget

from starpad.core.load_options import FlashAttention, Speculation, Weights
from starpad.core.model_records import ModelRecord
from starpad.ui.models.lora_list import LoraList

USUAL = "As in the settings"
_AUTOMATIC = "Automatic"
_MEANINGS: dict[StrEnum, str] = {
    FlashAttention.ON: "On: less memory",
    FlashAttention.OFF: "Off",
    Weights.READ: "Read into memory",
    Weights.MAPPED: "Left in the file (mapped)",
    Weights.LOCKED: "Read and never swapped out (locked)",
    Speculation.OFF: "Off",
    Speculation.NGRAM: "From the text before (n-gram)",
    Speculation.DRAFT: "By a smaller model",
}


class AdvancedFields(QWidget):
    """Fields with their labels; untouched they choose nothing."""

    changed = Signal()

    def __init__(
        self,
        record: ModelRecord,
        devices: Sequence[str] = (),
        drafts: Sequence[tuple[str, Path]] = (),
    ) -> None:
        """`devices` are the GPUs' names; `drafts` the models that can guess, the best first."""
        super().__init__()
        self._threads = _number(record.threads, 256, "", USUAL)
        self._batch = _number(record.batch_tokens, 4096, " tokens", _AUTOMATIC)
        self._flash = _choice((FlashAttention.ON, FlashAttention.OFF), record.flash_attention)
        self._weights = _choice(tuple(Weights)[1:], record.weights, Weights.READ)
        speculations = (Speculation.NGRAM, *((Speculation.DRAFT,) if drafts else ()))
        self._speculation = _choice(speculations, record.speculation, Speculation.OFF)
        self._draft = QComboBox()
        for name, path in drafts:
            self._draft.addItem(name, str(path))
        self._draft.setCurrentIndex(max(0, self._draft.findData(record.draft_model)))
        self._device = QComboBox()
        self._device.addItem(_AUTOMATIC, None)
        for name in devices:
            self._device.addItem(name, name)
        self._device.setCurrentIndex(max(0, self._device.findData(record.device)))
        self._lora = LoraList(record.lora)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        for words, field in (
            ("Processor &threads", self._threads),
            ("&Batch", self._batch),
            ("&Flash attention", self._flash),
            ("&Weights", self._weights),
            ("&Guess ahead", self._speculation),
            ("Guessed b&y", self._draft),
            ("G&PU", self._device),
            ("Lo&RA", self._lora),
        ):
            field.setAccessibleName(words.replace("&", ""))
            self._form.addRow(words, field)
        self._form.setRowVisible(self._device, len(devices) > 1)
        for box in (self._flash, self._weights, self._speculation, self._draft, self._device):
            box.currentIndexChanged.connect(self._on_changed)
        for spin in (self._threads, self._batch):
            spin.valueChanged.connect(self._on_changed)
        self._lora.changed.connect(self._on_changed)
        self._on_changed()

    @property
    def values(self) -> dict[str, object]:
        """What was chosen, by the names of a model's record; None means as usual."""
        speculation = self._speculation.currentData()
        is_draft = speculation == Speculation.DRAFT
        return {
            "threads": self._threads.value() or None,
            "batch_tokens": self._batch.value() or None,
            "flash_attention": self._flash.currentData(),
            "weights": self._weights.currentData(),
            "speculation": speculation,
            "draft_model": self._draft.currentData() if is_draft else None,
            "device": self._device.currentData(),
            "lora": self._lora.adapters,
        }

    @Slot()
    def _on_changed(self) -> None:
        is_draft = self._speculation.currentData() == Speculation.DRAFT
        self._form.setRowVisible(self._draft, is_draft)
        self.changed.emit()


def _number(value: int | None, most: int, unit: str, otherwise: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(0, most)
    field.setSuffix(unit)
    field.setSpecialValueText(otherwise)
    field.setValue(value or 0)
    return field


def _choice(kinds: Sequence[StrEnum], value: str | None, usual: StrEnum | None = None) -> QComboBox:
    field = QComboBox()
    field.addItem(_MEANINGS[usual] if usual is not None else _AUTOMATIC, None)
    for kind in kinds:
        field.addItem(_MEANINGS[kind], kind.value)
    field.setCurrentIndex(max(0, field.findData(value)))
    return field
