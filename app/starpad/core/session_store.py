"""What a window has open and has not saved, on the disk: for the next start, however this one ends.

Each running Starpad has a folder of its own, with a lock in it that its end, however it comes,
takes off. So nobody takes the text of a window that still runs.
"""

import contextlib
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from starpad.core import file_store, kept_text
from starpad.core.kept_text import (
    EDITS,
    SAVING,
    TEXT,
    KeptText,
    KeptTextWriter,
    Saving,
    TextUpdate,
)

_log = logging.getLogger(__name__)

VERSION = 1
_TABS, _LOCK = "tabs.json", "session.lock"
_BUSY_S = 5.0


@dataclass(frozen=True, slots=True)
class KeptTab:
    """An open document. `caret` and `anchor` count UTF-16 units, `top` is the first line shown."""

    number: int
    path: Path | None
    caret: int = 0
    anchor: int = 0
    top: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class KeptTabs:
    """The open documents in their order."""

    tabs: tuple[KeptTab, ...] = ()
    current: int = 0
    """The number of the one on screen."""
    is_ended: bool = False
    """The user closed the window: whatever was not saved was given up."""


@dataclass(frozen=True, slots=True)
class LeftSession:
    """What a window that no longer runs has left; it stays until `SessionStore.remove`."""

    folder: Path
    tabs: KeptTabs
    texts: tuple[KeptText, ...]
    is_readable: bool = True
    """Whether all of it could be read: else it is never removed."""


class SessionStore:
    """The sessions in one folder, of which the running one is ours.

    Every call may raise OSError, or sqlite3.Error for a lock. One thread at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: Path | None = None
        self._locks: dict[Path, sqlite3.Connection] = {}
        self._texts: dict[int, KeptTextWriter] = {}

    def claim(self) -> list[LeftSession]:
        """Return what ended windows left, the oldest first; no other window gets it as well."""
        if not self._folder.is_dir():
            return []
        with self._alone():
            folders = [
                folder
                for folder in sorted(self._folder.iterdir())
                if folder.is_dir() and folder not in self._locks and self._take(folder)
            ]
        return [_read(folder) for folder in folders]

    def update_text(self, update: TextUpdate) -> None:
        """Keep what has become of a document's unsaved text."""
        number = update.head.number
        if number not in self._texts:
            self._texts[number] = KeptTextWriter(self._own_folder(), number)
        self._texts[number].write(update)

    def remove_text(self, number: int) -> None:
        """Forget a document's text: it is saved or given up."""
        kept_text.remove(self._own_folder(), number)
        self._texts.pop(number, None)

    def note_saving(self, saving: Saving) -> None:
        """Note a saving before it is done. Quick, and the only call that any thread may make.

        Not synced: it is for the moment between the saving and `remove_text`.
        """
        own = self._own  # without one nothing is kept that could be older
        if own is not None:
            kept_text.note_saving(own, saving)

    def write_tabs(self, tabs: KeptTabs) -> None:
        """Keep which documents are open."""
        rows = [{**asdict(tab), "path": tab.path and str(tab.path)} for tab in tabs.tabs]
        content = {
            "version": VERSION, "current": tabs.current, "is_ended": tabs.is_ended, "tabs": rows,
        }  # fmt: skip
        data = json.dumps(content).encode("ascii")
        file_store.replace(self._own_folder() / _TABS, data, mode=0o600)

    def remove(self, left: LeftSession) -> None:
        """Delete a left session: all that it held is kept by ours, or saved, or given up."""
        for saving in map(kept_text.read_saving, left.folder.glob(f"*{SAVING}")):
            if saving is not None and saving.temporary is not None:
                file_store.remove_temporary(saving.temporary)
        if left.is_readable:
            # The last are writings that a kill broke off.
            kinds = (f"*{TEXT}", f"*{EDITS}", f"*{SAVING}", _TABS, ".starpad-*")
            for file in [file for kind in kinds for file in left.folder.glob(kind)]:
                file.unlink(missing_ok=True)
        self._release(left.folder)
        if left.is_readable:
            # Not if a stranger has put something there.
            with contextlib.suppress(OSError):
                (left.folder / _LOCK).unlink(missing_ok=True)
                left.folder.rmdir()

    def close(self) -> None:
        """Let the next start have what is kept."""
        for folder in list(self._locks):
            self._release(folder)
        self._own = None
        self._texts.clear()

    def _own_folder(self) -> Path:
        if self._own is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                own = self._folder / f"{time.time_ns():020}-{secrets.token_hex(4)}"
                own.mkdir(mode=0o700)
                if not self._take(own):
                    raise OSError(f"{own} is locked")
            self._own = own
        return self._own

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other windows from taking a folder between its making and its lock."""
        with contextlib.closing(_lock(self._folder / "sessions.lock", _BUSY_S)):
            yield

    def _take(self, folder: Path) -> bool:
        """Lock a session; return whether no other window has."""
        try:
            self._locks[folder] = _lock(folder / _LOCK, 0)
        except sqlite3.OperationalError:
            return False
        return True

    def _release(self, folder: Path) -> None:
        lock = self._locks.pop(folder, None)
        if lock is not None:
            lock.close()


def _lock(file: Path, busy_s: float) -> sqlite3.Connection:
    """Return a lock that holds until it is closed or the process ends, on every system.

    It is SQLite's own, on an empty file.
    """
    lock = sqlite3.connect(file, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        lock.close()
        raise
    return lock


def _read(folder: Path) -> LeftSession:
    """Return what lies in a session's folder; what cannot be read is logged and stays there."""
    texts: list[KeptText] = []
    tabs = KeptTabs()
    is_readable = True
    for file in sorted([*folder.glob(f"*{TEXT}"), folder / _TABS]):
        try:
            if file.name == _TABS:
                tabs = _read_tabs(file)
            else:
                text = kept_text.read(file)
                texts += [] if text.is_saved else [text]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            _log.warning("Unsaved text in %s cannot be read: %s", file, error)
            is_readable = is_readable and file.name == _TABS
    return LeftSession(folder, tabs, tuple(texts), is_readable)


def _read_tabs(file: Path) -> KeptTabs:
    match json.loads(file.read_bytes()):
        case {"version": int(version), "current": int(current), "is_ended": bool(is_ended),
              "tabs": list(rows)} if version == VERSION:  # fmt: skip
            return KeptTabs(tuple(map(_tab, rows)), current, is_ended)
        case _:
            raise ValueError("it holds other fields than this Starpad writes")


def _tab(row: object) -> KeptTab:
    match row:
        case {"number": int(number), "path": str() | None as path, "caret": int(caret),
              "anchor": int(anchor), "top": int(top), "revision": int(revision)}:  # fmt: skip
            return KeptTab(
                number, _path(path), max(0, caret), max(0, anchor), max(0, top), revision
            )
        case _:
            raise ValueError("a tab holds other fields than this Starpad writes")


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
