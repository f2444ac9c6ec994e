"""run.py: what it decides, what it says, and that standard output stays the program's own.

Nothing is installed here: shell scripts stand in for apt-get, for pip and for .venv's Python.
"""

import ast
import contextlib
import importlib.util
import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "run.py"
LOCKS = ("requirements.lock", "requirements-dev.lock")
# What an X server answers: no, with a reason; yes, with the shortest description of itself.
X11_REFUSES = struct.pack("<BBHHH4s", 0, 4, 11, 0, 1, b"away")
X11_ACCEPTS = struct.pack("<BBHHH32x", 1, 0, 11, 0, 8)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a blank in its name that holds run.py and the locks."""
    folder = tmp_path / "a project"
    folder.mkdir()
    for name in ("run.py", *LOCKS):
        shutil.copy(SCRIPT.with_name(name), folder)
    return folder


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return run.py as a module whose project is in tmp_path, on a machine without a screen."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    spec = importlib.util.spec_from_file_location("run_script", project / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _stand_in(path: Path, *lines: str) -> Path:
    """Write a shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), "utf-8")
    path.chmod(0o755)
    return path


def _stop(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence that was said, on standard error only."""
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    return lines[0]


def test_every_python_3_since_3_7_can_compile_the_sentence_that_it_is_too_old() -> None:
    tree = ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 7))
    first = next(node for node in tree.body if isinstance(node, ast.If))
    assert "3, 11" in ast.unparse(first.test)
    before = tree.body[: tree.body.index(first)]
    assert all(isinstance(node, ast.Expr | ast.Import | ast.ImportFrom) for node in before)


# --- System libraries ------------------------------------------------------------------------


def _lacking(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tools: Path, *, user_id: int
) -> None:
    """Let the machine lack every library, with these programs and this user."""
    monkeypatch.setattr(run, "is_here", lambda name: (tools / "installed").exists())
    monkeypatch.setattr(os, "geteuid", lambda: user_id)
    monkeypatch.setenv("PATH", str(tools))


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("apt-get", "sudo apt-get install -y --no-install-recommends libgl1 libgomp1"),
        ("dnf", "sudo dnf install 'libGL.so.1()(64bit)' 'libgomp.so.1()(64bit)'"),
        ("zypper", "sudo zypper install 'libGL.so.1()(64bit)' 'libgomp.so.1()(64bit)'"),
        ("pacman", "sudo pacman -S --needed libglvnd gcc-libs"),
    ],
)
def test_a_user_is_told_in_one_sentence_what_to_install(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], tool: str, command: str,
) -> None:  # fmt: skip
    _stand_in(tmp_path / "bin" / tool, "exit 1")
    _lacking(run, monkeypatch, tmp_path / "bin", user_id=1000)
    wanted = {name: run.BASE[name] for name in ("libGL.so.1", "libgomp.so.1")}
    with pytest.raises(SystemExit) as ended:
        run.provide(wanted)
    assert ended.value.code == 3
    sentence = _stop(capsys)
    assert sentence.endswith(f"install it with: {command}")
    assert "libGL.so.1, libgomp.so.1" in sentence


def test_without_a_known_installer_the_files_are_named(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    _lacking(run, monkeypatch, tmp_path, user_id=0)
    with pytest.raises(SystemExit) as ended:
        run.provide({"libGL.so.1": run.BASE["libGL.so.1"]})
    assert ended.value.code == 3
    sentence = _stop(capsys)
    assert sentence.endswith("lacks libGL.so.1; install the packages that hold it")


def test_root_gets_the_libraries_after_the_lists_were_fetched(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    tools = tmp_path / "bin"
    _stand_in(
        tools / "apt-get",
        f"cd {shlex.quote(str(tools))}",
        'echo "$DEBIAN_FRONTEND $*" >> calls',
        "echo noise",
        'case "$*" in',
        "    *update) : > lists;;",
        "    *) test -e lists && : > installed;;",
        "esac",
    )
    _lacking(run, monkeypatch, tools, user_id=0)
    run.provide(run.BASE)
    calls = (tools / "calls").read_text().splitlines()
    assert [call.split()[4] for call in calls] == ["install", "update", "install"]
    assert all(call.startswith("noninteractive ") for call in calls)
    assert capfd.readouterr().out == ""


def test_root_without_a_network_is_told_what_to_install(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    _stand_in(tmp_path / "bin" / "apt-get", "echo E: no network >&2", "exit 100")
    _lacking(run, monkeypatch, tmp_path / "bin", user_id=0)
    with pytest.raises(SystemExit) as ended:
        run.provide({"libGL.so.1": run.BASE["libGL.so.1"]})
    assert ended.value.code == 3
    said = capfd.readouterr()
    assert said.err.splitlines()[1:] == [
        "Starpad: this system lacks libGL.so.1; install it with: "
        "apt-get install -y --no-install-recommends libgl1"
    ]
    assert said.out == ""


def test_nothing_is_said_or_done_where_nothing_is_missing(
    run: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run.provide({"libc.so.6": ("libc6", "glibc")})
    assert capsys.readouterr() == ("", "")
    assert not run.is_here("libstarpad-never-made.so.1")
    assert not run.is_here("starpad_never_made")


# --- Display servers -------------------------------------------------------------------------


@contextlib.contextmanager
def _x_server(answer: bytes) -> Iterator[str]:
    """Serve one X11 client on loopback; give its DISPLAY."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(answer)
                client.recv(4096)

        thread = threading.Thread(target=serve, name="x-server", daemon=True)
        thread.start()
        yield f"127.0.0.1:{port - 6000}"
        thread.join(5)


@pytest.mark.parametrize("display", ["", ":29999", "nonsense", "127.0.0.1:29999"])
def test_a_display_that_does_not_answer_is_no_screen(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    assert run.screens() == []


def test_an_x_server_that_does_not_let_us_in_is_no_screen(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _x_server(X11_REFUSES) as display:
        monkeypatch.setenv("DISPLAY", display)
        assert run.screens() == []


def test_an_x_server_that_lets_us_in_is_a_screen(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _x_server(X11_ACCEPTS) as display:
        monkeypatch.setenv("DISPLAY", display)
        assert run.screens() == ["xcb"]


def test_a_wayland_socket_is_a_screen_only_while_someone_listens(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "w")
    assert run.screens() == []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "w"))
        server.listen()
        assert run.screens() == ["wayland"]
        monkeypatch.setenv("XDG_RUNTIME_DIR", "")
        monkeypatch.setenv("WAYLAND_DISPLAY", str(tmp_path / "w"))
        assert run.screens() == ["wayland"]
    assert run.screens() == [], "the file is still there, the compositor is gone"


# --- What is started, and how ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "answering", "expected"),
    [
        ([], ["xcb"], ([], "xcb")),
        (["a.py"], ["wayland"], (["a.py"], "wayland")),
        ([], ["xcb", "wayland"], ([], "")),
        ([], ["native"], ([], "")),
        (["--self-test"], ["xcb"], (["--self-test"], "offscreen")),
        (["--self-test", "--json"], [], (["--self-test", "--json"], "offscreen")),
        (["--version"], [], (["--version"], "")),
        (["--help"], ["xcb"], (["--help"], "")),
        ([], [], (["--self-test"], "offscreen")),
    ],
)
def test_the_screen_decides_between_a_window_and_the_self_test(
    run: ModuleType, arguments: list[str], answering: list[str], expected: tuple[list[str], str]
) -> None:
    assert run.plan(arguments, answering) == expected


@pytest.mark.parametrize(
    ("named", "expected"), [("wayland", "xcb"), ("offscreen", ""), ("vnc", "")]
)
def test_the_users_own_qt_platform_is_kept_unless_its_server_is_gone(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, named: str, expected: str
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", named)
    assert run.plan([], ["xcb"]) == ([], expected)


def test_files_without_a_screen_end_in_one_sentence(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":29999")
    with pytest.raises(SystemExit) as ended:
        run.plan(["a.py"], [])
    assert ended.value.code == 3
    sentence = _stop(capsys)
    assert "DISPLAY=:29999 does not answer" in sentence
    assert "--self-test" in sentence


@pytest.fixture
def started(run: ModuleType, project: Path) -> Path:
    """Return a project whose .venv is set up; its Python prints what it was asked, and ends 7."""
    _stand_in(run.PYTHON, 'printf "%s|" "$QT_QPA_PLATFORM" "$@"', "exit 7")
    stamps = [run.stamp_of(project / name) for name in LOCKS]
    run.STAMP.write_text(" ".join(stamps), "utf-8")
    return project


def _call(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python run.py ARGUMENTS` on a machine that has only these display variables."""
    kept = {"PATH": os.environ["PATH"], **variables}
    command = [sys.executable, str(project / "run.py"), *arguments]
    return subprocess.run(
        command, env=kept, cwd=project.parent, capture_output=True, text=True, check=False
    )


def test_standard_output_and_exit_code_are_the_programs(started: Path) -> None:
    ended = _call(started, "--self-test", "--json", DISPLAY=":29999")
    assert ended.stdout == "offscreen|-P|-m|starpad|--self-test|--json|"
    assert (ended.stderr, ended.returncode) == ("", 7)


def test_no_arguments_and_no_screen_run_the_self_test_and_say_so(started: Path) -> None:
    ended = _call(started, DISPLAY=":29999")
    assert ended.stdout == "offscreen|-P|-m|starpad|--self-test|"
    assert "does not answer" in ended.stderr


def test_a_file_and_no_screen_start_nothing(started: Path) -> None:
    ended = _call(started, "a.py")
    assert (ended.stdout, ended.returncode) == ("", 3)


def test_all_tests_run_off_screen_and_with_coverage(started: Path) -> None:
    ended = _call(started, "test", DISPLAY=":29999", QT_QPA_PLATFORM="xcb")
    expected = "offscreen|-m|pytest|-m|not slow|--cov|--cov-report=term|"
    assert (ended.stdout, ended.stderr, ended.returncode) == (expected, "", 7)


def test_slow_tests_and_pytests_own_arguments_are_passed_on(started: Path) -> None:
    assert "|pytest|--cov|" in _call(started, "test", "--slow").stdout
    ended = _call(started, "test", "-k", "a b", "--slow")
    assert ended.stdout == "offscreen|-m|pytest|-k|a b|"


def test_green_tests_that_reach_too_little_of_core_fail(run: ModuleType, started: Path) -> None:
    _stand_in(run.PYTHON, 'test "$2" = pytest || { echo "$*"; exit 2; }')
    ended = _call(started, "test")
    assert (ended.stdout, ended.returncode) == ("", 2)
    assert "--include=app/starpad/core/*" in ended.stderr
    assert "less than 95 % of starpad.core" in ended.stderr
    assert _call(started, "test", "tests/one.py").returncode == 0


# --- The environment in .venv ----------------------------------------------------------------


class _Steps:
    """Stands in for making .venv and for pip: notes the steps, and fails when told to."""

    def __init__(self, run: ModuleType) -> None:
        self.run = run
        self.done: list[str] = []
        self.failure = ""

    def make_venv(self) -> None:
        self.done.append("venv")
        shutil.rmtree(self.run.VENV, ignore_errors=True)
        _stand_in(self.run.PYTHON, "exit 0")
        version = f"python3.{sys.version_info.minor}"
        (self.run.VENV / "lib" / version / "site-packages").mkdir(parents=True)

    def install(self, lock: Path) -> str:
        self.done.append(lock.name)
        assert not self.run.STAMP.exists(), "a stamp must not vouch for a half-made environment"
        if self.failure == "interrupt":
            raise KeyboardInterrupt
        return self.failure


@pytest.fixture
def steps(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> _Steps:
    """Return the steps that ensure_environment takes."""
    steps = _Steps(run)
    monkeypatch.setattr(run, "make_venv", steps.make_venv)
    monkeypatch.setattr(run, "install", steps.install)
    return steps


def test_the_second_start_installs_nothing(run: ModuleType, steps: _Steps) -> None:
    run.ensure_environment(run.LOCK)
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock"]


def test_an_environment_for_the_tests_starts_starpad_too(run: ModuleType, steps: _Steps) -> None:
    run.ensure_environment(run.DEV_LOCK)
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements-dev.lock"]


def test_the_tests_needs_are_added_to_an_environment(run: ModuleType, steps: _Steps) -> None:
    run.ensure_environment(run.LOCK)
    run.ensure_environment(run.DEV_LOCK)
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock", "requirements-dev.lock"]


def test_another_lock_makes_a_new_environment(run: ModuleType, steps: _Steps) -> None:
    run.ensure_environment(run.LOCK)
    run.LOCK.write_text(run.LOCK.read_text("utf-8") + "# changed\n", "utf-8")
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock"] * 2


def test_a_moved_project_makes_a_new_environment(
    run: ModuleType, steps: _Steps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run.ensure_environment(run.LOCK)
    monkeypatch.setattr(run, "ROOT", tmp_path / "elsewhere")
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock"] * 2


def test_an_environment_whose_python_is_gone_is_made_anew(run: ModuleType, steps: _Steps) -> None:
    run.ensure_environment(run.LOCK)
    run.PYTHON.unlink()
    run.PYTHON.symlink_to(run.VENV / "removed")
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock"] * 2


@pytest.mark.parametrize("lock", LOCKS)
def test_an_interrupted_set_up_starts_afresh(run: ModuleType, steps: _Steps, lock: str) -> None:
    run.ensure_environment(run.LOCK)
    run.LOCK.write_text(run.LOCK.read_text("utf-8") + "# changed\n", "utf-8")
    steps.failure = "interrupt"
    with pytest.raises(KeyboardInterrupt):
        run.ensure_environment(run.ROOT / lock)
    steps.failure = ""
    steps.done.clear()
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock"]


def test_starpad_still_starts_after_the_tests_needs_could_not_be_fetched(
    run: ModuleType, steps: _Steps, capsys: pytest.CaptureFixture[str]
) -> None:
    run.ensure_environment(run.LOCK)
    steps.failure = "no network"
    with pytest.raises(SystemExit) as ended:
        run.ensure_environment(run.DEV_LOCK)
    assert ended.value.code == 1
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock", "requirements-dev.lock"]
    said = capsys.readouterr()
    assert said.out == ""
    assert "could not be installed: no network;" in said.err


def test_an_old_stamp_never_vouches_for_an_environment_that_failed(
    run: ModuleType, steps: _Steps
) -> None:
    run.ensure_environment(run.LOCK)
    old = run.LOCK.read_text("utf-8")
    run.LOCK.write_text(f"{old}# changed\n", "utf-8")
    steps.failure = "no network"
    with pytest.raises(SystemExit):
        run.ensure_environment(run.LOCK)
    run.LOCK.write_text(old, "utf-8")
    steps.failure = ""
    run.ensure_environment(run.LOCK)
    assert steps.done == ["venv", "requirements.lock"] * 3


def test_the_environment_finds_the_package_and_has_its_command(
    run: ModuleType, steps: _Steps, tmp_path: Path
) -> None:
    run.ensure_environment(run.LOCK)
    (link,) = run.VENV.rglob("starpad.pth")
    assert link.parent.name == "site-packages"
    assert link.read_text("utf-8") == f"{run.ROOT / 'app'}\n"
    _stand_in(run.PYTHON, 'printf "%s|" "$@"')
    command = [str(run.PYTHON.with_name("starpad")), "a b.py", "--json"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == "-P|-m|starpad|a b.py|--json|"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            [
                "WARNING: Retrying after connection broken by NewConnectionError: /anyio/",
                "ERROR: No matching distribution found for anyio==4.16.0",
            ],
            "no network reaches the package index",
        ),
        (
            ["ERROR: first", "ERROR: No space left on device"],
            "No space left on device (all that pip said is in ",
        ),
        ([], "pip failed (all that pip said is in "),
    ],
)
def test_pips_failure_becomes_one_reason(
    run: ModuleType, capfd: pytest.CaptureFixture[str], lines: list[str], reason: str
) -> None:
    _stand_in(run.PYTHON, *(f"echo {shlex.quote(line)} >&2" for line in lines), "exit 1")
    assert run.install(run.LOCK).startswith(reason)
    assert run.LOG.read_text("utf-8").splitlines() == lines
    assert capfd.readouterr() == ("", "")


def test_big_downloads_are_named_without_the_address_they_come_from(
    run: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    _stand_in(
        run.PYTHON,
        "echo '  Downloading some.where/a/big-1.0-py3-none-any.whl (80.1 MB)'",
        "echo '  Downloading small-1.0-py3-none-any.whl (80 kB)'",
        'echo "$*" > "$(dirname "$0")/asked"',
    )
    assert run.install(run.LOCK) == ""
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == "Starpad: fetching big-1.0-py3-none-any.whl (80.1 MB)\n"
    asked = (run.PYTHON.parent / "asked").read_text("utf-8")
    assert "--require-hashes" in asked
    assert "--only-binary :all:" in asked
    assert "index" not in asked


def test_a_folder_that_cannot_hold_an_environment_is_named(
    run: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run.VENV.write_text("in the way", "utf-8")
    with pytest.raises(SystemExit) as ended:
        run.make_venv()
    assert ended.value.code == 1
    assert _stop(capsys).startswith(f"Starpad: {run.VENV} cannot be made: ")
