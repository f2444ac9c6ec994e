"""Lets other programs of this computer use the loaded model, through a process of its own."""

import logging
from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal, Slot

from starpad.core.engine_status import EngineState
from starpad.core.errors import StarpadError
from starpad.core.load_options import EngineKind
from starpad.core.restart_policy import RestartPolicy
from starpad.core.serve_key import KeyFile
from starpad.core.serving import Activity, LogEntry, ServingState, ServingStatus, Totals
from starpad.core.settings import Settings
from starpad.engines.caret_priority import EngineNews
from starpad.engines.serve_protocol import (
    Failed,
    NewKey,
    NewModel,
    Order,
    Report,
    ServeConfig,
    Started,
    Upstream,
    order_line,
    read_report,
)
from starpad.services.engine import EngineService
from starpad.services.host_process import host_process

_log = logging.getLogger(__name__)

MOST_ENTRIES = 500
_NO_MODEL = "No model is loaded in Starpad. Load one there."
_LOADING = "The model is being loaded in Starpad. Ask again in a moment."
_REMOTE = (
    "The model runs on somebody else's server. Starpad shares only models that it runs itself: "
    "let other programs ask that server."
)
_CRASHED = "Sharing stopped unexpectedly several times."
_KILL_WAIT_MS = 1_000


class ServingService(QObject):
    """Owns the process that other programs ask, and what it tells of them.

    That process talks to the engine's by itself: requests never pass through here, and what they
    ask is not known here.
    """

    state_changed = Signal(object)
    """(ServingStatus)"""
    entry_added = Signal(object)
    """(LogEntry), the newest of `entries`."""
    _news_heard = Signal(str)

    def __init__(
        self, engine: EngineService, key_file: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._keys = KeyFile(key_file)
        self._port = Settings().serve_port
        self._origins: tuple[str, ...] = ()
        self._process: QProcess | None = None
        self._received = bytearray()
        self._status = ServingStatus(ServingState.OFF)
        self._restarts = RestartPolicy()
        self._upstream: Upstream | None = None
        self._is_shut_down = False
        self.entries: deque[LogEntry] = deque(maxlen=MOST_ENTRIES)
        """What was asked since sharing was switched on, the oldest first."""
        self.totals = Totals()
        engine.status_changed.connect(self._on_engine_status_changed)
        self._news_heard.connect(self._on_news_heard)

    @property
    def status(self) -> ServingStatus:
        """Return the state, the address and who asks."""
        return self._status

    @property
    def key(self) -> str:
        """Return the key that programs need, the same each time. Raises StarpadError."""
        return self._keys.key()

    @property
    def key_file(self) -> Path:
        """Return where the key is kept."""
        return self._keys.path

    def apply(self, settings: Settings) -> None:
        """Take the port and the origins from the settings; at once if it is switched on."""
        wanted = (settings.serve_port, settings.serve_origins)
        if wanted == (self._port, self._origins):
            return
        self._port, self._origins = wanted
        if self._status.state is not ServingState.OFF:
            self.start()

    def start_if_wanted(self, settings: Settings) -> None:
        """Switch it on if the settings say so, when Starpad starts."""
        self.apply(settings)
        if settings.serve_at_start:
            self.start()

    @Slot()
    def start(self) -> None:
        """Switch it on; if it is on, anew."""
        self._end_process()
        if self._status.state in (ServingState.OFF, ServingState.FAILED):
            self.entries.clear()
            self.totals = Totals()
            self._restarts = RestartPolicy()
        if self._engine.status.state is EngineState.ASLEEP:
            self._engine.submit(_wake)
        self._start_process()

    @Slot()
    def stop(self) -> None:
        """Switch it off; what runs for other programs ends."""
        self._end_process()
        self._set_status(ServingStatus(ServingState.OFF))

    @Slot()
    def new_key(self) -> None:
        """Make a new key; programs that have the old one are refused. Raises StarpadError."""
        key = self._keys.renew()
        self._send(NewKey(key))

    def shutdown(self) -> None:
        """End the process. May be called again."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        self._engine.status_changed.disconnect(self._on_engine_status_changed)
        self._end_process()
        self._status = ServingStatus(ServingState.OFF)

    # -- the process --------------------------------------------------------------------------

    def _start_process(self) -> None:
        try:
            config = ServeConfig(self._port, self.key, self._origins)
        except StarpadError as error:
            self._fail(error.message, error.hint)
            return
        process = host_process("serve-host", self)
        process.readyReadStandardOutput.connect(self._on_output_ready)
        process.finished.connect(self._on_process_ended)
        process.errorOccurred.connect(self._on_process_error)
        self._process = process
        self._set_status(ServingStatus(ServingState.STARTING))
        process.start()
        self._send(config)
        self._upstream = None
        self._send_model(is_new_process=True)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        self._received.clear()
        self._listen_to_caret(is_wanted=False)
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(_KILL_WAIT_MS)
            self._log_errors_of(process)
            process.deleteLater()

    def _log_errors_of(self, process: QProcess) -> None:
        log = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        if log:
            _log.warning("The process that serves other programs wrote: %s", log[-2000:])

    def _send(self, order: Order) -> None:
        process = self._process
        if process is not None and process.state() != QProcess.ProcessState.NotRunning:
            process.write(order_line(order))

    def _send_model(self, *, is_new_process: bool = False) -> None:
        """Tell the process what to serve, if that is not what it serves."""
        upstream = self._upstream_now()
        self._listen_to_caret(is_wanted=upstream is not None)
        if is_new_process or upstream != self._upstream:
            self._upstream = upstream
            self._send(NewModel(upstream, self._reason()))

    def _upstream_now(self) -> Upstream | None:
        client, model = self._engine.client, self._engine.status.model
        if client is None or model is None or model.kind is EngineKind.REMOTE:
            return None
        return Upstream(client.base_url, client.key, model)

    def _reason(self) -> str:
        """Return why there is nothing to ask; empty if there is a model."""
        status = self._engine.status
        if status.model is not None and status.model.kind is EngineKind.REMOTE:
            return _REMOTE
        if self._engine.client is None:
            return _NO_MODEL if status.loading is None else _LOADING
        return ""

    def _listen_to_caret(self, *, is_wanted: bool) -> None:
        client = self._engine.client
        if client is not None:
            client.caret.listener = self._hear if is_wanted else None

    def _hear(self, news: EngineNews) -> None:
        """Pass the editor's use of the engine on; called on the inference thread."""
        self._news_heard.emit(str(news))

    @Slot(str)
    def _on_news_heard(self, news: str) -> None:
        self._send(EngineNews(news))
        self._lend_slot()

    def _lend_slot(self) -> None:
        """Let chat know that its slot may hold what another program asked."""
        client = self._engine.client
        if client is not None and self._status.activity.active:
            client.caret.is_slot_lent = True

    @Slot(object)
    def _on_engine_status_changed(self, _status: object) -> None:
        if self._process is None:
            return
        self._send_model()
        if self._status.state is ServingState.ON:
            self._set_status(self._on_status(self._status.address, self._status.activity))

    @Slot(QProcess.ProcessError)
    def _on_process_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._end_process()
            self._fail("Sharing could not be started.", "Install Starpad again.")

    @Slot()
    def _on_process_ended(self) -> None:
        self._on_output_ready()
        if self._status.state is ServingState.FAILED:  # it has said why
            self._end_process()
            return
        _log.warning("The process that serves other programs ended unexpectedly")
        self._end_process()
        if self._restarts.allow():
            self._start_process()
        else:
            self._fail(_CRASHED, "Starpad's log says more. Switch it on again.")

    # -- reports ------------------------------------------------------------------------------

    @Slot()
    def _on_output_ready(self) -> None:
        if self._process is None:
            return
        self._received += self._process.readAllStandardOutput().data()
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        for line in lines:
            self._take(read_report(bytes(line)))

    def _take(self, report: Report) -> None:
        match report:
            case Started(address):
                self._set_status(self._on_status(address, Activity()))
            case Failed(reason, hint):
                self._fail(reason, hint)
            case LogEntry() as entry:
                self.entries.append(entry)
                self.totals = self.totals.with_entry(entry)
                self.entry_added.emit(entry)
            case Activity() as activity:
                self._set_status(self._on_status(self._status.address, activity))
                self._lend_slot()

    def _on_status(self, address: str, activity: Activity) -> ServingStatus:
        reason = self._reason()
        return ServingStatus(ServingState.ON, address, reason, activity=activity)

    def _fail(self, reason: str, hint: str) -> None:
        _log.warning("%s %s", reason, hint)
        self._set_status(ServingStatus(ServingState.FAILED, reason=reason, hint=hint))

    def _set_status(self, status: ServingStatus) -> None:
        if status != self._status:
            self._status = status
            self.state_changed.emit(status)


async def _wake(_client: object, _emit: object) -> None:
    """Ask nothing: that it is asked brings a model that sleeps back."""
