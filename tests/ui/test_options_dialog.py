"""OptionsDialog: what is shown is what is used; presets come, change and go."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QInputDialog,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from starpad.core.chat import ChatOptions
from starpad.core.chat_presets import BUILT_IN, Presets
from starpad.core.sampling import Sampling
from starpad.ui.chat.options_dialog import OptionsDialog

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

OPTIONS = ChatOptions(
    "Be brief.\n\tUse\u00a0tabs. 🐛", 300, Sampling(0.45, 0.85, 17, 0.03, 1.12, 12345)
)


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(tmp_path / "presets.json")


def _dialog(
    qtbot: QtBot, presets: Presets, options: ChatOptions = OPTIONS, note: str = ""
) -> OptionsDialog:
    dialog = OptionsDialog(None, options=options, presets=presets, note=note)
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.open()
        dialog.activateWindow()
    return dialog


def _box(dialog: QDialog, name: str) -> QSpinBox | QDoubleSpinBox:
    [found] = [
        box
        for box in dialog.findChildren(QAbstractSpinBox)
        if isinstance(box, QSpinBox | QDoubleSpinBox) and box.accessibleName() == name
    ]
    return found


def _choice(dialog: QDialog) -> QComboBox:
    [found] = dialog.findChildren(QComboBox)
    return found


def _prompt(dialog: QDialog) -> QPlainTextEdit:
    [found] = dialog.findChildren(QPlainTextEdit)
    return found


def _button(dialog: QDialog, text: str) -> QPushButton:
    [found] = [b for b in dialog.findChildren(QPushButton) if b.text().replace("&", "") == text]
    return found


def _choose(dialog: QDialog, name: str) -> None:
    """Choose a preset as the keyboard does."""
    choice = _choice(dialog)
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Home)
    for _ in range(choice.findText(name)):
        QTest.keyClick(choice, Qt.Key.Key_Down)
    assert choice.currentText() == name


def _save_as(dialog: QDialog, name: str) -> None:
    _button(dialog, "Save as…").click()
    [question] = dialog.findChildren(QInputDialog)
    question.setTextValue(name)
    question.accept()
    question.setParent(None)


def _shown(dialog: QDialog) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]


def test_untouched_it_gives_what_it_was_given(qtbot: QtBot, presets: Presets) -> None:
    assert _dialog(qtbot, presets).values == OPTIONS
    balanced = ChatOptions(preset="Balanced")
    assert _dialog(qtbot, presets, balanced).values == balanced


def test_each_value_can_be_changed(qtbot: QtBot, presets: Presets) -> None:
    dialog = _dialog(qtbot, presets)
    _prompt(dialog).setPlainText("Be long.")
    for name, value in (
        ("Most tokens", 2048),
        ("Temperature", 1.5),
        ("Top-p", 0.5),
        ("Top-k", 0),
        ("Min-p", 0.1),
        ("Repeat penalty", 1.3),
        ("Seed", 42),
    ):
        _box(dialog, name).setValue(value)  # type: ignore[arg-type]
    assert dialog.values == ChatOptions("Be long.", 2048, Sampling(1.5, 0.5, 0, 0.1, 1.3, 42))


def test_values_that_mean_something_else_say_so(qtbot: QtBot, presets: Presets) -> None:
    sampling = Sampling(top_k=0, min_p=0, repeat_penalty=1, seed=-1)
    dialog = _dialog(qtbot, presets, replace(OPTIONS, sampling=sampling))
    words = {
        name: _box(dialog, name).text() for name in ("Top-k", "Min-p", "Repeat penalty", "Seed")
    }
    assert words == {"Top-k": "All", "Min-p": "Off", "Repeat penalty": "Off", "Seed": "Random"}


def test_values_beyond_all_bounds_are_brought_within(qtbot: QtBot, presets: Presets) -> None:
    sampling = Sampling(float("nan"), -1e300, 10**40, float("inf"), -1.0, -(10**40))
    odd = ChatOptions("a\x00\u202e\r\nb\ud800", -5, sampling)
    values = _dialog(qtbot, presets, odd).values
    assert values.max_tokens == 1
    assert values.system_prompt.startswith("a\x00\u202e\nb")
    found = values.sampling
    assert 0 <= found.temperature <= 2
    assert (found.top_p, found.top_k, found.min_p) == (0, 1000, 1)
    assert (found.repeat_penalty, found.seed) == (1, -1)


def test_a_built_in_preset_changes_only_the_sampling(qtbot: QtBot, presets: Presets) -> None:
    dialog = _dialog(qtbot, presets)
    assert _choice(dialog).currentText() == ""
    assert _choice(dialog).placeholderText()
    _choose(dialog, "Creative")
    creative = BUILT_IN[-1].options.sampling
    assert dialog.values == replace(OPTIONS, sampling=creative, preset="Creative")


@pytest.mark.parametrize("name", ["Temperature", "Seed", "instructions"])
def test_any_change_leaves_the_preset(qtbot: QtBot, presets: Presets, name: str) -> None:
    dialog = _dialog(qtbot, presets)
    _choose(dialog, "Precise")
    if name == "instructions":
        QTest.keyClicks(_prompt(dialog), "!")
    else:
        box = _box(dialog, name)
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Up)
    assert dialog.values.preset == ""
    assert dialog.values.sampling.repeat_penalty == BUILT_IN[0].options.sampling.repeat_penalty


def test_values_are_saved_under_a_name_and_come_back(qtbot: QtBot, presets: Presets) -> None:
    dialog = _dialog(qtbot, presets)
    _save_as(dialog, " Mine ")
    assert dialog.values == replace(OPTIONS, preset="Mine")
    other = _dialog(qtbot, presets, ChatOptions())
    _choose(other, "Mine")
    assert other.values == replace(OPTIONS, preset="Mine")


def test_a_name_that_cannot_be_used_is_told_and_nothing_is_lost(
    qtbot: QtBot, presets: Presets
) -> None:
    dialog = _dialog(qtbot, presets)
    _save_as(dialog, "precise")
    assert "The preset “precise” is part of Starpad." in _shown(dialog)
    assert dialog.values == OPTIONS
    _save_as(dialog, "Mine")
    assert not any("part of Starpad" in text for text in _shown(dialog))


def test_no_name_saves_nothing(qtbot: QtBot, presets: Presets) -> None:
    dialog = _dialog(qtbot, presets)
    _button(dialog, "Save as…").click()
    [question] = dialog.findChildren(QInputDialog)
    assert question.isModal()
    question.reject()
    assert presets.all() == list(BUILT_IN)


def test_only_a_preset_of_the_users_can_be_deleted_and_its_values_stay(
    qtbot: QtBot, presets: Presets
) -> None:
    presets.save("Mine", OPTIONS)
    dialog = _dialog(qtbot, presets, ChatOptions())
    delete = _button(dialog, "Delete")
    assert not delete.isEnabled()
    _choose(dialog, "Precise")
    assert not delete.isEnabled()
    _choose(dialog, "Mine")
    delete.click()
    assert presets.all() == list(BUILT_IN)
    assert dialog.values == OPTIONS
    assert not delete.isEnabled()


def test_a_disk_that_takes_nothing_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    presets = Presets(tmp_path / "folder" / "presets.json")
    presets.save("Mine", OPTIONS)
    dialog = _dialog(qtbot, presets, replace(OPTIONS, preset="Mine"))
    (tmp_path / "folder").rename(tmp_path / "moved")
    (tmp_path / "folder").write_text("")
    _button(dialog, "Delete").click()
    assert any("could not be saved" in text for text in _shown(dialog))


def test_a_preset_that_is_gone_is_not_named(qtbot: QtBot, presets: Presets) -> None:
    assert _dialog(qtbot, presets, replace(OPTIONS, preset="Gone")).values == OPTIONS


def test_a_note_is_shown_word_by_word(qtbot: QtBot, presets: Presets) -> None:
    note = "<b>This model</b> reads them before the first question."
    dialog = _dialog(qtbot, presets, note=note)
    [label] = [label for label in dialog.findChildren(QLabel) if label.text() == note]
    assert label.isVisible()
    assert label.textFormat() == Qt.TextFormat.PlainText


def test_every_field_has_a_name_a_label_with_its_own_key_and_a_sentence_of_help(
    qtbot: QtBot, presets: Presets
) -> None:
    dialog = _dialog(qtbot, presets)
    labels = {label.buddy(): label.text() for label in dialog.findChildren(QLabel) if label.buddy()}
    boxes = dialog.findChildren(QAbstractSpinBox)
    assert len(boxes) == 7
    for field in (*boxes, _choice(dialog), _prompt(dialog)):
        assert field.accessibleName()
        assert field in labels
    for box in boxes:
        assert box.toolTip() == box.accessibleDescription()
        assert box.toolTip().endswith(".")
        assert box.toolTip() in _shown(dialog)
    texts = [*labels.values(), *(button.text() for button in dialog.findChildren(QPushButton))]
    keys = [text[text.index("&") + 1].lower() for text in texts if "&" in text]
    assert len(keys) >= 11
    assert len(keys) == len(set(keys))


def test_tab_goes_from_top_to_bottom(qtbot: QtBot, presets: Presets) -> None:
    presets.save("Mine", OPTIONS)
    dialog = _dialog(qtbot, presets, replace(OPTIONS, preset="Mine"))
    assert _prompt(dialog).hasFocus()
    _choice(dialog).setFocus()
    stops: list[QWidget] = []
    for _ in range(13):
        focus = QApplication.focusWidget()
        assert focus is not None
        stops.append(focus)
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    places = [stop.mapTo(dialog, stop.rect().center()) for stop in stops]
    rows = [(place.y() // 8, place.x()) for place in places]
    assert len(set(stops)) == 13
    assert rows == sorted(rows)
    assert QApplication.focusWidget() is _choice(dialog)


def test_enter_in_a_field_accepts_and_escape_rejects(qtbot: QtBot, presets: Presets) -> None:
    dialog = _dialog(qtbot, presets)
    with qtbot.waitSignal(dialog.accepted):
        QTest.keyClick(_box(dialog, "Seed"), Qt.Key.Key_Return)
    dialog = _dialog(qtbot, presets)
    with qtbot.waitSignal(dialog.rejected):
        QTest.keyClick(_prompt(dialog), Qt.Key.Key_Escape)
