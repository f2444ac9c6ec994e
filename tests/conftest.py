"""Fixtures for all tests: a throw-away home, no network but loopback, off-screen Qt."""

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import starpad.hub  # before huggingface_hub, which reads its environment at import
from starpad.core.engine_status import EngineState
from starpad.core.settings import Settings
from starpad.ui import quick_attributes

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
quick_attributes.install()  # as the application does

DEMO_MODEL = Path(__file__).parents[1] / "resources" / "models" / "starpad-demo-q8_0.gguf"


def _refuse_strangers(connect: Callable[[socket.socket, object], None]) -> Callable[..., None]:
    """Return `connect` failing for any address that is not on this machine."""

    def guarded(sock: socket.socket, address: object) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host = address[0]
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                raise AssertionError(f"a test tried to connect to {address}")
        connect(sock, address)

    return guarded


# No audit hook: one in Python lets threads switch within sys.settrace, which CPython 3.11 answers
# with "Cannot install a trace function while another trace function is being installed" when
# coverage measures threads that start together.
socket.socket.connect = _refuse_strangers(socket.socket.connect)  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own empty home, also for child processes."""
    home = tmp_path / "home"
    home.mkdir()
    # Never the keyring of whoever runs the tests, nor a token or cache of theirs.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for name in ("HF_HOME", "HF_TOKEN", "HF_HUB_CACHE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home))
    # Windows keeps its folders elsewhere; platformdirs looks here first.
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(home))
    return home


@pytest.fixture(scope="session", autouse=True)
def _empty_clipboard() -> Iterator[None]:
    """Leave nothing of ours in the off-screen clipboard, which lives longer than Python."""
    yield
    if QGuiApplication.instance() is not None:
        QGuiApplication.clipboard().clear()


@pytest.fixture
def demo_model() -> Path:
    """Return the embedded model's file."""
    return DEMO_MODEL


# Not for the whole session: other modules count this process's children.
@pytest.fixture(scope="module")
def running_starpad(
    qapp: QApplication, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Starpad"]:
    """Start the real application and engine once for a module; tests use `starpad`."""
    from starpad.bootstrap import Starpad

    folder = tmp_path_factory.mktemp("starpad")
    starpad = Starpad(qapp, folder / "settings.json", folder)
    starpad.start([], None)
    yield starpad
    _end(starpad)


def _end(starpad: "Starpad") -> None:
    """End the application and its widgets: a change of theme would still polish each of them."""
    starpad.window.close()
    starpad.shutdown()
    starpad.window.deleteLater()
    # Here and now: Python's collector might do it in another thread, while sockets are watched.
    starpad.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def starpad(running_starpad: "Starpad", qtbot: QtBot) -> Iterator["Starpad"]:
    """Return the running application, its model loaded, with one empty tab and no messages."""
    starpad = running_starpad
    settings = starpad.settings
    if starpad.engine.status.state in (EngineState.EMPTY, EngineState.FAILED):
        starpad.window.models.use_demo()
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=20_000)
    starpad.window.activateWindow()
    tab = starpad.window.tabs.current
    assert tab is not None
    qtbot.waitUntil(tab.editor.hasFocus)
    # Before the test: the one that happens to be a module's first finds the start's own message.
    for notification in starpad.window.messages.notifications:
        starpad.notifier.withdraw(notification.identity)
    yield starpad
    settings.change(**asdict(Settings()))
    for tab in starpad.window.tabs.tabs:
        tab.mark_saved()
        starpad.window.files.close(tab)


@pytest.fixture
def fresh_starpad(qapp: QApplication, tmp_path: Path, qtbot: QtBot) -> Iterator["Starpad"]:
    """Start a Starpad of its own for one test: for what is kept on the computer."""
    from starpad.bootstrap import Starpad

    starpad = Starpad(qapp, tmp_path / "settings.json", tmp_path / "data")
    starpad.start([], None)
    qtbot.waitUntil(lambda: starpad.engine.status.state is EngineState.READY, timeout=20_000)
    yield starpad
    for tab in starpad.window.tabs.tabs:
        tab.mark_saved()
    _end(starpad)
