"""How one conversation's questions are answered: instructions, sampling, presets."""

from dataclasses import asdict, dataclass
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from starpad.core.chat import ChatOptions
from starpad.core.chat_presets import NAME_CHARACTERS, Preset, Presets
from starpad.core.errors import StarpadError
from starpad.core.sampling import Sampling
from starpad.ui.labels import Notice, text_label
from starpad.ui.text_positions import document_text

_NO_PRESET = "Your own values"
_PROMPT_LINES = 6
_PROMPT_MARGIN = 8
_WIDTH = 660


@dataclass(frozen=True, slots=True)
class _Field:
    """A number of the options: its label with a mnemonic, bounds, step, and a sentence of help."""

    name: str
    label: str
    help: str
    minimum: float
    maximum: float
    step: float
    unit: str = ""
    minimum_text: str = ""


_FIELDS = (
    _Field(
        "max_tokens", "&Most tokens", "An answer is cut here; it can be continued.",
        1, 65_536, 128, unit=" tokens",
    ),
    _Field(
        "temperature", "&Temperature", "Higher is more varied; 0 always takes the likeliest token.",
        0, 2, 0.05,
    ),
    _Field(
        "top_p", "Top-&p", "Only the likeliest tokens that together have this probability.",
        0, 1, 0.05,
    ),
    _Field(
        "top_k", "Top-&k", "Only so many of the likeliest tokens.", 0, 1000, 5, minimum_text="All"
    ),
    _Field(
        "min_p", "M&in-p", "Only tokens at least this likely, as a share of the likeliest.",
        0, 1, 0.01, minimum_text="Off",
    ),
    _Field(
        "repeat_penalty", "&Repeat penalty", "Higher keeps small models from repeating themselves.",
        1, 2, 0.01, minimum_text="Off",
    ),
    _Field(
        "seed", "&Seed", "The same seed gives the same answer to the same question.",
        -1, 2**31 - 1, 1, minimum_text="Random",
    ),
)  # fmt: skip


class OptionsDialog(QDialog):
    """Accepted when the conversation is to go on with `values`."""

    def __init__(
        self, parent: QWidget | None, *, options: ChatOptions, presets: Presets, note: str = ""
    ) -> None:
        """`note` is shown beside the instructions, such as what the model makes of them."""
        super().__init__(parent)
        self.setWindowTitle("Options of the conversation")
        self._presets = presets
        self._listed: list[Preset] = []
        self._is_filling = False
        self._choice = QComboBox()
        self._save = QPushButton("Sa&ve as…")
        self._delete = QPushButton("&Delete")
        self._prompt = self._make_prompt()
        self._numbers = {field.name: _spin_box(field) for field in _FIELDS}
        self._problem = Notice("error")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(8)
        column.addLayout(self._make_preset_row())
        column.addWidget(self._problem)
        column.addSpacing(4)
        column.addWidget(_label("Instr&uctions for the model", self._prompt))
        column.addWidget(self._prompt, 1)
        if note:
            column.addWidget(text_label(note, is_quiet=True))
        column.addSpacing(4)
        column.addLayout(self._make_grid())
        column.addSpacing(4)
        column.addWidget(buttons)
        self.setMinimumWidth(_WIDTH)
        self._fill(options)
        self._list_presets(options.preset)
        self._prompt.textChanged.connect(self._on_value_changed)
        for box in self._numbers.values():
            box.valueChanged.connect(self._on_value_changed)
        self._choice.activated.connect(self._on_preset_activated)
        self._save.clicked.connect(self._on_save_clicked)
        self._delete.clicked.connect(self._on_delete_clicked)
        self._prompt.setFocus()

    @property
    def values(self) -> ChatOptions:
        """What is shown."""
        numbers: dict[str, Any] = {name: box.value() for name, box in self._numbers.items()}
        return ChatOptions(
            system_prompt=document_text(self._prompt.document()),
            max_tokens=numbers.pop("max_tokens"),
            sampling=Sampling(**numbers),
            preset=self._choice.currentText(),
        )

    def _make_preset_row(self) -> QHBoxLayout:
        self._choice.setPlaceholderText(_NO_PRESET)
        self._choice.setAccessibleName("Preset")
        row = QHBoxLayout()
        row.addWidget(_label("Pres&et", self._choice))
        row.addWidget(self._choice, 1)
        for button, tip in (
            (self._save, "Keep these values under a name"),
            (self._delete, "Forget this preset of yours"),
        ):
            button.setAutoDefault(False)
            button.setToolTip(tip)
            button.setAccessibleDescription(tip)
            row.addWidget(button)
        return row

    def _make_prompt(self) -> QPlainTextEdit:
        prompt = QPlainTextEdit()
        prompt.setObjectName("paper")
        prompt.setPlaceholderText("Such as: Answer briefly. Write code for Python 3.11.")
        prompt.setAccessibleName("Instructions for the model")
        prompt.setTabChangesFocus(True)
        prompt.document().setDocumentMargin(_PROMPT_MARGIN)
        prompt.setMinimumHeight(prompt.fontMetrics().lineSpacing() * _PROMPT_LINES)
        return prompt

    def _make_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(2, 1)
        for row, field in enumerate(_FIELDS):
            box = self._numbers[field.name]
            grid.addWidget(_label(field.label, box), row, 0)
            grid.addWidget(box, row, 1)
            grid.addWidget(text_label(field.help, is_quiet=True), row, 2)
        return grid

    def _fill(self, options: ChatOptions) -> None:
        values = {"max_tokens": options.max_tokens, **asdict(options.sampling)}
        self._is_filling = True
        self._prompt.setPlainText(options.system_prompt)
        for field in _FIELDS:
            box = self._numbers[field.name]
            # What a file or another version held may be more than the box can take.
            value = max(field.minimum, min(field.maximum, values[field.name]))
            if isinstance(box, QSpinBox):
                box.setValue(int(value))
            else:
                box.setValue(value)
        self._is_filling = False

    def _list_presets(self, chosen: str) -> None:
        self._listed = self._presets.all()
        self._choice.clear()
        self._choice.addItems([preset.name for preset in self._listed])
        self._choose(self._choice.findText(chosen))

    def _choose(self, index: int) -> None:
        """Show that the values are those of a preset, or of none if `index` is -1."""
        self._choice.setCurrentIndex(index)
        self._delete.setEnabled(index >= 0 and not self._listed[index].is_built_in)

    @Slot()
    def _on_value_changed(self) -> None:
        if not self._is_filling:
            self._choose(-1)

    @Slot(int)
    def _on_preset_activated(self, index: int) -> None:
        self._fill(self._listed[index].applied_to(self.values))
        self._choose(index)

    @Slot()
    def _on_save_clicked(self) -> None:
        question = QInputDialog(self)
        question.setWindowTitle("Save as a preset")
        question.setLabelText(f"Name of the preset, up to {NAME_CHARACTERS} characters:")
        question.textValueSelected.connect(self._on_name_chosen)
        question.finished.connect(question.deleteLater)
        question.open()

    @Slot(str)
    def _on_name_chosen(self, name: str) -> None:
        try:
            saved = self._presets.save(name, self.values)
        except StarpadError as error:
            self._problem.show_sentence(error.message, error.hint)
        else:
            self._problem.show_sentence("", "")
            self._list_presets(saved.name)

    @Slot()
    def _on_delete_clicked(self) -> None:
        """Forget the preset; its values stay on the screen, from where they can be saved again."""
        try:
            self._presets.delete(self._choice.currentText())
        except StarpadError as error:
            self._problem.show_sentence(error.message, error.hint)
        else:
            self._problem.show_sentence("", "")
            self._list_presets("")


def _label(text: str, field: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(field)
    return label


def _spin_box(field: _Field) -> QSpinBox | QDoubleSpinBox:
    box: QSpinBox | QDoubleSpinBox
    if isinstance(field.step, int):
        box = QSpinBox()
        box.setRange(int(field.minimum), int(field.maximum))
        box.setSingleStep(field.step)
        box.setGroupSeparatorShown(field.name != "seed")
    else:
        box = QDoubleSpinBox()
        box.setRange(field.minimum, field.maximum)
        box.setSingleStep(field.step)
    box.setSuffix(field.unit)
    box.setSpecialValueText(field.minimum_text)
    box.setAccessibleName(field.label.replace("&", ""))
    box.setAccessibleDescription(field.help)
    box.setToolTip(field.help)
    return box
