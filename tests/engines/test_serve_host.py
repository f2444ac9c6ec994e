"""The process that serves other programs: starts, says so, says why not, ends with its parent."""

import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from starpad.core.paths import host_command, host_environment
from starpad.engines.serve_protocol import (
    Failed,
    NewKey,
    NewModel,
    Order,
    Report,
    ServeConfig,
    Started,
    order_line,
    read_report,
)


class Host:
    """The process and its two pipes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def send(self, order: Order) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order_line(order))
        self.process.stdin.flush()

    def read(self) -> Report:
        assert self.process.stdout is not None
        return read_report(self.process.stdout.readline())


@contextmanager
def host() -> Iterator[Host]:
    with subprocess.Popen(
        host_command("serve-host"), env=host_environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        yield Host(process)
        assert process.stdin is not None
        process.stdin.close()


def status_of(address: str, key: str) -> int:
    request = urllib.request.Request(f"{address}/v1/models")
    request.add_header("Authorization", f"Bearer {key}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_it_listens_and_ends_when_its_parent_lets_go() -> None:
    with host() as process:
        process.send(ServeConfig(0, "the key"))
        started = process.read()
        assert isinstance(started, Started)
        process.send(NewModel(None, "Nothing yet."))
        assert status_of(started.address, "the key") == 200
    assert process.process.returncode == 0


def test_a_new_key_counts_at_once() -> None:
    with host() as process:
        process.send(ServeConfig(0, "old"))
        started = process.read()
        assert isinstance(started, Started)
        assert status_of(started.address, "old") == 200
        process.send(NewKey("new"))
        while status_of(started.address, "new") != 200:
            pass
        assert status_of(started.address, "old") == 401


def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, host() as process:
        port = other.getsockname()[1]
        process.send(ServeConfig(port, "the key"))
        failed = process.read()
        assert failed == Failed(
            f"Port {port} is taken by another program.",
            "Choose another port, or end that program.",
        )
        assert process.process.wait(30) == 1
