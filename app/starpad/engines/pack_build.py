"""Compiles the engine for this computer's processor, from the source that its authors publish.

The wheel in the box runs on every processor with AVX2 and uses nothing newer.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from starpad.core.build_tools import python_that_builds
from starpad.core.child_process import creation_flags
from starpad.core.errors import EngineError
from starpad.core.paths import resource

Say = Callable[[str], object]
"""Is told what happens, in a sentence or, while it compiles, in per cent."""

# For this processor. Without what needs a network and Rust, and serves what Starpad does not use:
# answers by a grammar; TLS, for the engine is asked on this computer only; a web page, which the
# build would fetch from Hugging Face without being asked.
_OPTIONS = " ".join(
    (
        "-DGGML_NATIVE=ON",
        "-DLLAMA_LLGUIDANCE=OFF",
        "-DLLAMA_BUILD_BORINGSSL=OFF",
        "-DLLAMA_USE_PREBUILT_UI=OFF",
    )
)
_SPACE_BYTES = 3_000_000_000
_STEP = re.compile(r"^\s*\[\s*(?:(?P<percent>\d+)%|(?P<done>\d+)/(?P<all>\d+))\]")
_LAST_LINES = 15
_ERROR = re.compile(r"\berror\b[: ]|^ERROR", re.IGNORECASE)


def build_wheel(folder: Path, say: Say) -> Path:
    """Compile the engine in `folder`, which must exist, and return the wheel that came of it.

    Fetches 38 MB of source and some tools from the Python package index that pip is set up for,
    each checked by its SHA-256. Takes minutes. What the compiler says is kept in `build.log` there.
    Raises EngineError.
    """
    python = python_that_builds()
    free = shutil.disk_usage(folder).free
    if free < _SPACE_BYTES:
        raise EngineError(
            f"Compiling needs {_SPACE_BYTES / 1e9:.0f} GB of free disk space; "
            f"{folder} has {free / 1e9:.1f} GB.",
            "Free space, and try again.",
        )
    build = _Build(folder, say)
    say("Fetching the tools…")
    build.run("the tools could not be set up", str(python), "-m", "venv", "--clear", "venv")
    pip = (build.tool("python"), "-m", "pip", "--no-input", "--disable-pip-version-check")
    checked = ("--no-deps", "--require-hashes")
    tools = ("--only-binary", ":all:", "-r", str(resource("engine_build.lock")))
    build.run("the tools could not be fetched", *pip, "install", *checked, *tools)
    say("Fetching the source and compiling it; this takes some minutes…")
    source = ("--no-binary", ":all:", "-r", str(resource("engine_source.txt")))
    plain = ("--no-build-isolation", "--no-cache-dir", "--verbose", "--wheel-dir", "wheel")
    build.run("the engine could not be compiled", *pip, "wheel", *checked, *plain, *source)
    wheels = sorted(folder.glob("wheel/*.whl"))
    if len(wheels) != 1:
        raise EngineError("The engine was compiled, but no package came of it.", build.hint)
    return wheels[0]


class _Build:
    """The commands of one build: where they run, with what environment, and what they said."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder = folder
        self._say = say
        self._log = folder / "build.log"
        self._programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        self._environment = build_environment(os.environ, self._programs)
        # The system's own may be memory, which two gigabytes of object files would fill.
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        self._environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        self.hint = f"All that was said is in {self._log}."

    def tool(self, name: str) -> str:
        """Return a program of the environment that the first command makes."""
        return str(self._programs / (f"{name}.exe" if sys.platform == "win32" else name))

    def run(self, problem: str, *command: str) -> None:
        """Run a command to its end. Raises EngineError that begins with `problem`."""
        last: list[str] = []
        with (
            self._log.open("a", buffering=1, encoding="utf-8") as log,
            _process(command, self._folder, self._environment) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                last = [*last[1 - _LAST_LINES :], line.strip()]
                if (fraction := compiled_fraction(line)) is not None:
                    self._say(f"{fraction:.0%}")
        if process.returncode:
            words = next(filter(_ERROR.search, last), last[-1] if last else "no reason was given")
            raise EngineError(f"{problem.capitalize()}: {words.rstrip('.')}.", self.hint)


def build_environment(environment: Mapping[str, str], programs: Path) -> dict[str, str]:
    """Return what the build runs with: nothing of ours, and nothing that would build another."""
    ours = ("PYTHON", "XLLAMACPP_", "STARPAD_", "VIRTUAL_ENV")
    kept = {name: value for name, value in environment.items() if not name.startswith(ours)}
    kept["PATH"] = os.pathsep.join(filter(None, [str(programs), environment.get("PATH", "")]))
    kept["CMAKE_ARGS"] = _OPTIONS
    if sys.platform != "win32":  # where Visual Studio's own generator knows its compiler
        kept["CMAKE_GENERATOR"] = "Ninja"
    if sys.platform == "darwin":
        kept.setdefault("MACOSX_DEPLOYMENT_TARGET", "13.3")
    return kept


def compiled_fraction(line: str) -> float | None:
    """Return how much is compiled, from a line of Ninja's or Make's; None for any other line."""
    found = _STEP.match(line)
    if found is None:
        return None
    if found["percent"]:
        return min(1.0, int(found["percent"]) / 100)
    return min(1.0, int(found["done"]) / max(1, int(found["all"])))


@contextmanager
def _process(
    command: tuple[str, ...], folder: Path, environment: dict[str, str]
) -> Iterator["subprocess.Popen[str]"]:
    """Start a command; whatever happens, neither it nor what it started is left at the end."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        # A group of its own: the compilers are its grandchildren.
        start_new_session=True,
        creationflags=creation_flags(),
    ) as process:
        try:
            yield process
            process.wait()
        except BaseException:
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            raise
