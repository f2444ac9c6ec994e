"""Code changed by an instruction: asks the loaded model, one request at a time."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from starpad.core.engine_status import EngineState, EngineStatus, LoadedModel
from starpad.core.errors import StarpadError
from starpad.core.instruction import Instruction
from starpad.core.rewrite import Rewrite
from starpad.core.sampling import Sampling
from starpad.services.engine import EngineService
from starpad.services.inference_thread import Emit, RequestEnd

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient

_ANOTHER_TEMPERATURE = 0.7
_BUG = "The request failed because of an error in Starpad; see its log."


class RewriteService(QObject):
    """Has the loaded model change code as an instruction says."""

    changed = Signal(object)
    """(Rewrite) what has come so far."""
    ended = Signal(object)
    """(Rewrite) all of it."""
    failed = Signal(str)
    """Why nothing more comes; what has come so far stays with its receiver."""

    def __init__(self, engine: EngineService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._model: LoadedModel | None = engine.status.model
        self._request = 0
        self._reading = 0
        self._attempt = 0
        queued = Qt.ConnectionType.QueuedConnection
        engine.value_received.connect(self._on_engine_value_received, queued)
        engine.request_ended.connect(self._on_engine_request_ended, queued)
        engine.status_changed.connect(self._on_engine_status_changed)

    @property
    def refusal(self) -> str:
        """Why the model cannot be asked; empty if it can."""
        if self._model is not None:
            return ""
        is_loading = self._engine.status.state is EngineState.LOADING
        return "The model is loading." if is_loading else "No model is loaded."

    @property
    def is_busy(self) -> bool:
        """Whether an answer is under way."""
        return self._request != 0

    def read_ahead(self, instruction: Instruction) -> None:
        """Have the model read what is known already, while the instruction is being typed."""
        self._stop_reading()
        if self._model is not None and not self._request:
            self._reading = self._submit(_read_ahead, instruction=instruction)

    def ask(self, instruction: Instruction, *, is_again: bool = False) -> None:
        """Have the code changed; `is_again` asks for another answer than the likeliest."""
        self._attempt = self._attempt + 1 if is_again else 0
        self._ask(instruction, "")

    def go_on(self, instruction: Instruction, rewrite: Rewrite) -> None:
        """Have an answer that was cut continued."""
        self._ask(instruction, rewrite.raw)

    def stop(self) -> None:
        """End the answer with what has come; nothing happens if there is none under way."""
        self._stop_reading()
        if self._request:
            request, self._request = self._request, 0
            self._engine.cancel(request)

    def _ask(self, instruction: Instruction, so_far: str) -> None:
        self.stop()
        if self._model is None:
            self.failed.emit(self.refusal)
            return
        sampling = Sampling()
        if self._attempt:
            sampling = Sampling(temperature=_ANOTHER_TEMPERATURE, seed=self._attempt)
        self._request = self._submit(
            _rewrite, instruction=instruction, sampling=sampling, so_far=so_far
        )

    def _submit(self, what: Callable[..., Awaitable[object]], **values: object) -> int:
        return self._engine.submit(partial(what, model=self._model, **values))

    def _stop_reading(self) -> None:
        if self._reading:
            reading, self._reading = self._reading, 0
            self._engine.cancel(reading)

    @Slot(int, object)
    def _on_engine_value_received(self, request: int, value: object) -> None:
        if request and request == self._request and isinstance(value, Rewrite):
            self.changed.emit(value)

    @Slot(int, object)
    def _on_engine_request_ended(self, request: int, end: RequestEnd) -> None:
        if request == self._reading:
            self._reading = 0  # whatever came of it: the request itself will tell
        if not request or request != self._request:
            return
        self._request = 0
        if isinstance(end.value, Rewrite):
            self.ended.emit(end.value)
        elif end.cancelled:
            self.failed.emit("The model was unloaded or replaced before it was done.")
        else:
            self.failed.emit(str(end.error) if isinstance(end.error, StarpadError) else _BUG)

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        self._model = status.model


# The engine's client takes 0.1 s to import, which the window need not wait for.


async def _rewrite(client: "EngineClient", emit: Emit, **what: Any) -> Rewrite:
    from starpad.engines.rewrite import rewrite

    return await rewrite(client, emit, **what)


async def _read_ahead(client: "EngineClient", emit: Emit, **what: Any) -> int:
    from starpad.engines.rewrite import read_ahead

    return await read_ahead(client, emit, **what)
