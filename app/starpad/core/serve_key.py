"""The key that other programs need, in a file that only the user can read.

Not in the system's keyring: the same key stands in the settings of the programs that use it, and
it opens nothing but a door on this computer.
"""

import re
import secrets
from pathlib import Path

from starpad.core import file_store
from starpad.core.errors import FileError

FILE_NAME = "serve-key"
_KEY = re.compile(r"[!-~]{1,512}")
_HINT = "Free space on the disk, or change the folder's permissions."


class KeyFile:
    """The file at `path`, made when it is first needed; the key is the same until it is renewed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def key(self) -> str:
        """Return the key, a new one if there is none. Raises FileError if it cannot be kept."""
        try:
            known = self.path.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            known = ""
        return known if is_key(known) else self.renew()

    def renew(self) -> str:
        """Make a new key instead; return it. Raises FileError, and the old one stays."""
        key = f"sk-starpad-{secrets.token_urlsafe(24)}"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file_store.replace(self.path, f"{key}\n".encode("ascii"), mode=0o600)
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"The key for other programs cannot be kept in {self.path}: {reason}."
            raise FileError(message, _HINT) from error
        return key


def is_key(text: str) -> bool:
    """Return whether `text` can be sent as a key: printable ASCII without spaces."""
    return _KEY.fullmatch(text) is not None


def read_key(path: Path) -> str:
    """Return the key that a person wrote into a file. Raises FileError."""
    try:
        key = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(f"The key file {path} cannot be read: {reason}.") from error
    if not is_key(key):
        message = f"{path} holds no key."
        raise FileError(message, "Write one word of letters, digits and signs into it.")
    return key
