"""What differs in the installed app, where PyInstaller made two programs of this package."""

import os
import sys
from pathlib import Path

WINDOW_PROGRAM = "starpad"
ENGINE_PROGRAM = "starpad-engine"
"""Its child processes and commands: the engines, and no Qt."""


def is_frozen() -> bool:
    """Return whether this is an installed program rather than Python."""
    return bool(getattr(sys, "frozen", False))


def engine_program() -> Path:
    """Return the program beside this one that holds the engines."""
    this = Path(sys.executable)
    return this.with_name(ENGINE_PROGRAM + this.suffix)


def is_window_program() -> bool:
    """Return whether this is the installed program with Qt, which has no engines in it."""
    return is_frozen() and Path(sys.executable).stem == WINDOW_PROGRAM


def give_library_path_back() -> None:
    """Undo what the program's start did to LD_LIBRARY_PATH, for programs that are not ours.

    A browser, a compiler or the user's own llama-server would load our libraries instead of the
    system's. We need it no more: the loader read it when this process began, and the programs
    that are ours set it for themselves.
    """
    if is_frozen() and sys.platform == "linux":
        original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
        os.environ.pop("LD_LIBRARY_PATH", None)
        if original:
            os.environ["LD_LIBRARY_PATH"] = original
