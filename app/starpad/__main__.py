"""The command line: the window, commands without one, and the child processes. No Qt up here."""

import argparse
import importlib
import multiprocessing
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from starpad import __version__
from starpad.core import frozen, screen

# Each has a function `run` that takes the arguments behind its name.
_COMMANDS = {
    "serve": "starpad.serve_command",
    "bench": "starpad.bench_command",
    "eval": "starpad.eval_command",
    "engine": "starpad.engine_command",
    "reset": "starpad.reset_command",
}
# Each has a function `run` without arguments.
_HOSTS = {
    "--engine-host": "starpad.engines.llama_host",
    "--ggml-host": "starpad.engines.ggml_host",
    "--external-host": "starpad.engines.external_host",
    "--pack-probe": "starpad.engines.pack_probe_host",
    "--serve-host": "starpad.engines.serve_host",
    "--highlight-host": "starpad.highlighting.host",
    "--search-host": "starpad.core.folder_search_host",
    "--repository-host": "starpad.repository.host",
    "--evaluation-host": "starpad.services.evaluation_host",
}


NOT_HERE = 3
"""The exit code when the machine lacks something that only its user can add."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="starpad",
        description="An editor that completes code with a model on this machine.",
        epilog="Without a window: `starpad serve MODEL` lets other programs use a model, "
        "`starpad bench MODEL` measures it, `starpad eval FILE` says how good it is on your code, "
        "`starpad engine` has other builds of the engine, "
        "`starpad reset` deletes what Starpad keeps of you.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files to open")
    parser.add_argument("--version", action="version", version=f"Starpad {__version__}")
    parser.add_argument("--model", type=Path, metavar="FILE", help="load this GGUF file")
    test = parser.add_argument_group("self-test", "do the main job once, off-screen, and say how")
    test.add_argument("--self-test", action="store_true", help="run the self-test and exit")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.add_argument("--prefix", metavar="TEXT", help="text before the caret")
    test.add_argument("--suffix", metavar="TEXT", default="", help="text after the caret")
    test.add_argument("--seed", type=int, metavar="N", help="sample with this seed")
    test.add_argument("--screenshot", type=Path, metavar="FILE", help="where to save the picture")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; return the exit code."""
    multiprocessing.freeze_support()
    frozen.give_library_path_back()
    argv = sys.argv[1:] if argv is None else argv
    first = argv[0] if argv else ""
    if frozen.is_window_program() and first in _COMMANDS:
        return _become([str(frozen.engine_program()), *argv])
    # Imports wait until here: a child process loads no Qt, the window loads no engine.
    if first in _HOSTS:
        return int(importlib.import_module(_HOSTS[first]).run())
    if first in _COMMANDS:
        return int(importlib.import_module(_COMMANDS[first]).run(argv[1:]))
    arguments = _parser().parse_args(argv)
    if not (arguments.self_test or screen.is_there()):
        # Qt would end the process with a core dump.
        sys.stderr.write(f"{screen.MISSING}\n")
        return NOT_HERE
    try:
        if arguments.self_test:
            from starpad import self_test
        else:
            from starpad import bootstrap
    except ImportError as error:
        sys.stderr.write(f"{_lack(error)}\n")
        return NOT_HERE
    if arguments.self_test:
        return self_test.run(arguments)
    return bootstrap.run(arguments.files, arguments.model)


def _lack(error: ImportError) -> str:
    """Return what the system lacks for the window. Raises the error where it is our own fault."""
    found = re.match(r"(\S+\.so\S*): cannot open shared object file", str(error))
    if found is None:
        raise error
    return (
        f"This system lacks {found[1]}, which the window needs. Install the package that holds it; "
        "`starpad serve MODEL` needs no window."
    )


def _become(command: list[str]) -> int:
    """Go on as another program; where that cannot be (Windows), return its exit code."""
    if sys.platform != "win32":
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
