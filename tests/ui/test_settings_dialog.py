"""The settings dialog: every setting, its bounds, and nothing counts before OK or Apply."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QSpinBox,
    QStackedWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from starpad.core.load_options import KvType
from starpad.core.setting_field import About, Page, SettingField
from starpad.core.settings import FIELDS, Settings, ThemeChoice, fields_of_pages
from starpad.services.settings import SettingsService
from starpad.ui.settings.field_editors import editor_for
from starpad.ui.settings.settings_dialog import SettingsDialog

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's

SHOWN = [field for of_page in fields_of_pages().values() for field in of_page]
OTHER: dict[str, object] = {
    "theme": ThemeChoice.DARK, "font_family": "No Such Mono", "suggestion_temperature": 0.4,
    "suggestions_off_languages": ("markdown", "json"), "kv_type": KvType.Q8_0,
    "hub_endpoint": "https://hub.example.com", "engine_program": "/usr/bin/llama-server",
    "style_light": "tango", "style_dark": "nord", "serve_origins": ("http://localhost:3000",),
    "suggestion_context": "never",
}  # fmt: skip


def _other_value(field: SettingField) -> object:
    if isinstance(field.default, bool):
        return not field.default
    return OTHER.get(field.name, field.about.maximum)


@pytest.fixture
def service(tmp_path: Path) -> SettingsService:
    return SettingsService(tmp_path / "settings.json")


@pytest.fixture
def dialog(service: SettingsService, qtbot: QtBot) -> SettingsDialog:
    dialog = SettingsDialog(service)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # tests look at it afterwards
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def _button(dialog: SettingsDialog, which: QDialogButtonBox.StandardButton) -> QAbstractButton:
    return dialog.findChildren(QDialogButtonBox)[0].button(which)


@pytest.mark.parametrize("field", SHOWN, ids=lambda field: field.name)
def test_an_editor_gives_back_what_it_was_given(field: SettingField, qtbot: QtBot) -> None:
    editor = editor_for(field)
    qtbot.addWidget(editor.widget)
    assert editor.read() == field.default
    with qtbot.waitSignal(editor.changed):
        editor.write(_other_value(field))
    assert editor.read() == _other_value(field)
    assert type(editor.read()) in (type(field.default), str)


@pytest.mark.parametrize(
    ("default", "kind"),
    [
        (True, QCheckBox), (3, QSpinBox), (0.5, QDoubleSpinBox), (ThemeChoice.DARK, QComboBox),
        ("text", QLineEdit), (("a", "b"), QLineEdit),
    ],
)  # fmt: skip
def test_a_new_setting_of_any_type_has_an_editor(
    default: bool | float | str | tuple[str, ...], kind: type[QWidget], qtbot: QtBot
) -> None:
    editor = editor_for(SettingField("new", default, About(Page.EDITOR, "New", "Help.", 0, 10)))
    qtbot.addWidget(editor.widget)
    assert isinstance(editor.widget, kind)
    assert editor.read() == default


def test_a_number_cannot_leave_its_bounds(qtbot: QtBot) -> None:
    editor = editor_for(FIELDS["font_size_pt"])
    qtbot.addWidget(editor.widget)
    for beyond, bound in ((5, 6), (73, 72)):
        editor.write(beyond)
        assert editor.read() == bound


def test_automatic_is_a_word_not_a_number(qtbot: QtBot) -> None:
    editor = editor_for(FIELDS["suggestion_pause_ms"])
    qtbot.addWidget(editor.widget)
    assert isinstance(editor.widget, QSpinBox)
    assert editor.widget.text() == "Automatic"
    editor.write(0)
    assert editor.widget.text() == "0 ms"


def test_a_list_forgives_spaces_and_commas_too_many(qtbot: QtBot) -> None:
    editor = editor_for(FIELDS["suggestions_off_languages"])
    qtbot.addWidget(editor.widget)
    assert isinstance(editor.widget, QLineEdit)
    editor.widget.setText(" markdown ,, json, ")
    assert editor.read() == ("markdown", "json")


def test_a_font_that_is_not_installed_is_kept(qtbot: QtBot) -> None:
    editor = editor_for(FIELDS["font_family"])
    qtbot.addWidget(editor.widget)
    editor.write("No Such Mono")
    assert editor.read() == "No Such Mono"


def test_every_setting_is_on_its_page_with_its_help(dialog: SettingsDialog) -> None:
    [names] = dialog.findChildren(QListWidget)
    [stack] = dialog.findChildren(QStackedWidget)
    for row, (page, fields) in enumerate(fields_of_pages().items()):
        names.setCurrentRow(row)
        assert names.item(row).text() == page
        texts = [label.text() for label in stack.findChildren(QLabel) if label.isVisible()]
        for field in fields:
            assert dialog._editors[field.name].widget.isVisible(), field.name
            assert field.about.help in texts


def test_every_editor_has_a_name_and_a_description_for_screen_readers(
    dialog: SettingsDialog,
) -> None:
    for field in SHOWN:
        widget = dialog._editors[field.name].widget
        assert widget.accessibleName() == field.about.label
        assert widget.accessibleDescription() == field.about.help


def test_ok_applies_only_what_was_changed(
    dialog: SettingsDialog, service: SettingsService, qtbot: QtBot
) -> None:
    dialog._editors["theme"].write(ThemeChoice.DARK)
    service.change(window_geometry="abc", font_size_pt=15)
    dialog._editors["font_size_pt"].write(15)
    with qtbot.waitSignal(service.changed):
        dialog.accept()
    assert service.current == Settings(
        theme=ThemeChoice.DARK, window_geometry="abc", font_size_pt=15
    )
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_apply_is_possible_only_when_there_is_something_to_apply(
    dialog: SettingsDialog, service: SettingsService
) -> None:
    apply = _button(dialog, QDialogButtonBox.StandardButton.Apply)
    assert not apply.isEnabled()
    dialog._editors["wrap_lines"].write(True)
    assert apply.isEnabled()
    QTest.mouseClick(apply, Qt.MouseButton.LeftButton)
    assert service.current.wrap_lines
    assert dialog.isVisible()
    assert not apply.isEnabled()


def test_cancel_and_escape_change_nothing(dialog: SettingsDialog, service: SettingsService) -> None:
    dialog._editors["wrap_lines"].write(True)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert service.current == Settings()


def test_restoring_defaults_shows_them_everywhere_and_spares_what_is_hidden(
    tmp_path: Path, qtbot: QtBot
) -> None:
    service = SettingsService(tmp_path / "settings.json")
    others = {field.name: _other_value(field) for field in SHOWN}
    service.change(**others, model_path="/models/x.gguf")
    dialog = SettingsDialog(service)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.mouseClick(
        _button(dialog, QDialogButtonBox.StandardButton.RestoreDefaults), Qt.MouseButton.LeftButton
    )
    assert service.current.font_size_pt == 72, "not before OK"
    dialog.accept()
    assert service.current == Settings(model_path="/models/x.gguf")


def test_the_wheel_scrolls_the_page_instead_of_changing_a_value(dialog: SettingsDialog) -> None:
    [names] = dialog.findChildren(QListWidget)
    names.setCurrentRow(list(fields_of_pages()).index(Page.SUGGESTIONS))
    names.setFocus()
    box = dialog._editors["suggestion_max_lines"].widget
    wheel = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, wheel)
    assert dialog._editors["suggestion_max_lines"].read() == 8


def test_a_closed_dialog_is_gone_and_does_not_pile_up(
    service: SettingsService, qtbot: QtBot
) -> None:
    dialog = SettingsDialog(service)
    dialog.open()
    with qtbot.waitSignal(dialog.destroyed):
        dialog.accept()
