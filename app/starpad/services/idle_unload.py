"""Frees the model's memory when nobody has asked it anything for a while."""

from PySide6.QtCore import QObject, QTimer, Slot

from starpad.core.engine_status import EngineState
from starpad.core.load_options import EngineKind
from starpad.core.serving import ServingState
from starpad.services.engine import EngineService
from starpad.services.serving import ServingService

_MS_PER_MINUTE = 60_000


class IdleUnload(QObject):
    """Sends the engine to sleep after `minutes` without a request; 0 never does.

    A server's model takes no memory here, and one that is shared must be there for others.
    """

    def __init__(
        self, engine: EngineService, serving: ServingService, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._serving = serving
        self._minutes = 0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_timeout)
        engine.status_changed.connect(self._wait_anew)
        engine.request_ended.connect(self._wait_anew)
        serving.state_changed.connect(self._wait_anew)

    def set_minutes(self, minutes: int) -> None:
        """Wait so long from now on."""
        if minutes != self._minutes:
            self._minutes = minutes
            self._wait_anew()

    @Slot()
    def _wait_anew(self) -> None:
        status = self._engine.status
        is_idle = status.state is EngineState.READY and status.loading is None
        is_ours = status.model is not None and status.model.kind is not EngineKind.REMOTE
        is_shared = self._serving.status.state is not ServingState.OFF
        if self._minutes and is_idle and is_ours and not is_shared:
            self._timer.start(self._minutes * _MS_PER_MINUTE)
        else:
            self._timer.stop()

    @Slot()
    def _on_timeout(self) -> None:
        self._engine.sleep()
