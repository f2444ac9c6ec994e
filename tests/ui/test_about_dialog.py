"""About names versions and licences, leads to the notices and folders, and names no user."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from starpad import __version__
from starpad.core import paths
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.user_data import Places
from starpad.ui.about_dialog import AboutDialog, details
from starpad.ui.actions import ActionId
from starpad.ui.text_dialog import TextDialog

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad

EMPTY = EngineStatus(EngineState.EMPTY)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return folders of which all but that of the logs exist."""
    for name in ("config", "data", "my models"):
        (tmp_path / name).mkdir()
    return Places(*(tmp_path / name for name in ("config", "data", "logs", "my models")))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the folders that the file manager is asked to show."""
    opened: list[str] = []
    keep = lambda address: opened.append(address.toLocalFile())  # noqa: E731
    monkeypatch.setattr(QDesktopServices, "openUrl", keep)
    return opened


def _dialog(qtbot: QtBot, places: Places, status: EngineStatus = EMPTY) -> AboutDialog:
    dialog = AboutDialog(status, places)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def _notices(qtbot: QtBot, dialog: AboutDialog) -> str:
    qtbot.mouseClick(dialog.licenses, Qt.MouseButton.LeftButton)
    shown = dialog.findChild(TextDialog)
    return shown.findChild(QPlainTextEdit).toPlainText()


def test_the_version_and_the_terms_of_qt_are_in_sight(qtbot: QtBot, places: Places) -> None:
    dialog = _dialog(qtbot, places)
    seen = "\n".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())
    for words in (__version__, "Apache License 2.0", "LGPLv3", "your own versions", "OpenRAIL-M"):
        assert words in seen
        assert words in dialog.accessibleDescription()


def test_a_checkout_says_that_installers_carry_the_licences(qtbot: QtBot, places: Places) -> None:
    assert "The installed one" in _notices(qtbot, _dialog(qtbot, places))


def test_an_installed_starpad_shows_the_notices_that_it_carries(
    qtbot: QtBot, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "_internal" / "starpad"
    resources = package.parent / "resources"
    resources.mkdir(parents=True)
    (resources / "THIRD_PARTY_NOTICES.txt").write_text("Copyright \u00a9 someone\n", "utf-8")
    monkeypatch.setattr(paths, "PACKAGE", package)
    assert _notices(qtbot, _dialog(qtbot, places)) == "Copyright \u00a9 someone\n"


def test_each_folder_opens_from_the_keyboard_and_one_that_is_not_there_does_not(
    qtbot: QtBot, places: Places, opened: list[str]
) -> None:
    dialog = _dialog(qtbot, places)
    links = [b for b in dialog.findChildren(QPushButton) if b.objectName() == "link"]
    for link in links:
        assert link.text() in link.accessibleName()
        QTest.keyClick(link, Qt.Key.Key_Space)
    expected = (places.config, places.data, places.models)
    assert opened == [QUrl.fromLocalFile(str(folder)).toLocalFile() for folder in expected]


def test_models_lie_with_the_data_unless_the_user_moved_them(
    qtbot: QtBot, places: Places, tmp_path: Path
) -> None:
    dialog = _dialog(qtbot, Places(places.config, places.data, places.logs))
    texts = {button.text() for button in dialog.findChildren(QPushButton)}
    assert str(tmp_path / "data" / "models") in texts


def test_tab_walks_over_everything_and_enter_closes(qtbot: QtBot, places: Places) -> None:
    dialog = _dialog(qtbot, places)
    dialog.activateWindow()
    qtbot.waitUntil(dialog.close_button.hasFocus)
    reached = []
    for _ in range(7):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    assert {dialog.details, dialog.licenses, dialog.copy, dialog.close_button} <= set(reached)
    assert len(set(reached)) == 7
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert not dialog.isVisible()


def test_the_details_tell_of_the_machine_and_the_engine_but_name_nothing_of_the_user(
    starpad: "Starpad", qtbot: QtBot, home: Path
) -> None:
    starpad.window.actions_by_id[ActionId.ABOUT].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, AboutDialog)
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    dialog.reject()
    model = starpad.engine.status.model
    assert model is not None
    assert model.engine_version
    for words in (
        __version__,
        "from source",
        model.engine_version,
        "Python 3",
        "PySide6 6",
        "Qt 6",
    ):
        assert words in copied
    assert str(home) not in copied
    assert model.name not in copied


def test_without_a_model_the_details_say_so(qapp: QApplication) -> None:
    assert "no model is loaded" in details(EMPTY)
