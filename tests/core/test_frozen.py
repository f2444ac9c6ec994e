"""The installed app: two programs, and the library path that it gives back."""

import os
import sys
from pathlib import Path

import pytest

from starpad.core import frozen, paths


@pytest.fixture
def window_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be the installed window program."""
    program = tmp_path / "starpad"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


def test_child_processes_of_the_installed_app_run_in_the_program_without_qt(
    window_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert frozen.is_window_program()
    assert paths.host_command("engine-host") == [
        str(window_program.with_name("starpad-engine")),
        "--engine-host",
    ]
    monkeypatch.delenv("PYTHONPATH", raising=False)
    environment = paths.host_environment()
    assert "PYTHONPATH" not in environment
    # Else PyInstaller's start would leave the child without its libraries (seen).
    assert environment["PYINSTALLER_RESET_ENVIRONMENT"] == "1"


def test_windows_programs_keep_their_ending(
    window_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(window_program.with_suffix(".exe")))
    assert frozen.is_window_program()
    assert frozen.engine_program().name == "starpad-engine.exe"


def test_the_engine_program_is_not_the_window(
    window_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(frozen.engine_program()))
    assert frozen.engine_program() == window_program.with_name("starpad-engine")
    assert not frozen.is_window_program()


def test_python_is_neither() -> None:
    assert not frozen.is_frozen()
    assert not frozen.is_window_program()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the variable")
@pytest.mark.parametrize("before", ["/opt/lib", "", None])
@pytest.mark.usefixtures("window_program")
def test_programs_that_are_not_ours_get_the_library_path_from_before(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/lib/starpad/_internal")
    if before is None:
        monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    else:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)
    frozen.give_library_path_back()
    environment = paths.host_environment()
    assert environment.get("LD_LIBRARY_PATH", "") == (before or "")
    assert "LD_LIBRARY_PATH_ORIG" not in environment


def test_a_users_own_library_path_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    frozen.give_library_path_back()
    assert os.environ["LD_LIBRARY_PATH"] == "/opt/lib"
