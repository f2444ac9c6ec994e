"""The thread that keeps unsaved text and the open tabs on the disk while the user types."""

import logging
import sqlite3
import threading
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from starpad.core.errors import FileError
from starpad.core.kept_text import Saving, TextUpdate
from starpad.core.session_store import KeptTabs, LeftSession, SessionStore

log = logging.getLogger(__name__)

_RETRY_S = 3.0


class BackupService(QThread):
    """Writes what becomes of each document; what waits to be written is written at once.

    What could not be written is tried again until it is written or replaced.
    """

    failed = Signal(object)
    """A FileError: unsaved text is not safe. Once, until a write succeeds."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("backups")
        self.folder = folder
        self._store = SessionStore(folder)
        self._changed = threading.Condition()
        self._texts: dict[int, TextUpdate | None] = {}
        self._tabs: KeptTabs | None = None
        self._left: list[LeftSession] = []
        self._is_writing = False
        self._error: Exception | None = None
        self._is_shut_down = False

    def claim(self) -> list[LeftSession]:
        """Return what ended windows left, the oldest first. Call it once, before all else."""
        try:
            return self._store.claim()
        except (OSError, sqlite3.Error) as error:
            self.failed.emit(_explained(error, self.folder))
            return []

    def keep(self, update: TextUpdate) -> None:
        """Keep what has become of a document's unsaved text."""
        self._put(update.head.number, update)

    def drop(self, number: int) -> None:
        """Forget a document's text: it is saved or given up."""
        self._put(number, None)

    def note_saving(self, saving: Saving) -> None:
        """Note, at once, that a file is about to be written."""
        try:
            self._store.note_saving(saving)
        except OSError as error:
            log.warning("a saving could not be noted: %s", error)

    def arrange(self, tabs: KeptTabs) -> None:
        """Keep which documents are open."""
        with self._changed:
            self._tabs = tabs
            self._wake()

    def remove(self, left: LeftSession) -> None:
        """Delete a left session once all that was given to keep so far is on the disk."""
        with self._changed:
            self._left.append(left)
            self._wake()

    def flush(self) -> None:
        """Wait until all is on the disk. Raises FileError if something cannot be written."""
        with self._changed:
            self._error = None
            self._wake()
            self._changed.wait_for(
                lambda: self._error or self._is_shut_down or not (self._is_writing or self._rest())
            )
            if self._error is not None:
                raise _explained(self._error, self.folder) from self._error

    def shutdown(self) -> None:
        """Write what waits, and let the next start have it. May be called again."""
        with self._changed:
            if self._is_shut_down:
                return
            self._is_shut_down = True
            self._changed.notify_all()
        self.wait()
        self._store.close()

    def _put(self, number: int, text: TextUpdate | None) -> None:
        with self._changed:
            self._texts[number] = _both(self._texts.get(number), text)
            self._wake()

    def _wake(self) -> None:
        if not self._is_shut_down:
            self.start()  # nothing if it runs
            self._changed.notify_all()

    def _rest(self) -> bool:
        return bool(self._texts or self._left or self._tabs)

    def run(self) -> None:
        """Write until `shutdown` (called by Qt in the new thread)."""
        threading.current_thread().name = self.objectName()
        has_failed = False
        while True:
            with self._changed:
                if has_failed and not self._is_shut_down:
                    self._changed.wait(_RETRY_S)
                else:
                    self._changed.wait_for(lambda: self._rest() or self._is_shut_down)
                if self._is_shut_down and (has_failed or not self._rest()):
                    return
                texts, self._texts = self._texts, {}
                tabs, self._tabs = self._tabs, None
                left, self._left = self._left, []
                self._is_writing = True
            has_failed = not self._write(texts, tabs, left, is_news=not has_failed)

    def _write(
        self,
        texts: dict[int, TextUpdate | None],
        tabs: KeptTabs | None,
        left: list[LeftSession],
        *,
        is_news: bool,
    ) -> bool:
        """Write all; put back what could not be written. Return whether it is all on the disk."""
        error: Exception | None = None
        for number, text in list(texts.items()):
            try:
                if text is None:
                    self._store.remove_text(number)
                else:
                    self._store.update_text(text)
                del texts[number]
            except (OSError, sqlite3.Error) as problem:
                error = problem
        try:
            if error is None and tabs is not None:
                self._store.write_tabs(tabs)
                tabs = None
            while error is None and left:
                self._store.remove(left[0])
                del left[0]
        except (OSError, sqlite3.Error) as problem:
            error = problem
        with self._changed:
            for number, text in texts.items():
                newer = self._texts.get(number, text)
                self._texts[number] = text if newer is text else _both(text, newer)
            self._tabs = self._tabs or tabs
            self._left = left + self._left
            self._is_writing = False
            self._error = error
            self._changed.notify_all()
        if error is not None and is_news:
            log.warning("unsaved text could not be kept: %s", error)
            self.failed.emit(_explained(error, self.folder))
        return error is None


def _both(old: TextUpdate | None, new: TextUpdate | None) -> TextUpdate | None:
    """Return two updates as one; None drops the text."""
    return new if old is None or new is None else old.then(new)


def _explained(error: Exception, folder: Path) -> FileError:
    reason = getattr(error, "strerror", None) or error
    return FileError(
        f"Unsaved text cannot be kept for the case of a crash: {reason}.",
        f"Save your documents often, and see whether there is room and the right to write in "
        f"{folder}.",
        retryable=True,
    )
