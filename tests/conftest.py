"""Fixtures for all tests: a throw-away home, no network but loopback, off-screen Qt."""

import ipaddress
import os
import socket
import sys
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

DEMO_MODEL = Path(__file__).parents[1] / "resources" / "models" / "starpad-demo-q8_0.gguf"


def _refuse_strangers(event: str, args: tuple[object, ...]) -> None:
    """Fail any connection that leaves this machine (an audit hook cannot be bypassed in Python)."""
    if event != "socket.connect":
        return
    sock, address = args
    assert isinstance(sock, socket.socket)
    if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
        host = address[0]
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a test tried to connect to {address}")


sys.addaudithook(_refuse_strangers)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own empty home, also for child processes."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home))
    return home


@pytest.fixture
def demo_model() -> Path:
    """Return the embedded model's file."""
    return DEMO_MODEL
