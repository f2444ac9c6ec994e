"""The user's own llama-server under the engine service: loaded, switched to, killed, restarted."""

import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from external_server import llama_server
from starpad.core.engine_status import EngineState
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.services.engine import EngineService

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the server at hand is Linux's")


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    yield engine
    engine.shutdown()


def kind_of(engine: EngineService) -> EngineKind | None:
    status = engine.status
    is_ready = status.state is EngineState.READY and status.loading is None
    return status.model.kind if is_ready and status.model is not None else None


def servers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended after it was listed
            if child.name() == "llama-server":
                found.append(child)
    return found


def test_it_takes_over_from_the_engine_in_the_box_and_back(
    engine: EngineService, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    engine.load(LoadOptions(demo_model, 256, 1))
    qtbot.waitUntil(lambda: kind_of(engine) is EngineKind.LLAMA, timeout=20_000)
    program = str(llama_server(tmp_path))
    engine.load(LoadOptions(demo_model, 256, 1, program=program))
    qtbot.waitUntil(lambda: kind_of(engine) is EngineKind.EXTERNAL, timeout=20_000)
    assert len(servers()) == 1
    engine.load(LoadOptions(demo_model, 256, 1))
    qtbot.waitUntil(lambda: kind_of(engine) is EngineKind.LLAMA, timeout=20_000)
    qtbot.waitUntil(lambda: servers() == [], timeout=20_000)


def test_a_program_that_cannot_be_used_leaves_the_present_model(
    engine: EngineService, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    engine.load(LoadOptions(demo_model, 256, 1))
    qtbot.waitUntil(lambda: kind_of(engine) is EngineKind.LLAMA, timeout=20_000)
    with qtbot.waitSignal(engine.load_failed, timeout=20_000) as caught:
        engine.load(LoadOptions(demo_model, 256, 1, program=str(tmp_path / "gone")))
    assert caught.args is not None
    assert "There is no" in str(caught.args[0])
    assert kind_of(engine) is EngineKind.LLAMA


def test_a_server_that_is_killed_is_started_again(
    engine: EngineService, qtbot: QtBot, demo_model: Path, tmp_path: Path
) -> None:
    engine.restart_delay_ms = 0
    engine.load(LoadOptions(demo_model, 256, 1, program=str(llama_server(tmp_path))))
    qtbot.waitUntil(lambda: kind_of(engine) is EngineKind.EXTERNAL, timeout=20_000)
    (server,) = servers()
    with qtbot.waitSignal(engine.stopped_unexpectedly, timeout=20_000) as caught:
        server.send_signal(signal.SIGKILL)
    assert caught.args is not None
    assert "killed" in caught.args[0].sentence
    qtbot.waitUntil(lambda: kind_of(engine) is EngineKind.EXTERNAL, timeout=20_000)
    assert server not in servers()
