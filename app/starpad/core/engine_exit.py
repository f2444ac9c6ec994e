"""Why an engine's process ended, in a sentence."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

# Windows reports an illegal instruction as this exit code.
_WINDOWS_ILLEGAL_INSTRUCTION = 0xC000001D

_LOG_ERROR = re.compile(r"^[\d.]+ E \s*(?:\S+\s+)?\S+: (?P<text>.*)")

# What C++, the C library, ggml and Python say when they get no memory, or no thread for want of it.
_MEMORY_WORDS = re.compile(
    r"bad_alloc|cannot allocate memory|failed to allocate|out of memory|MemoryError"
    r"|Resource temporarily unavailable",
    re.IGNORECASE,
)
_LAST_LINES = 12
# Where ggml was built, in front of the line of its source.
_SOURCE_FOLDER = re.compile(r"^\S*/(?=[\w.-]+:\d+: )")
# In this order: of a damaged header, "error loading model" says no more than that it was one.
_MARKS = (
    "couldn't bind",
    "failed to allocate",
    "gguf_init_from",
    "error loading model: ",
    "GGML_ASSERT",
    "error while loading shared libraries",
    "error: invalid argument",
)
_NO_MEMORY = "The engine ran out of memory."
_BIND = re.compile(r"couldn't bind .*port: (?P<port>\d+)")


@dataclass(frozen=True, slots=True)
class ExitReport:
    """An engine that stopped by itself: why, its last words, and when it is started again."""

    returncode: int
    """As subprocess gives it: negative for a signal."""
    sentence: str
    log_tail: str
    restart_in_ms: int | None = None
    """None when it is left to the user."""


def explain_exit(returncode: int, log: Sequence[str]) -> str:
    """Return one sentence about an exit; `log` are the lines that the process left."""
    if returncode == -9:
        return "The engine was killed, perhaps because memory ran out."
    if returncode == -4 or returncode == _WINDOWS_ILLEGAL_INSTRUCTION:
        return "This computer's processor lacks instructions (AVX2, FMA) that the engine needs."
    if returncode and _lacks_memory(log):
        return _NO_MEMORY
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        how = f"crashed ({name})"
    else:
        how = f"ended with exit code {returncode}"
    words = telling_line(log).rstrip(".")
    return f"The engine {how}: {words}." if words else f"The engine {how}."


def explain_failed_load(log: Sequence[str]) -> str:
    """Return one sentence about a model that an engine refused, or nothing if the log is silent."""
    words = telling_line(log)
    taken = _BIND.search(words)
    if taken:
        return f"another program uses port {taken['port']}."
    if _MEMORY_WORDS.search(words):
        return f"memory ran out ({words.rstrip('.')})."
    return words.rstrip(".") + "." if words else ""


def telling_line(log: Sequence[str]) -> str:
    """Return what says best what went wrong, without llama.cpp's time stamp, or nothing."""
    for mark in _MARKS:
        for line in log:
            if mark in line:
                found = _LOG_ERROR.match(line)
                text = found["text"] if found else line
                text = text.removeprefix("error loading model: ").strip()
                return _SOURCE_FOLDER.sub("", text)
    errors = [found["text"] for line in log if (found := _LOG_ERROR.match(line))]
    return errors[0].strip() if errors else ""


def _lacks_memory(log: Sequence[str]) -> bool:
    """Return whether a process that ended said last that it got no memory.

    Only the last lines count: what it wanted before, it may have found a way around.
    """
    return any(_MEMORY_WORDS.search(line) for line in log[-_LAST_LINES:])
