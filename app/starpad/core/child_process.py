"""What every child process does for itself: end with its parent, keep its answers clean."""

import ctypes
import os
import signal
import sys
import threading
from io import TextIOWrapper
from typing import TextIO

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> threading.Thread:
    """End this process as soon as its parent closes our stdin, or ends; return the watcher.

    Call it when everything that is wanted from stdin has been read. Two guards, for either alone
    has a gap: the watcher needs Python to run, which a library that loads a file for a minute
    without letting go of the interpreter prevents; and the kernel's death signal exists on Linux
    only. There it is bound to the *thread* that started us: a thread that lives as long as the
    app. On Windows and macOS a parent that dies during such a load is noticed when it is over.
    """
    ask_for_death_signal()
    watcher = threading.Thread(target=_exit_at_end_of_input, name="parent-watch", daemon=True)
    watcher.start()
    return watcher


def ask_for_death_signal() -> None:
    """On Linux, have the kernel kill this process when its parent's thread ends."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)


def protected_stdout() -> TextIO:
    """Return the real stdout, and point file descriptor 1 at stderr.

    A stray print, of C code too, then lands in the log and never between our answers.
    """
    real = os.dup(1)
    os.dup2(2, 1)
    if isinstance(sys.stdout, TextIOWrapper):
        # The process ends without emptying Python's buffers, and a log comes line by line.
        sys.stdout.reconfigure(line_buffering=True)
    return os.fdopen(real, "w", encoding="utf-8", buffering=1)


def _exit_at_end_of_input() -> None:
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)
