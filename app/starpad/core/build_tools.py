"""What a computer must have to compile the engine, and how to get what it lacks."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from starpad.core import frozen
from starpad.core.child_process import creation_flags
from starpad.core.errors import EngineError

_PYTHONS = ("python3", "python", "py")
_COMPILERS = ("c++", "g++", "clang++")
# Asked of a Python: its version, and whether it has what extension modules are compiled with.
_QUESTION = """
import importlib.util, json, os, sys, sysconfig
header = os.path.join(sysconfig.get_path("include"), "Python.h")
has_venv = importlib.util.find_spec("ensurepip") is not None
print(json.dumps([list(sys.version_info[:2]), has_venv, os.path.exists(header)]))
"""
_OLDEST_PYTHON = [3, 11]
_ANSWER_S = 30

COMPILER, PYTHON, VENV, HEADERS = (
    "a C++ compiler",
    "Python 3.11 or newer",
    "Python's venv",
    "Python's headers",
)
# By the program that installs: what it calls each.
_PACKAGES = {
    "apt-get": {
        COMPILER: "g++",
        PYTHON: "python3",
        VENV: "python3-venv",
        HEADERS: "python3-dev",
    },
    "dnf": {COMPILER: "gcc-c++", PYTHON: "python3", HEADERS: "python3-devel"},
    "zypper": {COMPILER: "gcc-c++", PYTHON: "python3", HEADERS: "python3-devel"},
    "pacman": {COMPILER: "gcc", PYTHON: "python", HEADERS: "python"},
}
_COMMANDS = {
    "apt-get": "sudo apt install",
    "dnf": "sudo dnf install",
    "zypper": "sudo zypper install",
    "pacman": "sudo pacman -S --needed",
}
_ELSEWHERE = {
    "darwin": "Install Apple's tools with `xcode-select --install`, and Python from python.org.",
    "win32": "Install Visual Studio's build tools with C++ (`winget install "
    "Microsoft.VisualStudio.2022.BuildTools`) and Python from python.org.",
}


def python_that_builds() -> Path:
    """Return a Python that can compile the engine, on a computer that has a compiler, too.

    CMake is not asked for: it comes as a Python package. Raises EngineError, which names all that
    is missing and says how to get it.
    """
    missing = [] if has_compiler() else [COMPILER]
    python, lacks = _best_python()
    missing += lacks
    if python is None or missing:
        what = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        raise EngineError(f"This computer lacks {what}.", how_to_get(missing))
    return python


def has_compiler() -> bool:
    """Return whether there is a C++ compiler."""
    if sys.platform == "win32":
        folder = os.environ.get("PROGRAMFILES(X86)", r"C:\Program Files (x86)")
        return Path(folder, "Microsoft Visual Studio", "Installer", "vswhere.exe").exists()
    named = os.environ.get("CXX", "")
    return any(map(shutil.which, [named, *_COMPILERS] if named else _COMPILERS))


def how_to_get(missing: Iterable[str]) -> str:
    """Return what to enter on this system to get what is missing."""
    if sys.platform in _ELSEWHERE:
        return _ELSEWHERE[sys.platform]
    for program, packages in _PACKAGES.items():
        if shutil.which(program):
            names = dict.fromkeys(packages[what] for what in missing if what in packages)
            return f"Enter: {_COMMANDS[program]} {' '.join(names)}"
    return "Install it with your system's package manager."


def _best_python() -> tuple[Path | None, list[str]]:
    """Return the first Python with everything, else what the best one lacks."""
    # Starpad's own Python, if it is one; the installed app has none that could be started.
    places = [None if frozen.is_frozen() else sys.executable, *map(shutil.which, _PYTHONS)]
    least = [PYTHON]
    for place in dict.fromkeys(filter(None, places)):
        lacks = _what_lacks(place)
        if not lacks:
            return Path(place), []
        if PYTHON not in lacks:
            least = lacks
    return None, least


def _what_lacks(python: str) -> list[str]:
    try:
        answer = subprocess.run(
            [python, "-I", "-c", _QUESTION],
            capture_output=True,
            timeout=_ANSWER_S,
            check=True,
            creationflags=creation_flags(),
        )
        version, has_venv, has_headers = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return [PYTHON]
    if version < _OLDEST_PYTHON:
        return [PYTHON]
    return [what for what, has in ((VENV, has_venv), (HEADERS, has_headers)) if not has]
