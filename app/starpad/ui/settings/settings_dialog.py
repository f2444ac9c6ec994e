"""The settings dialog, made from the declarations in core/settings.py."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from starpad.core.setting_field import Page, SettingField, Value
from starpad.core.settings import fields_of_pages
from starpad.services.settings import SettingsService
from starpad.ui.settings.field_editors import FieldEditor, editor_for

_Button = QDialogButtonBox.StandardButton
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NO_ALIGNMENT = Qt.AlignmentFlag(0)  # takes the whole width


class SettingsDialog(QDialog):
    """Shows every setting by pages; nothing counts before OK or Apply."""

    def __init__(self, service: SettingsService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        pages = fields_of_pages()
        fields = [field for of_page in pages.values() for field in of_page]
        self._defaults = {field.name: field.default for field in fields}
        self._editors = {field.name: editor_for(field) for field in fields}
        self._buttons = self._make_buttons()
        body = QHBoxLayout()
        body.setSpacing(16)
        stack = QStackedWidget()
        for page, of_page in pages.items():
            stack.addWidget(_page(page, of_page, self._editors))
        body.addWidget(_page_list(list(pages), stack))
        body.addWidget(stack, 1)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addLayout(body)
        column.addWidget(self._buttons)
        self._write(self._current())
        for editor in self._editors.values():
            editor.changed.connect(self._on_editor_changed)
        self._on_editor_changed()
        self.resize(820, 660)

    def accept(self) -> None:
        self._apply()
        super().accept()

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(
            _Button.Ok | _Button.Cancel | _Button.Apply | _Button.RestoreDefaults
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        buttons.button(_Button.Apply).clicked.connect(self._apply)
        restore = buttons.button(_Button.RestoreDefaults)
        restore.clicked.connect(self._on_restore_clicked)
        restore.setToolTip("Show the defaults on all pages; they count after OK or Apply")
        return buttons

    def _current(self) -> dict[str, Value]:
        return {name: getattr(self._service.current, name) for name in self._editors}

    def _write(self, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            self._editors[name].write(value)

    def _changes(self) -> dict[str, Value]:
        current = self._current()
        shown = {name: editor.read() for name, editor in self._editors.items()}
        return {name: value for name, value in shown.items() if value != current[name]}

    @Slot()
    def _apply(self) -> None:
        self._service.change(**self._changes())
        self._on_editor_changed()

    @Slot()
    def _on_restore_clicked(self) -> None:
        self._write(self._defaults)

    @Slot()
    def _on_editor_changed(self) -> None:
        self._buttons.button(_Button.Apply).setEnabled(bool(self._changes()))


def _page_list(pages: Sequence[Page], stack: QStackedWidget) -> QListWidget:
    names = QListWidget()
    names.setAccessibleName("Pages of settings")
    names.addItems([str(page) for page in pages])
    names.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
    names.setFixedWidth(names.sizeHintForColumn(0) + 48)
    names.currentRowChanged.connect(stack.setCurrentIndex)
    names.setCurrentRow(0)
    return names


def _page(
    page: Page, fields: Sequence[SettingField], editors: Mapping[str, FieldEditor]
) -> QScrollArea:
    content = QWidget()
    form = QGridLayout(content)
    form.setContentsMargins(0, 0, 12, 0)
    form.setVerticalSpacing(4)
    form.setHorizontalSpacing(16)
    form.setColumnStretch(1, 1)
    form.addWidget(_heading(page), 0, 0, 1, 2)
    for row, field in enumerate(fields, 1):
        editor = editors[field.name].widget
        editor.setMinimumWidth(editor.fontMetrics().averageCharWidth() * 22)
        is_wide = isinstance(editor, QLineEdit)
        form.addWidget(editor, 2 * row, 1, _NO_ALIGNMENT if is_wide else _LEFT)
        form.addWidget(_help(field), 2 * row + 1, 1)
        if not isinstance(editor, QCheckBox):  # which carries its own label
            label = QLabel(field.about.label)
            label.setBuddy(editor)
            form.addWidget(label, 2 * row, 0, _RIGHT)
    form.setRowStretch(form.rowCount(), 1)
    area = QScrollArea()
    area.setAccessibleName(f"{page} settings")
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    return area


def _heading(page: Page) -> QLabel:
    heading = QLabel(page)
    font = heading.font()
    font.setPointSizeF(font.pointSizeF() * 1.3)
    font.setBold(True)
    heading.setFont(font)
    heading.setContentsMargins(0, 0, 0, 10)
    return heading


def _help(field: SettingField) -> QLabel:
    label = QLabel(field.about.help)
    label.setWordWrap(True)
    label.setContentsMargins(0, 0, 0, 12)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label
