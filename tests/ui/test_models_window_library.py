"""The models window's list of what is on this computer, with real files and the real engine."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.engine_status import EngineState
from starpad.core.installed_model import ModelSource
from starpad.core.paths import demo_model
from starpad.ui.models.models_window import ModelsWindow

TIMEOUT_MS = 20_000

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "raise\\(\\)")


@pytest.fixture
def window(fresh_starpad: Starpad) -> ModelsWindow:
    window = fresh_starpad.window.models.window
    window.show_library()
    return window


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model file of the user's."""
    path = tmp_path / "mine" / "starcoder2-3b.Q8_0.gguf"
    path.parent.mkdir()
    path.write_bytes(demo_model().read_bytes())
    return path


def _press(parent: QWidget, text: str, qtbot: QtBot) -> None:
    def ready() -> list[QPushButton]:
        return [
            button
            for button in parent.findChildren(QPushButton)
            if button.text().replace("&", "") == text and button.isVisible() and button.isEnabled()
        ]

    qtbot.waitUntil(lambda: bool(ready()), timeout=TIMEOUT_MS)
    QTest.mouseClick(ready()[0], Qt.MouseButton.LeftButton)


def _question(window: ModelsWindow, qtbot: QtBot) -> QMessageBox:
    def visible() -> list[QMessageBox]:
        return [box for box in window.findChildren(QMessageBox) if box.isVisible()]

    qtbot.waitUntil(lambda: bool(visible()))
    return visible()[0]


def _load(starpad: Starpad, path: Path, qtbot: QtBot) -> None:
    starpad.window.models.open(path)
    qtbot.waitUntil(
        lambda: (
            starpad.engine.status.state is EngineState.READY
            and starpad.engine.status.model is not None
            and starpad.engine.status.model.path == path
        ),
        timeout=TIMEOUT_MS,
    )


def test_a_dropped_model_is_used_where_it_is(
    fresh_starpad: Starpad, window: ModelsWindow, model: Path, qtbot: QtBot
) -> None:
    fresh_starpad.window.tabs.files_dropped.emit([model])
    _press(_question(window, qtbot), "Use it where it is", qtbot)
    qtbot.waitUntil(lambda: fresh_starpad.library.find(model) is not None, timeout=TIMEOUT_MS)
    found = fresh_starpad.library.find(model)
    assert found is not None
    assert found.source is ModelSource.IMPORTED
    assert not found.is_ours
    assert fresh_starpad.window.tabs.count() == 1, "no tab of its bytes"
    _load(fresh_starpad, model, qtbot)


def test_a_copy_lies_in_the_models_folder(
    fresh_starpad: Starpad, window: ModelsWindow, model: Path, qtbot: QtBot
) -> None:
    window.take_files([model])
    _press(_question(window, qtbot), "Copy it", qtbot)
    copy = fresh_starpad.library.folder / "imported" / model.name
    qtbot.waitUntil(lambda: fresh_starpad.library.find(copy) is not None, timeout=TIMEOUT_MS)
    assert copy.read_bytes() == model.read_bytes()


def test_a_file_that_is_no_model_is_refused_with_its_reason(
    fresh_starpad: Starpad, window: ModelsWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<!DOCTYPE html>")
    with qtbot.waitSignal(fresh_starpad.library_work.failed, timeout=TIMEOUT_MS) as blocker:
        window.take_files([page])
        _press(_question(window, qtbot), "Use it where it is", qtbot)
    assert "web page" in blocker.args[0].message
    assert fresh_starpad.library.find(page) is None


def test_a_flipped_byte_is_found_by_verifying_again(
    fresh_starpad: Starpad, window: ModelsWindow, model: Path, qtbot: QtBot
) -> None:
    fresh_starpad.library_work.use_in_place([model])
    qtbot.waitUntil(lambda: fresh_starpad.library.find(model) is not None, timeout=TIMEOUT_MS)
    window.library.select(model)
    with qtbot.waitSignal(fresh_starpad.library_work.told, timeout=TIMEOUT_MS):
        _press(window.library, "Verify", qtbot)
    before = model.stat()
    with model.open("r+b") as file:
        file.seek(5_000_000)
        byte = file.read(1)
        file.seek(5_000_000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    with qtbot.waitSignal(fresh_starpad.library_work.failed, timeout=TIMEOUT_MS) as blocker:
        _press(window.library, "Verify", qtbot)
    assert "damaged" in blocker.args[0].message


def test_deleting_the_loaded_model_unloads_it_first(
    fresh_starpad: Starpad, window: ModelsWindow, model: Path, qtbot: QtBot
) -> None:
    fresh_starpad.library_work.copy_in([model])
    copy = fresh_starpad.library.folder / "imported" / model.name
    qtbot.waitUntil(lambda: fresh_starpad.library.find(copy) is not None, timeout=TIMEOUT_MS)
    _load(fresh_starpad, copy, qtbot)
    window.show_library()
    window.library.select(copy)
    _press(window.library, "Delete…", qtbot)
    box = _question(window, qtbot)
    [yes] = [b for b in box.buttons() if box.buttonRole(b) is QMessageBox.ButtonRole.AcceptRole]
    QTest.mouseClick(yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not copy.exists(), timeout=TIMEOUT_MS)
    assert fresh_starpad.engine.status.state is EngineState.EMPTY
    qtbot.waitUntil(lambda: fresh_starpad.library.find(copy) is None, timeout=TIMEOUT_MS)
    fresh_starpad.window.models.use_demo()
    qtbot.waitUntil(
        lambda: fresh_starpad.engine.status.state is EngineState.READY, timeout=TIMEOUT_MS
    )


def test_load_settings_of_a_model_are_kept_and_used(
    fresh_starpad: Starpad, model: Path, qtbot: QtBot
) -> None:
    records = fresh_starpad.library.records
    records.change(model, context_tokens=512, kv_type="q8_0")
    _load(fresh_starpad, model, qtbot)
    loaded = fresh_starpad.engine.status.model
    assert loaded is not None
    assert loaded.context_tokens == 512
    assert records.get(model).uses == 1


def test_after_a_move_the_next_session_finds_its_model_and_garbage_is_told(
    fresh_starpad: Starpad, window: ModelsWindow, model: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    fresh_starpad.library_work.copy_in([model])
    copy = fresh_starpad.library.folder / "imported" / model.name
    qtbot.waitUntil(lambda: fresh_starpad.library.find(copy) is not None, timeout=TIMEOUT_MS)
    _load(fresh_starpad, copy, qtbot)
    new = tmp_path / "elsewhere"
    with qtbot.waitSignal(fresh_starpad.library_work.folder_moved, timeout=TIMEOUT_MS):
        fresh_starpad.library_work.move_folder(new, fresh_starpad.downloads.queue.relocate)
    moved = new / "imported" / model.name
    assert moved.is_file()
    assert fresh_starpad.settings.current.models_folder == str(new)
    assert fresh_starpad.settings.current.model_path == str(moved)


def test_damaged_records_are_set_aside_and_told(
    qapp: QApplication, tmp_path: Path, qtbot: QtBot
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "models.json").write_bytes(b"\xff garbage")
    (data / "accepted-licenses.json").write_text("[")
    starpad = Starpad(qapp, tmp_path / "settings.json", data)
    try:
        with qtbot.waitSignal(starpad.library.reported, timeout=TIMEOUT_MS):
            starpad.start([], None)
        said = " ".join(shown.message for shown in starpad.window.messages.notifications)
    finally:
        starpad.window.close()
        starpad.shutdown()
    assert "list of your models" in said
    assert "accepted licences" in said
    assert len(list(data.glob("*damaged*"))) == 2
