"""CrashGuard: unsaved text first, one dialog however many exceptions, from any thread."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QObject, Qt, QThread, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from starpad.core import paths
from starpad.ui.crash_dialog import QUIT, CrashDialog, CrashGuard

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's


class _Safe:
    """Stands for the recovery folder: counts, and fails when told to."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.answer: str | Exception = "/recovery"

    def keep(self) -> str:
        self.threads.append(threading.current_thread())
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def safe() -> _Safe:
    return _Safe()


@pytest.fixture
def guard(qapp: QApplication, safe: _Safe, monkeypatch: pytest.MonkeyPatch) -> CrashGuard:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    guard = CrashGuard()
    guard.install(safe.keep)
    return guard


@pytest.fixture
def opened(guard: CrashGuard, qtbot: QtBot) -> Iterator[Callable[[], CrashDialog]]:
    """Wait for the guard's dialog and return it."""

    def wait() -> CrashDialog:
        qtbot.waitUntil(lambda: guard._dialog is not None)
        assert guard._dialog is not None
        return guard._dialog

    yield wait
    if guard._dialog is not None:
        guard._dialog.reject()


def _raise(error: BaseException) -> None:
    raise error


def _crash(error: BaseException) -> None:
    """Do what Python does with an exception that a slot did not catch."""
    try:
        _raise(error)
    except BaseException:
        sys.excepthook(*sys.exc_info())


def _text(dialog: CrashDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def _press(dialog: CrashDialog, text: str) -> None:
    [button] = [b for b in dialog.findChildren(QPushButton) if b.text() == text]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_an_exception_is_logged_text_is_kept_and_the_dialog_says_where(
    opened: Callable[[], CrashDialog], safe: _Safe, caplog: pytest.LogCaptureFixture
) -> None:
    _crash(ValueError("out of range"))
    dialog = opened()
    assert "kept in /recovery" in _text(dialog)
    assert safe.threads == [threading.main_thread()]
    assert caplog.records[0].levelno == logging.CRITICAL
    assert "ValueError: out of range" in caplog.text


def test_an_exception_in_a_real_slot_is_caught(
    opened: Callable[[], CrashDialog], qapp: QApplication
) -> None:
    class Broken(QObject):
        @Slot()
        def fail(self) -> None:
            raise ZeroDivisionError

    broken = Broken()
    QTimer.singleShot(0, broken.fail)
    assert "ZeroDivisionError" in _details(opened())


def _details(dialog: CrashDialog) -> str:
    [view] = dialog.findChildren(QPlainTextEdit)
    return view.toPlainText()


def test_an_exception_in_a_plain_thread_comes_to_the_gui_thread(
    opened: Callable[[], CrashDialog], safe: _Safe
) -> None:
    thread = threading.Thread(target=_raise, args=(KeyError("gone"),), name="inference")
    thread.start()
    thread.join()
    assert safe.threads == [], "documents belong to the GUI thread"
    dialog = opened()
    assert dialog.thread() == QApplication.instance().thread()  # type: ignore[union-attr]
    assert safe.threads == [threading.main_thread()]
    assert "thread inference" in _details(dialog)


def test_an_exception_in_a_qthread_comes_to_the_gui_thread(
    opened: Callable[[], CrashDialog], qtbot: QtBot, safe: _Safe
) -> None:
    class Worker(QThread):
        def run(self) -> None:
            raise KeyError("gone")

    worker = Worker()
    worker.start()
    assert worker.wait(5000)
    assert "KeyError: 'gone'" in _details(opened())
    assert safe.threads == [threading.main_thread()]


def test_a_flood_of_one_exception_makes_one_dialog_one_log_entry_and_one_save(
    opened: Callable[[], CrashDialog],
    guard: CrashGuard,
    qtbot: QtBot,
    safe: _Safe,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def flood() -> None:
        for number in range(500):
            _crash(ValueError(f"paint {number}"))

    flood()
    dialog = opened()
    flood()
    _press(dialog, "Go on")
    assert guard._dialog is None
    flood()
    _crash(TypeError("another one"))
    assert "TypeError" in _details(opened())
    assert len(safe.threads) == 2
    assert len(caplog.records) == 2


def test_a_second_exception_while_the_dialog_is_open_is_kept_and_logged_without_a_second_dialog(
    opened: Callable[[], CrashDialog],
    safe: _Safe,
    qtbot: QtBot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _crash(ValueError("first"))
    dialog = opened()
    _crash(TypeError("second"))
    qtbot.waitUntil(lambda: len(safe.threads) == 2)
    assert opened() is dialog
    assert "TypeError: second" in caplog.text


def test_when_keeping_fails_too_the_dialog_says_so_and_nothing_goes_round_in_circles(
    opened: Callable[[], CrashDialog], safe: _Safe, caplog: pytest.LogCaptureFixture
) -> None:
    safe.answer = OSError(28, "No space left on device")
    _crash(ValueError("first"))
    assert "could not be kept: save your documents now" in _text(opened())
    assert len(safe.threads) == 1
    assert "No space left on device" in caplog.text


def test_with_nothing_unsaved_the_dialog_says_so(
    opened: Callable[[], CrashDialog], safe: _Safe
) -> None:
    safe.answer = ""
    _crash(ValueError("first"))
    assert "All documents are saved." in _text(opened())


def test_quitting_keeps_the_text_once_more_and_ends_the_loop_with_an_error_code(
    opened: Callable[[], CrashDialog], safe: _Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(QApplication, "exit", codes.append)
    _crash(ValueError("first"))
    _press(opened(), "Quit")
    assert codes == [1]
    assert len(safe.threads) == 2, "the text may have changed since"


def test_a_keyboard_interrupt_is_no_crash(
    guard: CrashGuard, safe: _Safe, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    with qtbot.assertNotEmitted(guard._caught):
        _crash(KeyboardInterrupt())
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_a_thread_that_ends_itself_is_no_crash(guard: CrashGuard, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(guard._caught):
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()


def test_a_guard_that_is_gone_leaves_python_to_report(
    guard: CrashGuard, capsys: pytest.CaptureFixture[str]
) -> None:
    shiboken6.delete(guard)
    _crash(ValueError("late"))
    assert "ValueError: late" in capsys.readouterr().err


@pytest.fixture
def dialog(qtbot: QtBot) -> CrashDialog:
    dialog = CrashDialog("Traceback: x", "All documents are saved.")
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_details_appear_on_request_and_cannot_be_edited(dialog: CrashDialog) -> None:
    [view] = dialog.findChildren(QPlainTextEdit)
    assert not view.isVisible()
    _press(dialog, "Details")
    assert view.isVisible()
    assert view.isReadOnly()
    assert view.toPlainText() == "Traceback: x"


def test_the_report_can_be_copied(dialog: CrashDialog) -> None:
    _press(dialog, "Copy report")
    assert QGuiApplication.clipboard().text() == "Traceback: x"


def test_the_log_folder_can_be_opened(dialog: CrashDialog, monkeypatch: pytest.MonkeyPatch) -> None:
    urls: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", urls.append)
    _press(dialog, "Open log folder")
    assert [Path(url.toLocalFile()) for url in urls] == [paths.log_folder()]


def test_escape_goes_on_and_the_default_button_does_too(dialog: CrashDialog) -> None:
    [default] = [b for b in dialog.findChildren(QPushButton) if b.isDefault()]
    assert default.text() == "Go on"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert dialog.result() != QUIT
