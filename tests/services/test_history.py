"""HistoryService: jobs in their order on one thread, each with one end, none lost at the end."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from conversations import ask, question
from starpad.core import history_opening
from starpad.core.chat import ChatOptions
from starpad.core.errors import HistoryError
from starpad.core.history_store import HistoryStore
from starpad.services.history import HistoryService
from starpad.services.inference_thread import RequestEnd


class Recorder(QObject):
    """Keeps what the service says, and in which thread it arrived."""

    def __init__(self, service: HistoryService) -> None:
        super().__init__()
        self.ends: list[tuple[int, RequestEnd]] = []
        self.reports: list[HistoryError] = []
        self.threads: set[QThread] = set()
        service.job_ended.connect(self._on_job_ended)
        service.reported.connect(self._on_reported)

    @Slot(int, object)
    def _on_job_ended(self, job_id: int, end: RequestEnd) -> None:
        self.ends.append((job_id, end))
        self.threads.add(QThread.currentThread())

    @Slot(object)
    def _on_reported(self, report: HistoryError) -> None:
        self.reports.append(report)
        self.threads.add(QThread.currentThread())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


@pytest.fixture
def service(path: Path, qtbot: QtBot) -> Iterator[HistoryService]:
    service = HistoryService(path)
    yield service
    service.shutdown()


@pytest.fixture
def recorder(service: HistoryService) -> Recorder:
    return Recorder(service)


def test_jobs_end_in_their_order_in_the_gui_thread(
    service: HistoryService, recorder: Recorder, qtbot: QtBot
) -> None:
    service.start()
    conversation = service.submit(lambda store: store.create(ChatOptions(), "first"))
    names = service.submit(lambda store: threading.current_thread().name)
    titles = service.submit(lambda store: [each.title for each in store.conversations()])
    qtbot.waitUntil(lambda: len(recorder.ends) == 3)
    assert [job for job, _ in recorder.ends] == [conversation, names, titles]
    assert [end.value for _, end in recorder.ends][1:] == ["history", ["first"]]
    assert recorder.threads == {QThread.currentThread()}
    assert recorder.reports == []


def test_nothing_is_opened_before_there_is_something_to_do(
    service: HistoryService, path: Path
) -> None:
    service.start()
    service.shutdown()
    assert not path.parent.exists()


def test_an_expected_error_is_delivered_and_the_next_job_is_done(
    service: HistoryService, recorder: Recorder, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    service.start()
    service.submit(lambda store: store.conversation(99))
    service.submit(lambda store: store.conversations())
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert isinstance(recorder.ends[0][1].error, HistoryError)
    assert recorder.ends[1][1] == RequestEnd(value=())
    assert not caplog.records


def test_a_bug_is_delivered_and_logged(
    service: HistoryService, recorder: Recorder, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    service.start()
    service.submit(lambda store: 1 // 0)
    service.submit(lambda store: "done")
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert isinstance(recorder.ends[0][1].error, ZeroDivisionError)
    assert recorder.ends[1][1].value == "done"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_history_that_does_not_open_is_tried_again_by_the_next_job(
    service: HistoryService, recorder: Recorder, qtbot: QtBot, path: Path
) -> None:
    path.parent.write_text("a file where the folder should be")
    service.start()
    for count in (1, 2):
        service.submit(lambda store: store.conversations())
        qtbot.waitUntil(lambda count=count: len(recorder.ends) == count)
        assert isinstance(recorder.ends[-1][1].error, HistoryError)
    path.parent.unlink()
    service.submit(lambda store: store.conversations())
    qtbot.waitUntil(lambda: len(recorder.ends) == 3)
    assert recorder.ends[-1][1] == RequestEnd(value=())


def test_what_was_damaged_is_reported_before_the_first_job_ends(
    service: HistoryService, recorder: Recorder, qtbot: QtBot, path: Path
) -> None:
    path.parent.mkdir()
    path.write_text("garbage")
    service.start()
    service.submit(lambda store: len(recorder.ends))
    service.submit(lambda store: store.conversations())
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    [report] = recorder.reports
    assert "damaged" in report.message
    assert recorder.ends[1][1] == RequestEnd(value=())


def test_after_a_recovery_all_is_indexed_while_there_is_nothing_else_to_do(
    service: HistoryService, recorder: Recorder, qtbot: QtBot, path: Path
) -> None:
    store = HistoryStore.open(path)
    ask(store, *["needle"] * 350)
    store.close()
    history_opening.note_damage(path)
    service.start()
    left: list[int] = []

    def count(store: HistoryStore) -> int:
        row = store._db.execute("SELECT count(*) FROM messages WHERE is_indexed = 0").fetchone()
        left.append(row[0])
        return int(row[0])

    service.submit(count)
    qtbot.waitUntil(lambda: len(recorder.ends) == 1)

    def is_done() -> bool:
        service.submit(count)
        return left[-1] == 0

    qtbot.waitUntil(is_done)
    assert left[0] == 250, "opening did not wait for all"
    assert sorted(left, reverse=True) == left


def test_an_index_that_cannot_be_written_does_not_stop_the_jobs(
    service: HistoryService, recorder: Recorder, qtbot: QtBot, path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    store = HistoryStore.open(path)
    ask(store, *["needle"] * 150)
    store.close()
    history_opening.note_damage(path)
    service.start()
    service.submit(lambda store: store._db.execute("PRAGMA query_only = ON") and None)
    qtbot.waitUntil(lambda: any("cannot be searched" in text for text in caplog.messages))
    service.submit(lambda store: len(store.conversations()))
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert recorder.ends[1][1].value == 1


def test_the_gui_thread_does_not_wait_for_a_job(
    service: HistoryService, recorder: Recorder, qtbot: QtBot
) -> None:
    gate = threading.Event()
    service.start()
    service.submit(lambda store: gate.wait(30))
    for _ in range(100):
        service.submit(lambda store: None)
    assert recorder.ends == []
    gate.set()
    qtbot.waitUntil(lambda: len(recorder.ends) == 101)


def test_a_thread_that_ends_at_once_is_not_started_again(path: Path, qtbot: QtBot) -> None:
    for _ in range(200):
        service = HistoryService(path)
        service.start()
        service.shutdown()
        assert service.isFinished()


@pytest.mark.parametrize("is_started", [True, False])
def test_shutdown_does_the_jobs_that_wait_and_closes(
    service: HistoryService, recorder: Recorder, qtbot: QtBot, path: Path, is_started: bool
) -> None:
    if is_started:
        service.start()
    for number in range(20):
        service.submit(lambda store, n=number: ask(store, f"question {n}"))
    service.shutdown()
    service.shutdown()
    assert service.isFinished()
    qtbot.waitUntil(lambda: len(recorder.ends) == 20)
    assert all(end.error is None for _, end in recorder.ends)
    # The log beside it is gone, so it was closed.
    assert not path.with_name("history.db-wal").exists()
    store = HistoryStore.open(path)
    assert len(store.conversations()) == 20
    store.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        service.submit(lambda store: store.add(1, question("too late")))
