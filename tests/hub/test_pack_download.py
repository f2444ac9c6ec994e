"""A wheel arrives whole and right, over broken connections too, or nothing is taken for it."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

from starpad.core.errors import EngineError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.offered_packs import PackWheel
from starpad.hub import pack_download
from starpad.hub.install import Stopped
from starpad.hub.session import Limits, StopSignal

CONTENT = bytes(range(256)) * 4000
FAST = Limits(silence_s=2, first_wait_s=0.01, longest_wait_s=0.05, spare_bytes=0)


class Server(ThreadingHTTPServer):
    """Gives out CONTENT, as badly as its fields say."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.cuts: list[int] = []
        """After so many bytes a connection ends, one after the other."""
        self.statuses: list[int] = []
        """Instead of an answer."""
        self.has_ranges = True
        self.content_type = "application/octet-stream"
        self.offsets: list[int] = []
        """Where each answer began."""

    def wheel(self, **values: object) -> PackWheel:
        digest = hashlib.sha256(CONTENT).hexdigest()
        url = f"http://127.0.0.1:{self.server_port}/moved/x.whl"
        fields = {"url": url, "size_bytes": len(CONTENT), "sha256": digest} | values
        return PackWheel("linux", "x86_64", **fields)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/files/x.whl")
            self.end_headers()
            return
        if self.server.statuses:
            self.send_error(self.server.statuses.pop(0))
            return
        asked = self.headers.get("Range", "")
        start = int(asked[6:-1]) if asked and self.server.has_ranges else 0
        self.server.offsets.append(start)
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.send_header("Content-Type", self.server.content_type)
        if start:
            end = len(self.server.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(rest)
        self.wfile.write(rest[:cut])

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(wheel: PackWheel, folder: Path, stop: StopSignal | None = None) -> Path:
    return pack_download.download_wheel(
        wheel, folder, stop=stop or StopSignal(), progress=lambda done, total: None, limits=FAST
    )


def test_a_wheel_arrives_over_a_redirect(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = pack_download.download_wheel(
        server.wheel(), tmp_path / "new", stop=StopSignal(), limits=FAST,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_broken_connections_go_on_where_they_stopped(server: Server, tmp_path: Path) -> None:
    server.cuts = [300_000, 200_000, 100_000]
    assert fetch(server.wheel(), tmp_path).read_bytes() == CONTENT
    assert server.offsets[0] == 0
    assert server.offsets[1:] == sorted(server.offsets[1:])
    assert all(server.offsets[1:])


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path) -> None:
    server.cuts, server.has_ranges = [300_000], False
    assert fetch(server.wheel(), tmp_path).read_bytes() == CONTENT
    assert server.offsets == [0, 0]


def test_a_stopped_download_keeps_its_bytes_and_goes_on_later(
    server: Server, tmp_path: Path
) -> None:
    stop = StopSignal()
    with pytest.raises(Stopped):
        pack_download.download_wheel(
            server.wheel(), tmp_path, stop=stop, limits=FAST,
            progress=lambda done, total: stop.stop(),
        )  # fmt: skip
    (part,) = tmp_path.glob(".download-*")
    assert 0 < part.stat().st_size < len(CONTENT)
    assert fetch(server.wheel(), tmp_path).read_bytes() == CONTENT
    assert server.offsets[-1] > 0


def test_other_bytes_than_the_announced_are_thrown_away(server: Server, tmp_path: Path) -> None:
    server.content = b"x" * len(CONTENT)
    with pytest.raises(HubError, match="SHA-256") as raised:
        fetch(server.wheel(), tmp_path)
    assert raised.value.problem is HubProblem.CHECKSUM
    assert not list(tmp_path.glob(".download-*"))


def test_more_bytes_than_announced_are_not_taken(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="more bytes"):
        fetch(server.wheel(size_bytes=1000), tmp_path)


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 403, 429]
    assert fetch(server.wheel(), tmp_path).read_bytes() == CONTENT


def test_a_server_that_stays_busy_is_given_up(server: Server, tmp_path: Path) -> None:
    server.statuses = [503] * 50
    with pytest.raises(HubError, match="problem of its own"):
        fetch(server.wheel(), tmp_path)


def test_a_missing_file_is_said_at_once(server: Server, tmp_path: Path) -> None:
    server.statuses = [404]
    with pytest.raises(HubError, match="does not give out") as raised:
        fetch(server.wheel(), tmp_path)
    assert "Install from file" in raised.value.hint


def test_a_login_page_is_not_taken_for_the_file(server: Server, tmp_path: Path) -> None:
    server.content_type = "text/html"
    with pytest.raises(HubError, match="does not give out"):
        fetch(server.wheel(), tmp_path)


def test_a_server_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    wheel = PackWheel("linux", "x86_64", "http://127.0.0.1:9/x.whl", 10, "0" * 64)
    with pytest.raises(HubError, match="no connection"):
        fetch(wheel, tmp_path)


def test_too_little_space_is_said_before(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="are free"):
        fetch(server.wheel(size_bytes=1 << 60), tmp_path)
    assert server.offsets == []


def test_what_is_left_of_another_version_is_cleared_away(server: Server, tmp_path: Path) -> None:
    left = tmp_path / f".download-{'1' * 64}.part"
    left.write_bytes(b"old")
    fetch(server.wheel(), tmp_path)
    assert not left.exists()


def test_another_window_that_downloads_is_not_disturbed(server: Server, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(EngineError, match="Another Starpad window"):
        fetch(server.wheel(), tmp_path)
    assert server.offsets == []
