"""`starpad serve` as a program of its own: starts, answers, ends, and says what is wrong."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from starpad.core.paths import host_environment

LIMIT_S = 60


@dataclass
class Command:
    """A running `starpad serve`."""

    process: "subprocess.Popen[str]"
    lines: list[str]

    @property
    def port(self) -> int:
        return int(self.lines[0].split("http://127.0.0.1:")[1].split(",")[0])

    def ask(self, key: str, route: str = "/v1/completions", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            body = json.dumps({"prompt": "def f", "max_tokens": 4, "temperature": 0})
            headers = {"Authorization": f"Bearer {key}"} | headers
            connection.request("POST", route, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code and what was written."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, errors


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "starpad", "serve", *arguments]


@contextmanager
def serving(*arguments: str, **variables: str) -> Iterator[Command]:
    with subprocess.Popen(
        command("demo", "--port", str(free_port()), *arguments),
        env=host_environment() | variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield Command(process, [process.stdout.readline() for _ in range(3)])
        finally:
            process.kill()


def failing(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments), env=host_environment() | variables,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_told_to_end_and_leaves_nothing(number: int) -> None:
    with serving(STARPAD_SERVE_KEY="mine") as running:
        status, answer = running.ask("mine")
        assert status == 200
        assert answer["choices"][0]["text"]
        assert running.ask("other")[0] == 401
        children = psutil.Process(running.process.pid).children(recursive=True)
        assert children
        code, errors = running.end(number)
    assert code == 0
    assert errors.splitlines()[-1] == "Stopped."
    assert " 200 /v1/completions " in errors
    assert not any(child.is_running() and child.status() != "zombie" for child in children)


def test_it_says_where_it_is_where_the_key_is_and_how_to_end_it(home: Path) -> None:
    with serving() as running:
        place = running.lines[1].removeprefix("The key is in ").strip()
        assert home in Path(place).parents
        assert running.ask(Path(place).read_text().strip())[0] == 200
        assert "Ctrl+C" in running.lines[2]


def test_a_terminals_ctrl_c_that_reaches_the_engine_too_is_no_crash() -> None:
    with serving(STARPAD_SERVE_KEY="mine") as running:
        for child in psutil.Process(running.process.pid).children(recursive=True):
            os.kill(child.pid, signal.SIGINT)
        code, errors = running.end(signal.SIGINT)
    assert code == 0
    assert "crashed" not in errors


def test_an_engine_that_dies_is_told(tmp_path: Path) -> None:
    with serving(STARPAD_SERVE_KEY="mine") as running:
        for child in psutil.Process(running.process.pid).children(recursive=True):
            child.kill()
        _, errors = running.process.communicate(timeout=LIMIT_S)
    assert running.process.returncode == 1
    assert "engine" in errors.splitlines()[-1]


def test_a_key_file_an_origin_and_a_context_count(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n".replace(" ", "-"))
    arguments = ("--key-file", str(tmp_path / "key"), "--context", "512")
    with serving(*arguments, "--origin", "http://localhost:3000") as running:
        assert "512 tokens" in running.lines[0]
        assert running.ask("from-the-file", Origin="http://localhost:3000")[0] == 200
        assert running.ask("from-the-file", Origin="http://localhost:3001")[0] == 403


def test_no_qt_is_loaded() -> None:
    with serving(STARPAD_SERVE_KEY="mine") as running:
        family = psutil.Process(running.process.pid)
        for process in (family, *family.children(recursive=True)):
            loaded = (
                [each.path for each in process.memory_maps()] if sys.platform == "linux" else []
            )
            assert not [path for path in loaded if "PySide6" in path or "Qt6" in path]


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = failing("demo", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} is taken by another program." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.gguf",), "does not exist"),
        (("demo", "--key-file", "nowhere"), "cannot be read"),
        (("demo", "--engine-pack", "nothing"), "There is no engine pack nothing"),
        ((__file__,), "model"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = failing(*arguments, "--port", str(free_port()))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_variable_that_holds_no_key_is_refused() -> None:
    done = failing("demo", STARPAD_SERVE_KEY="two words")
    assert done.returncode == 1
    assert "holds no key" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("demo", "--port", "0"), ("demo", "--port", "x")])
def test_wrong_arguments_are_explained(arguments: tuple[str, ...]) -> None:
    done = failing(*arguments)
    assert done.returncode == 2
    assert "usage: starpad serve" in done.stderr
