"""The log file: what happened, for a report. Never what the user wrote: no prompt, no code."""

import faulthandler
import logging
import logging.handlers
import sys
from collections.abc import Callable
from pathlib import Path

FILE_BYTES = 1_000_000
FILES = 3
"""The current file and those before it."""

_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"


def start(folder: Path) -> Callable[[], None]:
    """Log to `folder/starpad.log`, and warnings also to stderr; return what ends this again.

    A crash of the interpreter itself leaves its stacks in `folder/crash.log`. Other packages'
    records count from WARNING on: their details could hold a request's text. A folder that cannot
    be written costs the file, not the start.
    """
    handlers: list[logging.Handler] = []
    if sys.stderr:  # None in a frozen app without a console
        console = logging.StreamHandler()
        console.setLevel(logging.WARNING)
        console.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        handlers.append(console)
    crash_file = None
    reason = ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            folder / "starpad.log",
            maxBytes=FILE_BYTES,
            backupCount=FILES - 1,
            encoding="utf-8",
            errors="backslashreplace",
        )
        file.setFormatter(logging.Formatter(_FORMAT))
        handlers.append(file)
        crash_file = (folder / "crash.log").open("a", encoding="utf-8")
        faulthandler.enable(crash_file)
    except OSError as error:
        reason = error.strerror or str(error)
    root, own = logging.getLogger(), logging.getLogger("starpad")
    levels = root.level, own.level
    root.setLevel(logging.WARNING)
    own.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    if reason:
        own.warning("There is no log file in %s: %s", folder, reason)

    def stop() -> None:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(levels[0])
        own.setLevel(levels[1])
        if crash_file:
            faulthandler.disable()
            crash_file.close()

    return stop
