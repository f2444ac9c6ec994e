"""What this computer has for running models: graphics cards, drivers, llama-servers."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.errors import EngineError, StarpadError
from starpad.core.gpu_machine import Machine, look_at_machine
from starpad.core.server_program import ServerProgram, check_server, find_servers
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs
from starpad.services.inference_thread import Emit, RequestEnd


class GpuReport(QObject):
    """Looks in the background: a driver, a network drive or a foreign program may hang."""

    changed = Signal()
    """`machine` or `servers` is known, or known anew."""
    checked = Signal(object, object)
    """(Path, ServerProgram or StarpadError) the answer to `check`."""

    def __init__(self, jobs: BackgroundJobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.machine: Machine | None = None
        """None until it was looked at."""
        self.servers: tuple[ServerProgram, ...] = ()
        """Those found on this computer that work."""
        self._jobs = jobs
        self._looking: set[int] = set()
        self._checking: dict[int, Path] = {}
        jobs.job_ended.connect(self._on_jobs_job_ended)

    def look(self) -> None:
        """Look at the computer, unless that is under way."""
        if not self._looking:
            self._looking.add(self._jobs.submit("gpu-machine", _machine))
            self._looking.add(self._jobs.submit("gpu-servers", _servers))

    def check(self, path: Path) -> None:
        """Ask a program whether it is a llama-server; `checked` brings the answer."""

        def job(_stop: StopSignal, _emit: Emit) -> ServerProgram:
            return check_server(path)

        self._checking[self._jobs.submit("server-check", job)] = path

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id in self._looking:
            self._looking.discard(job_id)
            if isinstance(end.value, Machine):
                self.machine = end.value
            elif isinstance(end.value, tuple):
                self.servers = end.value
            self.changed.emit()
        elif (path := self._checking.pop(job_id, None)) is not None:
            answer = end.value or end.error
            if not isinstance(answer, ServerProgram | StarpadError):
                answer = EngineError(f"{path.name} could not be checked.")
            self.checked.emit(path, answer)


def _machine(_stop: StopSignal, _emit: Emit) -> Machine:
    return look_at_machine()


def _servers(stop: StopSignal, _emit: Emit) -> tuple[ServerProgram, ...]:
    found: list[ServerProgram] = []
    for path in find_servers():
        if stop.is_stopped:
            break
        try:
            found.append(check_server(path))
        except StarpadError:
            continue  # no use to anybody; who chooses it by hand learns why
    return tuple(found)
