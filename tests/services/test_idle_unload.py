"""A model that nobody asks frees its memory, and is there again for who asks next."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.load_options import LoadOptions
from starpad.core.suggestion import SuggestionState
from starpad.engines.client import EngineClient
from starpad.services import idle_unload
from starpad.services.engine import EngineService
from starpad.services.idle_unload import IdleUnload
from starpad.services.inference_thread import Emit, RequestEnd
from starpad.services.serving import ServingService

LOADED_MS = 20_000


@pytest.fixture
def engine(demo_model: Path, qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    engine.load(LoadOptions(demo_model, context_tokens=1024))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOADED_MS)
    yield engine
    engine.shutdown()


@pytest.fixture
def serving(engine: EngineService, tmp_path: Path) -> Iterator[ServingService]:
    serving = ServingService(engine, tmp_path / "key")
    yield serving
    serving.shutdown()


def processes() -> list[psutil.Process]:
    """Return the engines' processes that have not ended."""
    children = psutil.Process().children()
    running = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in running if "--engine-host" in child.cmdline()]


async def tokens(client: EngineClient, _emit: Emit) -> object:
    return await client.tokenize("import os")


def test_it_sleeps_after_the_minutes_and_not_before(
    engine: EngineService, serving: ServingService, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle_unload, "_MS_PER_MINUTE", 20)
    idle = IdleUnload(engine, serving)
    assert not idle._timer.isActive(), "never, unless that is wanted"
    idle.set_minutes(2)
    with qtbot.waitSignal(engine.status_changed):
        assert idle._timer.interval() == 40
    assert engine.status.state is EngineState.ASLEEP
    engine.shutdown()  # waits for the process
    assert not processes()


def test_a_request_wakes_it_and_gets_its_answer(engine: EngineService, qtbot: QtBot) -> None:
    states: list[EngineStatus] = []
    ends: list[tuple[int, RequestEnd]] = []
    known = engine.status.model
    engine.sleep()
    engine.status_changed.connect(states.append)
    engine.request_ended.connect(lambda *end: ends.append(end), Qt.ConnectionType.QueuedConnection)
    first, second = engine.submit(tokens), engine.submit(tokens)
    qtbot.waitUntil(lambda: {first, second} <= {end[0] for end in ends}, timeout=LOADED_MS)
    assert all(isinstance(end[1].value, list) for end in ends if end[0] in (first, second))
    assert len(processes()) == 1
    assert all(status.model == known for status in states), "it was never gone for its users"
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY)


def test_a_model_that_cannot_come_back_is_an_error_for_who_asked(
    engine: EngineService, demo_model: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(demo_model.read_bytes())
    engine.load(LoadOptions(copy, context_tokens=1024))
    qtbot.waitUntil(
        lambda: engine.status.model is not None and engine.status.model.path == copy,
        timeout=LOADED_MS,
    )
    engine.sleep()
    copy.unlink()
    ends: list[RequestEnd] = []
    engine.request_ended.connect(
        lambda _id, end: ends.append(end), Qt.ConnectionType.QueuedConnection
    )
    engine.submit(tokens)
    qtbot.waitUntil(lambda: engine.status.state is EngineState.FAILED, timeout=LOADED_MS)
    qtbot.waitUntil(lambda: any("No model" in str(end.error) for end in ends))
    assert "does not exist" in engine.status.reason


def test_another_model_or_unloading_ends_the_sleep(
    engine: EngineService, demo_model: Path, qtbot: QtBot
) -> None:
    engine.sleep()
    engine.load(LoadOptions(demo_model, context_tokens=512))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOADED_MS)
    engine.sleep()
    engine.unload()
    assert engine.status == EngineStatus(EngineState.EMPTY)


def test_what_is_shared_stays(
    engine: EngineService, serving: ServingService, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle_unload, "_MS_PER_MINUTE", 60_000)
    idle = IdleUnload(engine, serving)
    idle.set_minutes(1)
    assert idle._timer.isActive()
    serving.start()
    assert not idle._timer.isActive()
    serving.stop()
    assert idle._timer.isActive()


def test_a_suggestion_wakes_the_model_in_the_real_window(
    fresh_starpad: Starpad, qtbot: QtBot
) -> None:
    starpad = fresh_starpad
    starpad.engine.sleep()
    assert starpad.window.status._engine.text() == "Asleep"
    tab = starpad.window.tabs.current
    assert tab is not None
    starpad.window.activateWindow()
    qtbot.waitUntil(tab.editor.hasFocus)
    seen: list[SuggestionState] = []
    starpad.completion.state_changed.connect(lambda state, _reason: seen.append(state))
    QTest.keyClicks(tab.editor, "import os, ")
    qtbot.waitUntil(lambda: tab.suggestions.ghost.is_shown, timeout=LOADED_MS)
    assert SuggestionState.FAILED not in seen
