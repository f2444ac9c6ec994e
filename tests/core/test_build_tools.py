"""What compiling the engine needs, and the sentence that names what is missing."""

import sys
from pathlib import Path

import pytest

from external_server import script
from starpad.core import build_tools
from starpad.core.errors import EngineError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stand-ins are shell scripts")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is all of the PATH, on a computer where nothing else is installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    return tmp_path


def _python(folder: Path, answer: str, name: str = "python3") -> Path:
    return script(folder / name, f"echo '{answer}'")


def _refusal() -> EngineError:
    with pytest.raises(EngineError) as caught:
        build_tools.python_that_builds()
    return caught.value


def test_all_that_is_missing_is_named_with_one_command(programs: Path) -> None:
    script(programs / "apt-get", "exit 0")
    refusal = _refusal()
    assert refusal.message == "This computer lacks a C++ compiler and Python 3.11 or newer."
    assert refusal.hint == "Enter: sudo apt install g++ python3"


def test_a_python_without_headers_and_venv_is_told_so(programs: Path) -> None:
    script(programs / "c++", "exit 0")
    script(programs / "apt-get", "exit 0")
    _python(programs, "[[3, 11], false, false]")
    refusal = _refusal()
    assert refusal.message == "This computer lacks Python's venv and Python's headers."
    assert refusal.hint == "Enter: sudo apt install python3-venv python3-dev"


def test_one_package_is_named_once(programs: Path) -> None:
    script(programs / "pacman", "exit 0")
    assert _refusal().hint == "Enter: sudo pacman -S --needed gcc python"


def test_without_a_known_installer_the_hint_is_general(programs: Path) -> None:
    assert programs.is_dir()
    assert _refusal().hint == "Install it with your system's package manager."


@pytest.mark.parametrize("answer", ["[[3, 10], true, true]", "no JSON"])
def test_an_old_or_strange_python_does_not_count(programs: Path, answer: str) -> None:
    script(programs / "g++", "exit 0")
    _python(programs, answer)
    assert _refusal().message == "This computer lacks Python 3.11 or newer."


def test_a_later_python_that_has_everything_is_taken(programs: Path) -> None:
    script(programs / "clang++", "exit 0")
    _python(programs, "[[3, 11], true, false]")
    good = _python(programs, "[[3, 12], true, true]", "python")
    assert build_tools.python_that_builds() == good


def test_the_compiler_that_the_environment_names_counts(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not build_tools.has_compiler()
    monkeypatch.setenv("CXX", str(script(programs / "my-compiler", "exit 0")))
    assert build_tools.has_compiler()
