"""What every child process does for itself: end with its parent, keep its answers clean."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from io import TextIOWrapper
from typing import NoReturn, TextIO

if sys.platform != "win32":
    import resource

_PR_SET_PDEATHSIG = 1
# JOBOBJECT_EXTENDED_LIMIT_INFORMATION on 64-bit Windows: its number, size, where the flags are.
_JOB_LIMITS = 9
_JOB_LIMITS_BYTES = 144
_JOB_FLAGS_OFFSET = 16
_JOB_KILL_ON_CLOSE = 0x2000
_THIS_PROCESS = -1
"""Windows' handle for whoever asks."""


def die_with_parent(before: Callable[[], object] | None = None) -> threading.Thread:
    """End this process as soon as its parent closes our stdin, or ends; return the watcher.

    `before` is called first, in the watcher's thread, unless the kernel is faster.

    Call it when everything that is wanted from stdin has been read. Two guards, for either alone
    has a gap: the watcher needs Python to run, which a library that loads a file for a minute
    without letting go of the interpreter prevents; and the kernel's death signal exists on Linux
    only. There it is bound to the *thread* that started us: a thread that lives as long as the
    app. On Windows and macOS a parent that dies during such a load is noticed when it is over.
    """
    ask_for_death_signal()
    watcher = threading.Thread(
        target=_exit_at_end_of_input, args=(before,), name="parent-watch", daemon=True
    )
    watcher.start()
    return watcher


def ask_for_death_signal() -> None:
    """On Linux, have the kernel kill this process when its parent's thread ends."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)


def death_signal_for_children() -> Callable[[], None] | None:
    """Return a `preexec_fn` with which the kernel kills a child when this thread ends (Linux).

    Only for processes that have no other thread which may hold a lock: the child is a copy of
    this process in which that thread would never let go of it.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def end_children_with_us() -> None:
    """On Windows, have the system end all that this process starts from now on together with it.

    This process enters a job that is closed, with everything in it, when its only handle is: with
    the process itself. Where the system refuses, children are ended by us alone.
    """
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        for name in ("CreateJobObjectW", "GetCurrentProcess"):
            getattr(kernel, name).restype = ctypes.c_void_p
        job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
        limits = (ctypes.c_byte * _JOB_LIMITS_BYTES)()
        ctypes.c_uint32.from_buffer(limits, _JOB_FLAGS_OFFSET).value = _JOB_KILL_ON_CLOSE
        kernel.SetInformationJobObject(job, _JOB_LIMITS, limits, _JOB_LIMITS_BYTES)
        kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess()))


def creation_flags() -> int:
    """Return what keeps Windows from opening a console for a new process."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def end_like(returncode: int) -> NoReturn:
    """End this process at once as a child of it crashed: by its signal, or its Windows code."""
    if returncode < 0 and sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):  # SIGKILL has no handler to reset
            signal.signal(-returncode, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child's dump says it all
        os.kill(os.getpid(), -returncode)
    os._exit(returncode)


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


def _exit_at_end_of_input(before: Callable[[], object] | None) -> None:
    try:
        while os.read(0, 4096):
            pass
        if before is not None:
            before()
    finally:
        if sys.platform == "win32":
            # os._exit() waits there for each library's farewell, with threads dead in their locks:
            # an engine took longer than it is given to end (seen under Wine).
            ctypes.windll.kernel32.TerminateProcess(ctypes.c_void_p(_THIS_PROCESS), 0)
        os._exit(0)
