"""The app's engine steps aside for work that nothing may spoil, and comes back."""

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.engine_status import EngineStatus
from starpad.services.engine import EngineService


class EngineBreak(QObject):
    """What was loaded before comes back at the end, unless somebody loads a model meanwhile."""

    overtaken = Signal()
    """A model is being loaded: whoever took the break has to stop."""

    def __init__(self, engine: EngineService, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._is_on = self._is_to_restore = False
        engine.status_changed.connect(self._on_engine_status_changed)

    def begin(self) -> None:
        """Remember whether there is something to bring back; what is loaded stays for now."""
        status = self._engine.status
        self._is_to_restore = status.model is not None or status.loading is not None
        self._is_on = True

    def end(self) -> None:
        """Bring back what was loaded."""
        self._is_on = False
        if self._is_to_restore and self._engine.status.model is None:
            self._engine.restart()

    def shutdown(self) -> None:
        """Bring nothing back."""
        self._is_to_restore = False

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        if self._is_on and status.loading is not None:
            self._is_on = self._is_to_restore = False
            self.overtaken.emit()
