"""One download of the queue: what was ordered, how it stands, and the run that moves it."""

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starpad.core.download import Download, DownloadOrder, DownloadState
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.speed import SpeedMeter
from starpad.hub.session import StopSignal
from starpad.hub.sidecar import Sidecar

if TYPE_CHECKING:
    from collections.abc import Callable

MOVING = (DownloadState.RUNNING, DownloadState.VERIFYING)
UNDER_WAY = (*MOVING, DownloadState.WAITING)
STARTED = (*UNDER_WAY, DownloadState.QUEUED)


@dataclass(frozen=True, slots=True)
class Status:
    """How a download stands."""

    state: DownloadState
    note: str = ""
    problem: HubProblem | None = None
    url: str = ""
    retry_at_s: float | None = None
    """On the monotonic clock: when a WAITING one tries again."""

    @property
    def holds_place(self) -> bool:
        """Whether it counts as one of those that are fetched at once."""
        return self.state is DownloadState.RUNNING or (
            self.state is DownloadState.WAITING and self.problem is not HubProblem.IN_USE
        )


def status_after(error: HubError) -> Status:
    """Return how a download stands that cannot go on without the user."""
    # A full disk is nothing that the download did wrong.
    is_full = error.problem is HubProblem.DISK_FULL
    state = DownloadState.PAUSED if is_full else DownloadState.FAILED
    return Status(state, str(error), error.problem, error.url)


class Run:
    """One thread's work on a download. What it does after `halt` counts no more."""

    def __init__(self) -> None:
        self.stop = StopSignal()
        self.thread: threading.Thread | None = None
        self.done_bytes: Callable[[], int] | None = None
        """Asked by any thread, once the work has begun."""
        self.has_removed = False
        """Whether it has deleted what had arrived, at its end."""
        self._woken = threading.Event()

    def halt(self) -> None:
        """End it: at once, but for a connection that is being made (see StopSignal)."""
        self.stop.stop()
        self._woken.set()

    def wake(self) -> None:
        """Cut a `wait` short."""
        self._woken.set()

    def wait(self, seconds: float) -> None:
        """Sleep, at most until `wake` or `halt`."""
        self._woken.clear()
        if not self.stop.is_stopped:
            self._woken.wait(seconds)


@dataclass(slots=True, eq=False)
class Job:
    """A row of the queue, guarded by the queue's lock."""

    order: DownloadOrder
    created: str
    status: Status
    done_bytes: int = 0
    """On disk, when no run knows better."""
    is_paused: bool = False
    """By the user: also at the next start."""
    is_new: bool = False
    """Its folder is still to be made."""
    is_unsaved: bool = False
    is_cancelled: bool = False
    """No row any more; what has arrived is to be deleted."""
    is_finished: bool = False
    """Installed: its record is not written any more."""
    is_replaced: bool = False
    """What has arrived belongs to another order, and is to be deleted."""
    run: Run | None = None
    meter: SpeedMeter = field(default_factory=SpeedMeter)

    @property
    def is_wanted(self) -> bool:
        """Whether what has arrived of it may stay."""
        return not self.is_cancelled and not self.is_replaced

    @property
    def state(self) -> DownloadState:
        """The status's."""
        return self.status.state

    def set_status(self, status: Status) -> None:
        """Change how it stands."""
        if status.state is not self.state:
            self.meter.reset()
        self.status = status

    def halt(self, status: Status) -> None:
        """Change how it stands and end what is under way."""
        if self.run is not None:
            if self.state is DownloadState.VERIFYING:
                self.done_bytes = self.order.size_bytes
            elif self.run.done_bytes is not None:
                self.done_bytes = self.run.done_bytes()
            self.run.halt()
        self.set_status(status)

    def snapshot(self) -> Download:
        """Return it as it is now, and take its speed."""
        status, total = self.status, self.order.size_bytes
        done = self.done_bytes
        if status.state in UNDER_WAY and self.run is not None and self.run.done_bytes is not None:
            done = self.run.done_bytes()
        note, speed, left = status.note, 0.0, None
        if status.state in MOVING:
            self.meter.sample(done)
            speed, left = self.meter.bytes_per_second, self.meter.seconds_left(total - done)
        elif status.retry_at_s is not None:
            note = _with_countdown(status)
        elif status.state is DownloadState.QUEUED and self.run is not None:
            note = "Waits for the end of its last connection."
        return Download(
            self.order, status.state, done, total, speed, left, note, status.problem, status.url
        )

    def sidecar(self, position: int) -> Sidecar:
        """Return what is kept of it on disk."""
        is_stuck = self.state in (DownloadState.PAUSED, DownloadState.FAILED)
        status = self.status if is_stuck else Status(self.state)
        return Sidecar(
            self.order, self.created, position, self.is_paused,
            status.problem, status.note, status.url,
        )  # fmt: skip


def _with_countdown(status: Status) -> str:
    assert status.retry_at_s is not None
    seconds = max(0, round(status.retry_at_s - time.monotonic()))
    is_server = status.problem in (HubProblem.SERVER_BUSY, HubProblem.RATE_LIMITED)
    what = "server" if is_server else "network"
    return f"Waiting for the {what}, next try in {seconds} s. {status.note}"
