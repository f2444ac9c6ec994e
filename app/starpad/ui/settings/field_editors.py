"""One editor for each type of setting: how it is shown, read and written."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, SignalInstance
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from starpad.core.setting_field import SettingField, Value


@dataclass(frozen=True, slots=True)
class FieldEditor:
    """A widget that edits one setting; `changed` is emitted whenever `read` gives another value."""

    widget: QWidget
    read: Callable[[], Value]
    write: Callable[[Any], object]
    changed: SignalInstance


def editor_for(field: SettingField) -> FieldEditor:
    """Make the editor that suits the setting's type, holding its default."""
    match field.default:
        case bool():
            editor = _switch(field)
        case int():
            editor = _whole_number(field)
        case float():
            editor = _number(field)
        case StrEnum() as choice:
            editor = _choice({str(item).capitalize(): item for item in type(choice)})
        case str() if field.about.is_font_family:
            editor = _choice({"Default": ""} | {name: name for name in _fixed_width_families()})
        case str() if field.about.choices:
            editor = _choice({label: value for value, label in field.about.choices})
        case str():
            line = QLineEdit()
            editor = FieldEditor(line, line.text, line.setText, line.textChanged)
        case tuple():
            editor = _list()
    editor.write(field.default)
    editor.widget.setAccessibleName(field.about.label)
    editor.widget.setAccessibleDescription(field.about.help)
    if isinstance(editor.widget, QAbstractSpinBox | QComboBox):
        editor.widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        editor.widget.installEventFilter(_WheelGuard(editor.widget))
    return editor


def _switch(field: SettingField) -> FieldEditor:
    box = QCheckBox(field.about.label)
    return FieldEditor(box, box.isChecked, box.setChecked, box.toggled)


def _whole_number(field: SettingField) -> FieldEditor:
    box = QSpinBox()
    box.setRange(field.about.minimum, field.about.maximum)
    box.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
    box.setGroupSeparatorShown(True)
    box.setSuffix(f" {field.about.unit}" if field.about.unit else "")
    box.setSpecialValueText(field.about.minimum_text)
    return FieldEditor(box, box.value, box.setValue, box.valueChanged)


def _number(field: SettingField) -> FieldEditor:
    box = QDoubleSpinBox()
    box.setRange(field.about.minimum, field.about.maximum)
    box.setSingleStep(0.1)
    return FieldEditor(box, box.value, box.setValue, box.valueChanged)


def _choice(values: dict[str, str]) -> FieldEditor:
    box = QComboBox()
    for text, value in values.items():
        box.addItem(text, value)

    def read() -> str:
        return str(box.currentData())

    def write(value: str) -> None:
        if box.findData(value) < 0:  # a font that this machine does not have, say
            box.addItem(value, value)
        box.setCurrentIndex(box.findData(value))

    return FieldEditor(box, read, write, box.currentIndexChanged)


def _list() -> FieldEditor:
    line = QLineEdit()

    def read() -> tuple[str, ...]:
        return tuple(part.strip() for part in line.text().split(",") if part.strip())

    def write(value: tuple[str, ...]) -> None:
        line.setText(", ".join(value))

    return FieldEditor(line, read, write, line.textChanged)


def _fixed_width_families() -> list[str]:
    return [
        name
        for name in QFontDatabase.families()
        if QFontDatabase.isFixedPitch(name) and not QFontDatabase.isPrivateFamily(name)
    ]


class _WheelGuard(QObject):
    """Keeps the wheel, which scrolls the page, from changing what it happens to pass over."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_passing = isinstance(watched, QWidget) and not watched.hasFocus()
        if event.type() == QEvent.Type.Wheel and is_passing:
            event.ignore()
            return True
        return False
