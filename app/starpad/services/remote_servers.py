"""Servers that somebody else runs: which there are, which one is connected, and their keys."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.errors import EngineError, StarpadError
from starpad.core.load_options import EngineKind
from starpad.core.remote_server import Abilities, RemoteOptions, RemoteServer
from starpad.core.remote_server_store import RemoteServerStore
from starpad.core.serve_key import is_key
from starpad.engines.remote_session import look
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.engine_run import AnyOptions
from starpad.services.hub_account import as_starpad_error
from starpad.services.inference_thread import Emit, RequestEnd
from starpad.services.server_keys import ServerKeys
from starpad.services.settings import SettingsService

_LOOK_S = 0.2
"""How soon a test that is given up ends."""


@dataclass(frozen=True, slots=True)
class _Coming:
    """A server whose key is being read, before the engine hears of it."""

    job: int
    server: RemoteServer
    before: AnyOptions | None
    """What the engine was asked for last when the user asked for this."""


class RemoteServers(QObject):
    """Keeps the list; has the engine service connect a server when the user says so.

    Nothing is sent anywhere but by `test`, `connect_to`, and `resume` of what the user had
    connected and left so. A key goes to the address that it was saved for and nowhere else.
    """

    changed = Signal()
    """The list, or which server is connected or being connected."""
    tested = Signal(int, object)
    """(number, Abilities or StarpadError) the answer to `test`."""
    failed = Signal(object)
    """(StarpadError) a server could not be connected, or something could not be kept."""
    disconnected = Signal()
    """The user has let go of a server: another model is wanted."""

    def __init__(
        self,
        engine: EngineService,
        settings: SettingsService,
        jobs: BackgroundJobs,
        data: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._settings = settings
        self._jobs = jobs
        self._store = RemoteServerStore(data / "remote-servers.json")
        self._keys = ServerKeys(data / "tokens")
        self._tests: set[int] = set()
        self._key_jobs: set[int] = set()
        self._coming: _Coming | None = None
        self._connected: RemoteServer | None = None
        self._shown: tuple[RemoteServer | None, RemoteServer | None] = (None, None)
        self._is_given_up = False
        """A server is not being connected any more, and the engine is about to say why."""
        jobs.job_ended.connect(self._on_jobs_job_ended)
        engine.status_changed.connect(self._on_engine_status_changed)
        engine.load_failed.connect(self._on_engine_load_failed)

    @property
    def servers(self) -> list[RemoteServer]:
        """The servers that the user has entered, by name."""
        return self._store.all()

    def read(self) -> list[StarpadError]:
        """Read the list; return what went wrong."""
        self._store.all()
        return self._store.problems

    @property
    def connected(self) -> RemoteServer | None:
        """The server that answers now."""
        return self._connected

    @property
    def connecting(self) -> RemoteServer | None:
        """The server that is being connected."""
        if self._coming is not None:
            return self._coming.server if self._coming.before is self._engine.wanted else None
        wanted = self._engine.wanted
        if self._engine.status.loading is None or not isinstance(wanted, RemoteOptions):
            return None
        return wanted.server

    def find(self, name: str) -> RemoteServer | None:
        """Return the server of this name."""
        return self._store.find(name)

    def save(self, server: RemoteServer, key: str | None, replaces: str = "") -> None:
        """Keep a server instead of `replaces`; a `key` of None leaves what is kept as it is.

        Raises StarpadError; a key that cannot be kept is told by `failed`.
        """
        if key and not is_key(key):
            raise StarpadError("That is no key.", "Copy it whole: it has no spaces in it.")
        before = self._store.find(replaces) if replaces else None
        self._store.save(server, replaces)
        if replaces and self._settings.current.remote_server == replaces:
            self._settings.change(remote_server=server.name)
        if key is not None:
            self._keep_key(server.address, key)
        if before is not None:
            self._forget_unused(before.address)
        self.changed.emit()

    def remove(self, name: str) -> None:
        """Let go of a server, forget it and its key. Raises FileError."""
        server = self._store.find(name)
        if server is None:
            return
        self._store.remove(name)
        if name in (self._name(self.connected), self._name(self.connecting)):
            self.disconnect_from()
        self._forget_unused(server.address)
        self.changed.emit()

    def test(self, server: RemoteServer, key: str | None) -> int:
        """Ask a server what it is and has; return the number that `tested` will bring.

        None of the user's text is sent. A `key` of None takes the one that is kept.
        """
        number = self._jobs.submit("server-test", partial(_look, server, key, self._keys))
        self._tests.add(number)
        return number

    def cancel_test(self, number: int) -> None:
        """Give up a test; `tested` will say nothing of it."""
        self._tests.discard(number)
        self._jobs.cancel(number)

    def connect_to(self, name: str) -> bool:
        """Use a server's model from now on, in the next session, too; False if it is not known."""
        server = self._store.find(name)
        if server is None:
            return False
        job = partial(_options, server, self._keys)
        number = self._jobs.submit("server-key", job)
        self._coming = _Coming(number, server, self._engine.wanted)
        self._tell()
        return True

    def disconnect_from(self) -> None:
        """Send nothing any more to the server that is connected, or being connected."""
        self._coming = None
        if self.connecting is not None:
            self._engine.cancel_load()
        if self.connected is not None:
            self._engine.unload()
        self._settings.change(remote_server="")
        if self._engine.status.model is None and self._engine.status.loading is None:
            self.disconnected.emit()
        self._tell()

    def resume(self) -> bool:
        """Connect the server that the last session left connected; return whether there is one."""
        return self.connect_to(self._settings.current.remote_server)

    def _keep_key(self, address: str, key: str) -> None:
        self._keys.set(address, key)
        self._key_jobs.add(self._jobs.submit("server-key", partial(_keep_key, self._keys, address)))

    def _forget_unused(self, address: str) -> None:
        if all(server.address != address for server in self._store.all()):
            self._keep_key(address, "")

    @staticmethod
    def _name(server: RemoteServer | None) -> str:
        return server.name if server is not None else ""

    def _tell(self) -> None:
        """Emit `changed` if another server is connected, or being connected, than was told."""
        shown = (self.connected, self.connecting)
        if shown != self._shown:
            self._shown = shown
            self.changed.emit()

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id in self._tests:
            self._tests.discard(job_id)
            answer = end.value if isinstance(end.value, Abilities) else _error(end)
            self.tested.emit(job_id, answer)
        elif job_id in self._key_jobs:
            self._key_jobs.discard(job_id)
            if end.error is not None:
                self.failed.emit(_error(end))
        elif self._coming is not None and job_id == self._coming.job:
            is_wanted = self.connecting is not None  # else another model was chosen since
            self._coming = None
            if is_wanted and isinstance(end.value, RemoteOptions):
                self._engine.load(end.value)
            elif is_wanted:
                self.failed.emit(_error(end))
            self._tell()

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        model, wanted = status.model, self._engine.wanted
        if model is None or model.kind is not EngineKind.REMOTE:
            self._connected = None
        elif status.loading is None and isinstance(wanted, RemoteOptions):
            if self._connected != wanted.server:
                self._settings.change(remote_server=wanted.server.name)
            self._connected = wanted.server
        self._is_given_up = self._shown[1] is not None and status.loading is None
        self._tell()
        if status.state is EngineState.FAILED and isinstance(wanted, RemoteOptions):
            self.failed.emit(EngineError(status.reason))

    @Slot(object)
    def _on_engine_load_failed(self, error: StarpadError) -> None:
        if self._is_given_up:
            self._is_given_up = False
            self.failed.emit(error)


def _options(server: RemoteServer, keys: ServerKeys, _stop: StopSignal, _emit: Emit) -> object:
    return RemoteOptions(server, keys.get(server.address))


def _keep_key(keys: ServerKeys, address: str, _stop: StopSignal, _emit: Emit) -> None:
    keys.keep(address)


def _error(end: RequestEnd) -> StarpadError:
    return as_starpad_error(end.error or RuntimeError("no answer"))


def _look(
    server: RemoteServer, key: str | None, keys: ServerKeys, stop: StopSignal, _emit: Emit
) -> object:
    options = RemoteOptions(server, keys.get(server.address) if key is None else key)

    async def main() -> Abilities:
        looking = asyncio.ensure_future(look(options))
        while not looking.done():
            await asyncio.wait((looking,), timeout=_LOOK_S)
            if stop.is_stopped:
                looking.cancel()
        return looking.result()

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        return None
