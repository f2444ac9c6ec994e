"""The models window against the local hub, as its user goes through it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton, QTreeWidget, QWidget
from pytestqt.qtbot import QtBot

from fakehub import FakeHub, fill, shelf
from starpad.bootstrap import Starpad
from starpad.core.download import DownloadState
from starpad.core.engine_status import EngineState
from starpad.core.hub_errors import HubProblem
from starpad.ui.labels import Notice
from starpad.ui.models.license_dialog import LicenseDialog
from starpad.ui.models.models_window import ModelsWindow
from starpad.ui.models.offers import Offer, OfferState

TIMEOUT_MS = 20_000

pytestmark = pytest.mark.qt_log_ignore("raise\\(\\)", "grabbing the keyboard")  # off-screen


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        fill(hub)
        yield hub


@pytest.fixture
def starpad(fresh_starpad: Starpad, hub: FakeHub) -> Starpad:
    """Return a Starpad that asks the local hub."""
    fresh_starpad.settings.change(hub_endpoint=hub.endpoint)
    return fresh_starpad


@pytest.fixture
def window(starpad: Starpad, qtbot: QtBot) -> ModelsWindow:
    """Return the models window of a running Starpad that asks the local hub."""
    starpad.window.models.show_models()
    window = starpad.window.models.window
    qtbot.waitUntil(window.isActiveWindow)
    return window


def _press(parent: QWidget, text: str, qtbot: QtBot) -> None:
    """Click the button with this text as soon as it can be clicked."""

    def ready() -> list[QPushButton]:
        return [
            button
            for button in parent.findChildren(QPushButton)
            if button.text().replace("&", "") == text and button.isVisible() and button.isEnabled()
        ]

    qtbot.waitUntil(lambda: bool(ready()))
    QTest.mouseClick(ready()[0], Qt.MouseButton.LeftButton)


def _search(window: ModelsWindow, words: str, qtbot: QtBot) -> QTreeWidget:
    [field] = window.discover.findChildren(QLineEdit)
    field.clear()
    QTest.keyClicks(field, words)
    QTest.keyClick(field, Qt.Key.Key_Return)
    results = next(
        tree
        for tree in window.discover.findChildren(QTreeWidget)
        if tree.accessibleName() == "Repositories found"
    )
    qtbot.waitUntil(lambda: results.isVisible() and results.topLevelItemCount() > 0)
    return results


def _choose_result(results: QTreeWidget, repository: str) -> None:
    [row] = [
        row
        for row in range(results.topLevelItemCount())
        if results.topLevelItem(row).text(0).startswith(f"{repository}\n")  # type: ignore[union-attr]
    ]
    results.setFocus()
    for _ in range(row):
        QTest.keyClick(results, Qt.Key.Key_Down)


def _offer(window: ModelsWindow, quantization: str) -> Offer | None:
    found = [o for o in window.discover.pane.offers.offers if o.model.quantization == quantization]
    return found[0] if found else None


def _show_files(window: ModelsWindow, quantization: str, qtbot: QtBot) -> None:
    _press(window.discover, "Show files", qtbot)
    qtbot.waitUntil(lambda: _offer(window, quantization) is not None, timeout=TIMEOUT_MS)
    window.discover.pane.offers.choose(quantization)


def _accept_license(window: ModelsWindow, qtbot: QtBot) -> str:
    qtbot.waitUntil(lambda: bool(window.findChildren(LicenseDialog)))
    dialog = window.findChildren(LicenseDialog)[-1]
    text = dialog.text
    _press(dialog, "Accept and download", qtbot)
    return text


def _wait_for_model(starpad: Starpad, path: Path, qtbot: QtBot) -> None:
    def is_loaded() -> bool:
        status = starpad.engine.status
        return (
            status.state is EngineState.READY
            and status.model is not None
            and status.model.path == path
        )

    qtbot.waitUntil(is_loaded, timeout=TIMEOUT_MS)


def test_search_license_download_switch_complete_and_switch_back(
    starpad: Starpad, window: ModelsWindow, hub: FakeHub, qtbot: QtBot
) -> None:
    assert hub.requests == [], "nothing is asked before a button is pressed"
    results = _search(window, "starcoder2", qtbot)
    _choose_result(results, shelf.THREE_B)
    _show_files(window, "Q4_K_M", qtbot)
    offer = _offer(window, "Q4_K_M")
    assert offer is not None
    assert offer.is_recommended
    qtbot.waitUntil(lambda: getattr(_offer(window, "Q4_K_M"), "fit", None) is not None)
    offer = _offer(window, "Q4_K_M")
    assert offer is not None
    assert offer.sentence.startswith("3B · Q4_K_M · ")
    assert "fits" in offer.sentence

    _press(window.discover, "Download", qtbot)
    text = _accept_license(window, qtbot)
    assert "BigCode OpenRAIL-M" in text
    path = starpad.library.folder / shelf.THREE_B / offer.model.files[0].path
    qtbot.waitUntil(lambda: starpad.library.find(path) is not None, timeout=TIMEOUT_MS)
    assert window.tabs.currentWidget() is window.downloads
    [download] = starpad.downloads.downloads
    assert download.state is DownloadState.DONE
    assert not list(path.parent.glob("*.part*"))
    kept = json.loads((starpad.library.folder.parent / "accepted-licenses.json").read_text())
    [entry] = kept["accepted"]
    assert entry["text"] == text
    assert entry["license_id"] == "bigcode-openrail-m"
    assert entry["accepted_at"]

    qtbot.waitUntil(lambda: _offer(window, "Q4_K_M").state is OfferState.INSTALLED)  # type: ignore[union-attr]
    _press(window.downloads, "Use", qtbot)
    _wait_for_model(starpad, path, qtbot)
    assert starpad.settings.current.model_path == str(path)
    _complete_at_the_caret(starpad, qtbot)

    starpad.window.picker.open_menu()
    choices = starpad.window.picker.choices
    assert choices[0].data() == path, "the latest used is first"
    assert choices[0].isChecked()
    [demo] = [choice for choice in choices if "Demonstration" in choice.text()]
    demo.trigger()
    _wait_for_model(starpad, demo.data(), qtbot)
    assert starpad.settings.current.model_path == ""
    _complete_at_the_caret(starpad, qtbot)
    assert hub.leaked_tokens == []


def _complete_at_the_caret(starpad: Starpad, qtbot: QtBot) -> None:
    tab = starpad.window.tabs.current
    assert tab is not None
    tab.editor.setPlainText("def read_lines(path):\n    ")
    tab.editor.moveCursor(QTextCursor.MoveOperation.End)
    tab.suggestions.ask()
    qtbot.waitUntil(lambda: tab.suggestions.ghost.is_shown, timeout=10_000)
    shown = tab.suggestions.ghost.text
    before = tab.editor.text()
    QTest.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text().startswith(before)
    assert tab.editor.text() != before
    assert shown


def test_a_license_is_asked_for_once_for_a_model_and_again_for_another(
    starpad: Starpad, window: ModelsWindow, qtbot: QtBot
) -> None:
    starpad.settings.change(downloads_at_once=3)
    results = _search(window, "starcoder2", qtbot)
    _choose_result(results, shelf.THREE_B)
    _show_files(window, "Q2_K", qtbot)
    _press(window.discover, "Download", qtbot)
    _accept_license(window, qtbot)
    qtbot.waitUntil(lambda: len(starpad.downloads.downloads) == 1)
    window.tabs.setCurrentWidget(window.discover)
    window.discover.pane.offers.choose("Q8_0")
    _press(window.discover, "Download", qtbot)
    qtbot.waitUntil(lambda: len(starpad.downloads.downloads) == 2)
    assert not _has_license(window)


def _has_license(window: ModelsWindow) -> bool:
    return any(dialog.isVisible() for dialog in window.findChildren(LicenseDialog))


def test_a_gated_model_needs_a_sign_in_then_a_grant_then_it_comes(
    starpad: Starpad, window: ModelsWindow, hub: FakeHub, qtbot: QtBot
) -> None:
    _search(window, shelf.GATED, qtbot)
    _press(window.discover, "Show files", qtbot)
    qtbot.waitUntil(lambda: bool(window.discover.pane.offers.offers), timeout=TIMEOUT_MS)
    _press(window.discover, "Download", qtbot)
    _accept_license(window, qtbot)
    queue = starpad.downloads

    def problem() -> HubProblem | None:
        return queue.downloads[0].problem if queue.downloads else None

    qtbot.waitUntil(lambda: problem() is HubProblem.NEEDS_SIGN_IN, timeout=TIMEOUT_MS)
    _press(window.downloads, "Sign in…", qtbot)
    dialog = window.account.dialog
    assert dialog is not None
    [field] = dialog.findChildren(QLineEdit)
    QTest.keyClicks(field, "hf_wrong")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: starpad.account.account == "" and field.isEnabled())
    field.clear()
    QTest.keyClicks(field, shelf.DEMO_TOKEN)
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: starpad.account.account == "demo", timeout=TIMEOUT_MS)
    dialog.reject()

    qtbot.waitUntil(lambda: problem() is HubProblem.NEEDS_LICENSE, timeout=TIMEOUT_MS)
    assert queue.downloads[0].url.endswith(shelf.GATED)
    hub.grant("demo", shelf.GATED)
    _press(window.downloads, "Check again", qtbot)
    qtbot.waitUntil(lambda: queue.downloads[0].state is DownloadState.DONE, timeout=TIMEOUT_MS)
    assert hub.leaked_tokens == []
    token_files = list((starpad.library.folder.parent / "tokens").iterdir())
    assert token_files
    assert all(file.stat().st_mode & 0o077 == 0 for file in token_files)


def test_without_a_connection_the_page_says_so_and_the_library_works(
    starpad: Starpad, window: ModelsWindow, hub: FakeHub, qtbot: QtBot
) -> None:
    hub.stop()
    [field] = window.discover.findChildren(QLineEdit)
    QTest.keyClicks(field, "starcoder2")
    QTest.keyClick(field, Qt.Key.Key_Return)
    [notice] = [
        notice for notice in window.discover.findChildren(Notice) if notice.parent() is not None
    ][:1]
    qtbot.waitUntil(notice.isVisible, timeout=TIMEOUT_MS)
    assert "connection" in notice.accessibleName().lower()
    window.show_library()
    qtbot.waitUntil(lambda: bool(starpad.library.models))
    _complete_at_the_caret(starpad, qtbot)


def test_another_hub_means_other_files(
    starpad: Starpad, window: ModelsWindow, qtbot: QtBot
) -> None:
    _show_files(window, "Q4_K_M", qtbot)
    starpad.settings.change(hub_endpoint="http://127.0.0.1:9")
    assert not window.discover.pane.offers.isVisible()
    _press(window, "Sign in…", qtbot)
    dialog = window.account.dialog
    assert dialog is not None
    starpad.settings.change(hub_endpoint="http://127.0.0.1:10")
    assert not dialog.isVisible(), "what is typed there was meant for the hub before"
