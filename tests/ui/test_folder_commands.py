"""The side bar on the running application."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.actions import ActionId


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.py").write_text("x = 1\n")
    return folder


def _do(starpad: Starpad, action: ActionId) -> None:
    starpad.window.actions_by_id[action].trigger()


def test_a_folder_is_opened_and_remembered_and_a_file_from_it(
    fresh_starpad: Starpad, folder: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = fresh_starpad.window
    assert not window.side_bar.isVisible()
    _do(fresh_starpad, ActionId.SIDE_BAR)
    assert window.side_bar.isVisible()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    button = next(
        b for b in window.side_bar.findChildren(QPushButton) if b.text() == "Open folder…"
    )
    button.click()
    assert fresh_starpad.settings.current.folder == str(folder)
    assert fresh_starpad.settings.current.side_bar_is_shown
    view = window.side_bar.files
    qtbot.waitUntil(lambda: view.index_of(folder / "main.py").isValid())
    view.select(folder / "main.py")
    view.activated.emit(view.currentIndex())
    tab = window.tabs.current
    assert tab is not None
    assert tab.document.path == folder / "main.py"


def test_the_key_goes_there_and_from_there_hides_it(starpad: Starpad, folder: Path) -> None:
    window = starpad.window
    window.folders.open(folder)
    tab = window.tabs.current
    assert tab is not None
    tab.editor.setFocus()
    _do(starpad, ActionId.SIDE_BAR)
    assert window.side_bar.files.hasFocus()
    _do(starpad, ActionId.SIDE_BAR)
    assert not window.side_bar.isVisible()
    assert tab.editor.hasFocus()
    assert not starpad.settings.current.side_bar_is_shown


def test_a_dropped_folder_is_shown(starpad: Starpad, folder: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    none = Qt.KeyboardModifier.NoModifier
    tabs = starpad.window.tabs
    QApplication.sendEvent(tabs, QDragEnterEvent(QPoint(5, 5), *how, none))
    QApplication.sendEvent(tabs, QDropEvent(QPointF(5, 5), *how, none))
    assert starpad.window.side_bar.files.folder == folder


def test_no_choice_changes_nothing(starpad: Starpad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    _do(starpad, ActionId.OPEN_FOLDER)
    assert starpad.settings.current.folder == ""


def test_a_tab_follows_its_file_when_that_is_renamed(
    starpad: Starpad, folder: Path, qtbot: QtBot
) -> None:
    window = starpad.window
    window.folders.open(folder)
    window.files.open([folder / "main.py"])
    tab = window.tabs.current
    assert tab is not None
    tab.editor.edit(lambda cursor: cursor.insertText("y"))
    view = window.side_bar.files
    qtbot.waitUntil(lambda: view.index_of(folder / "main.py").isValid())
    view.select(folder / "main.py")
    view.rename()
    [field] = view.findChildren(QLineEdit)
    field.setText("main.c")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tab.title == "main.c •")
    assert tab.document.path == folder / "main.c"
    assert tab.language.name == "C"
    starpad.documents.check_disk()
    # That of the model may come at any time.
    assert [each for each in window.messages.notifications if each.key != "demo-model"] == []
    assert window.files.save(tab)
    assert sorted(path.name for path in folder.iterdir()) == ["main.c"]
    assert (folder / "main.c").read_text() == "yx = 1\n"
