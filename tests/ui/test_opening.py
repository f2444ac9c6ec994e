"""What the system hands over to be opened: text is shown, a model is loaded."""

import shutil
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.engine_status import EngineState
from starpad.ui.system_events import OpenEvents


def _model(folder: Path, demo_model: Path) -> Path:
    return Path(shutil.copy(demo_model, folder / "My Model.GGUF"))


def test_a_model_among_the_arguments_is_loaded_and_the_rest_shown(
    qapp: QApplication, tmp_path: Path, demo_model: Path, qtbot: QtBot
) -> None:
    model = _model(tmp_path, demo_model)
    text = tmp_path / "text.py"
    text.write_text("x = 1\n")
    starpad = Starpad(qapp, tmp_path / "settings.json", tmp_path / "data")
    starpad.start([text, model], None)
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=30_000)
    assert starpad.engine.status.model is not None
    assert starpad.engine.status.model.path == model
    assert [tab.title for tab in starpad.window.tabs.tabs] == ["text.py"]
    # Opened once is not chosen for good.
    assert starpad.settings.current.model_path == ""
    starpad.window.close()
    starpad.shutdown()
    # A window that is left until Python is gone calls back into it.
    starpad.window.deleteLater()
    starpad.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_a_double_click_on_macos_opens_text_and_models(
    qapp: QApplication, fresh_starpad: Starpad, tmp_path: Path, demo_model: Path, qtbot: QtBot
) -> None:
    events = OpenEvents(fresh_starpad.open, qapp, fresh_starpad)
    text = tmp_path / "größe.py"
    text.write_text("x = 1\n")
    model = _model(tmp_path, demo_model)
    for path in (text, model):
        QApplication.sendEvent(qapp, QFileOpenEvent(QUrl.fromLocalFile(str(path))))
    assert "größe.py" in [tab.title for tab in fresh_starpad.window.tabs.tabs]

    def is_loaded() -> bool:
        loaded = fresh_starpad.engine.status.model
        return loaded is not None and loaded.path == model

    qtbot.waitUntil(is_loaded, timeout=30_000)
    qapp.removeEventFilter(events)
