"""The downloads: what the user ordered, how far each is, and which licences were accepted."""

import logging
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from starpad.core.download import Download, DownloadOrder, DownloadState
from starpad.core.errors import StarpadError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.hub.queue import DownloadQueue
from starpad.services.hub_account import HubAccount

log = logging.getLogger(__name__)

_PROGRESS_MS = 200
_MOVING = {DownloadState.RUNNING, DownloadState.WAITING, DownloadState.VERIFYING}
_SIGN_IN_HELPS = {
    HubProblem.NEEDS_SIGN_IN,
    HubProblem.NEEDS_LICENSE,  # another account may have accepted it
    HubProblem.NEEDS_SCOPE,
    HubProblem.BAD_TOKEN,
}


class DownloadService(QObject):
    """Passes orders to the queue and its news to the GUI thread."""

    changed = Signal(object)
    """(tuple[Download, ...]) at each change of state, and five times a second while bytes move."""
    finished = Signal(object)
    """(Download) whose model can be loaded now."""
    reported = Signal(object)
    """(StarpadError) a download that cannot be taken up, or not be ordered."""
    _queue_changed = Signal()

    def __init__(self, account: HubAccount, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._account = account
        self._queue = DownloadQueue(folder, account.token_for, self._queue_changed.emit)
        self._states: dict[str, DownloadState] = {}
        self._is_shut_down = False
        self._timer = QTimer(self, interval=_PROGRESS_MS)
        self._timer.timeout.connect(self._show)
        # Queued: the queue may call while it holds its lock, also from this thread.
        self._queue_changed.connect(self._show, Qt.ConnectionType.QueuedConnection)
        account.signed_in.connect(self._on_account_signed_in)

    @property
    def downloads(self) -> tuple[Download, ...]:
        """All of them, in the order of the queue."""
        return self._queue.downloads

    @property
    def orphans(self) -> list[Path]:
        """Unfinished files that no download knows of."""
        return self._queue.orphans()

    @property
    def queue(self) -> DownloadQueue:
        """For pausing, resuming, ordering: its methods return at once and may be called freely."""
        return self._queue

    def start(self, *, resume: bool) -> None:
        """Take up the downloads of earlier sessions; they go on if `resume`."""
        for sentence in self._queue.start(resume=resume):
            self.reported.emit(StarpadError(sentence))
        self._show()

    def path_of(self, download: Download) -> Path:
        """Return where the model lies once it is whole."""
        return self._queue.folder / download.id

    def add(self, order: DownloadOrder) -> None:
        """Fetch a model. What was accepted and who may have it is settled by then or told later."""
        try:
            self._queue.add(order)
        except HubError as error:
            self.reported.emit(error)
            return
        self._states.pop(order.id, None)  # it may be done again before anybody looks

    def shutdown(self) -> None:
        """Stop; every download goes on where it is at the next start."""
        self._timer.stop()
        self._is_shut_down = True
        self._queue.shutdown()

    @Slot()
    def _show(self) -> None:
        if self._is_shut_down:  # this was under way
            return
        downloads = self._queue.downloads
        is_moving = any(download.state in _MOVING for download in downloads)
        if is_moving != self._timer.isActive():
            self._timer.start() if is_moving else self._timer.stop()
        before, self._states = self._states, {each.id: each.state for each in downloads}
        self.changed.emit(downloads)
        for download in downloads:
            was = before.get(download.id)
            if download.state is DownloadState.DONE and was is not DownloadState.DONE:
                self.finished.emit(download)

    @Slot(str, str)
    def _on_account_signed_in(self, _account: str, _place: str) -> None:
        for download in self._queue.downloads:
            is_there = download.order.endpoint == self._account.endpoint
            if is_there and download.problem in _SIGN_IN_HELPS:
                self._queue.resume(download.id)
