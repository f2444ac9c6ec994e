"""Where access tokens are kept: in the system's keyring, or in a file that only the user can read.

A keyring may ask the user to unlock it, and a D-Bus service that hangs makes it wait without
end: nothing here may be called on the GUI thread.
"""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starpad.core import file_store
from starpad.core.errors import StarpadError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_Answer = TypeVar("_Answer")
log = logging.getLogger(__name__)

_SERVICE = "Starpad"
_FILE = "hub-tokens.json"
_TOKEN = re.compile(r"[!-~]{1,4096}")
"""Printable ASCII without spaces: anything else would break the header that carries it."""


class TokenStore:
    """Access tokens by hub; `folder` is for those that no keyring takes (made when needed).

    `endpoint` is a hub's address, with or without a slash at its end. What a hub's token was
    saved for is the only place that it is found under. Another `service` keeps tokens of its own.
    """

    def __init__(self, folder: Path, *, service: str = _SERVICE, file_name: str = _FILE) -> None:
        self._path = folder / file_name
        self._service = service

    def load(self, endpoint: str) -> str | None:
        """Return the token, or None; whatever is unreadable counts as none."""
        endpoint = endpoint.rstrip("/")
        # The file first: it only has what the keyring did not take, so it is never the older one.
        return as_token(self._read().get(endpoint)) or self._from_keyring(endpoint)

    def save(self, endpoint: str, token: str) -> bool:
        """Keep a token; return True if the keyring has it, False if the file has.

        Raises StarpadError if it is no token, or if neither takes it.
        """
        endpoint = endpoint.rstrip("/")
        if as_token(token) is None:
            raise StarpadError("That is not an access token.", "It starts with hf_; copy it whole.")
        tokens = self._read()
        if self._into_keyring(endpoint, token):
            if tokens.pop(endpoint, None) is not None:
                self._write(tokens)
            return True
        self._write({**tokens, endpoint: token})
        return False

    def forget(self, endpoint: str) -> None:
        """Delete the token everywhere. Raises StarpadError if it is still there then."""
        endpoint = endpoint.rstrip("/")
        tokens = self._read()
        if tokens.pop(endpoint, None) is not None:
            self._write(tokens)
        _ask_keyring(lambda keyring: keyring.delete_password(self._service, endpoint))
        if self._from_keyring(endpoint) is not None:
            raise StarpadError(
                "The system's keyring did not delete the access token.",
                f"Delete the entry {self._service} in it, or revoke the token on the hub's page.",
            )

    def place(self, endpoint: str) -> str:
        """Return a sentence that says where the token is kept; empty if there is none."""
        endpoint = endpoint.rstrip("/")
        if as_token(self._read().get(endpoint)):
            return f"The token is kept in {self._path}, which only you can read."
        if self._from_keyring(endpoint):
            name = _ask_keyring(lambda keyring: keyring.name)
            return f"The token is kept in the system's keyring ({name})."
        return ""

    def _from_keyring(self, endpoint: str) -> str | None:
        return as_token(_ask_keyring(lambda keyring: keyring.get_password(self._service, endpoint)))

    def _into_keyring(self, endpoint: str, token: str) -> bool:
        def keep(keyring: "KeyringBackend") -> bool:
            keyring.set_password(self._service, endpoint, token)
            return keyring.get_password(self._service, endpoint) == token

        return _ask_keyring(keep) is True

    def _read(self) -> dict[str, str]:
        try:
            tokens = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return tokens if isinstance(tokens, dict) else {}

    def _write(self, tokens: dict[str, str]) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.parent.chmod(0o700)
            file_store.replace(self._path, json.dumps(tokens, indent=1).encode(), mode=0o600)
        except OSError as error:
            raise StarpadError(
                f"The access token cannot be kept: {self._path.parent} is not writable.",
                "Change the folder's permissions, or free space on its disk.",
            ) from error


def found_token() -> str | None:
    """Return the token that another program of this user holds (the `hf` command, HF_TOKEN).

    For a button that says so, and nothing else: Starpad never takes it by itself.
    """
    from huggingface_hub import get_token

    try:
        return as_token(get_token())
    except Exception as error:
        # It reads files of others, and may ask the hub for a fresh token.
        log.warning("no token of another program can be read: %s", type(error).__name__)
        return None


def as_token(value: object) -> str | None:
    """Return `value` if it can be an access token."""
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def _ask_keyring(question: Callable[["KeyringBackend"], _Answer]) -> _Answer | None:
    """Return the system's keyring's answer; None where there is no keyring that works."""
    try:
        import keyring

        backend = keyring.get_keyring()
        # Others keep nothing at all, or keep it in plain text.
        if backend.priority < 1:
            return None
        return question(backend)
    except Exception as error:
        # Its backends raise what their systems raise, D-Bus errors for example.
        log.info("the system's keyring is of no use: %s", type(error).__name__)
        return None
