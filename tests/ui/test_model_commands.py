"""The engine fails, the window does not: messages with a way out, text untouched."""

import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core import paths
from starpad.core.engine_status import EngineState
from starpad.core.suggestion import SuggestionState
from starpad.services.notifier import Notification


def _engine_process() -> psutil.Process:
    return next(
        child for child in psutil.Process().children() if "--engine-host" in child.cmdline()
    )


def _message(starpad: Starpad, action: str) -> Notification | None:
    """Return the message on the screen that offers `action`."""
    return next(
        (
            message
            for message in starpad.window.messages.notifications
            if any(offered.text == action for offered in message.actions)
        ),
        None,
    )


def _press(starpad: Starpad, action: str) -> None:
    message = _message(starpad, action)
    assert message is not None
    next(offered for offered in message.actions if offered.text == action).callback()


def _wait_until_ready(qtbot: QtBot, starpad: Starpad) -> None:
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=20_000)


def test_kill_9_in_the_middle_of_a_stream_costs_no_text_and_offers_a_restart(
    starpad: Starpad, qtbot: QtBot
) -> None:
    tab = starpad.window.tabs.current
    assert tab is not None
    # Hot, so that it neither repeats itself nor ends early.
    starpad.settings.change(
        suggestion_max_tokens=900, suggestion_max_lines=100, suggestion_temperature=1.5
    )
    tab.editor.setPlainText("import os\n\n\n")
    tab.editor.moveCursor(QTextCursor.MoveOperation.End)
    tab.editor.document().setModified(True)
    tab.suggestions.ask()
    qtbot.waitUntil(lambda: tab.suggestions.ghost.is_shown, timeout=10_000)
    assert starpad.engine.status.state is EngineState.BUSY
    killed = time.monotonic()
    _engine_process().kill()
    qtbot.waitUntil(lambda: _message(starpad, "Restart") is not None, timeout=10_000)
    assert time.monotonic() - killed < 10
    assert tab.editor.text() == "import os\n\n\n"
    assert tab.is_modified
    assert starpad.window.isVisible()
    message = _message(starpad, "Restart")
    assert message is not None
    assert "killed" in message.message
    assert message.details
    _press(starpad, "Restart")
    _wait_until_ready(qtbot, starpad)
    assert _message(starpad, "Restart") is None
    with qtbot.waitSignal(
        starpad.completion.updated, timeout=10_000, check_params_cb=lambda update: update.is_final
    ):
        tab.suggestions.ask()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html>", "page"),
        (b"lmgg" + bytes(100), "legacy"),
        (b"GGUF" + bytes([3, 0, 0, 0]) + b"\xff" * 100, "cannot be used"),
    ],
)
def test_an_unusable_model_file_is_one_sentence_and_the_demo_is_one_click_away(
    starpad: Starpad, qtbot: QtBot, tmp_path: Path, content: bytes, word: str
) -> None:
    tab = starpad.window.tabs.current
    assert tab is not None
    tab.editor.setPlainText("text")
    model = tmp_path / "model.gguf"
    model.write_bytes(content)
    starpad.engine.unload()
    starpad.window.models.open(model)
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.FAILED, timeout=10_000)
    message = _message(starpad, "Use the demonstration model")
    assert message is not None
    assert "model.gguf" in message.message
    assert word in message.message.lower()
    assert tab.editor.text() == "text"
    _press(starpad, "Use the demonstration model")
    _wait_until_ready(qtbot, starpad)
    assert starpad.settings.current.model_path == ""


def test_a_model_that_cannot_be_loaded_leaves_the_present_one_at_work(
    starpad: Starpad, qtbot: QtBot, tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    data = paths.demo_model().read_bytes()
    model.write_bytes(data[: len(data) // 2])
    with qtbot.waitSignal(starpad.engine.load_failed, timeout=10_000):
        starpad.window.models.open(model)
    message = _message(starpad, "Models…")
    assert message is not None
    assert "truncated" in message.message
    assert "is kept" in message.hint
    assert starpad.engine.status.model is not None
    assert starpad.engine.status.model.is_demo
    assert starpad.settings.current.model_path == "", "the next session starts with what works"


def test_the_demonstration_model_is_called_so_and_the_real_ones_are_offered(
    starpad: Starpad, qtbot: QtBot
) -> None:
    starpad.window.models.use_demo()
    starpad.engine.unload()
    starpad.window.models.use_demo()
    _wait_until_ready(qtbot, starpad)
    model = starpad.engine.status.model
    assert model is not None
    assert model.is_demo
    assert model.fim is not None
    labels = [label.text() for label in starpad.window.status.findChildren(QLabel)]
    assert any("demonstration model" in text for text in labels)


def test_without_a_model_asking_says_so(starpad: Starpad, qtbot: QtBot) -> None:
    tab = starpad.window.tabs.current
    assert tab is not None
    starpad.engine.unload()
    tab.suggestions.ask()
    reason = SuggestionState.NO_MODEL.value
    labels = starpad.window.status.findChildren(QLabel)
    qtbot.waitUntil(lambda: any(reason in label.text() for label in labels))
