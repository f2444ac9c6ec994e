"""What the user hears of downloads: each finish once, and nothing twice over a restart."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from downloading import NAME, REPOSITORY, SIZE, assert_installed, model, order_of
from fakehub import FakeHub, FaultKind
from starpad.core.download import Download, DownloadOrder, DownloadState
from starpad.core.errors import StarpadError
from starpad.core.hub_errors import HubProblem
from starpad.core.remote import RemoteFile
from starpad.services.background import BackgroundJobs
from starpad.services.downloads import DownloadService
from starpad.services.hub_account import HubAccount

GATED = "owner/gated-GGUF"
OTHER_GATED = "owner/gated-too-GGUF"
TOKEN, OTHER_TOKEN = "hf_demo", "hf_other"


class Listener(QObject):
    """Keeps what the service says."""

    def __init__(self, service: DownloadService) -> None:
        super().__init__()
        self.changes: list[tuple[Download, ...]] = []
        self.finished: list[Download] = []
        self.reported: list[StarpadError] = []
        service.changed.connect(self._on_changed)
        service.finished.connect(self._on_finished)
        service.reported.connect(self._on_reported)

    @Slot(object)
    def _on_changed(self, downloads: tuple[Download, ...]) -> None:
        self.changes.append(downloads)

    @Slot(object)
    def _on_finished(self, download: Download) -> None:
        self.finished.append(download)

    @Slot(object)
    def _on_reported(self, error: StarpadError) -> None:
        self.reported.append(error)


class Session:
    """One run of Starpad, as far as downloads go."""

    def __init__(self, hub: FakeHub, folder: Path, *, resume: bool = True) -> None:
        self.jobs = BackgroundJobs()
        self.account = HubAccount(self.jobs, folder / "tokens")
        self.account.set_endpoint(hub.endpoint)
        self.service = DownloadService(self.account, folder / "models")
        self.listener = Listener(self.service)
        self.service.start(resume=resume)

    def end(self) -> None:
        self.service.shutdown()
        self.jobs.shutdown()

    @property
    def states(self) -> list[DownloadState]:
        return [download.state for download in self.service.downloads]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model(), "other.Q8_0.gguf": model(100_000, 1)})
        for number, gated in enumerate((GATED, OTHER_GATED)):
            hub.add_repository(gated, {NAME: model(50_000, 2 + number)}, gating="auto")
            hub.grant("demo", gated)
        hub.add_account("demo", TOKEN)
        hub.add_account("stranger", OTHER_TOKEN)
        yield hub


@pytest.fixture
def start(hub: FakeHub, tmp_path: Path, qtbot: QtBot) -> Iterator[Callable[..., Session]]:
    """Return what starts a session; all of them are ended."""
    sessions: list[Session] = []

    def begin(*, resume: bool = True) -> Session:
        sessions.append(Session(hub, tmp_path, resume=resume))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.end()


def _settle(qtbot: QtBot) -> None:
    """Let everything arrive that is under way to this thread."""
    qtbot.wait(60)


def test_a_download_is_seen_moving_and_is_finished_once(
    start: Callable[..., Session], hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    session, order = start(), order_of(hub)
    assert session.listener.changes == [()]
    hub.add_fault("", FaultKind.RATE, origin="content", bytes_per_second=6_000_000)
    session.service.add(order)
    assert session.states == [DownloadState.QUEUED]
    qtbot.waitUntil(lambda: bool(session.listener.finished))
    [done] = session.listener.finished
    assert session.service.path_of(done) == tmp_path / "models" / REPOSITORY / NAME
    assert session.service.path_of(done).stat().st_size == SIZE
    _settle(qtbot)
    assert len(session.listener.finished) == 1
    moving = {each.done_bytes for downloads in session.listener.changes for each in downloads}
    assert len(moving) > 2, "the bytes are shown while they come"
    assert_installed(tmp_path / "models", order)
    count = len(session.listener.changes)
    qtbot.wait(500)
    assert len(session.listener.changes) == count, "nothing moves, nothing is said"


def test_several_at_once_are_each_finished_once(
    start: Callable[..., Session], hub: FakeHub, qtbot: QtBot
) -> None:
    names = [f"model-{number}.Q4_0.gguf" for number in range(8)]
    files = {name: model(20_000, 9 + number) for number, name in enumerate(names)}
    hub.add_repository("owner/many", files)
    session = start()
    session.service.queue.max_active = 3
    for name in names:
        session.service.add(order_of(hub, name, repository="owner/many"))
    qtbot.waitUntil(lambda: set(session.states) == {DownloadState.DONE}, timeout=20_000)
    _settle(qtbot)
    assert sorted(each.order.files[0].path for each in session.listener.finished) == names


def test_what_is_installed_already_is_finished_at_once_each_time_it_is_ordered(
    start: Callable[..., Session], hub: FakeHub, qtbot: QtBot
) -> None:
    session = start()
    session.service.add(order_of(hub))
    qtbot.waitUntil(lambda: len(session.listener.finished) == 1)
    sent = len(hub.requests)
    for count in (2, 3):
        session.service.add(order_of(hub))
        qtbot.waitUntil(lambda: len(session.listener.finished) >= count)  # noqa: B023
        _settle(qtbot)
        assert len(session.listener.finished) == count
    assert len(session.service.downloads) == 1
    assert len(hub.requests) == sent
    later = start()
    later.service.add(order_of(hub))
    qtbot.waitUntil(lambda: len(later.listener.finished) == 1)


def test_a_newer_version_is_finished_anew(
    start: Callable[..., Session], hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    session = start()
    session.service.add(order_of(hub, "other.Q8_0.gguf"))
    qtbot.waitUntil(lambda: len(session.listener.finished) == 1)
    hub.replace_file(REPOSITORY, "other.Q8_0.gguf", model(100_000, 77))
    order = order_of(hub, "other.Q8_0.gguf")
    session.service.add(order)
    qtbot.waitUntil(lambda: len(session.listener.finished) == 2)
    assert_installed(tmp_path / "models", order)


@pytest.mark.parametrize("resume", [True, False])
def test_a_restart_takes_everything_up_and_tells_of_nothing_that_was_finished(
    resume: bool, start: Callable[..., Session], hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    first = start()
    first.service.add(order_of(hub, "other.Q8_0.gguf"))
    qtbot.waitUntil(lambda: len(first.listener.finished) == 1)
    fault = hub.add_fault("", FaultKind.STALL, origin="content", after_bytes=1_000_000, seconds=60)
    first.service.add(order_of(hub))
    qtbot.waitUntil(lambda: first.service.downloads[-1].done_bytes >= 900_000)
    start_s = time.perf_counter()
    first.end()
    assert time.perf_counter() - start_s < 10
    count = len(first.listener.changes)
    _settle(qtbot)
    assert len(first.listener.changes) == count
    assert not first.service._timer.isActive()

    hub.faults.remove(fault)
    second = start(resume=resume)
    [download] = second.service.downloads
    assert download.done_bytes >= 900_000
    if not resume:
        _settle(qtbot)
        assert second.states == [DownloadState.PAUSED]
        second.service.queue.resume(download.id)
    qtbot.waitUntil(lambda: bool(second.listener.finished))
    _settle(qtbot)
    assert [each.id for each in second.listener.finished] == [download.id]
    assert_installed(tmp_path / "models", order_of(hub))
    assert [request.headers.get("range") for request in hub.requests_of("content")][-1] not in (
        "bytes=0-",
        None,
    )


def test_a_damaged_record_is_reported_and_what_has_arrived_can_be_cleaned_up(
    start: Callable[..., Session], tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "owner" / "name"
    folder.mkdir(parents=True)
    (folder / "a.gguf.part").write_bytes(b"GGUF")
    (folder / "a.gguf.part.json").write_text("garbage")
    session = start()
    [error] = session.listener.reported
    assert "a.gguf was damaged" in str(error)
    assert len(session.service.orphans) == 2


def test_an_order_that_leads_out_of_the_folder_is_refused_in_words(
    start: Callable[..., Session], hub: FakeHub
) -> None:
    session = start()
    bad = RemoteFile("../../evil.gguf", 10, "a" * 64)
    session.service.add(dataclasses.replace(order_of(hub), files=(bad,)))
    [error] = session.listener.reported
    assert "evil.gguf" in str(error)
    assert session.service.downloads == ()


def _fail(session: Session, order: DownloadOrder, problem: HubProblem, qtbot: QtBot) -> None:
    session.service.add(order)
    qtbot.waitUntil(
        lambda: any(
            each.id == order.id and each.problem is problem for each in session.service.downloads
        )
    )


def test_signing_in_wakes_what_waits_for_it_and_only_at_that_hub(
    start: Callable[..., Session], hub: FakeHub, qtbot: QtBot
) -> None:
    session = start()
    _fail(session, order_of(hub, repository=GATED), HubProblem.NEEDS_SIGN_IN, qtbot)
    with FakeHub() as mirror:
        mirror.add_repository(OTHER_GATED, {NAME: model(50_000, 9)}, gating="auto")
        elsewhere = order_of(mirror, repository=OTHER_GATED)
        _fail(session, elsewhere, HubProblem.NEEDS_SIGN_IN, qtbot)
        asked = len(mirror.requests)
        session.account.sign_in_with_token(TOKEN)
        qtbot.waitUntil(lambda: bool(session.listener.finished))
        _settle(qtbot)
        assert len(mirror.requests) == asked
    assert [each.order.repository for each in session.listener.finished] == [GATED]
    assert session.states == [DownloadState.DONE, DownloadState.FAILED]


def test_another_account_is_tried_but_looking_for_a_token_asks_nobody(
    start: Callable[..., Session], hub: FakeHub, qtbot: QtBot
) -> None:
    session = start()
    session.account.sign_in_with_token(OTHER_TOKEN)
    qtbot.waitUntil(lambda: session.account.is_signed_in)
    _fail(session, order_of(hub, repository=GATED), HubProblem.NEEDS_LICENSE, qtbot)
    asked = len(hub.requests)
    with qtbot.waitSignal(session.account.changed):
        session.account.look()  # as each time that the models window opens
    _settle(qtbot)
    assert len(hub.requests) == asked
    session.account.sign_in_with_token(TOKEN)
    qtbot.waitUntil(lambda: bool(session.listener.finished))


def test_a_hub_that_hangs_never_holds_up_the_window(
    start: Callable[..., Session], hub: FakeHub, qtbot: QtBot
) -> None:
    session = start()
    hanging = hub.add_fault("", FaultKind.HANG, times=None)
    order = order_of(hub)
    queue = session.service.queue
    assert _seconds(lambda: session.service.add(order)) < 1
    qtbot.waitUntil(lambda: hanging.matched == 1)
    for action in (queue.pause, queue.resume, queue.pause, queue.cancel):
        assert _seconds(lambda: action(order.id)) < 1  # noqa: B023
    assert session.states == []
    session.service.add(order)
    qtbot.waitUntil(lambda: hanging.matched >= 2)
    assert _seconds(session.service.shutdown) < 1


def test_many_models_do_not_hold_up_the_start(
    start: Callable[..., Session], tmp_path: Path
) -> None:
    for number in range(500):
        folder = tmp_path / "models" / f"owner-{number % 40}" / f"name-{number}"
        folder.mkdir(parents=True)
        (folder / NAME).write_bytes(b"GGUF")
        (folder / f"{NAME}.json").write_bytes(b"{}")
    assert _seconds(start) < 1
    session = start()
    assert _seconds(lambda: session.service.orphans) < 1


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
