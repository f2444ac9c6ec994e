"""The servers that the user has entered, in a file; their keys are not in it."""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from starpad.core.errors import StarpadError
from starpad.core.json_store import Content, JsonStore
from starpad.core.remote_server import FimSpelling, RemoteServer, usable_address

NAME_CHARACTERS = 80
_TYPES = {
    field.name: type(getattr(RemoteServer("", ""), field.name)) for field in fields(RemoteServer)
}


class RemoteServerStore:
    """The file that keeps them, by name; several windows may use it at once."""

    def __init__(self, path: Path) -> None:
        self._store = JsonStore(path, "The list of remote servers", {"servers": list})

    @property
    def problems(self) -> list[StarpadError]:
        """What went wrong while reading; a damaged file is kept under another name."""
        return self._store.problems

    def all(self) -> list[RemoteServer]:
        """Return the servers by name; what makes no sense is as if not there."""
        known: dict[str, RemoteServer] = {}
        for values in self._store.read()["servers"]:
            server = _server(values)
            if server is not None:
                known.setdefault(server.name.casefold(), server)
        return [known[name] for name in sorted(known)]

    def find(self, name: str) -> RemoteServer | None:
        """Return the server of this name."""
        return next((server for server in self.all() if server.name == name), None)

    def save(self, server: RemoteServer, replaces: str = "") -> None:
        """Keep a server, instead of the one that is named `replaces`.

        Raises StarpadError if another one has its name or it has none, FileError if the file
        cannot be written.
        """
        _require_usable(server.name)
        taken = {each.name.casefold() for each in self.all() if each.name != replaces}
        if server.name.casefold() in taken:
            raise StarpadError(
                f"There is a server named “{server.name}” already.", "Choose another name."
            )
        self._change([server], {server.name, replaces})

    def remove(self, name: str) -> None:
        """Forget a server, if it is there. Raises FileError."""
        self._change([], {name})

    def _change(self, added: Sequence[RemoteServer], dropped: set[str]) -> None:
        def put(content: Content) -> None:
            kept = [values for values in content["servers"] if _name(values) not in dropped]
            content["servers"] = [*kept, *map(asdict, added)]

        self._store.change(put)


def _name(values: object) -> object:
    return values.get("name") if isinstance(values, dict) else None


def _server(values: object) -> RemoteServer | None:
    """Return the server that an entry of the file holds; None if it holds none that can be used."""
    if not isinstance(values, dict):
        return None
    known = {name: value for name, value in values.items() if name in _TYPES}
    try:
        known["fim"] = FimSpelling(known.get("fim", FimSpelling.AUTO))
        if any(type(value) is not _TYPES[name] for name, value in known.items()):
            return None
        _require_usable(known["name"])
        server = RemoteServer(**known)
        is_sound = server.context_tokens >= 0 and server.first_token_s > 0
        return replace(server, address=usable_address(server.address)) if is_sound else None
    except (KeyError, TypeError, ValueError, StarpadError):
        return None


def _require_usable(name: str) -> None:
    if not name.strip():
        raise StarpadError("The server needs a name.", "Type one.")
    if not name.isprintable() or len(name) > NAME_CHARACTERS:
        raise StarpadError(
            "The server's name cannot be used.",
            f"Type one of at most {NAME_CHARACTERS} characters that can be shown.",
        )
