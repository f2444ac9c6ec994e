"""A screen reader finds a name on everything that the keyboard can reach."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QWidget
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.actions import ActionId
from starpad.ui.key_recorder import KeyRecorder
from starpad.ui.keymap_dialog import KeymapDialog


def _nameless(root: QWidget) -> list[str]:
    """Return the widgets under `root` that take the focus and have no name."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus or widget.focusProxy() is not None:
            continue
        if widget.objectName().startswith("qt_") or _is_in_combo_box(widget):
            continue  # a part of another widget, which has the name
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is None or not interface.text(QAccessible.Text.Name):
            parent = widget.parent()
            found.append(f"{type(widget).__name__} in {type(parent).__name__}")
    return found


def _is_in_combo_box(widget: QWidget) -> bool:
    frame = widget.parentWidget()
    return frame is not None and isinstance(frame.parentWidget(), QComboBox)


def _do(starpad: Starpad, action: ActionId) -> None:
    starpad.window.actions_by_id[action].trigger()


def test_in_the_window_with_all_its_panes(starpad: Starpad, tmp_path: Path, qtbot: QtBot) -> None:
    starpad.window.folders.open(tmp_path)
    _do(starpad, ActionId.FIND_IN_FOLDER)
    _do(starpad, ActionId.REPLACE)
    _do(starpad, ActionId.CONVERSATIONS)
    assert sorted(set(_nameless(starpad.window))) == []


@pytest.mark.parametrize(
    "action",
    [ActionId.SETTINGS, ActionId.SHORTCUTS, ActionId.ABOUT, ActionId.SHOW_ENGINE_LOG],
)
def test_in_dialogs(starpad: Starpad, action: ActionId) -> None:
    _do(starpad, action)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    assert _nameless(dialog) == []
    dialog.reject()


def test_in_the_key_recorder(starpad: Starpad) -> None:
    _do(starpad, ActionId.SHORTCUTS)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, KeymapDialog)
    dialog.change()
    [recorder] = dialog.findChildren(KeyRecorder)
    assert _nameless(recorder) == []
    recorder.reject()
    dialog.reject()


@pytest.mark.parametrize(
    ("action", "window"),
    [
        (ActionId.MODELS, lambda starpad: starpad.window.models.window),
        (ActionId.ENGINE, lambda starpad: starpad.window.engines.window),
    ],
)
def test_in_the_other_windows(
    starpad: Starpad, action: ActionId, window: Callable[[Starpad], QWidget]
) -> None:
    _do(starpad, action)
    shown = window(starpad)
    assert _nameless(shown) == []
    shown.close()


def test_in_the_palette_and_the_language_list(starpad: Starpad) -> None:
    for action in (ActionId.COMMAND_PALETTE, ActionId.LANGUAGE):
        _do(starpad, action)
        assert _nameless(starpad.window) == []
        _do(starpad, action)
