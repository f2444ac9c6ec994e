"""Switches guessing ahead off for a model that it does not make faster, and says so."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.engine_status import EngineState
from starpad.core.load_options import LoadOptions, Speculation
from starpad.core.speculation import SpeculationVerdict
from starpad.services.engine import EngineService

if TYPE_CHECKING:
    from pathlib import Path


class SpeculationJudge(QObject):
    """Waits for the engine's verdict, and for a moment in which nobody asks it."""

    judged = Signal(object, object)
    """(Path of the model, SpeculationVerdict)"""

    def __init__(self, engine: EngineService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._to_leave: Path | None = None
        engine.value_received.connect(self._on_engine_value_received)
        engine.status_changed.connect(self._on_engine_status_changed)

    @Slot(int, object)
    def _on_engine_value_received(self, _request_id: int, value: object) -> None:
        model = self._engine.status.model
        if isinstance(value, SpeculationVerdict) and model is not None:
            self.judged.emit(model.path, value)
            if not value.pays:
                self._to_leave = model.path
                self._on_engine_status_changed()

    @Slot()
    def _on_engine_status_changed(self) -> None:
        status, options = self._engine.status, self._engine.wanted
        if self._to_leave is None or status.model is None or status.model.path != self._to_leave:
            self._to_leave = None
        elif status.state is EngineState.READY and isinstance(options, LoadOptions):
            self._to_leave = None
            self._engine.load(replace(options, speculation=Speculation.OFF))
