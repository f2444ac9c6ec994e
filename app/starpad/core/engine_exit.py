"""Why an engine's process ended, in a sentence."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

# Windows reports an illegal instruction as this exit code.
_WINDOWS_ILLEGAL_INSTRUCTION = 0xC000001D

_MARKS = (
    "couldn't bind",
    "failed to allocate",
    "error loading model: ",
    "GGML_ASSERT",
    "error while loading shared libraries",
    "error: invalid argument",
)
_LOG_ERROR = re.compile(r"^[\d.]+ E \s*(?:\S+\s+)?\S+: (?P<text>.*)")


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
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        how = f"crashed ({name})"
    else:
        how = f"ended with exit code {returncode}"
    words = telling_line(log)
    return f"The engine {how}: {words}" if words else f"The engine {how}."


def telling_line(log: Sequence[str]) -> str:
    """Return what says best what went wrong, without llama.cpp's time stamp, or nothing."""
    for mark in _MARKS:
        for line in log:
            if mark in line:
                found = _LOG_ERROR.match(line)
                text = found["text"] if found else line
                return text.removeprefix("error loading model: ").strip()
    errors = [found["text"] for line in log if (found := _LOG_ERROR.match(line))]
    return errors[0].strip() if errors else ""
