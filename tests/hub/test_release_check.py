"""One request to one host, with nothing about the user in it; every failure is a sentence."""

import gzip
import json
import socket
import threading
from collections.abc import Mapping

import pytest

from release_server import PATH, RELEASE, REPOSITORY, ReleaseServer
from starpad import __version__
from starpad.core.errors import StarpadError
from starpad.core.release import release_from
from starpad.hub.release_check import newest
from starpad.hub.session import StopSignal


@pytest.fixture(autouse=True)
def _without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _refused(server: ReleaseServer) -> StarpadError:
    with server, pytest.raises(StarpadError) as caught:
        newest(REPOSITORY, server.api)
    return caught.value


def test_the_newest_release_is_asked_for_in_one_request_that_tells_nothing_else() -> None:
    with ReleaseServer() as server:
        assert newest(REPOSITORY, server.api) == release_from(RELEASE)
    [(path, headers)] = server.asked
    assert path == PATH
    assert headers.pop("user-agent") == f"Starpad/{__version__}"
    assert set(headers) == {"host", "accept", "accept-encoding", "connection"}


def test_a_renamed_repository_is_followed_on_the_same_server() -> None:
    with ReleaseServer(status=301, headers={"Location": "/moved"}) as server:
        assert newest(REPOSITORY, server.api).version == "0.2.0"
    assert [path for path, _ in server.asked] == [PATH, "/moved"]


def test_a_redirection_to_another_server_is_not_followed() -> None:
    with ReleaseServer() as other:
        error = _refused(ReleaseServer(status=302, headers={"Location": f"{other.api}/moved"}))
    assert other.asked == []
    assert "is not GitHub's list of releases" in error.message


def test_a_redirection_in_a_circle_ends() -> None:
    server = ReleaseServer(status=301, headers={"Location": PATH})
    assert "is not GitHub's list" in _refused(server).message
    assert len(server.asked) == 3


PAGE_HEADERS = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "sentence"),
    [
        (404, {}, {"message": "Not Found"}, f"{REPOSITORY} has published no release."),
        (403, {}, {"message": "API rate limit exceeded"}, "has had too many questions"),
        (429, {"Retry-After": "60"}, {}, "has had too many questions"),
        (403, PAGE_HEADERS, b"<html>blocked", "is not GitHub's list of releases"),
        (404, PAGE_HEADERS, b"<html>log in", "is not GitHub's list of releases"),
        (200, PAGE_HEADERS, b"<html>log in", "is not GitHub's list of releases"),
        (200, {}, b"{", "is not GitHub's list of releases"),
        (200, {}, b"[" * 100_000, "is not GitHub's list of releases"),
        (200, {}, b"\xff\xfe", "is not GitHub's list of releases"),
        (200, {}, {"tag_name": "v1"}, "is not GitHub's list of releases"),
        (200, {}, b" " * 2_100_000, "is not GitHub's list of releases"),
        (200, {"Content-Encoding": "gzip"}, b"no gzip", "is not GitHub's list of releases"),
        (204, {}, b"", "is not GitHub's list of releases"),
        (407, {}, {}, "wants a password"),
        (503, {}, {}, "has a problem of its own (503)"),
    ],
)
def test_each_refusal_is_a_sentence(
    status: int, headers: Mapping[str, str], body: object, sentence: str
) -> None:
    error = _refused(ReleaseServer(body, status, headers))
    assert sentence in error.message
    assert error.hint
    assert "download" not in error.hint


def test_a_packed_answer_that_grows_without_end_is_given_up() -> None:
    bomb = gzip.compress(json.dumps(RELEASE).encode() + b" " * 50_000_000)
    error = _refused(ReleaseServer(bomb, headers={"Content-Encoding": "gzip"}))
    assert "is not GitHub's list of releases" in error.message


def test_no_connection_is_a_sentence_without_a_word_of_downloads() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(StarpadError, match="There is no connection to 127") as caught:
        newest(REPOSITORY, f"http://127.0.0.1:{port}")
    assert caught.value.hint == "Check the network, then try again."
    assert caught.value.retryable


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{port}")
    with pytest.raises(
        StarpadError, match=f"The proxy 127.0.0.1:{port} cannot be reached"
    ) as error:
        newest(REPOSITORY)
    assert "secret" not in str(error.value)


def test_a_silent_server_is_left_at_once_when_it_is_stopped() -> None:
    stop = StopSignal()
    ended = threading.Event()

    def ask(api: str) -> None:
        with stop.watching(), pytest.raises(StarpadError):
            newest(REPOSITORY, api)
        ended.set()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = f"http://127.0.0.1:{silent.getsockname()[1]}"
        thread = threading.Thread(target=ask, args=(api,))
        thread.start()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(65536).startswith(b"GET ")
            stop.stop()
            assert ended.wait(10)
        thread.join()
