"""Questions to a hub, asked by the real library's client against the fake hub."""

import json
import threading
import time
from collections.abc import Iterator

import httpx2
import pytest

from fakehub import FakeHub, FaultKind, Request
from gguf_files import STARCODER, gguf
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.remote import Gating, RemoteFile
from starpad.hub.client import HubClient

REPOSITORY = "second-state/StarCoder2-3B-GGUF"
SUMMARY = {"architecture": "starcoder2", "total": 3_030_371_328, "context_length": 16384}
MODEL = gguf(STARCODER | {"tokenizer.ggml.tokens": ["token"] * 49152}, data_bytes=50_000)
FILE = "starcoder2-3b-Q4_K_M.gguf"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(
            REPOSITORY,
            {FILE: MODEL, "starcoder2-3b-Q8_0.gguf": MODEL + bytes(64), "config.json": b"{}"},
            downloads=900,
            likes=7,
            base_model="bigcode/starcoder2-3b",
            gguf=SUMMARY,
        )
        hub.add_repository("mradermacher/starcoder-GGUF", {"m.Q4_0.gguf": MODEL}, downloads=1000)
        hub.add_repository("bigcode/starcoder2-3b", {"model.safetensors": b"x" * 99}, gating="auto")
        yield hub


@pytest.fixture
def client(hub: FakeHub) -> HubClient:
    return HubClient(hub.endpoint)


def refusal(hub: FakeHub, pattern: str, status: int, **options: object) -> None:
    hub.add_fault(pattern, FaultKind.STATUS, status=status, times=None, **options)


def settled(hub: FakeHub) -> list[Request]:
    """Return the log once the hub has done counting what it sent."""
    pause, deadline = threading.Event(), time.monotonic() + 5
    while not all(request.is_finished for request in hub.requests):
        assert time.monotonic() < deadline
        pause.wait(0.005)
    return hub.requests


def test_words_find_gguf_repositories_with_what_a_row_shows(
    hub: FakeHub, client: HubClient
) -> None:
    (found,) = client.search("starcoder2 3b")
    assert (found.id, found.downloads, found.likes) == (REPOSITORY, 900, 7)
    assert (found.license, found.gating) == ("bigcode-openrail-m", Gating.OPEN)
    assert (found.architecture, found.parameters) == ("starcoder2", 3_030_371_328)
    assert (found.context_tokens, found.base_model) == (16384, "bigcode/starcoder2-3b")
    assert found.updated is not None
    assert [request.route for request in hub.requests] == ["/api/models"]


def test_cards_that_hold_lists_and_records_that_hold_little_are_read(
    hub: FakeHub, client: HubClient
) -> None:
    full = {
        "id": "a/full",
        "gated": "manual",
        "cardData": {"license": ["mit", "other"], "base_model": ["x/y", "z"]},
        "gguf": {"total": -5, "architecture": 7},
        "downloads": None,
    }
    tagged = {"id": "a/tagged", "tags": ["gguf", "license:apache-2.0"], "gguf": "no dictionary"}
    records = json.dumps([full, tagged, {"id": "a/bare"}])
    hub.add_fault("/api/models", FaultKind.STATUS, status=200, text=records)
    first, second, third = client.search("anything", limit=3)
    assert (first.license, first.base_model, first.gating) == ("mit", "x/y", Gating.MANUAL)
    assert (first.parameters, first.architecture, first.downloads) == (0, "", 0)
    assert second.license == "apache-2.0"
    assert (third.license, third.updated, third.gating) == ("", None, Gating.OPEN)


def test_results_are_sorted_and_limited(client: HubClient) -> None:
    assert [found.id for found in client.search("starcoder")] == [
        "mradermacher/starcoder-GGUF",
        REPOSITORY,
    ]
    assert len(client.search("starcoder", limit=1)) == 1
    assert client.search("starcoder", sort="likes")[0].id == REPOSITORY
    assert client.search("nothing like that") == ()


def test_an_author_narrows_the_search(client: HubClient) -> None:
    assert [found.id for found in client.search("second-state/")] == [REPOSITORY]
    assert client.search("author:second-state starcoder2")[0].id == REPOSITORY
    assert client.search("author:second-state santacoder") == ()


def test_a_name_or_an_address_finds_that_repository_whatever_it_holds(
    hub: FakeHub, client: HubClient
) -> None:
    for typed in ("bigcode/starcoder2-3b", f"{hub.endpoint}/bigcode/starcoder2-3b/tree/main"):
        (found,) = client.search(typed)
        assert found.gating is Gating.AUTOMATIC


def test_the_beginning_of_a_name_still_finds_it(client: HubClient) -> None:
    assert client.search("second-state/StarCoder2")[0].id == REPOSITORY


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("nobody/nothing", HubProblem.NOT_FOUND),
        ("https://huggingface.co/nobody/nothing", HubProblem.NOT_FOUND),
        ("https://github.com/bigcode-project/starcoder", HubProblem.BAD_REQUEST),
        ("https://huggingface.co/datasets/bigcode/the-stack", HubProblem.BAD_REQUEST),
    ],
)
def test_what_cannot_be_found_is_said(client: HubClient, typed: str, problem: HubProblem) -> None:
    with pytest.raises(HubError) as caught:
        client.search(typed)
    assert caught.value.problem is problem


def test_a_repository_lists_its_models_at_a_commit(hub: FakeHub, client: HubClient) -> None:
    repository = client.repository(REPOSITORY)
    assert repository.commit == hub.repositories[REPOSITORY].commit
    assert repository.summary.license == "bigcode-openrail-m"
    assert [model.quantization for model in repository.models] == ["Q4_K_M", "Q8_0"]
    content = hub.content(REPOSITORY, FILE)
    assert repository.models[0].files == (RemoteFile(FILE, len(MODEL), content.sha256),)


def test_an_older_commit_can_be_listed_again(hub: FakeHub, client: HubClient) -> None:
    old = client.repository(REPOSITORY)
    hub.replace_file(REPOSITORY, FILE, MODEL + bytes(10))
    assert client.repository(REPOSITORY).commit != old.commit
    assert client.repository(REPOSITORY, old.commit).models == old.models


def test_one_small_request_tells_what_memory_a_remote_model_needs(
    hub: FakeHub, client: HubClient
) -> None:
    repository = client.repository(REPOSITORY)
    hub.requests.clear()
    header = client.header(REPOSITORY, repository.commit, repository.models[0].files[0])
    assert (header.layers, header.kv_heads, header.vocabulary_tokens) == (30, 2, 49152)
    assert header.tensor_data_bytes == header.size_bytes == len(MODEL)
    assert [(request.origin, request.bytes_sent) for request in settled(hub)] == [
        ("hub", 0),
        ("content", 1 << 16),
    ]


def test_a_header_with_a_long_description_is_read_further(hub: FakeHub, client: HubClient) -> None:
    data = gguf({"general.description": "x" * 100_000} | STARCODER)
    commit = hub.replace_file(REPOSITORY, "long.gguf", data)
    header = client.header(REPOSITORY, commit, RemoteFile("long.gguf", len(data), ""))
    assert header.layers == 30
    sent = [request.bytes_sent for request in settled(hub) if request.origin == "content"]
    assert sent == [1 << 16, len(data) - (1 << 16)]


def test_a_server_without_ranges_is_understood_and_not_read_to_the_end(
    hub: FakeHub, client: HubClient
) -> None:
    data = gguf({"general.description": "x" * 100_000} | STARCODER, data_bytes=40_000_000)
    commit = hub.replace_file(REPOSITORY, "long.gguf", data)
    hub.add_fault("long.gguf", FaultKind.IGNORE_RANGE, times=None)
    assert client.header(REPOSITORY, commit, RemoteFile("long.gguf", len(data), "")).layers == 30
    hub.drop_connections()
    assert all(request.bytes_sent < len(data) for request in settled(hub))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<!doctype html>" + bytes(100), "web page"),
        (b"tjgg" + bytes(100), "legacy GGML"),
        (gguf({"general.architecture": "starcoder2"}), "how large"),
        (gguf({"general.description": "x" * 70_000})[:66_000], "how large"),
    ],
)
def test_a_file_without_a_usable_header_is_named(
    hub: FakeHub, client: HubClient, data: bytes, word: str
) -> None:
    commit = hub.replace_file(REPOSITORY, "odd.gguf", data)
    with pytest.raises(HubError, match=word) as caught:
        client.header(REPOSITORY, commit, RemoteFile("odd.gguf", len(data), ""))
    assert caught.value.problem is HubProblem.WRONG_FILE


def test_a_large_file_lies_at_a_fresh_signed_address(hub: FakeHub, client: HubClient) -> None:
    commit = client.repository(REPOSITORY).commit
    first, second = (client.resolve(REPOSITORY, commit, FILE) for _ in range(2))
    assert first.location.startswith(hub.content_endpoint)
    assert first.location != second.location
    content = hub.content(REPOSITORY, FILE)
    assert (first.size_bytes, first.sha256) == (len(MODEL), content.sha256)
    assert first.commit == commit
    assert "Signature" not in repr(first)


def test_a_small_file_lies_at_the_hub_and_has_no_sha256(hub: FakeHub, client: HubClient) -> None:
    resolved = client.resolve(REPOSITORY, client.repository(REPOSITORY).commit, "config.json")
    assert resolved.location.startswith(hub.endpoint)
    assert (resolved.size_bytes, resolved.sha256) == (2, "")
    assert httpx2.get(resolved.location, headers=dict(resolved.headers)).content == b"{}"


def test_an_update_is_seen(hub: FakeHub, client: HubClient) -> None:
    known = client.latest_sha256(REPOSITORY, FILE)
    assert known == client.latest_sha256(REPOSITORY, FILE)
    commit = hub.replace_file(REPOSITORY, FILE, MODEL + b"better")
    assert client.latest_sha256(REPOSITORY, FILE) == (
        commit,
        hub.content(REPOSITORY, FILE).sha256,
    )


def test_the_model_card_is_read_up_to_a_bound(hub: FakeHub, client: HubClient) -> None:
    commit = hub.replace_file(REPOSITORY, "README.md", "# StarCoder2 ünïcode".encode())
    assert client.readme(REPOSITORY, commit) == "# StarCoder2 ünïcode"
    commit = hub.replace_file(REPOSITORY, "README.md", b"x" * 1_000_000)
    assert len(client.readme(REPOSITORY, commit)) == 1 << 18
    commit = hub.remove_file(REPOSITORY, "README.md")
    assert client.readme(REPOSITORY, commit) == ""


def test_the_page_of_a_repository_is_for_the_browser(hub: FakeHub, client: HubClient) -> None:
    assert client.page(REPOSITORY) == f"{hub.endpoint}/{REPOSITORY}"
    assert HubClient().endpoint == "https://huggingface.co"


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        (FaultKind.HTML, {}, HubProblem.NOT_A_HUB),
        (FaultKind.DROP, {}, HubProblem.INTERRUPTED),
        (FaultKind.DROP, {"with_reset": True}, HubProblem.INTERRUPTED),
        (FaultKind.REDIRECT, {"status": 302}, HubProblem.NOT_A_HUB),
        (FaultKind.STATUS, {"status": 503}, HubProblem.SERVER_BUSY),
        (FaultKind.STATUS, {"status": 200, "text": '{"models": 1}'}, HubProblem.NOT_A_HUB),
        (FaultKind.STATUS, {"status": 200, "text": "[[1]]"}, HubProblem.NOT_A_HUB),
        (FaultKind.STATUS, {"status": 200, "text": ""}, HubProblem.NOT_A_HUB),
    ],
)
def test_whatever_answers_wrongly_is_a_hub_error_and_nothing_else(
    hub: FakeHub,
    client: HubClient,
    kind: FaultKind,
    options: dict[str, object],
    problem: HubProblem,
) -> None:
    hub.add_fault(".", kind, times=None, **options)
    for question in (
        lambda: client.search("starcoder"),
        lambda: client.repository(REPOSITORY),
        lambda: client.resolve(REPOSITORY, "a" * 40, FILE),
    ):
        with pytest.raises(HubError) as caught:
            question()
        assert caught.value.problem is problem


@pytest.mark.parametrize("kind", [FaultKind.NO_COMMIT_HEADER, FaultKind.NO_LINKED_HEADERS])
def test_a_mirror_that_leaves_headers_out_is_no_hub(
    hub: FakeHub, client: HubClient, kind: FaultKind
) -> None:
    hub.add_fault("resolve", kind, times=None)
    with pytest.raises(HubError) as caught:
        client.resolve(REPOSITORY, hub.repositories[REPOSITORY].commit, FILE)
    assert caught.value.problem is HubProblem.NOT_A_HUB


def test_too_many_requests_end_the_search_at_once_with_the_wait_to_show(
    hub: FakeHub, client: HubClient
) -> None:
    refusal(hub, "/api/models", 429, headers={"Retry-After": "300"})
    with pytest.raises(HubError, match="300 seconds") as caught:
        client.search("starcoder")
    assert caught.value.retry_after_s == 300
    assert len(hub.requests) == 1


def test_nobody_there_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeHub() as hub:
        endpoint = hub.endpoint
    with pytest.raises(HubError, match="no connection to 127") as caught:
        HubClient(endpoint).search("starcoder")
    assert caught.value.problem is HubProblem.OFFLINE


def test_an_address_that_is_none_is_a_bad_request() -> None:
    for endpoint in ("huggingface.co", "ftp://huggingface.co"):
        with pytest.raises(HubError) as caught:
            HubClient(endpoint).search("starcoder")
        assert caught.value.problem is HubProblem.BAD_REQUEST
