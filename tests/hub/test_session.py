"""Requests end: by themselves when a server is silent, and at once when they are stopped."""

import contextlib
import datetime
import importlib
import ipaddress
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from fakehub import FakeHub, FaultKind
from starpad.hub import session
from starpad.hub.session import StopSignal, new_client

# Not at the top: when imported, it reads the environment that `starpad.hub` sets.
huggingface_hub = importlib.import_module("huggingface_hub")

STOP_MS = 1000


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    session.prepare()
    with FakeHub() as hub:
        hub.add_repository("owner/model", {"model.gguf": b"GGUF" + bytes(3_000_000)})
        yield hub


class SilentServer:
    """Takes connections, says what it is told to say, and then nothing more."""

    def __init__(self, greeting: bytes = b"", context: ssl.SSLContext | None = None) -> None:
        self.connections: list[socket.socket] = []
        self.has_client = threading.Event()
        self._greeting = greeting
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                if self._greeting:
                    connection.recv(65536)
                    connection.sendall(self._greeting)
                self.connections.append(connection)
                self.has_client.set()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        for connection in self.connections:
            connection.close()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    server = SilentServer()
    yield server
    server.close()


def _ms_to_stop(
    signal: StopSignal, action: Callable[[], object], is_under_way: Callable[[], bool]
) -> tuple[float, BaseException]:
    """Stop `action` on another thread while it is stuck; return how long that took."""
    ended: list[tuple[float, BaseException]] = []

    def work() -> None:
        with signal.watching():
            try:
                action()
            except httpx2.HTTPError as error:
                ended.append((time.perf_counter(), error))

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 10
    while not is_under_way():
        assert time.monotonic() < deadline
        thread.join(0.01)
    stopped = time.perf_counter()
    signal.stop()
    assert time.perf_counter() - stopped < STOP_MS / 1000
    thread.join(10)
    assert not thread.is_alive()
    return (ended[0][0] - stopped) * 1000, ended[0][1]


def _read(client: httpx2.Client, address: str, seen: list[int] | None = None) -> None:
    with client.stream("GET", address) as response:
        for block in response.iter_raw():
            if seen is not None:
                seen.append(len(block))


def test_huggingface_hub_finds_its_settings_whoever_imports_it_first() -> None:
    code = """
import starpad.hub.client
from huggingface_hub import constants
assert constants.HF_HUB_DISABLE_XET and constants.HF_HUB_DISABLE_TELEMETRY
assert constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
assert constants.HF_HUB_DISABLE_UPDATE_CHECK
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_queue_does_not_import_what_takes_long() -> None:
    code = """
import sys
import starpad.hub.queue
slow = {"httpx2", "huggingface_hub", "filelock", "ssl"} & set(sys.modules)
assert not slow, slow
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_silent_server_is_given_up_by_calls_that_set_no_limit(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SILENCE_SECONDS", 0.2)
    hub.add_fault("/api/models", FaultKind.HANG, times=None)
    started = time.monotonic()
    with pytest.raises(httpx2.ReadTimeout):
        huggingface_hub.HfApi(endpoint=hub.endpoint, token=False).model_info("owner/model")
    assert time.monotonic() - started < 2


def test_a_limit_that_a_call_sets_is_kept(hub: FakeHub) -> None:
    hub.add_fault("/api/models", FaultKind.HANG, times=None)
    started = time.monotonic()
    with pytest.raises(httpx2.ReadTimeout):
        huggingface_hub.HfApi(endpoint=hub.endpoint, token=False).model_info(
            "owner/model", timeout=0.2
        )
    assert time.monotonic() - started < 2


def test_the_librarys_offline_mode_still_holds(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(huggingface_hub.errors.OfflineModeIsEnabled), new_client() as client:
        client.get(hub.endpoint)
    assert not hub.requests


def test_preparing_again_keeps_the_client_that_others_use(hub: FakeHub) -> None:
    client = huggingface_hub.get_session()
    session.prepare()
    assert huggingface_hub.get_session() is client


def test_a_head_request_that_hangs_is_stopped(hub: FakeHub) -> None:
    hub.add_fault("resolve", FaultKind.HANG)
    address = f"{hub.endpoint}/owner/model/resolve/main/model.gguf"
    took, _ = _ms_to_stop(
        StopSignal(),
        lambda: huggingface_hub.get_hf_file_metadata(address, token=False, timeout=20),
        lambda: bool(hub.requests),
    )
    assert took < STOP_MS


def test_a_body_that_stalls_is_stopped(hub: FakeHub) -> None:
    hub.add_fault("model.gguf", FaultKind.STALL, origin="content", after_bytes=1000, seconds=60)
    address = f"{hub.endpoint}/owner/model/resolve/main/model.gguf"
    seen: list[int] = []
    with new_client() as client:
        took, _ = _ms_to_stop(
            StopSignal(), lambda: _read(client, address, seen), lambda: sum(seen) >= 1000
        )
    assert took < STOP_MS


def test_a_body_that_flows_is_stopped(hub: FakeHub) -> None:
    hub.add_fault("model.gguf", FaultKind.RATE, origin="content", bytes_per_second=500_000)
    address = f"{hub.endpoint}/owner/model/resolve/main/model.gguf"
    seen: list[int] = []
    with new_client() as client:
        took, _ = _ms_to_stop(
            StopSignal(), lambda: _read(client, address, seen), lambda: sum(seen) >= 1000
        )
    assert took < STOP_MS


def test_a_tls_handshake_that_hangs_is_stopped(silent: SilentServer) -> None:
    with new_client() as client:
        took, _ = _ms_to_stop(
            StopSignal(),
            lambda: client.get(f"https://127.0.0.1:{silent.port}"),
            silent.has_client.is_set,
        )
    assert took < STOP_MS


def test_a_proxy_that_never_answers_is_stopped(
    silent: SilentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{silent.port}")
    with new_client() as client:
        took, _ = _ms_to_stop(
            StopSignal(), lambda: client.get("https://hub.invalid"), silent.has_client.is_set
        )
    assert took < STOP_MS


def test_a_body_that_stalls_inside_tls_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = SilentServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nsome", context)
    seen: list[int] = []
    try:
        with new_client() as client:
            address = f"https://127.0.0.1:{server.port}"
            took, _ = _ms_to_stop(
                StopSignal(), lambda: _read(client, address, seen), lambda: bool(seen)
            )
    finally:
        server.close()
    assert took < STOP_MS


def test_nothing_is_sent_after_the_stop(hub: FakeHub) -> None:
    signal = StopSignal()
    signal.stop()
    with signal.watching(), new_client() as client, pytest.raises(httpx2.ReadError):
        client.get(hub.endpoint)
    assert not hub.requests


def test_a_wait_ends_with_the_stop() -> None:
    signal = StopSignal()
    assert not signal.wait(0.01)
    ended: list[float] = []

    def wait() -> None:
        assert signal.wait(20)
        ended.append(time.perf_counter())

    thread = threading.Thread(target=wait)
    thread.start()
    stopped = time.perf_counter()
    signal.stop()
    thread.join(5)
    assert (ended[0] - stopped) * 1000 < STOP_MS


def test_a_stop_leaves_other_threads_requests_alone(hub: FakeHub) -> None:
    hub.add_fault("model.gguf", FaultKind.RATE, origin="content", bytes_per_second=6_000_000)
    address = f"{hub.endpoint}/owner/model/resolve/main/model.gguf"
    other = StopSignal()
    seen: list[int] = []

    def work() -> None:
        with other.watching(), new_client() as client:
            _read(client, address, seen)

    thread = threading.Thread(target=work)
    thread.start()
    while not seen and thread.is_alive():
        thread.join(0.01)
    signal = StopSignal()
    with signal.watching():
        signal.stop()
    thread.join(10)
    assert sum(seen) == 3_000_004


def test_a_server_sees_the_end_of_a_watched_request_at_once(silent: SilentServer) -> None:
    """The duplicate of its socket must not keep the connection open."""
    with StopSignal().watching(), new_client() as client:
        with pytest.raises(httpx2.ReadTimeout):
            client.get(f"http://127.0.0.1:{silent.port}", timeout=0.1)
        (connection,) = silent.connections
        connection.settimeout(2)
        while connection.recv(65536):
            pass


def test_each_request_has_a_connection_of_its_own(hub: FakeHub) -> None:
    connections = []
    with new_client() as client:
        for _ in range(2):
            with client.stream("GET", f"{hub.endpoint}/api/models") as response:
                stream = response.extensions["network_stream"]
                connections.append(stream.get_extra_info("client_addr"))
    assert connections[0] != connections[1]


def _certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 (a bare system knows no localhost), its key beside it."""
    pytest.importorskip("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
