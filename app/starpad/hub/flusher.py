"""Writes a growing file through to the disk, beside the thread that makes it grow."""

import os
import threading
from pathlib import Path


class Flusher:
    """Flushes one file, once at a time, on a thread of its own; used by one other thread.

    A download would otherwise stand still for as long as the disk takes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def begin(self) -> None:
        """Flush what is there now, unless the last flush is still under way.

        Raises the OSError that an earlier one ended with.
        """
        if self._thread is None or not self._thread.is_alive():
            self.finish()
            name = f"flush {self._path.name}"
            self._thread = threading.Thread(target=self._flush, name=name, daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait for the last `begin`. Raises its OSError."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _flush(self) -> None:
        try:
            # Windows flushes only what may be written to.
            descriptor = os.open(self._path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._error = error
