"""The fake hub's faults: each one does what its name says, as often as it was told to."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import starpad.hub  # noqa: F401 -- sets the environment that huggingface_hub reads when imported

# isort: split
import httpx2
from huggingface_hub import get_hf_file_metadata, get_session, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError

from fakehub import FakeHub, FaultKind

REPOSITORY = "someone/starcoder2-3b-GGUF"
FILE = "starcoder2-3b.Q4_K_M.gguf"
MODEL = bytes(range(251)) * 8000
SIZE = len(MODEL)


@pytest.fixture(params=["memory", "disk"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeHub]:
    path = tmp_path / FILE
    path.write_bytes(MODEL)
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {FILE: MODEL if request.param == "memory" else path})
        yield hub


def address(hub: FakeHub, file: str = FILE) -> str:
    return hf_hub_url(REPOSITORY, file, endpoint=hub.endpoint)


def location(hub: FakeHub) -> str:
    return get_hf_file_metadata(address(hub), token=False).location


def fetch(url: str, start: int = 0) -> tuple[int, bytes, httpx2.Headers, str]:
    """Return the status, what arrived, the headers, and the name of the error that ended it."""
    headers = {"Range": f"bytes={start}-"} if start else {}
    data = bytearray()
    with get_session().stream("GET", url, headers=headers) as answer:
        try:
            for block in answer.iter_raw():
                data += block
        except httpx2.TransportError as error:
            return answer.status_code, bytes(data), answer.headers, type(error).__name__
    return answer.status_code, bytes(data), answer.headers, ""


def test_cut_ends_the_body_early(hub: FakeHub) -> None:
    hub.add_fault("gguf", FaultKind.CUT, after_bytes=700_001)
    hub.add_fault("gguf", FaultKind.CUT, skip=1, after_bytes=-1000)
    url = location(hub)
    assert fetch(url)[1::2] == (MODEL[:700_001], "RemoteProtocolError")
    status, data, headers, error = fetch(url, 100)
    assert (status, data, error) == (206, MODEL[100:-1000], "RemoteProtocolError")
    assert headers["content-length"] == str(SIZE - 100)
    assert fetch(url)[1] == MODEL
    assert [each.bytes_sent for each in hub.requests_of("content")] == [700_001, SIZE - 1100, SIZE]


def test_cut_with_a_reset(hub: FakeHub) -> None:
    hub.add_fault("gguf", FaultKind.CUT, after_bytes=1_500_000, with_reset=True)
    _, data, _, error = fetch(location(hub))
    assert error == "ReadError"
    assert len(data) < SIZE


def test_a_stall_goes_on_and_ends_with_the_hub(hub: FakeHub) -> None:
    hub.add_fault("gguf", FaultKind.STALL, after_bytes=300_000, seconds=0.2)
    url = location(hub)
    began = time.monotonic()
    assert fetch(url)[1] == MODEL
    assert time.monotonic() - began >= 0.2

    hub.add_fault("gguf", FaultKind.STALL, after_bytes=300_000, seconds=600)
    with get_session().stream("GET", url) as answer:
        blocks = answer.iter_raw(300_000)
        assert next(blocks) == MODEL[:300_000]
        began = time.monotonic()
        hub.stop()
        assert time.monotonic() - began < 5
        with pytest.raises(httpx2.TransportError):
            next(blocks)


def test_rate_holds_the_speed_down(hub: FakeHub) -> None:
    hub.add_fault("", FaultKind.RATE, times=None, origin="content", bytes_per_second=4_000_000)
    began = time.monotonic()
    assert fetch(location(hub))[1] == MODEL
    assert SIZE / 4_000_000 * 0.9 < time.monotonic() - began < 5


def test_flip_changes_one_byte_wherever_the_range_starts(hub: FakeHub) -> None:
    hub.add_fault("gguf", FaultKind.FLIP, times=None, offset=1_000_000)
    for start in (0, 999_999):
        data = fetch(location(hub), start)[1]
        pairs = enumerate(zip(data, MODEL[start:], strict=True))
        wrong = [at for at, (got, right) in pairs if got != right]
        assert wrong == [1_000_000 - start]
    assert fetch(location(hub), 1_000_001)[1] == MODEL[1_000_001:]


def test_wrong_lengths(hub: FakeHub) -> None:
    url = location(hub)
    hub.add_fault("gguf", FaultKind.SHORT_LENGTH)
    status, data, headers, error = fetch(url)
    assert (status, data, error) == (200, MODEL[:-1000], "")
    assert headers["content-length"] == str(SIZE - 1000)
    hub.add_fault("gguf", FaultKind.OVERSIZED, count_bytes=10)
    assert fetch(url)[1] == MODEL + bytes(10)
    hub.add_fault("gguf", FaultKind.CHUNKED)
    status, data, headers, error = fetch(url)
    assert (data, error) == (MODEL, "")
    assert "content-length" not in headers


def test_wrong_ranges(hub: FakeHub) -> None:
    url = location(hub)
    hub.add_fault("gguf", FaultKind.IGNORE_RANGE)
    assert fetch(url, 500)[:2] == (200, MODEL)
    hub.add_fault("gguf", FaultKind.REFUSE_RANGE)
    assert fetch(url, 500)[:2] == (416, b"")
    hub.add_fault("gguf", FaultKind.SHIFTED_RANGE)
    status, data, headers, _ = fetch(url, 500)
    assert (status, data) == (206, MODEL[1500:])
    assert headers["content-range"] == f"bytes 1500-{SIZE - 1}/{SIZE}"
    hub.add_fault("gguf", FaultKind.LYING_RANGE)
    status, data, headers, _ = fetch(url, 1500)
    assert (status, data) == (206, MODEL[500:-1000])
    assert headers["content-range"] == f"bytes 1500-{SIZE - 1}/{SIZE}"


def test_an_error_status_comes_with_its_headers(hub: FakeHub) -> None:
    hub.add_fault("/resolve/", FaultKind.STATUS, status=429, headers={"Retry-After": "7"}, skip=1)
    assert location(hub)
    with pytest.raises(HfHubHTTPError) as refused:
        location(hub)
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"
    assert location(hub)


def test_a_login_page_answers_everything(hub: FakeHub) -> None:
    url = location(hub)
    hub.add_fault("", FaultKind.HTML, times=None)
    for each in (url, address(hub), f"{hub.endpoint}/api/models"):
        answer = get_session().get(each)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
    hub.faults.clear()
    assert fetch(url)[1] == MODEL


def test_hanging_up_without_an_answer(hub: FakeHub) -> None:
    hub.add_fault("", FaultKind.DROP, method="HEAD")
    with pytest.raises(httpx2.RemoteProtocolError):
        location(hub)
    hub.add_fault("", FaultKind.DROP, with_reset=True)
    with pytest.raises(httpx2.ReadError):
        location(hub)
    assert [each.status for each in hub.requests] == [0, 0]


def test_hanging_and_answering_late(hub: FakeHub) -> None:
    hub.add_fault("/resolve/", FaultKind.DELAY, seconds=0.2)
    began = time.monotonic()
    assert location(hub)
    assert time.monotonic() - began >= 0.2
    hub.add_fault("/resolve/", FaultKind.HANG, times=None)
    with pytest.raises(httpx2.ReadTimeout):
        get_hf_file_metadata(address(hub), token=False, timeout=0.2)
    errors: list[Exception] = []

    def ask() -> None:
        try:
            get_hf_file_metadata(address(hub), token=False, timeout=60)
        except httpx2.TransportError as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    deadline = time.monotonic() + 10
    while len(hub.requests) < 3 and time.monotonic() < deadline:
        asking.join(0.005)
    hub.stop()
    asking.join(5)
    assert len(errors) == 1


def test_what_resolve_says_can_be_wrong(hub: FakeHub) -> None:
    def ask() -> httpx2.Response:
        return get_session().head(address(hub), follow_redirects=False)

    hub.add_fault("/resolve/", FaultKind.NO_LINKED_HEADERS)
    assert "X-Linked-Size" not in (answer := ask()).headers
    assert "X-Linked-ETag" not in answer.headers
    hub.add_fault("/resolve/", FaultKind.WRONG_LINKED_SIZE, count_bytes=5)
    assert ask().headers["X-Linked-Size"] == str(SIZE + 5)
    hub.add_fault("/resolve/", FaultKind.NO_COMMIT_HEADER)
    assert "X-Repo-Commit" not in ask().headers
    hub.add_fault("/resolve/", FaultKind.EXPIRED_URL)
    assert get_session().get(ask().headers["Location"]).status_code == 403
    assert get_session().get(ask().headers["Location"]).content == MODEL


def test_redirects_can_lead_anywhere(hub: FakeHub) -> None:
    hub.add_fault("/resolve/", FaultKind.REDIRECT, status=308, location="/elsewhere")
    answer = get_session().head(address(hub), follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, "/elsewhere")
    hub.add_fault("/resolve/", FaultKind.REDIRECT, times=None)
    with pytest.raises(httpx2.TooManyRedirects):
        get_session().head(address(hub), follow_redirects=True)


def test_faults_of_the_body_leave_head_requests_alone(hub: FakeHub) -> None:
    fault = hub.add_fault("", FaultKind.CUT, after_bytes=10)
    assert get_session().head(location(hub)).headers["content-length"] == str(SIZE)
    assert fault.matched == 0
    assert len(fetch(location(hub))[1]) == 10
    assert fault.matched == 1


def test_dropping_every_connection_breaks_what_is_under_way(hub: FakeHub) -> None:
    hub.add_fault("gguf", FaultKind.STALL, after_bytes=1000, seconds=600)
    with get_session().stream("GET", location(hub)) as answer:
        blocks = answer.iter_raw(1000)
        next(blocks)
        hub.drop_connections()
        with pytest.raises(httpx2.TransportError):
            next(blocks)
    assert fetch(location(hub))[1] == MODEL


def test_a_defect_of_the_hub_itself_is_reported_when_it_stops() -> None:
    hub = FakeHub()
    hub.start()
    hub.repositories = None  # type: ignore[assignment]
    with pytest.raises(httpx2.TransportError):
        get_session().get(f"{hub.endpoint}/api/models")
    with pytest.raises(AssertionError, match="broke"):
        hub.stop()
