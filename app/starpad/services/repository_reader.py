"""Asks the repository host, the child process that reads a folder's files."""

from dataclasses import replace

from PySide6.QtCore import QObject, QProcess, Signal, Slot

from starpad.core.restart_policy import RestartPolicy
from starpad.repository.protocol import Question, decode_answer, encode
from starpad.services.host_process import host_process

_KILL_WAIT_MS = 1_000


class RepositoryReader(QObject):
    """Starts the host with the first question. A host that breaks off is started by a later one."""

    answered = Signal(object)
    """An Answer; there may be several to one question, the last one is final."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._serial = 0
        self._restarts = RestartPolicy()
        self._is_shut_down = False

    def ask(self, question: Question) -> int:
        """Ask, and return the serial number that the answer will have."""
        self._serial += 1
        if self._process is None and not self._is_shut_down and self._restarts.allow():
            self._start()
        if self._process is not None:
            line = encode(replace(question, serial=self._serial))
            self._process.write(f"{line}\n".encode())
        return self._serial

    def shutdown(self) -> None:
        """End the host; nothing is answered any more."""
        self._is_shut_down = True
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(_KILL_WAIT_MS)

    def _start(self) -> None:
        process = self._process = host_process("repository-host", self)
        process.readyReadStandardOutput.connect(self._on_output_ready)
        process.finished.connect(self._on_process_ended)
        process.errorOccurred.connect(self._on_process_ended)
        process.start()

    @Slot()
    def _on_output_ready(self) -> None:
        while self._process is not None and self._process.canReadLine():
            line = bytes(self._process.readLine().data()).decode()
            self.answered.emit(decode_answer(line))

    @Slot()
    def _on_process_ended(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
