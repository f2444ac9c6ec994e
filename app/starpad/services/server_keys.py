"""The keys of remote servers: in the system's keyring, or in a file that only the user can read."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starpad.hub.token_store import TokenStore

_SERVICE = "Starpad remote servers"
_FILE = "server-keys.json"


class ServerKeys:
    """Keys by address. What was set last counts at once, also while it is still being kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._store_lock = threading.Lock()
        self._wanted: dict[str, str] = {}

    def set(self, address: str, key: str) -> None:
        """Take a key, or none if it is empty; `keep` must follow."""
        with self._lock:
            self._wanted[address] = key

    def keep(self, address: str) -> None:
        """Write what was set, or forget it; from any thread but the GUI's. Raises StarpadError."""
        store = self._store()
        with self._store_lock:  # of two changes the later one wins, whichever comes here first
            key = self._wanted_for(address)
            if key:
                store.save(address, key)
            elif key is not None:
                store.forget(address)

    def forget(self, address: str) -> None:
        """Delete a key wherever it is kept, at once. Raises StarpadError."""
        self.set(address, "")
        self.keep(address)

    def get(self, address: str) -> str:
        """Return the key, empty if there is none; from any thread but the GUI's.

        A keyring may ask the user to unlock it first.
        """
        wanted = self._wanted_for(address)
        if wanted is not None:
            return wanted
        return self._store().load(address) or ""

    def _wanted_for(self, address: str) -> str | None:
        with self._lock:
            return self._wanted.get(address)

    def _store(self) -> "TokenStore":
        from starpad.hub.token_store import TokenStore

        return TokenStore(self._folder, service=_SERVICE, file_name=_FILE)
