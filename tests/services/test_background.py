"""Every background job ends exactly once, and nothing that hangs holds up the window."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from fakehub import FakeHub, FaultKind
from starpad.core.errors import StarpadError
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs
from starpad.services.inference_thread import Emit, RequestEnd


class Recorder(QObject):
    """Keeps what the jobs send, and in which thread it arrived."""

    def __init__(self, jobs: BackgroundJobs) -> None:
        super().__init__()
        self.values: list[tuple[int, object]] = []
        self.ends: list[tuple[int, RequestEnd]] = []
        self.threads: set[QThread] = set()
        jobs.value_received.connect(self._on_value_received)
        jobs.job_ended.connect(self._on_job_ended)

    @Slot(int, object)
    def _on_value_received(self, job_id: int, value: object) -> None:
        self.values.append((job_id, value))
        self.threads.add(QThread.currentThread())

    @Slot(int, object)
    def _on_job_ended(self, job_id: int, end: RequestEnd) -> None:
        self.ends.append((job_id, end))
        self.threads.add(QThread.currentThread())


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[BackgroundJobs]:
    jobs = BackgroundJobs()
    yield jobs
    jobs.shutdown()


@pytest.fixture
def recorder(jobs: BackgroundJobs) -> Recorder:
    return Recorder(jobs)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_fault("hang", FaultKind.HANG, times=None)
        yield hub


def until_stopped(stop: StopSignal, emit: Emit) -> object:
    emit("started")
    if not stop.wait(20):
        return "never stopped"
    raise StarpadError("broken off")


def hanging(hub: FakeHub) -> Callable[[StopSignal, Emit], object]:
    """Return a job that waits for a hub's answer which never comes."""

    def job(_stop: StopSignal, emit: Emit) -> object:
        from starpad.hub.session import new_client

        with new_client() as client:
            emit("asking")
            return client.get(f"{hub.endpoint}/hang").text

    return job


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def test_values_and_the_end_arrive_in_order_in_the_gui_thread(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    workers = []

    def job(_stop: StopSignal, emit: Emit) -> object:
        workers.append(threading.current_thread())
        for number in range(50):
            emit(number)
        return "done"

    job_id = jobs.submit("count", job)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.values == [(job_id, number) for number in range(50)]
    assert recorder.ends == [(job_id, RequestEnd(value="done"))]
    assert recorder.threads == {QThread.currentThread()}
    assert workers[0] is not threading.current_thread()
    assert workers[0].name == "count"
    assert workers[0].daemon


def test_one_that_hangs_does_not_hold_up_the_next(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    first = jobs.submit("first", until_stopped)
    second = jobs.submit("second", lambda _stop, _emit: "here")
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.ends == [(second, RequestEnd(value="here"))]
    jobs.cancel(first)
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert recorder.ends[1] == (first, RequestEnd(cancelled=True))


def test_a_known_error_is_passed_on_and_another_one_is_logged_too(
    jobs: BackgroundJobs,
    recorder: Recorder,
    qtbot: QtBot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    known, mistake = StarpadError("No such place."), ZeroDivisionError("oops")

    def fail(error: Exception) -> Callable[[StopSignal, Emit], object]:
        def job(_stop: StopSignal, _emit: Emit) -> object:
            raise error

        return job

    with caplog.at_level(logging.ERROR):
        first = jobs.submit("known", fail(known))
        qtbot.waitUntil(lambda: len(recorder.ends) == 1)
        assert not caplog.records
        second = jobs.submit("mistake", fail(mistake))
        qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert recorder.ends == [(first, RequestEnd(error=known)), (second, RequestEnd(error=mistake))]
    assert "oops" in caplog.text


def test_a_job_cancelled_before_it_starts_does_nothing(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    # The thread comes up only when the cancel has been there.
    start = threading.Thread.start
    threads: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: threads.append(thread))
    job_id = jobs.submit("late", lambda _stop, _emit: done.append(1))
    jobs.cancel(job_id)
    monkeypatch.undo()
    start(threads[0])
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.ends == [(job_id, RequestEnd(cancelled=True))]
    assert not done


def test_what_a_job_has_finished_counts_although_it_was_cancelled(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    def job(stop: StopSignal, emit: Emit) -> object:
        emit("started")
        stop.wait(20)
        emit("of no use any more")
        return "moved"

    job_id = jobs.submit("move", job)
    qtbot.waitUntil(lambda: bool(recorder.values))
    jobs.cancel(job_id)
    jobs.cancel(job_id)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    assert recorder.ends == [(job_id, RequestEnd(value="moved"))]
    assert recorder.values == [(job_id, "started")]


def test_cancelling_what_has_ended_or_never_was_does_nothing(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    job_id = jobs.submit("quick", lambda _stop, _emit: 1)
    qtbot.waitUntil(lambda: bool(recorder.ends))
    jobs.cancel(job_id)
    jobs.cancel(0)
    jobs.cancel(99)
    jobs.submit("next", lambda _stop, _emit: 2)
    qtbot.waitUntil(lambda: len(recorder.ends) == 2)
    assert [end.value for _, end in recorder.ends] == [1, 2]


def test_a_hub_that_says_nothing_is_given_up_at_once(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot, hub: FakeHub
) -> None:
    ids: list[int] = []
    submitting = _seconds(lambda: ids.append(jobs.submit("ask", hanging(hub))))
    qtbot.waitUntil(lambda: any(each.matched for each in hub.faults))
    start = time.perf_counter()
    cancelling = _seconds(lambda: jobs.cancel(ids[0]))
    qtbot.waitUntil(lambda: bool(recorder.ends))
    # pytest-qt looks every 10 ms only.
    assert time.perf_counter() - start < 1
    assert max(submitting, cancelling) < 1
    assert recorder.ends == [(ids[0], RequestEnd(cancelled=True))]


def test_shutdown_stops_all_jobs_and_nothing_is_heard_of_them(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot, hub: FakeHub
) -> None:
    for number in range(5):
        jobs.submit(f"ask {number}", hanging(hub))
        jobs.submit(f"wait {number}", until_stopped)
    qtbot.waitUntil(lambda: sum(each.matched for each in hub.faults) == 5)
    qtbot.waitUntil(lambda: len(recorder.values) == 10)
    assert _seconds(jobs.shutdown) < 1
    assert _threads("ask", "wait") == []
    qtbot.wait(20)  # whatever was under way to this thread
    assert recorder.ends == []


def test_shutdown_waits_two_seconds_for_what_cannot_be_stopped_and_then_hears_no_more(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    may_end = threading.Event()

    def deaf(_stop: StopSignal, emit: Emit) -> object:
        may_end.wait(20)
        emit("late")
        return "late"

    jobs.submit("deaf", deaf)
    assert 1.9 < _seconds(jobs.shutdown) < 4
    [thread] = _threads("deaf")
    may_end.set()
    thread.join(5)
    qtbot.wait(20)
    assert recorder.values == recorder.ends == []


def test_after_shutdown_nothing_starts(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    done = []
    first = jobs.submit("first", lambda _stop, _emit: 1)
    jobs.shutdown()
    assert jobs.submit("second", lambda _stop, _emit: done.append(2)) > first
    qtbot.wait(20)
    assert not done
    assert _seconds(jobs.shutdown) < 1


def test_many_jobs_each_end_once_however_they_end(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    def refuse(_stop: StopSignal, _emit: Emit) -> object:
        raise StarpadError("no")

    ids = []
    for number in range(60):
        kinds = (until_stopped, refuse, lambda _stop, _emit: "yes")
        ids.append(jobs.submit(f"job {number}", kinds[number % 3]))
    for job_id in ids[::2]:
        jobs.cancel(job_id)
    for job_id in ids[::3]:
        jobs.cancel(job_id)
    qtbot.waitUntil(lambda: len(recorder.ends) >= len(ids))
    assert sorted(job_id for job_id, _ in recorder.ends) == ids
    assert all(
        sum((end.value is not None, end.error is not None, end.cancelled)) == 1
        for _, end in recorder.ends
    )


def test_a_connection_that_is_being_made_does_not_hold_up_the_window(
    jobs: BackgroundJobs, recorder: Recorder, qtbot: QtBot
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)  # and nobody accepts
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def job(_stop: StopSignal, emit: Emit) -> object:
            from starpad.hub.session import new_client

            with new_client() as client:
                emit("asking")
                return client.get(address, headers={"Connection": "close"}).text

        ids = [jobs.submit(f"ask {number}", job) for number in range(4)]
        qtbot.waitUntil(lambda: len(recorder.values) == 4)
        start = time.perf_counter()
        for job_id in ids:
            jobs.cancel(job_id)
        assert time.perf_counter() - start < 1
        assert _seconds(jobs.shutdown) < 4


def _threads(*names: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(names)]
