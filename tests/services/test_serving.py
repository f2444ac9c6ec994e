"""Sharing in the app: the real engine, the real process that serves it, real requests."""

import http.client
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import EngineState
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.core.serving import ServingState
from starpad.core.settings import Settings
from starpad.core.suggestion import CompletionOptions, line_policy
from starpad.engines.caret_priority import EngineNews
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.suggest import suggest
from starpad.services.engine import EngineService
from starpad.services.serving import ServingService

LIMIT_MS = 20_000


@pytest.fixture
def engine(demo_model: Path, qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    engine.load(LoadOptions(demo_model, context_tokens=1024))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LIMIT_MS)
    yield engine
    engine.shutdown()


@pytest.fixture
def serving(engine: EngineService, tmp_path: Path) -> Iterator[ServingService]:
    serving = ServingService(engine, tmp_path / "serve-key")
    serving.apply(replace(Settings(), serve_port=free_port()))
    yield serving
    serving.shutdown()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start(serving: ServingService, qtbot: QtBot) -> None:
    serving.start()
    qtbot.waitUntil(lambda: serving.status.state is ServingState.ON, timeout=LIMIT_MS)


def ask(serving: ServingService, key: str = "") -> tuple[int, Any]:
    port = int(serving.status.address.rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {key or serving.key}", "User-Agent": "the tests"}
        body = json.dumps({"prompt": "def f", "max_tokens": 4})
        connection.request("POST", "/v1/completions", body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def when(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LIMIT_MS)


def test_it_serves_the_loaded_model_and_tells_of_each_request(
    serving: ServingService, qtbot: QtBot
) -> None:
    start(serving, qtbot)
    assert serving.status.reason == ""
    assert ask(serving)[0] == 200
    when(qtbot, lambda: len(serving.entries) == 1)
    entry = serving.entries[0]
    assert (entry.client, entry.status, entry.generated_tokens) == ("the tests", 200, 4)
    assert serving.totals.requests == 1
    assert ask(serving, "wrong")[0] == 401
    when(qtbot, lambda: serving.totals.refused == 1)


def test_stop_closes_the_door(serving: ServingService, qtbot: QtBot) -> None:
    start(serving, qtbot)
    port = int(serving.status.address.rsplit(":", 1)[1])
    serving.stop()
    assert serving.status.state is ServingState.OFF
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_it_follows_the_engine(
    serving: ServingService, engine: EngineService, demo_model: Path, qtbot: QtBot
) -> None:
    start(serving, qtbot)
    engine.unload()
    when(qtbot, lambda: "No model" in serving.status.reason)
    when(qtbot, lambda: ask(serving)[0] == 503)
    engine.load(LoadOptions(demo_model, context_tokens=512))
    when(qtbot, lambda: not serving.status.reason)
    when(qtbot, lambda: ask(serving)[0] == 200)


def test_a_model_that_sleeps_is_loaded_when_sharing_begins(
    serving: ServingService, engine: EngineService, qtbot: QtBot
) -> None:
    engine.sleep()
    start(serving, qtbot)
    when(qtbot, lambda: not serving.status.reason)
    # The process may hear of the request before it has read of the model.
    when(qtbot, lambda: ask(serving)[0] == 200)


def test_a_model_on_a_server_is_not_shared(
    serving: ServingService, engine: EngineService, qtbot: QtBot
) -> None:
    model = engine.status.model
    assert model is not None
    engine._set_status(replace(engine.status, model=replace(model, kind=EngineKind.REMOTE)))
    start(serving, qtbot)
    assert "somebody else's server" in serving.status.reason
    status, answer = ask(serving)
    assert status == 503
    assert "somebody else's server" in answer["error"]["message"]


def test_a_new_key_shuts_out_the_old_one_at_once(serving: ServingService, qtbot: QtBot) -> None:
    start(serving, qtbot)
    old = serving.key
    serving.new_key()
    assert serving.key != old
    when(qtbot, lambda: ask(serving)[0] == 200)
    assert ask(serving, old)[0] == 401


def test_the_key_and_the_port_are_the_same_after_a_restart(
    serving: ServingService, engine: EngineService, qtbot: QtBot
) -> None:
    start(serving, qtbot)
    known = serving.key, serving.status.address
    serving.stop()
    start(serving, qtbot)
    assert (serving.key, serving.status.address) == known
    assert ServingService(engine, serving.key_file).key == known[0]


def test_a_port_that_is_taken_is_named(serving: ServingService, qtbot: QtBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        serving.apply(replace(Settings(), serve_port=port))
        serving.start()
        when(qtbot, lambda: serving.status.state is ServingState.FAILED)
    assert str(port) in serving.status.reason
    assert serving.status.hint
    serving.start()
    when(qtbot, lambda: serving.status.state is ServingState.ON)


def test_another_port_counts_at_once(serving: ServingService, qtbot: QtBot) -> None:
    start(serving, qtbot)
    port = free_port()
    serving.apply(replace(Settings(), serve_port=port))
    when(qtbot, lambda: serving.status.address.endswith(f":{port}"))
    assert ask(serving)[0] == 200


def test_it_starts_by_itself_only_if_the_settings_say_so(
    serving: ServingService, qtbot: QtBot
) -> None:
    settings = replace(Settings(), serve_port=free_port())
    serving.start_if_wanted(settings)
    assert serving.status.state is ServingState.OFF
    serving.start_if_wanted(replace(settings, serve_at_start=True))
    when(qtbot, lambda: serving.status.state is ServingState.ON)


def test_a_key_that_cannot_be_kept_is_told(engine: EngineService, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    serving = ServingService(engine, tmp_path / "file" / "key")
    serving.start()
    assert serving.status.state is ServingState.FAILED
    assert "cannot be kept" in serving.status.reason


def test_a_crash_is_followed_by_a_restart_three_times(
    serving: ServingService, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    start(serving, qtbot)
    for _ in range(3):
        assert serving._process is not None
        process_id = serving._process.processId()
        os.kill(process_id, signal.SIGKILL)
        when(
            qtbot,
            lambda old=process_id: (  # type: ignore[misc]
                serving._process is not None
                and serving._process.processId() != old
                and serving.status.state is ServingState.ON
            ),
        )
        when(qtbot, lambda: ask(serving)[0] == 200)
    assert serving._process is not None
    os.kill(serving._process.processId(), signal.SIGKILL)
    when(qtbot, lambda: serving.status.state is ServingState.FAILED)
    assert "several times" in serving.status.reason


def test_the_process_hears_of_the_caret(
    serving: ServingService, engine: EngineService, qtbot: QtBot
) -> None:
    start(serving, qtbot)
    heard: list[str] = []
    serving._news_heard.connect(heard.append)
    model = engine.status.model
    assert model is not None
    request = engine.submit(
        lambda client, emit: suggest(
            client, emit, builder=PromptBuilder(model.fim), model=model,
            context=CaretContext(1, "python", 0, "def f(", "\n"),
            policy=line_policy("def f(", "\n", 1),
            options=CompletionOptions(max_tokens=2),
        )
    )  # fmt: skip
    assert request
    when(qtbot, lambda: len(heard) == 2)
    assert heard == [EngineNews.CARET, EngineNews.REST]
    assert ask(serving)[0] == 200


def test_chat_hears_that_others_have_used_its_slot(
    serving: ServingService, engine: EngineService, qtbot: QtBot
) -> None:
    start(serving, qtbot)
    client = engine.client
    assert client is not None
    assert not client.caret.is_slot_lent
    assert ask(serving)[0] == 200
    when(qtbot, lambda: client.caret.is_slot_lent)


def test_only_the_newest_entries_are_kept(serving: ServingService, qtbot: QtBot) -> None:
    start(serving, qtbot)
    assert serving.entries.maxlen == 500
