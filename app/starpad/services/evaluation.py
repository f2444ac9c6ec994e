"""Evaluations in the app: how good models are on the user's own files, in a process beside it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.engine_status import EngineStatus, LoadedModel
from starpad.core.errors import EngineError, StarpadError
from starpad.core.evaluation import (
    EvaluationEnd,
    EvaluationFailure,
    EvaluationPlan,
    EvaluationProgress,
    EvaluationRow,
    Selection,
    Way,
)
from starpad.core.evaluation_report import to_csv
from starpad.core.export import export
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.services.engine import EngineService
from starpad.services.engine_break import EngineBreak
from starpad.services.evaluation_process import evaluate_apart
from starpad.services.inference_thread import RequestEnd
from starpad.services.model_library import ModelLibrary, usual_options
from starpad.services.settings import SettingsService

_OVERTAKEN = "The evaluation was stopped, because a model was loaded meanwhile."
_BUG = "The evaluation failed because of an error in Starpad; see its log."


class EvaluationService(QObject):
    """Runs one evaluation at a time, with engines of its own; the app's is unloaded before.

    Outcomes are kept: the same choice goes on where it was stopped.
    """

    changed = Signal()
    """It has begun or ended, or another model is `loaded`."""
    progressed = Signal(object)
    """(EvaluationProgress)"""
    reported = Signal(object)
    """(StarpadError) a model failed, the others go on; or why all of it was stopped."""

    def __init__(
        self,
        engine: EngineService,
        library: ModelLibrary,
        settings: SettingsService,
        data: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.rows: tuple[EvaluationRow, ...] = ()
        """What came of the last one, also while it runs."""
        self._engine = engine
        self._library = library
        self._settings = settings
        self._folder = data / "evaluation"
        self._request = 0
        self.loaded: LoadedModel | None = None
        """What was last loaded, wherever its file lies."""
        self._break = EngineBreak(engine, self)
        self._break.overtaken.connect(self._on_break_overtaken)
        engine.value_received.connect(self._on_engine_value_received)
        engine.request_ended.connect(self._on_engine_request_ended)
        engine.status_changed.connect(self._on_engine_status_changed)

    @property
    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._request != 0

    def start(
        self,
        paths: Sequence[Path],
        models: Sequence[Path],
        ways: Sequence[Way],
        selection: Selection,
    ) -> None:
        """Begin, or go on where the same choice was stopped; nothing happens while one runs."""
        if self._request or not (paths and models and ways and selection.kinds):
            return
        options = tuple(map(self._options, models))
        plan = EvaluationPlan(tuple(paths), options, tuple(ways), selection, self._folder)
        self.rows = ()
        self._break.begin()
        self._engine.unload()
        self._request = self._engine.run_apart(options[0], partial(evaluate_apart, plan))
        self.changed.emit()

    @Slot()
    def stop(self) -> None:
        """Stop; what was asked is kept."""
        if self._request:
            self._engine.cancel(self._request)

    def export(self, path: Path) -> None:
        """Write the rows for a spreadsheet. Raises FileError."""
        export(path, to_csv(self.rows))

    def shutdown(self) -> None:
        """Ask nothing more, and load nothing; the engine's own shutdown ends the process."""
        self._break.shutdown()
        self.stop()

    def _options(self, path: Path) -> LoadOptions:
        return self._library.options_for(path, usual_options(self._settings.current, path))

    @Slot(int, object)
    def _on_engine_value_received(self, request_id: int, value: object) -> None:
        if request_id != self._request:
            return
        if isinstance(value, EvaluationProgress):
            self.rows = value.rows
            self.progressed.emit(value)
        elif isinstance(value, EvaluationFailure):
            error = value.error
            self.reported.emit(StarpadError(f"{value.path.stem}: {error.message}", error.hint))

    @Slot(int, object)
    def _on_engine_request_ended(self, request_id: int, end: RequestEnd) -> None:
        if request_id != self._request:
            return
        self._request = 0
        if isinstance(end.value, EvaluationEnd):
            self.rows = end.value.rows
        elif end.error is not None:
            error = end.error if isinstance(end.error, StarpadError) else EngineError(_BUG)
            self.reported.emit(error)
        self._break.end()
        self.changed.emit()

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        model = status.model
        if model is not None and model != self.loaded and model.kind is not EngineKind.REMOTE:
            self.loaded = model
            self.changed.emit()

    @Slot()
    def _on_break_overtaken(self) -> None:
        self.stop()
        self.reported.emit(StarpadError(_OVERTAKEN, "Start it again: it goes on where it was."))
