"""Remote servers: kept without their keys, connected by the user, and again at the next start."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import running_engine
from starpad.core.engine_status import EngineState
from starpad.core.errors import EngineError, StarpadError
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.core.remote_server import Abilities, RemoteServer, ServerKind
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.remote_servers import RemoteServers
from starpad.services.server_keys import ServerKeys
from starpad.services.settings import SettingsService

KEY = "sk-of-the-tests"
NOBODY = "http://127.0.0.1:9"
"""The discard port, on which nothing listens."""


@dataclass(frozen=True, slots=True)
class Parts:
    engine: EngineService
    settings: SettingsService
    jobs: BackgroundJobs
    servers: RemoteServers
    data: Path

    def file(self) -> str:
        return (self.data / "remote-servers.json").read_text()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run a real server of llama.cpp's, as anybody may have one, that wants KEY."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running_engine, "KEY", KEY)
        with running_engine.engine() as url:
            yield url


@pytest.fixture
def silent() -> Iterator[str]:
    """Take connections and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path) -> Iterator[Parts]:
    service, jobs = EngineService(), BackgroundJobs()
    settings = SettingsService(tmp_path / "settings.json")
    servers = RemoteServers(service, settings, jobs, tmp_path / "data")
    yield Parts(service, settings, jobs, servers, tmp_path / "data")
    jobs.shutdown()
    service.shutdown()


def connect(parts: Parts, qtbot: QtBot, server: RemoteServer) -> None:
    parts.servers.connect_to(server.name)
    assert parts.servers.connecting == server
    qtbot.waitUntil(lambda: parts.servers.connected == server, timeout=20_000)


def test_a_server_is_kept_and_its_key_is_not_in_the_list(parts: Parts, qtbot: QtBot) -> None:
    server = RemoteServer("Work", "https://gpu.example.com/llm", model="m", context_tokens=4096)
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.servers.save(server, "sk-secret")
    assert parts.servers.servers == [server]
    assert "sk-secret" not in parts.file()
    assert ServerKeys(parts.data / "tokens").get(server.address) == "sk-secret"
    kept = parts.data / "tokens" / "server-keys.json"
    assert kept.stat().st_mode & 0o077 == 0


def test_without_a_word_about_the_key_it_stays_and_an_empty_one_forgets_it(
    parts: Parts, qtbot: QtBot
) -> None:
    server = RemoteServer("Work", "https://gpu.example.com")
    keys = ServerKeys(parts.data / "tokens")
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.servers.save(server, "sk-1")
    parts.servers.save(replace(server, model="m"), None, replaces="Work")
    assert keys.get(server.address) == "sk-1"
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.servers.save(server, "", replaces="Work")
    assert keys.get(server.address) == ""


def test_a_key_does_not_follow_to_another_address(parts: Parts, qtbot: QtBot) -> None:
    keys = ServerKeys(parts.data / "tokens")
    server = RemoteServer("Work", "https://gpu.example.com")
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.servers.save(server, "sk-1")
    moved = replace(server, address="https://other.example.com")
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.servers.save(moved, None, replaces="Work")
    assert parts.servers.servers == [moved]
    assert keys.get(moved.address) == ""
    assert keys.get(server.address) == ""


def test_a_key_stays_while_another_server_has_the_same_address(parts: Parts, qtbot: QtBot) -> None:
    one, two = RemoteServer("A", "https://a.example"), RemoteServer("B", "https://a.example")
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.servers.save(one, "sk-1")
    parts.servers.save(two, None)
    parts.servers.remove("A")
    keys = ServerKeys(parts.data / "tokens")
    assert keys.get(two.address) == "sk-1"
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.servers.remove("B")
    assert keys.get(two.address) == ""


@pytest.mark.parametrize("name", ["", "  ", "work\n", "x" * 81, "WORK"])
def test_a_name_that_cannot_be_used_is_refused(parts: Parts, name: str) -> None:
    parts.servers.save(RemoteServer("Work", NOBODY), None)
    with pytest.raises(StarpadError, match="name"):
        parts.servers.save(RemoteServer(name, NOBODY), None)
    assert [server.name for server in parts.servers.servers] == ["Work"]


def test_a_key_with_a_line_break_is_refused(parts: Parts) -> None:
    with pytest.raises(StarpadError, match="no key"):
        parts.servers.save(RemoteServer("Work", NOBODY), "sk-1\nX-Other: 1")
    assert parts.servers.servers == []


@pytest.mark.parametrize(
    "entry",
    [
        None, 7, [], {}, {"name": "a"}, {"name": 1, "address": "http://a"},
        {"name": "a", "address": "ftp://a"}, {"name": "a", "address": "http://a", "model": 3},
        {"name": "a", "address": "http://a", "fim": "Cobol"},
        {"name": "a", "address": "http://a", "context_tokens": -1},
        {"name": "a", "address": "http://a", "context_tokens": True},
        {"name": "a\n", "address": "http://a"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_in_the_file_is_as_if_not_there(parts: Parts, entry: object) -> None:
    good = {"name": "b", "address": "http://127.0.0.1:8000/v1/", "of another version": 1}
    parts.data.mkdir()
    file = parts.data / "remote-servers.json"
    file.write_text(json.dumps({"version": 1, "servers": [entry, good]}))
    assert parts.servers.servers == [RemoteServer("b", "http://127.0.0.1:8000")]


def test_a_damaged_list_is_kept_and_told(parts: Parts) -> None:
    parts.data.mkdir()
    (parts.data / "remote-servers.json").write_text("{nonsense")
    assert "remote servers" in parts.servers.read()[0].message
    assert parts.servers.servers == []
    assert (parts.data / "remote-servers.json.damaged").read_text() == "{nonsense"


def test_a_test_says_what_answers_and_connects_nothing(
    parts: Parts, qtbot: QtBot, address: str
) -> None:
    with qtbot.waitSignal(parts.servers.tested, timeout=20_000) as heard:
        number = parts.servers.test(RemoteServer("x", address), KEY)
    assert heard.args is not None
    assert heard.args[0] == number
    abilities = heard.args[1]
    assert isinstance(abilities, Abilities)
    assert abilities.kind is ServerKind.LLAMA
    assert abilities.takes_ids
    assert parts.engine.status.state is EngineState.EMPTY


def test_a_test_with_a_wrong_key_says_so(parts: Parts, qtbot: QtBot, address: str) -> None:
    with qtbot.waitSignal(parts.servers.tested, timeout=20_000) as heard:
        parts.servers.test(RemoteServer("x", address), "wrong")
    assert heard.args is not None
    assert isinstance(heard.args[1], EngineError)
    assert "key" in heard.args[1].message


def test_a_test_that_is_given_up_ends_and_says_nothing(
    parts: Parts, qtbot: QtBot, silent: str
) -> None:
    said: list[object] = []
    parts.servers.tested.connect(lambda *answer: said.append(answer))
    with qtbot.waitSignal(parts.jobs.job_ended, timeout=20_000):
        parts.servers.cancel_test(parts.servers.test(RemoteServer("x", silent), ""))
    assert said == []


def test_connecting_uses_the_kept_key_and_is_remembered(
    parts: Parts, qtbot: QtBot, address: str
) -> None:
    server = RemoteServer("Mine", address)
    parts.servers.save(server, KEY)
    connect(parts, qtbot, server)
    model = parts.engine.status.model
    assert model is not None
    assert model.kind is EngineKind.REMOTE
    assert parts.settings.current.remote_server == "Mine"
    assert parts.servers.connecting is None
    with qtbot.waitSignal(parts.servers.disconnected):
        parts.servers.disconnect_from()
    assert parts.servers.connected is None
    assert parts.settings.current.remote_server == ""
    assert parts.engine.status.state is EngineState.EMPTY


def test_what_was_left_connected_is_connected_again(
    parts: Parts, qtbot: QtBot, address: str
) -> None:
    assert not parts.servers.resume()
    server = RemoteServer("Mine", address)
    parts.servers.save(server, KEY)
    parts.settings.change(remote_server="Mine")
    assert parts.servers.resume()
    qtbot.waitUntil(lambda: parts.servers.connected == server, timeout=20_000)
    parts.settings.change(remote_server="gone")
    assert not parts.servers.resume()


def test_a_server_that_does_not_answer_leaves_the_model_before(
    parts: Parts, qtbot: QtBot, demo_model: Path
) -> None:
    parts.engine.load(LoadOptions(demo_model, 256, 1))
    qtbot.waitUntil(lambda: parts.engine.status.state is EngineState.READY, timeout=20_000)
    parts.servers.save(RemoteServer("Gone", NOBODY), None)
    with qtbot.waitSignal(parts.engine.load_failed, timeout=30_000) as heard:
        parts.servers.connect_to("Gone")
    assert heard.args is not None
    assert "127.0.0.1" in heard.args[0].message
    assert parts.engine.status.model is not None
    assert parts.engine.status.model.kind is EngineKind.LLAMA
    assert parts.servers.connecting is None
    assert parts.settings.current.remote_server == ""


def test_giving_up_while_it_is_connected_keeps_the_model_before(
    parts: Parts, qtbot: QtBot, demo_model: Path, silent: str
) -> None:
    parts.engine.load(LoadOptions(demo_model, 256, 1))
    qtbot.waitUntil(lambda: parts.engine.status.state is EngineState.READY, timeout=20_000)
    parts.servers.save(RemoteServer("Gone", silent), None)
    parts.servers.connect_to("Gone")
    qtbot.waitUntil(lambda: parts.engine.status.loading is not None)
    parts.servers.disconnect_from()
    assert parts.servers.connecting is None
    assert parts.engine.status.loading is None
    assert parts.engine.status.model is not None


def test_a_model_that_is_chosen_meanwhile_wins(
    parts: Parts, qtbot: QtBot, demo_model: Path, address: str
) -> None:
    parts.servers.save(RemoteServer("Mine", address), KEY)
    parts.servers.connect_to("Mine")
    parts.engine.load(LoadOptions(demo_model, 256, 1))
    assert parts.servers.connecting is None
    qtbot.waitUntil(lambda: parts.engine.status.state is EngineState.READY, timeout=20_000)
    assert parts.servers.connected is None


def test_removing_the_connected_server_lets_go_of_it(
    parts: Parts, qtbot: QtBot, address: str
) -> None:
    server = RemoteServer("Mine", address)
    parts.servers.save(server, KEY)
    connect(parts, qtbot, server)
    with qtbot.waitSignal(parts.servers.disconnected):
        parts.servers.remove("Mine")
    assert parts.servers.servers == []
    assert parts.engine.status.model is None


def test_a_key_that_cannot_be_kept_is_told(parts: Parts, qtbot: QtBot) -> None:
    parts.data.mkdir()
    (parts.data / "tokens").write_text("a file where the folder should be")
    with qtbot.waitSignal(parts.servers.failed) as heard:
        parts.servers.save(RemoteServer("Mine", NOBODY), KEY)
    assert heard.args is not None
    assert KEY not in str(heard.args[0])


def test_of_two_keys_set_one_after_the_other_the_later_is_kept(tmp_path: Path) -> None:
    keys = ServerKeys(tmp_path)
    keys.set("http://a", "one")
    keys.set("http://a", "two")
    keys.keep("http://a")
    keys.keep("http://a")
    assert ServerKeys(tmp_path).get("http://a") == "two"
    assert ServerKeys(tmp_path).get("http://b") == ""
