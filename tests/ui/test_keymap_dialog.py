"""Keys can be read, searched and changed; nothing clashes and nothing bad gets in."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QDialogButtonBox, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from starpad.services.notifier import Notification, Notifier
from starpad.services.settings import SettingsService
from starpad.ui.actions import ACTIONS, ActionId, build
from starpad.ui.key_recorder import KeyRecorder
from starpad.ui.keymap import Keymap, problem_with
from starpad.ui.keymap_dialog import KeymapDialog

Actions = dict[ActionId, QAction]


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def actions(window: QWidget) -> Actions:
    return build(window)


@pytest.fixture
def settings(tmp_path: Path) -> SettingsService:
    return SettingsService(tmp_path / "settings.json")


@pytest.fixture
def posted() -> list[Notification]:
    return []


@pytest.fixture
def keymap(
    actions: Actions, settings: SettingsService, posted: list[Notification]
) -> Iterator[Keymap]:
    notifier = Notifier()
    notifier.posted.connect(posted.append)
    keymap = Keymap(actions, settings, notifier)
    settings.changed.connect(keymap.follow)
    keymap.follow(settings.current)
    yield keymap
    settings.changed.disconnect(keymap.follow)


@pytest.fixture
def dialog(keymap: Keymap, window: QWidget) -> KeymapDialog:
    dialog = KeymapDialog(keymap, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show()
    return dialog


def _keys(actions: Actions, action_id: ActionId) -> list[str]:
    return [key.toString() for key in actions[action_id].shortcuts()]


def _row(dialog: KeymapDialog) -> list[str]:
    item = dialog.list.currentItem()
    return [item.text(column) for column in range(3)]


def _press(dialog: KeymapDialog, text: str) -> None:
    button = next(
        each for each in dialog.findChildren(QPushButton) if each.text().replace("&", "") == text
    )
    assert button.isEnabled(), text
    button.click()


def _record(dialog: KeymapDialog, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> KeyRecorder:
    recorder = dialog.findChildren(KeyRecorder)[-1]
    recorder.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    # A second stroke may follow for a second; then the key is complete.
    done = QSignalSpy(recorder.edit.editingFinished)
    QTest.keyClick(recorder.edit, key, modifiers)
    assert done.wait(5000)
    return recorder


CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier


def test_every_command_is_listed_with_its_keys(dialog: KeymapDialog) -> None:
    assert dialog.list.topLevelItemCount() == len(ACTIONS)
    dialog.select(ActionId.REDO)
    assert _row(dialog) == ["Redo", "Edit", "Ctrl+Shift+Z   Ctrl+Y"]
    dialog.select(ActionId.ACCEPT)
    assert _row(dialog) == ["Accept", "Suggestions", "Tab"]


@pytest.mark.parametrize(
    ("query", "action_id"),
    [
        ("redo", ActionId.REDO),
        ("ctrl+shift+z", ActionId.REDO),
        ("edit cut", ActionId.CUT),
        ("F11", ActionId.FULL_SCREEN),
    ],
)
def test_search_finds_by_name_menu_and_key(
    dialog: KeymapDialog, query: str, action_id: ActionId
) -> None:
    QTest.keyClicks(dialog.search, query)
    assert dialog.current is action_id


def test_enter_in_the_search_field_changes_what_it_found(dialog: KeymapDialog) -> None:
    QTest.keyClicks(dialog.search, "redo")
    QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    [recorder] = dialog.findChildren(KeyRecorder)
    assert recorder.edit.accessibleName() == "Key for Redo"
    assert not dialog.findChildren(QMessageBox)
    recorder.reject()


def test_a_search_that_finds_nothing_leaves_nothing_to_change(dialog: KeymapDialog) -> None:
    QTest.keyClicks(dialog.search, "zzzz")
    assert dialog.current is None
    assert not any(b.isEnabled() for b in (dialog._change, dialog._add, dialog._remove))


def test_a_recorded_key_counts_at_once_and_is_kept_as_a_difference(
    dialog: KeymapDialog, actions: Actions, settings: SettingsService, tmp_path: Path
) -> None:
    dialog.select(ActionId.SAVE_AS)
    _press(dialog, "Change…")
    recorder = _record(dialog, Qt.Key.Key_F9, CTRL)
    recorder.accept()
    assert _keys(actions, ActionId.SAVE_AS) == ["Ctrl+F9"]
    assert _row(dialog)[2] == "Ctrl+F9"
    assert settings.current.keymap == ("SAVE_AS=Ctrl+F9",)
    assert SettingsService(tmp_path / "settings.json").current.keymap == ("SAVE_AS=Ctrl+F9",)


def test_one_more_key_can_be_added_and_all_be_removed(
    dialog: KeymapDialog, actions: Actions
) -> None:
    dialog.select(ActionId.SAVE)
    _press(dialog, "Add another…")
    _record(dialog, Qt.Key.Key_F9, NONE).accept()
    assert _keys(actions, ActionId.SAVE) == ["Ctrl+S", "F9"]
    _press(dialog, "Remove")
    assert _keys(actions, ActionId.SAVE) == []
    _press(dialog, "Reset")
    assert _keys(actions, ActionId.SAVE) == ["Ctrl+S"]


def test_a_clash_is_named_and_the_key_changes_hands_only_by_a_yes(
    dialog: KeymapDialog, actions: Actions, settings: SettingsService
) -> None:
    dialog.select(ActionId.ABOUT)
    _press(dialog, "Change…")
    recorder = _record(dialog, Qt.Key.Key_S, CTRL)
    assert "“Save”" in recorder.note.text()
    ok = recorder._buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert ok.text() == "Take the key"
    assert _keys(actions, ActionId.SAVE) == ["Ctrl+S"]
    ok.click()
    assert _keys(actions, ActionId.ABOUT) == ["Ctrl+S"]
    assert _keys(actions, ActionId.SAVE) == []
    assert settings.current.keymap == ("SAVE=", "ABOUT=Ctrl+S")


def test_taking_a_key_back_asks_who_has_it(
    dialog: KeymapDialog, keymap: Keymap, actions: Actions
) -> None:
    keymap.assign(ActionId.ABOUT, ("Ctrl+S",))
    dialog.select(ActionId.SAVE)
    _press(dialog, "Reset")
    [box] = dialog.findChildren(QMessageBox)
    assert "“About Starpad”" in box.text()
    assert _keys(actions, ActionId.SAVE) == []
    next(b for b in box.buttons() if b.text() == "Take them").click()
    assert _keys(actions, ActionId.SAVE) == ["Ctrl+S"]
    assert _keys(actions, ActionId.ABOUT) == []


def test_all_can_be_reset_after_a_question(
    dialog: KeymapDialog, keymap: Keymap, actions: Actions, settings: SettingsService
) -> None:
    keymap.assign(ActionId.ABOUT, ("Ctrl+S",))
    _press(dialog, "Reset all…")
    [box] = dialog.findChildren(QMessageBox)
    next(b for b in box.buttons() if b.text() == "Reset all").click()
    assert settings.current.keymap == ()
    assert all(_keys(actions, each) == list(spec.keys) for each, spec in ACTIONS.items())


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("A", "typing"),
        ("Shift+A", "typing"),
        ("Return", "typing"),
        ("Left", "typing"),
        ("Tab", "“Accept”"),
        ("Ctrl+Right", "“Accept word”"),
        ("Ctrl+Right, Ctrl+A", "“Accept word”"),
        ("Esc", "“Dismiss”"),
        ("Ctrl+Foo", "no key"),
        ("Ctrl+A, Foo", "no key"),
        ("", "no key"),
    ],
)
def test_keys_that_the_editor_needs_are_refused(key: str, words: str) -> None:
    assert words in problem_with(QKeySequence(key))


@pytest.mark.parametrize("key", ["Ctrl+K, Ctrl+S", "F2", "Alt+Left", "Ctrl+,", "Ctrl+;", "Ctrl+="])
def test_others_are_taken_and_survive_being_kept(
    key: str, keymap: Keymap, actions: Actions, tmp_path: Path
) -> None:
    assert not problem_with(QKeySequence(key))
    keymap.assign(ActionId.ABOUT, (key, "F9"))
    assert _keys(actions, ActionId.ABOUT) == [key, "F9"]
    again = SettingsService(tmp_path / "settings.json")
    other = Keymap(actions, again, Notifier())
    other.follow(again.current)
    assert other.keys()[ActionId.ABOUT] == (key, "F9")


def test_a_refused_key_cannot_be_confirmed(dialog: KeymapDialog) -> None:
    dialog.select(ActionId.ABOUT)
    _press(dialog, "Change…")
    recorder = _record(dialog, Qt.Key.Key_A, NONE)
    assert not recorder._buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()
    assert "typing" in recorder.note.text()
    recorder.reject()


def test_the_recorder_can_be_left_by_keys(dialog: KeymapDialog, actions: Actions) -> None:
    dialog.select(ActionId.ABOUT)
    _press(dialog, "Change…")
    recorder = _record(dialog, Qt.Key.Key_F9, NONE)
    assert recorder.focusWidget() is recorder._buttons.button(QDialogButtonBox.StandardButton.Ok)
    QTest.keyClick(recorder.edit, Qt.Key.Key_Escape)
    assert not recorder.isVisible()
    assert _keys(actions, ActionId.ABOUT) == []


def test_the_editors_own_keys_stay(dialog: KeymapDialog) -> None:
    dialog.select(ActionId.ACCEPT)
    assert not any(
        each.isEnabled() for each in (dialog._change, dialog._add, dialog._remove, dialog._reset)
    )
    dialog.change()
    assert not dialog.findChildren(KeyRecorder)


def test_bad_lines_keep_the_default_and_are_reported(
    actions: Actions, tmp_path: Path, posted: list[Notification]
) -> None:
    lines = ["SAVE=Ctrl+Foo", "OPEN=A", "ACCEPT=F2", "nonsense", "FUTURE=F3", "NEW=F4"]
    (tmp_path / "hand.json").write_text(json.dumps({"version": 1, "keymap": lines}))
    settings = SettingsService(tmp_path / "hand.json")
    notifier = Notifier()
    notifier.posted.connect(posted.append)
    keymap = Keymap(actions, settings, notifier)
    keymap.follow(settings.current)
    assert len(posted) == 4
    assert _keys(actions, ActionId.SAVE) == ["Ctrl+S"]
    assert _keys(actions, ActionId.OPEN) == ["Ctrl+O"]
    assert _keys(actions, ActionId.NEW) == ["F4"]
    keymap.follow(settings.current)
    assert len(posted) == 4, "once is enough"


def test_the_list_can_be_copied(dialog: KeymapDialog) -> None:
    _press(dialog, "Copy list")
    assert "Ctrl+Space" in QGuiApplication.clipboard().text()
