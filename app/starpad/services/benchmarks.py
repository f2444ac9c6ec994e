"""Benchmarks in the app: one model after the other, in an engine of its own, results kept."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.benchmark import BenchmarkPlan, BenchmarkProgress, BenchmarkResult
from starpad.core.benchmark_report import to_csv
from starpad.core.benchmark_store import BenchmarkStore
from starpad.core.engine_status import EngineStatus, LoadedModel
from starpad.core.errors import EngineError, FileError, StarpadError
from starpad.core.export import export
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.engines.session import Loaded
from starpad.services.engine import EngineService
from starpad.services.engine_break import EngineBreak
from starpad.services.engine_run import gpu_free_bytes
from starpad.services.inference_thread import Emit, RequestEnd
from starpad.services.model_library import ModelLibrary, usual_options
from starpad.services.settings import SettingsService

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient

_OVERTAKEN = "The benchmark was stopped, because a model was loaded meanwhile."
_BUG = "The benchmark failed because of an error in Starpad; see its log."


class BenchmarkService(QObject):
    """Measures models for figures that nothing spoils: the app's own engine is unloaded before.

    So nobody else asks an engine meanwhile. What was loaded comes back at the end, however that
    comes about; a model that is loaded meanwhile stops the benchmark.
    """

    changed = Signal()
    """It has begun, gone on or ended, or `results` or the `server` have changed."""
    progressed = Signal(object, object)
    """(Path of the model, BenchmarkProgress)"""
    failed = Signal(object, object)
    """(Path of the model, StarpadError) the others are measured all the same."""
    reported = Signal(object)
    """(StarpadError) something about the kept results, or why all of it was stopped."""

    def __init__(
        self,
        engine: EngineService,
        library: ModelLibrary,
        settings: SettingsService,
        data: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.plan = BenchmarkPlan()
        self._engine = engine
        self._library = library
        self._settings = settings
        self._store = BenchmarkStore(data / "benchmarks.json")
        self._waiting: list[Path] = []
        self._current: Path | None = None
        self._request = 0
        self._break = EngineBreak(engine, self)
        self._break.overtaken.connect(self._on_break_overtaken)
        self._gpu_free_bytes = 0
        self._reported = 0
        self._known_server: LoadedModel | None = None
        engine.value_received.connect(self._on_engine_value_received)
        engine.request_ended.connect(self._on_engine_request_ended)
        engine.status_changed.connect(self._on_engine_status_changed)

    @property
    def results(self) -> list[BenchmarkResult]:
        """What was measured on this computer, the latest first."""
        results = self._store.all()
        news, self._reported = self._store.problems[self._reported :], len(self._store.problems)
        for problem in news:
            self.reported.emit(problem)
        return results

    @property
    def current(self) -> Path | None:
        """The model that is being measured."""
        return self._current

    @property
    def waiting(self) -> int:
        """How many models are to be measured after the current one."""
        return len(self._waiting)

    @property
    def server(self) -> LoadedModel | None:
        """The model of somebody else's server, to which we are connected; it can be measured."""
        model = self._engine.status.model
        return model if model is not None and model.kind is EngineKind.REMOTE else None

    def start(self, models: Sequence[Path]) -> None:
        """Measure these, one after the other; nothing happens while others are."""
        if self._current is not None or not models:
            return
        self._break.begin()
        self._gpu_free_bytes = gpu_free_bytes(self._engine.status.model)
        self._waiting = sorted(models, key=lambda path: self._server(path) is None)
        self._go_on()

    @Slot()
    def stop(self) -> None:
        """Measure nothing more; what has been measured is kept."""
        self._waiting.clear()
        if self._request:
            self._engine.cancel(self._request)

    def remove(self, results: Sequence[BenchmarkResult]) -> None:
        """Forget results."""
        self._keep(partial(self._store.remove, results))

    def export(self, path: Path) -> None:
        """Write all results for a spreadsheet. Raises FileError."""
        export(path, to_csv(self.results))

    def shutdown(self) -> None:
        """Measure nothing more, and load nothing; the engine's own shutdown ends the process."""
        self._break.shutdown()
        self.stop()

    def _go_on(self) -> None:
        """Measure the next model, or bring back what was loaded before."""
        if not self._waiting:
            self._current, self._request = None, 0
            self._break.end()
            self.changed.emit()
            return
        path = self._current = self._waiting.pop(0)
        server = self._server(path)
        if server is not None:
            self._request = self._engine.submit(partial(_measure_server, server, self.plan))
        else:
            self._request = self._measure_apart(path)
        self.changed.emit()

    def _measure_apart(self, path: Path) -> int:
        self._engine.unload()
        options = self._library.options_for(path, usual_options(self._settings.current, path))
        job = partial(_measure, options, self.plan, self._gpu_free_bytes)
        return self._engine.run_apart(options, job)

    def _server(self, path: Path) -> LoadedModel | None:
        """Return the server's model if that is what is to be measured."""
        server = self.server
        return server if server is not None and server.path == path else None

    @Slot(int, object)
    def _on_engine_value_received(self, request_id: int, value: object) -> None:
        if request_id == self._request and isinstance(value, BenchmarkProgress):
            self.progressed.emit(self._current, value)

    @Slot(int, object)
    def _on_engine_request_ended(self, request_id: int, end: RequestEnd) -> None:
        path = self._current
        if request_id != self._request or path is None:
            return
        if isinstance(end.value, BenchmarkResult):
            self._keep(partial(self._store.add, end.value))
            if end.value.setup.engine != EngineKind.REMOTE:  # says nothing about this computer
                self._library.note_benchmark(path, end.value.figures.generation.median)
        elif end.error is not None:
            error = end.error if isinstance(end.error, StarpadError) else EngineError(_BUG)
            self.failed.emit(path, error)
        self._go_on()

    @Slot(object)
    def _on_engine_status_changed(self, _status: EngineStatus) -> None:
        server = self.server
        if server != self._known_server:
            self._known_server = server
            self.changed.emit()

    @Slot()
    def _on_break_overtaken(self) -> None:
        """Make way for a model that somebody loads while we measure."""
        self.stop()
        self.reported.emit(StarpadError(_OVERTAKEN, "Start it again when the model is loaded."))

    def _keep(self, change: partial[None]) -> None:
        try:
            change()
        except FileError as error:
            self.reported.emit(error)
        self.changed.emit()


async def _measure_server(
    model: LoadedModel, plan: BenchmarkPlan, client: "EngineClient", emit: Emit
) -> BenchmarkResult:
    from starpad.engines.measure_file import measure_loaded

    return await measure_loaded(Loaded(model, client), plan, emit)


async def _measure(
    options: LoadOptions, plan: BenchmarkPlan, gpu_free: int, emit: Emit
) -> BenchmarkResult:
    from starpad.engines.measure_file import measure_file  # httpx2 takes 80 ms: not at the start

    return await measure_file(options, plan, emit, gpu_free_bytes=gpu_free)
