"""A child process of ours as Qt drives one."""

import logging

import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment

from starpad.core.paths import host_command, host_environment

_log = logging.getLogger(__name__)


def host_process(role: str, parent: QObject) -> QProcess:
    """Return the process that plays a role (as in `host_command`), not started yet."""
    process = QProcess(parent)
    environment = QProcessEnvironment()
    for name, value in host_environment().items():
        environment.insert(name, value)
    process.setProcessEnvironment(environment)
    program, *arguments = host_command(role)
    process.setProgram(program)
    process.setArguments(arguments)
    return process


def dispose(process: QProcess) -> None:
    """Kill the process, whose signals nobody takes any more, and do not wait for its end.

    What it wrote to its standard error goes to the log.
    """
    log = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
    if log:
        _log.warning("%s wrote: %s", process.arguments()[-1], log[-2000:])
    if process.state() == QProcess.ProcessState.NotRunning:
        process.deleteLater()
    else:
        process.finished.connect(process.deleteLater)
        process.kill()


def processor_time_s(process: QProcess) -> float | None:
    """Return how long a process has worked, None if it has ended."""
    try:
        times = psutil.Process(process.processId()).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)
