"""LicenseDialog: read first, agree on purpose, keep what was shown."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from starpad.ui.models.license_dialog import LicenseDialog

SUMMARY = "You may use it.\n\nYou may not harm <b>people</b> with it."
URL = "https://hub.example/license"


def _dialog(qtbot: QtBot, *, url: str = URL) -> LicenseDialog:
    dialog = LicenseDialog(
        None,
        license_name="BigCode OpenRAIL-M v1",
        summary=SUMMARY,
        url=url,
        model_name="StarCoder2 3B",
        repository="second-state/StarCoder2-3B-GGUF",
    )
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.show()
        dialog.activateWindow()
    return dialog


def _button(dialog: QDialog, text: str) -> QPushButton:
    [found] = [b for b in dialog.findChildren(QPushButton) if b.text().replace("&", "") == text]
    return found


def test_its_text_is_every_word_that_is_on_the_screen(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    [summary] = dialog.findChildren(QPlainTextEdit)
    assert summary.toPlainText() == SUMMARY
    shown = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert len(shown) >= 8
    for words in [*shown, SUMMARY, URL, "BigCode OpenRAIL-M v1", "StarCoder2 3B"]:
        assert words in dialog.text


def test_reading_comes_first_and_can_be_done_with_the_keyboard(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    [summary] = dialog.findChildren(QPlainTextEdit)
    assert summary.hasFocus()
    assert summary.accessibleName() == "BigCode OpenRAIL-M v1 in plain words"
    QTest.keyClick(summary, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert summary.textCursor().selectedText()
    stops = []
    for _ in range(3):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        assert isinstance(focus, QPushButton)
        stops.append(focus.text().replace("&", ""))
    assert stops == ["Read the full licence", "Accept and download", "Cancel"]


@pytest.mark.parametrize("way", ["enter", "button"])
def test_enter_and_the_button_accept(way: str, qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    with qtbot.waitSignal(dialog.accepted):
        if way == "enter":
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
        else:
            QTest.mouseClick(_button(dialog, "Accept and download"), Qt.MouseButton.LeftButton)


def test_an_enter_key_that_is_still_held_down_accepts_nothing(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    held = QKeyEvent(
        QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "", True
    )
    QApplication.sendEvent(dialog, held)
    assert dialog.isVisible()


@pytest.mark.parametrize("way", ["escape", "cancel"])
def test_escape_and_cancel_reject(way: str, qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    with qtbot.waitSignal(dialog.rejected), qtbot.assertNotEmitted(dialog.accepted):
        if way == "escape":
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
        else:
            QTest.mouseClick(_button(dialog, "Cancel"), Qt.MouseButton.LeftButton)


def test_the_full_text_is_asked_for_only_by_its_button(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    pages: list[str] = []
    dialog.page_requested.connect(pages.append)
    assert pages == []
    read = _button(dialog, "Read the full licence")
    assert URL in read.toolTip()
    QTest.mouseClick(read, Qt.MouseButton.LeftButton)
    assert pages == [URL]
    assert dialog.isVisible()


def test_without_an_address_there_is_no_button_for_it(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, url="")
    texts = [button.text() for button in dialog.findChildren(QPushButton)]
    assert not any("full licence" in text for text in texts)
    assert "Full text" not in dialog.text
