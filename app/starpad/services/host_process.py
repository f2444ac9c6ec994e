"""A child process of ours as Qt drives one."""

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment

from starpad.core.paths import host_command, host_environment


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
