"""The page of remote servers and its dialog: what leaves this computer, and only by a button."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QPushButton,
)
from pytestqt.qtbot import QtBot

import running_engine
from starpad.bootstrap import Starpad
from starpad.core.engine_status import EngineState, LoadedModel
from starpad.core.errors import StarpadError
from starpad.core.load_options import EngineKind
from starpad.core.remote_server import Abilities, FimSpelling, RemoteServer, ServerKind
from starpad.core.remote_server_store import RemoteServerStore
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.remote_servers import RemoteServers
from starpad.services.server_keys import ServerKeys
from starpad.services.settings import SettingsService
from starpad.ui.engine.engine_window import EnginePage
from starpad.ui.engine.remote_dialog import RemoteDialog, where_it_goes
from starpad.ui.engine.remote_page import RemotePage, description
from starpad.ui.labels import Notice

KEY = "sk-of-the-tests"
NOBODY = "http://127.0.0.1:9"
"""The discard port, on which nothing listens."""
FAR = RemoteServer("Work", "https://gpu.example.com", "bigcode/starcoder2-15b", 8192)
FOUND = Abilities(ServerKind.VLLM, ("one", "two"), "one", 16_384, takes_ids=True)


@dataclass(frozen=True, slots=True)
class Parts:
    engine: EngineService
    settings: SettingsService
    servers: RemoteServers
    page: RemotePage

    @property
    def dialog(self) -> RemoteDialog:
        assert self.page.dialog is not None
        return self.page.dialog


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run a real server of llama.cpp's, as anybody may have one, that wants KEY."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running_engine, "KEY", KEY)
        with running_engine.engine() as url:
            yield url


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path) -> Iterator[Parts]:
    engine, jobs = EngineService(), BackgroundJobs()
    settings = SettingsService(tmp_path / "settings.json")
    servers = RemoteServers(engine, settings, jobs, tmp_path / "data")
    page = RemotePage(servers, engine)
    qtbot.addWidget(page)
    page.show()
    yield Parts(engine, settings, servers, page)
    jobs.shutdown()
    engine.shutdown()


@pytest.fixture
def dialog(qtbot: QtBot) -> RemoteDialog:
    dialog = RemoteDialog(None)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def click(qtbot: QtBot, button: QPushButton) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def save(qtbot: QtBot, dialog: RemoteDialog) -> None:
    buttons = dialog.findChild(QDialogButtonBox)
    assert buttons is not None
    click(qtbot, buttons.button(QDialogButtonBox.StandardButton.Save))


def sentences(dialog: RemoteDialog, severity: str) -> str:
    notices = dialog.findChildren(Notice)
    return " ".join(
        notice.accessibleName()
        for notice in notices
        if notice.isVisible() and notice.property("severity") == severity
    )


# -- the dialog -------------------------------------------------------------------------------


def test_the_dialog_says_where_code_would_go(dialog: RemoteDialog, qtbot: QtBot) -> None:
    qtbot.keyClicks(dialog.address, "gpu.example.com:8000/v1/")
    assert dialog.server == RemoteServer("gpu.example.com:8000", "https://gpu.example.com:8000")
    assert "go to gpu.example.com:8000" in dialog._where.text()
    dialog.address.setText("localhost:8000")
    assert "this computer" in dialog._where.text()
    dialog.address.setText("ftp://x")
    assert dialog._where.text() == ""


def test_a_key_over_a_connection_that_others_can_read_is_warned_of(
    dialog: RemoteDialog, qtbot: QtBot
) -> None:
    dialog.address.setText("http://gpu.example.com")
    assert "Your code travels" in sentences(dialog, "warning")
    qtbot.keyClicks(dialog.key, "sk-1")
    assert "the key" in sentences(dialog, "warning")
    dialog.address.setText("https://gpu.example.com")
    assert sentences(dialog, "warning") == ""


def test_what_was_entered_is_what_is_kept(
    dialog: RemoteDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = str(tmp_path / "ca.pem")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (authority, ""))
    qtbot.keyClicks(dialog.address, "https://gpu.example.com")
    qtbot.keyClicks(dialog.name, " Work ")
    qtbot.keyClicks(dialog.key, " sk-1 ")
    qtbot.keyClicks(dialog.model, "m")
    dialog.context.setValue(4096)
    dialog.fim.setCurrentIndex(dialog.fim.findData(FimSpelling.STARCODER.value))
    dialog.proxy.setChecked(True)
    dialog.patience.setValue(120)
    click(qtbot, dialog.choose)
    with qtbot.waitSignal(dialog.save_requested) as heard:
        save(qtbot, dialog)
    expected = RemoteServer(
        "Work", "https://gpu.example.com", "m", 4096, FimSpelling.STARCODER, authority, True, 120
    )
    assert heard.args == [expected, "sk-1"]


def test_an_address_that_is_none_is_neither_tested_nor_kept(
    dialog: RemoteDialog, qtbot: QtBot
) -> None:
    dialog.address.setText("https://me:secret@gpu.example.com")
    with qtbot.assertNotEmitted(dialog.save_requested):
        save(qtbot, dialog)
    assert "no address" in sentences(dialog, "error")
    with qtbot.assertNotEmitted(dialog.test_requested):
        click(qtbot, dialog.test)
    assert dialog.test.isEnabled()


def test_the_key_is_hidden_until_it_is_to_be_shown(dialog: RemoteDialog, qtbot: QtBot) -> None:
    assert dialog.key.echoMode() == QLineEdit.EchoMode.Password
    click(qtbot, dialog.reveal)
    assert dialog.key.echoMode() == QLineEdit.EchoMode.Normal
    click(qtbot, dialog.reveal)
    assert dialog.key.echoMode() == QLineEdit.EchoMode.Password


def test_a_test_offers_the_servers_models_and_says_what_it_is(
    dialog: RemoteDialog, qtbot: QtBot
) -> None:
    dialog.address.setText("https://gpu.example.com")
    dialog.model.setEditText("mine")
    with qtbot.waitSignal(dialog.test_requested) as heard:
        click(qtbot, dialog.test)
    assert heard.args == [dialog.server, None]
    assert not dialog.test.isEnabled()
    dialog.show_answer(FOUND)
    assert dialog.test.isEnabled()
    assert FOUND.sentence in sentences(dialog, "info")
    offered = [dialog.model.itemText(row) for row in range(dialog.model.count())]
    assert offered == ["one", "two"]
    assert dialog.server.model == "mine"
    dialog.show_answer(StarpadError("It says nothing.", "Check that it runs."))
    assert sentences(dialog, "info") == ""
    assert "It says nothing. Check" in sentences(dialog, "error")


def test_a_kept_key_stays_or_is_forgotten(qtbot: QtBot) -> None:
    dialog = RemoteDialog(None, FAR)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.server == FAR
    assert dialog.new_key is None
    assert "kept" in dialog.key.placeholderText()
    dialog.address.setText("https://other.example.com")
    assert "kept" not in dialog.key.placeholderText()
    dialog.forget.setChecked(True)
    assert dialog.new_key == ""
    assert not dialog.key.isEnabled()


# -- the page ---------------------------------------------------------------------------------


def test_without_a_server_one_is_added_and_nothing_is_asked(parts: Parts, qtbot: QtBot) -> None:
    page = parts.page
    assert not page.connect_button.isEnabled()
    assert not page.list.isVisible()
    click(qtbot, page.add)
    parts.dialog.address.setText(NOBODY)
    save(qtbot, parts.dialog)
    assert page.dialog is None
    assert page.list.count() == 1
    assert page.connect_button.isEnabled()
    assert not page.disconnect_button.isEnabled()
    assert parts.engine.status.state is EngineState.EMPTY


def test_a_taken_name_keeps_the_dialog_open(parts: Parts, qtbot: QtBot) -> None:
    parts.servers.save(RemoteServer("A", NOBODY), None)
    click(qtbot, parts.page.add)
    parts.dialog.name.setText("A")
    parts.dialog.address.setText(NOBODY)
    save(qtbot, parts.dialog)
    assert "already" in sentences(parts.dialog, "error")
    parts.dialog.reject()
    assert parts.page.dialog is None


def test_a_chosen_server_says_where_code_would_go(parts: Parts) -> None:
    parts.servers.save(FAR, None)
    assert "go to gpu.example.com" in parts.page.where.text()
    assert "gpu.example.com" in parts.page.connect_button.accessibleDescription()
    assert "starcoder2-15b" in parts.page.list.item(0).text()


def test_the_test_button_asks_the_real_server(parts: Parts, qtbot: QtBot, address: str) -> None:
    click(qtbot, parts.page.add)
    parts.dialog.address.setText(address)
    parts.dialog.key.setText(KEY)
    click(qtbot, parts.dialog.test)
    qtbot.waitUntil(parts.dialog.test.isEnabled, timeout=20_000)
    assert "llama-server" in sentences(parts.dialog, "info")
    parts.dialog.key.setText("wrong")
    click(qtbot, parts.dialog.test)
    qtbot.waitUntil(parts.dialog.test.isEnabled, timeout=20_000)
    assert "key" in sentences(parts.dialog, "error")
    parts.dialog.reject()
    assert parts.engine.status.state is EngineState.EMPTY


def test_connect_and_disconnect(parts: Parts, qtbot: QtBot, address: str) -> None:
    page = parts.page
    parts.servers.save(RemoteServer("Mine", address), KEY)
    click(qtbot, page.connect_button)
    qtbot.waitUntil(lambda: parts.servers.connected is not None, timeout=20_000)
    assert "connected" in page.list.item(0).text()
    assert not page.connect_button.isEnabled()
    assert "llama-server" in page.state.text()
    assert "before and after" in page.state.text()
    click(qtbot, page.disconnect_button)
    assert parts.servers.connected is None
    assert page.connect_button.isEnabled()
    assert not page.state.isVisible()


def test_a_connected_server_that_was_changed_is_to_be_connected_again(
    parts: Parts, qtbot: QtBot, address: str
) -> None:
    page = parts.page
    parts.servers.save(RemoteServer("Mine", address), KEY)
    click(qtbot, page.connect_button)
    qtbot.waitUntil(lambda: parts.servers.connected is not None, timeout=20_000)
    click(qtbot, page.edit)
    parts.dialog.context.setValue(512)
    save(qtbot, parts.dialog)
    assert "again" in page.connect_button.text()
    assert "connected again" in page.state.text()
    click(qtbot, page.connect_button)
    qtbot.waitUntil(lambda: not page.connect_button.isEnabled(), timeout=20_000)
    qtbot.waitUntil(lambda: parts.servers.connecting is None, timeout=20_000)
    model = parts.engine.status.model
    assert model is not None
    assert model.context_tokens == 512


def test_a_server_that_does_not_answer_is_said_here(parts: Parts, qtbot: QtBot) -> None:
    parts.servers.save(RemoteServer("Gone", NOBODY), None)
    click(qtbot, parts.page.connect_button)
    qtbot.waitUntil(parts.page.notice.isVisible, timeout=30_000)
    assert "127.0.0.1" in parts.page.notice.accessibleName()
    assert parts.page.connect_button.isEnabled()


def test_remove_asks_first(parts: Parts, qtbot: QtBot) -> None:
    parts.servers.save(FAR, None)
    for answer, left in (("Keep", 1), ("Remove", 0)):
        click(qtbot, parts.page.remove)
        box = parts.page.findChildren(QMessageBox)[-1]
        qtbot.waitUntil(box.isVisible)
        button = next(each for each in box.buttons() if each.text() == answer)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda left=left: parts.page.list.count() == left)  # type: ignore[misc]


def test_a_double_click_opens_what_was_entered(parts: Parts, qtbot: QtBot) -> None:
    parts.servers.save(FAR, None)
    place = parts.page.list.visualItemRect(parts.page.list.item(0)).center()
    viewport = parts.page.list.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(place))
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert parts.dialog.server == FAR


def test_what_a_model_cannot_do_is_said() -> None:
    model = LoadedModel(
        Path("gpu.example.com/m"), "m", "", 4096, None, frozenset(), on_gpu=False, is_demo=False,
        kind=EngineKind.REMOTE, program="gpu.example.com", engine_version="Ollama",
    )  # fmt: skip
    text = description(model)
    assert "m on gpu.example.com (Ollama), 4,096 tokens" in text
    assert "only the code before the caret" in text
    assert model.host == "gpu.example.com"


def test_a_server_here_sends_nothing_away() -> None:
    assert "stay on it" in where_it_goes(RemoteServer("x", "http://127.0.0.1:8080"))


# -- the window -------------------------------------------------------------------------------


def test_the_window_names_the_host_and_goes_back_to_the_local_model(
    fresh_starpad: Starpad, qtbot: QtBot, address: str
) -> None:
    starpad, window = fresh_starpad, fresh_starpad.window
    starpad.remotes.save(RemoteServer("Mine", address), KEY)
    starpad.remotes.connect_to("Mine")
    qtbot.waitUntil(lambda: starpad.remotes.connected is not None, timeout=20_000)
    host = address.removeprefix("http://")
    assert f"on {host}" in window.status._model.text()
    assert f"go to {host}" in window.status._model.toolTip()
    assert starpad.settings.current.remote_server == "Mine"
    assert all(host not in str(path) for path in starpad.library.records.by_use())
    starpad.remotes.disconnect_from()
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=20_000)
    model = starpad.engine.status.model
    assert model is not None
    assert model.is_demo
    assert starpad.settings.current.remote_server == ""


def test_opening_a_local_model_ends_what_was_left_connected(
    fresh_starpad: Starpad, qtbot: QtBot, address: str
) -> None:
    starpad = fresh_starpad
    starpad.remotes.save(RemoteServer("Mine", address), KEY)
    starpad.remotes.connect_to("Mine")
    qtbot.waitUntil(lambda: starpad.remotes.connected is not None, timeout=20_000)
    starpad.window.models.use_local()
    qtbot.waitUntil(lambda: starpad.remotes.connected is None, timeout=20_000)
    qtbot.waitUntil(lambda: starpad.settings.current.remote_server == "", timeout=20_000)


def test_at_start_a_server_that_is_gone_is_told_with_ways_out(
    fresh_starpad: Starpad, qtbot: QtBot
) -> None:
    starpad, window = fresh_starpad, fresh_starpad.window
    starpad.engine.unload()
    starpad.remotes.save(RemoteServer("Gone", NOBODY), None)
    starpad.settings.change(remote_server="Gone")
    assert starpad.remotes.resume()
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.FAILED, timeout=30_000)
    (message,) = [each for each in window.messages.notifications if each.key == "engine"]
    assert "127.0.0.1" in message.message
    labels = [action.text for action in message.actions]
    assert labels == ["Try again", "Use the model on this computer", "Remote servers…"]
    message.actions[2].callback()
    assert window.engines.window.isVisible()
    assert window.engines.window.tabs.tabText(window.engines.window.tabs.currentIndex()) == (
        EnginePage.REMOTE.value
    )
    message.actions[0].callback()
    assert starpad.remotes.connecting == RemoteServer("Gone", NOBODY)
    message.actions[1].callback()
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=20_000)
    assert starpad.settings.current.remote_server == ""


def _start(qapp: QApplication, folder: Path, settings: dict[str, object]) -> Starpad:
    (folder / "settings.json").write_text(json.dumps({"version": 1, **settings}))
    starpad = Starpad(qapp, folder / "settings.json", folder / "data")
    starpad.start([], None)
    return starpad


def _end(starpad: Starpad) -> None:
    for tab in starpad.window.tabs.tabs:
        tab.mark_saved()
    starpad.window.close()
    starpad.shutdown()
    starpad.window.deleteLater()
    starpad.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_at_start_what_was_left_connected_is_connected_and_no_model_loaded_before(
    qapp: QApplication, tmp_path: Path, qtbot: QtBot, address: str
) -> None:
    RemoteServerStore(tmp_path / "data" / "remote-servers.json").save(RemoteServer("M", address))
    keys = ServerKeys(tmp_path / "data" / "tokens")
    keys.set(address, KEY)
    keys.keep(address)
    starpad = _start(qapp, tmp_path, {"remote_server": "M"})
    kinds: list[EngineKind] = []
    starpad.engine.status_changed.connect(
        lambda status: kinds.extend([status.model.kind] if status.model else [])
    )
    qtbot.waitUntil(lambda: starpad.remotes.connected is not None, timeout=20_000)
    assert set(kinds) == {EngineKind.REMOTE}
    _end(starpad)


def test_at_start_a_server_that_was_not_connected_hears_nothing(
    qapp: QApplication, tmp_path: Path, qtbot: QtBot
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        file = tmp_path / "data" / "remote-servers.json"
        RemoteServerStore(file).save(RemoteServer("M", address))
        starpad = _start(qapp, tmp_path, {})
        qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=20_000)
        starpad.window.engines.window.show_page(EnginePage.REMOTE)
        _end(starpad)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
