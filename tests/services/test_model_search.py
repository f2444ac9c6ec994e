"""What the hub answers, in the order that the user asked; the last question counts."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from fakehub import FakeHub, FaultKind, fill, shelf
from gguf_files import STARCODER, gguf
from starpad.core.errors import StarpadError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.model_file import ModelHeader
from starpad.core.remote import RemoteRepository
from starpad.hub.token_store import TokenStore
from starpad.services.background import BackgroundJobs
from starpad.services.hub_account import HubAccount
from starpad.services.model_search import Found, Headers, ModelSearch

ASIDE = "owner/aside-GGUF"
MIXED = "TabbyML/models-like"


class Listener(QObject):
    """Keeps what the search says."""

    def __init__(self, search: ModelSearch) -> None:
        super().__init__()
        self.found: list[Found] = []
        self.opened: list[RemoteRepository] = []
        self.headers: list[Headers] = []
        self.errors: list[tuple[str, StarpadError]] = []
        self.reads = 0
        search.found.connect(self._on_found)
        search.opened.connect(self._on_opened)
        search.headers_read.connect(self._on_headers_read)
        search.read.connect(self._on_read)
        search.search_failed.connect(self._on_search_failed)
        search.open_failed.connect(self._on_open_failed)

    @property
    def by_path(self) -> dict[str, ModelHeader]:
        return {path: header for each in self.headers for path, header in each.by_path.items()}

    @Slot(object)
    def _on_found(self, found: Found) -> None:
        self.found.append(found)

    @Slot(object)
    def _on_opened(self, opened: RemoteRepository) -> None:
        self.opened.append(opened)

    @Slot(object)
    def _on_headers_read(self, headers: Headers) -> None:
        self.headers.append(headers)

    @Slot()
    def _on_read(self) -> None:
        self.reads += 1

    @Slot(object)
    def _on_search_failed(self, error: StarpadError) -> None:
        self.errors.append(("search", error))

    @Slot(object)
    def _on_open_failed(self, error: StarpadError) -> None:
        self.errors.append(("open", error))


def _model(embedding: int, seed: int) -> bytes:
    shape = {**STARCODER, "starcoder2.embedding_length": embedding}
    return gguf(shape, data_bytes=420 + seed)


@pytest.fixture(scope="module")
def shared_hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        fill(hub)
        hub.add_repository(ASIDE, {"aside.Q4_K_M.gguf": _model(64, 1)})
        names = {"one-1b": 128, "two-3b": 256, "three-7b": 512}
        number = count()  # no file has the bytes of another
        mixed = {
            path: _model(embedding, next(number))
            for name, embedding in names.items()
            for path in (
                *(f"{name}.{each}.gguf" for each in ("Q4_0", "Q8_0", "Q4_K_M")),
                f"{name}/model.Q8_0.gguf",
            )
        }
        hub.add_repository(MIXED, mixed)
        yield hub


@pytest.fixture
def hub(shared_hub: FakeHub) -> Iterator[FakeHub]:
    shared_hub.requests.clear()
    yield shared_hub
    shared_hub.faults.clear()


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[BackgroundJobs]:
    jobs = BackgroundJobs()
    yield jobs
    jobs.shutdown()


@pytest.fixture
def account(jobs: BackgroundJobs, hub: FakeHub, tmp_path: Path) -> HubAccount:
    account = HubAccount(jobs, tmp_path / "tokens")
    account.set_endpoint(hub.endpoint)
    return account


@pytest.fixture
def search(jobs: BackgroundJobs, account: HubAccount) -> ModelSearch:
    return ModelSearch(jobs, account)


@pytest.fixture
def listener(search: ModelSearch) -> Listener:
    return Listener(search)


def _ranges(hub: FakeHub) -> list[str]:
    return [request.headers["range"] for request in hub.requests_of("content", "GET")]


def test_words_a_repository_and_an_address_are_found(
    search: ModelSearch, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    for words in ("starcoder2", shelf.THREE_B, f"{hub.endpoint}/{shelf.THREE_B}"):
        with qtbot.waitSignal(search.found):
            search.search(words)
        found = listener.found[-1]
        assert found.words == words
        assert shelf.THREE_B in [summary.id for summary in found.repositories]
    assert len(listener.found[0].repositories) > 1
    assert len(listener.found[1].repositories) == 1
    with qtbot.waitSignal(search.found):
        search.search("nothing has this name")
    assert listener.found[-1].repositories == ()
    assert listener.errors == []


def test_only_the_last_search_is_answered(
    search: ModelSearch, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    slow = hub.add_fault("search=slow", FaultKind.DELAY, seconds=0.2)
    search.search("slow")
    qtbot.waitUntil(lambda: slow.matched == 1)
    with qtbot.waitSignal(search.found):
        search.search("starcoder2")
    qtbot.wait(300)
    assert [found.words for found in listener.found] == ["starcoder2"]
    assert listener.errors == []


def test_a_search_that_fails_says_why(
    search: ModelSearch, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    hub.add_fault("/api/models", FaultKind.HTML)
    with qtbot.waitSignal(search.search_failed):
        search.search("starcoder2")
    with qtbot.waitSignal(search.open_failed):
        search.open("owner/never-there")
    [(first, error), (second, other)] = listener.errors
    assert (first, second) == ("search", "open")
    assert isinstance(error, HubError)
    assert error.problem is HubProblem.NOT_A_HUB
    assert isinstance(other, HubError)
    assert other.problem is HubProblem.NOT_FOUND


def test_one_small_request_reads_the_header_for_all_models_of_a_shape(
    search: ModelSearch, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(search.read):
        search.open(shelf.THREE_B)
    [opened] = listener.opened
    assert len(opened.models) == 9
    assert len(listener.headers) == 1
    by_path = listener.by_path
    assert set(by_path) == {model.files[0].path for model in opened.models}
    for model in opened.models:
        header = by_path[model.files[0].path]
        assert header.size_bytes == header.tensor_data_bytes == model.size_bytes
        assert header.quantization == model.quantization
        assert header.layers > 0
    assert _ranges(hub) == ["bytes=0-65535"]


def test_different_models_in_one_repository_each_have_their_own_header(
    search: ModelSearch, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(search.read):
        search.open(MIXED)
    by_path = listener.by_path
    expected = {"one-1b": 128, "two-3b": 256, "three-7b": 512}
    assert len(by_path) == 12
    for path, header in by_path.items():
        [embedding] = [size for name, size in expected.items() if name in path]
        assert header.embedding == embedding, path
    assert len(listener.headers) == 6, "one for a shape"
    assert listener.reads == 1


def test_a_split_model_has_the_size_of_all_its_parts(
    search: ModelSearch, listener: Listener, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(search.read):
        search.open(shelf.SPLIT)
    [split] = [model for model in listener.opened[0].models if len(model.files) == 2]
    header = listener.by_path[split.files[0].path]
    assert header.size_bytes == sum(file.size_bytes for file in split.files)
    assert header.tensor_data_bytes == header.size_bytes > split.files[0].size_bytes


def test_a_gated_repository_is_listed_although_its_headers_are_refused(
    search: ModelSearch, listener: Listener, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(search.read):
        search.open(shelf.GATED)
    assert len(listener.opened[0].models) == 3
    assert listener.headers == []
    assert listener.errors == []


def test_a_legacy_file_tells_its_size_too(
    search: ModelSearch, listener: Listener, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(search.read):
        search.open(shelf.LEGACY)
    [model] = listener.opened[0].models
    assert model.is_legacy_ggml
    header = listener.by_path[model.files[0].path]
    assert header.is_legacy_ggml
    assert (header.quantization, header.tensor_data_bytes) == ("Q4_0", model.size_bytes)


def test_the_token_opens_what_its_account_may_read(
    search: ModelSearch, listener: Listener, hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    TokenStore(tmp_path / "tokens").save(hub.endpoint, shelf.DEMO_TOKEN)
    hub.grant(shelf.DEMO_ACCOUNT, shelf.GATED)
    with qtbot.waitSignal(search.read):
        search.open(shelf.GATED)
    assert len(listener.by_path) == 3
    assert hub.leaked_tokens == []


def test_what_another_repository_was_asked_is_dropped_when_the_next_is_opened(
    search: ModelSearch, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    hanging = hub.add_fault("starcoder2-3b", FaultKind.HANG, origin="content", times=None)
    search.open(shelf.THREE_B)
    qtbot.waitUntil(lambda: hanging.matched == 1)
    with qtbot.waitSignal(search.read):
        search.open(ASIDE)
    assert [each.repository for each in listener.headers] == [ASIDE]
    assert [opened.summary.id for opened in listener.opened] == [shelf.THREE_B, ASIDE]
    qtbot.wait(50)
    assert listener.reads == 1
    assert listener.errors == []


@pytest.mark.parametrize("is_listed", [False, True])
def test_another_endpoint_ends_what_the_first_was_asked(
    is_listed: bool,
    search: ModelSearch,
    listener: Listener,
    account: HubAccount,
    hub: FakeHub,
    qtbot: QtBot,
) -> None:
    slow = hub.add_fault("search=|blobs|cdn", FaultKind.HANG, times=None)
    if is_listed:
        slow.path_pattern, slow.origin = "", "content"
    search.open(shelf.THREE_B)
    if not is_listed:
        search.search("starcoder2")
    qtbot.waitUntil(lambda: slow.matched == (1 if is_listed else 2))
    account.changed.emit()  # signed in, for example: that changes nothing
    assert listener.errors == []
    account.set_endpoint("http://127.0.0.1:1")
    kinds = ["open"] if is_listed else ["search", "open"]
    assert [kind for kind, _ in listener.errors] == kinds
    assert "Another hub" in str(listener.errors[0][1])
    qtbot.wait(50)
    assert len(listener.errors) == len(kinds)
    assert listener.reads == 0
    with qtbot.waitSignal(search.search_failed):
        search.search("starcoder2")
    assert "127.0.0.1:1" in str(listener.errors[-1][1])


def test_a_hub_that_hangs_never_holds_up_the_window(
    search: ModelSearch, listener: Listener, jobs: BackgroundJobs, hub: FakeHub, qtbot: QtBot
) -> None:
    hanging = hub.add_fault("", FaultKind.HANG, times=None)
    assert _seconds(lambda: search.search("starcoder2")) < 1
    assert _seconds(lambda: search.open(shelf.THREE_B)) < 1
    qtbot.waitUntil(lambda: hanging.matched == 2)
    with qtbot.waitSignals([jobs.job_ended] * 2, timeout=100):
        assert _seconds(search.cancel) < 1
    search.cancel()
    assert listener.errors == []
    search.open(shelf.THREE_B)
    qtbot.waitUntil(lambda: hanging.matched == 3)
    assert _seconds(jobs.shutdown) < 1
    qtbot.wait(20)
    assert listener.errors == []


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
