"""The user's own llama-server: where it may be, and whether a file is one that Starpad can use."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starpad.core.child_process import creation_flags
from starpad.core.errors import EngineError

NAME = "llama-server"
_ANSWER_S = 30.0
"""A graphics driver may take its time at the first start."""
_MISSING_LIBRARY = (
    "error while loading shared libraries:",
    "Library not loaded:",
    "symbol lookup error:",
    "version `",
)
_WINDOWS_DLL_NOT_FOUND = 0xC0000135
# Where installers put it that the PATH of a program started from a menu lacks.
_FOLDERS = {
    "linux": ("/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin", "~/.local/bin"),
    "darwin": ("/opt/homebrew/bin", "/usr/local/bin", "~/.local/bin"),
    "win32": (r"~\AppData\Local\Microsoft\WinGet\Links", r"C:\Program Files\llama.cpp"),
}


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A llama-server that answers."""

    path: Path
    version: str
    """As it says itself."""


def find_servers() -> tuple[Path, ...]:
    """Return every llama-server on the PATH and in the usual places, each once, by its path."""
    places = [*os.environ.get("PATH", "").split(os.pathsep), *_FOLDERS.get(sys.platform, ())]
    found: dict[Path, Path] = {}
    for place in filter(None, places):
        name = shutil.which(NAME, path=os.path.expanduser(place))
        if name is not None:
            found.setdefault(Path(name).resolve(), Path(name))
    return tuple(found.values())


def program_path(text: str) -> Path:
    """Return the file that a setting means: a path, or a name that the PATH knows."""
    path = Path(text.strip()).expanduser()
    if path.name == str(path) and (known := shutil.which(path.name)):
        return Path(known)
    return path


def check_server(path: Path) -> ServerProgram:
    """Return what the program says of itself; takes as long as it takes to start, 60 s at most.

    Raises EngineError: it is missing, cannot run, is another program, or too old.
    """
    words = Query(path, "--version").answer()
    line = next((w for w in words.splitlines() if w.startswith("version:")), None)
    require_server(path, Query(path, "--help").answer())
    if line is None:
        raise _another(path)
    return ServerProgram(path, line.removeprefix("version:").strip())


def require_server(path: Path, usage: str) -> None:
    """Raise EngineError unless `usage` is the help of a llama-server that is new enough."""
    if "--port" not in usage or "--ctx-size" not in usage:
        raise _another(path)
    if "LLAMA_API_KEY" not in usage:
        message = f"{path.name} is too old: it cannot be given its key without others seeing it."
        raise EngineError(message, "Install a llama-server of 2025 or newer.")


def program_environment() -> dict[str, str]:
    """Return this process's environment without what would make a llama-server another one.

    What the user has told theirs to be (a router, say) does not count for ours.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}


class Query:
    """One run of a program that is to answer and end, such as `--help`; begun at once."""

    def __init__(
        self, path: Path, argument: str, *, preexec: Callable[[], None] | None = None
    ) -> None:
        """Start the program; `preexec` runs in the child first (not on Windows).

        Raises EngineError when it cannot be started.
        """
        self._path = path
        self._start_s = time.monotonic()
        # A file, no pipe: something that the program leaves behind may hold a pipe open for ever.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (`answer` closes it)
        try:
            _require_file(path)
            self._process = subprocess.Popen(
                [path, argument],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env=program_environment(),
                preexec_fn=preexec,
                creationflags=creation_flags(),
            )
        except OSError as error:
            self._output.close()
            raise _not_started(path, error) from error
        except EngineError:
            self._output.close()
            raise

    def answer(self) -> str:
        """Return what it wrote, 30 s after its start at the latest.

        Raises EngineError when it hangs or fails.
        """
        with self._output:
            try:
                code = self._process.wait(max(0.1, self._start_s + _ANSWER_S - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                message = f"{self._path.name} does not answer."
                hint = "Start it in a terminal to see what it waits for, perhaps for a driver."
                raise EngineError(message, hint) from None
            self._output.seek(0)
            text = self._output.read().decode("utf-8", "replace")
        if code:
            raise _failed(self._path, code, text)
        return text


def _require_file(path: Path) -> None:
    if not path.exists():
        raise EngineError(
            f"There is no {path}.", "Choose another llama-server, or the engine in the box."
        )
    if path.is_dir():
        inside = path / (f"{NAME}.exe" if sys.platform == "win32" else NAME)
        hint = f"Choose {inside}." if inside.exists() else "Choose the program in it."
        raise EngineError(f"{path} is a folder.", hint)
    if not os.access(path, os.X_OK):
        hint = f"Allow it in the file's properties, or with: chmod +x '{path}'"
        raise EngineError(f"{path} may not be run as a program.", hint)


def _not_started(path: Path, error: OSError) -> EngineError:
    if error.errno == errno.ENOEXEC or getattr(error, "winerror", 0) == 193:
        hint = "Download the llama-server for this system and processor."
        return EngineError(f"{path.name} is no program for this computer.", hint)
    return EngineError(f"{path.name} cannot be started: {error.strerror or error}.")


def _failed(path: Path, code: int, text: str) -> EngineError:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    missing = next((li for li in lines if any(mark in li for mark in _MISSING_LIBRARY)), "")
    if missing or code == _WINDOWS_DLL_NOT_FOUND:
        said = missing.partition(": ")[2] or missing or "a DLL was not found"
        hint = "Install what it needs, or a llama-server that was made for this system."
        return EngineError(f"{path.name} lacks a library: {said.rstrip('.')}.", hint)
    if code == -9 and sys.platform == "darwin":
        hint = "Allow it in System Settings, Privacy & Security."
        return EngineError(f"macOS does not let {path.name} run.", hint)
    if code < 0 or code > 255:
        how = f"signal {-code}" if code < 0 else f"{code:#x}"
        hint = "It may have been made for a newer processor."
        return EngineError(f"{path.name} crashes when it is asked for its version ({how}).", hint)
    return _another(path)


def _another(path: Path) -> EngineError:
    hint = "Choose the program named llama-server of llama.cpp."
    return EngineError(f"{path.name} is not a llama-server.", hint)
