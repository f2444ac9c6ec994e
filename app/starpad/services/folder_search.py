"""Searches a folder in a child process and hands out what it finds."""

import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, QProcess, QTimer, Signal, Slot

from starpad.core.errors import FileError, StarpadError
from starpad.core.folder_search import FolderQuery, Progress
from starpad.core.folder_search_host import decode_result, encode_query
from starpad.services.host_process import host_process

__all__ = ["FolderSearch", "SearchEnd"]

_TURN_S = 0.008
_KILL_WAIT_MS = 1_000


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """How a search ended: found all, was given up, or failed."""

    is_cancelled: bool = False
    error: StarpadError | None = None


class FolderSearch(QObject):
    """One search at a time; each that was started ends with exactly one `ended`."""

    found = Signal(object)
    """The FileMatches of one more file."""
    progressed = Signal(object)
    """Progress"""
    ended = Signal(object)
    """SearchEnd"""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._received = bytearray()
        # Results are taken a few at a time, so that keys come between them.
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._on_turn)

    @property
    def is_running(self) -> bool:
        """Whether there may be more to come."""
        return self._process is not None

    def start(self, query: FolderQuery) -> None:
        """Look for something; what was looked for before is given up."""
        self.cancel()
        process = host_process("search-host", self)
        process.readyReadStandardOutput.connect(self._on_output_ready)
        process.finished.connect(self._on_process_finished)
        process.errorOccurred.connect(self._on_process_error)
        self._process = process
        process.start()
        process.write(encode_query(query))

    def cancel(self) -> None:
        """Give the search up."""
        if self._process is not None:
            self._end(SearchEnd(is_cancelled=True))

    def shutdown(self) -> None:
        """End the child process; nothing is emitted."""
        self.blockSignals(True)
        self.cancel()

    def _end(self, end: SearchEnd) -> None:
        process, self._process = self._process, None
        self._turn.stop()
        self._received.clear()
        if process is not None:
            process.blockSignals(True)
            if process.state() != QProcess.ProcessState.NotRunning:
                process.kill()
                process.waitForFinished(_KILL_WAIT_MS)
            process.deleteLater()
        self.ended.emit(end)

    @Slot()
    def _on_output_ready(self) -> None:
        if self._process is not None:
            self._received += self._process.readAllStandardOutput().data()
            self._turn.start()

    @Slot()
    def _on_turn(self) -> None:
        until = time.monotonic() + _TURN_S
        while time.monotonic() < until:
            end = self._received.find(b"\n")
            if end < 0:
                self._end_if_finished()
                return
            result = decode_result(self._received[:end].decode())
            del self._received[: end + 1]
            if isinstance(result, Progress):
                self.progressed.emit(result)
            else:
                self.found.emit(result)
        self._turn.start()

    def _end_if_finished(self) -> None:
        process = self._process
        if process is None or process.state() != QProcess.ProcessState.NotRunning:
            return
        is_done = process.exitStatus() == QProcess.ExitStatus.NormalExit and not process.exitCode()
        error = None if is_done else FileError("The search ended unexpectedly.", "Try it again.")
        self._end(SearchEnd(error=error))

    @Slot()
    def _on_process_finished(self) -> None:
        self._on_output_ready()

    @Slot(QProcess.ProcessError)
    def _on_process_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._end(SearchEnd(error=FileError("The search could not be started.")))
