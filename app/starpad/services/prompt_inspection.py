"""The last request at the caret, and the texts of its tokens from the model that got it."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from starpad.core.engine_status import LoadedModel
from starpad.core.request_record import RequestRecord
from starpad.services.completion import CompletionService
from starpad.services.engine import EngineService
from starpad.services.inference_thread import Emit, RequestEnd

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient


class PromptInspection(QObject):
    """Keeps the last request's record; asks for token texts only when they are to be seen."""

    recorded = Signal(object)
    """(RequestRecord)"""
    texts_ready = Signal(object, object)
    """(RequestRecord, the text of each of its prompt's tokens)"""
    failed = Signal(str)

    def __init__(
        self, engine: EngineService, completion: CompletionService, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.record: RequestRecord | None = None
        self._engine = engine
        self._asked: RequestRecord | None = None
        self._request = 0
        completion.recorded.connect(self._on_completion_recorded)
        queued = Qt.ConnectionType.QueuedConnection
        engine.request_ended.connect(self._on_engine_request_ended, queued)

    def ask_for_texts(self) -> None:
        """Have the record's tokens spelled; `texts_ready` or `failed` follows."""
        if self.record is None or self.record is self._asked:
            return
        model = self._engine.status.model
        if model is None or model.name != self.record.model:
            self.failed.emit("The model that got this prompt is not loaded any more.")
            return
        if self._request:
            self._engine.cancel(self._request)
        self._asked = self.record
        self._request = self._engine.submit(
            partial(_token_texts, ids=self.record.prompt.ids, model=model)
        )

    @Slot(object)
    def _on_completion_recorded(self, record: RequestRecord) -> None:
        self.record = record
        self.recorded.emit(record)

    @Slot(int, object)
    def _on_engine_request_ended(self, request: int, end: RequestEnd) -> None:
        if not request or request != self._request:
            return
        self._request = 0
        record, self._asked = self._asked, None
        if isinstance(end.value, tuple):
            self.texts_ready.emit(record, end.value)
        elif not end.cancelled:
            self.failed.emit("The engine did not say what the tokens are.")


async def _token_texts(
    client: "EngineClient", _emit: Emit, *, ids: tuple[int, ...], model: LoadedModel
) -> tuple[str, ...]:
    from starpad.engines.token_texts import token_texts

    separator = model.fim.prefix if model.fim else min(model.stop_ids, default=None)
    return await token_texts(client, ids, separator)
