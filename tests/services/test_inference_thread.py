"""Every request ends exactly once, whatever happens to it."""

import asyncio
import logging
import random
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from starpad.core.errors import EngineError
from starpad.services.inference_thread import Emit, InferenceThread, RequestEnd


class Recorder(QObject):
    """Keeps what the thread sends, and in which thread it arrived."""

    def __init__(self, thread: InferenceThread) -> None:
        super().__init__()
        self.values: list[tuple[int, object]] = []
        self.ends: list[tuple[int, RequestEnd]] = []
        self.threads: set[QThread] = set()
        thread.value_received.connect(self._on_value_received)
        thread.request_ended.connect(self._on_request_ended)

    @Slot(int, object)
    def _on_value_received(self, request_id: int, value: object) -> None:
        self.values.append((request_id, value))
        self.threads.add(QThread.currentThread())

    @Slot(int, object)
    def _on_request_ended(self, request_id: int, end: RequestEnd) -> None:
        self.ends.append((request_id, end))
        self.threads.add(QThread.currentThread())


@pytest.fixture
def thread(qtbot: QtBot) -> Iterator[InferenceThread]:
    thread = InferenceThread()
    yield thread
    thread.shutdown()


@pytest.fixture
def recorder(thread: InferenceThread) -> Recorder:
    return Recorder(thread)


async def forever(emit: Emit) -> object:
    emit("started")
    await asyncio.Event().wait()
    return "never"


def test_values_and_the_end_arrive_in_order_in_the_gui_thread(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot
) -> None:
    async def job(emit: Emit) -> object:
        for number in range(100):
            emit(number)
        assert threading.current_thread().name == "inference"
        return "done"

    thread.start()
    request = thread.submit(job)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.values == [(request, number) for number in range(100)]
    assert recorder.ends == [(request, RequestEnd(value="done"))]
    assert recorder.threads == {QThread.currentThread()}


def test_jobs_run_side_by_side(thread: InferenceThread, recorder: Recorder, qtbot: QtBot) -> None:
    async def quick(emit: Emit) -> object:
        return "quick"

    thread.start()
    thread.submit(forever)
    request = thread.submit(quick)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.ends == [(request, RequestEnd(value="quick"))]


def test_an_expected_error_is_delivered_and_not_logged(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    error = EngineError("It stopped.")

    async def job(emit: Emit) -> object:
        raise error

    thread.start()
    thread.submit(job)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.ends[0][1] == RequestEnd(error=error)
    assert not caplog.records


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_a_bug_is_delivered_and_logged(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot, caplog: pytest.LogCaptureFixture,
    is_coroutine: bool,
) -> None:  # fmt: skip
    async def fails_later(emit: Emit) -> object:
        raise ZeroDivisionError

    def fails_at_once(emit: Emit) -> asyncio.Future[object]:
        raise ZeroDivisionError

    thread.start()
    thread.submit(fails_later if is_coroutine else fails_at_once)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert isinstance(recorder.ends[0][1].error, ZeroDivisionError)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_running_request_is_cancelled(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot
) -> None:
    thread.start()
    request = thread.submit(forever)
    qtbot.waitUntil(lambda: bool(recorder.values))
    thread.cancel(request)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.ends == [(request, RequestEnd(cancelled=True))]


def test_a_request_that_has_not_started_is_cancelled_and_never_starts(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot
) -> None:
    request = thread.submit(forever)
    thread.cancel(request)
    thread.start()
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.ends == [(request, RequestEnd(cancelled=True))]
    assert recorder.values == []


def test_cancelling_what_has_ended_or_never_was_does_nothing(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot
) -> None:
    async def job(emit: Emit) -> object:
        return None

    thread.start()
    request = thread.submit(job)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    thread.cancel(request)
    thread.cancel(4711)
    thread.submit(job)
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert not any(end.cancelled for _, end in recorder.ends)


def test_shutdown_ends_every_request_once_and_joins(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot
) -> None:
    cleaned: list[str] = []

    async def tidy(emit: Emit) -> object:
        try:
            return await forever(emit)
        finally:
            await asyncio.sleep(0)
            cleaned.append("tidy")

    thread.start()
    running = thread.submit(tidy)
    qtbot.waitUntil(lambda: bool(recorder.values))
    late = thread.submit(forever)
    thread.shutdown()
    assert thread.isFinished()
    assert cleaned == ["tidy"]
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert {request: end.cancelled for request, end in recorder.ends} == {running: True, late: True}


def test_shutdown_may_be_called_again_and_leaves_nothing_to_do(thread: InferenceThread) -> None:
    thread.start()
    thread.shutdown()
    thread.shutdown()
    thread.cancel(1)
    with pytest.raises(RuntimeError, match="shutdown"):
        thread.submit(forever)


def test_a_thread_that_never_started_is_shut_down_too(qtbot: QtBot) -> None:
    InferenceThread().shutdown()


def test_hundreds_of_requests_cancelled_at_random_end_once_each(
    thread: InferenceThread, recorder: Recorder, qtbot: QtBot
) -> None:
    async def job(emit: Emit) -> object:
        for step in range(5):
            emit(step)
            await asyncio.sleep(0)
        return "done"

    chance = random.Random(7)
    thread.start()
    requests = []
    for _ in range(400):
        requests.append(thread.submit(job))
        if chance.random() < 0.5:
            thread.cancel(chance.choice(requests))
    qtbot.waitUntil(lambda: len(recorder.ends) >= 400, timeout=10_000)
    thread.shutdown()
    assert sorted(request for request, _ in recorder.ends) == sorted(requests)
