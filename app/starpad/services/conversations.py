"""The list of conversations: searched, renamed, deleted and brought back, exported."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core import chat_export, file_store
from starpad.core.chat import Conversation, path_to
from starpad.core.errors import StarpadError
from starpad.core.history_store import HistoryStore
from starpad.services.history import HistoryService
from starpad.services.history_calls import HistoryCalls
from starpad.services.inference_thread import RequestEnd


class ConversationService(QObject):
    """Knows which conversations there are; all work is done on the history's thread."""

    changed = Signal()
    """`conversations` has changed."""
    written_elsewhere = Signal()
    """Another window has written to the history."""
    found = Signal(str, object)
    """(what was searched for, its SearchHits)"""
    deleted = Signal(object)
    """(Conversation) it can be brought back with `restore`."""
    exported = Signal(object)
    """(the Path that was written)"""
    failed = Signal(object)
    """(StarpadError)"""

    def __init__(self, history: HistoryService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.conversations: tuple[Conversation, ...] = ()
        self._calls = HistoryCalls(history, self)
        self._is_asked = False
        self._version = 0

    def refresh(self) -> None:
        """Read the list again; `changed` follows."""
        if not self._is_asked:
            self._is_asked = True
            self._calls.ask(lambda store: store.conversations(), self._on_listed)

    def search(self, text: str) -> None:
        """Look for a text in titles and messages; `found` follows."""
        self._calls.ask(lambda store: store.search(text), lambda end: self._on_found(text, end))

    def rename(self, conversation: int, title: str) -> None:
        """Give a conversation another title."""
        if title.strip():
            self._calls.ask(lambda store: store.rename(conversation, title.strip()), self._on_done)

    def delete(self, conversation: int) -> None:
        """Delete a conversation; for some weeks it can be brought back."""

        def job(store: HistoryStore) -> Conversation:
            gone, _ = store.conversation(conversation)
            store.delete(conversation)
            return gone

        self._calls.ask(job, self._on_deleted)

    def restore(self, conversation: int) -> None:
        """Bring a deleted conversation back."""
        self._calls.ask(lambda store: store.restore(conversation), self._on_done)

    def export(self, conversation: int, path: Path) -> None:
        """Write a conversation to a file: as JSON with all branches, else as Markdown."""

        def job(store: HistoryStore) -> Path:
            kept, messages = store.conversation(conversation)
            if path.suffix.lower() == ".json":
                text = chat_export.to_json(kept, messages.values())
            else:
                text = chat_export.to_markdown(kept, path_to(messages, kept.leaf))
            file_store.write(path, text.encode("utf-8", "replace"), None)
            return path

        self._calls.ask(job, self._on_exported)

    @Slot()
    def check(self) -> None:
        """Look whether another window has written; the list is read again if so."""
        self._calls.ask(lambda store: store.data_version(), self._on_version)

    def _on_listed(self, end: RequestEnd) -> None:
        self._is_asked = False
        if isinstance(end.value, tuple):
            self.conversations = end.value
            self.changed.emit()
        self._tell(end)

    def _on_found(self, text: str, end: RequestEnd) -> None:
        if isinstance(end.value, tuple):
            self.found.emit(text, end.value)
        self._tell(end)

    def _on_version(self, end: RequestEnd) -> None:
        if isinstance(end.value, int) and end.value != self._version:
            self._version = end.value
            self.refresh()
            self.written_elsewhere.emit()

    def _on_done(self, end: RequestEnd) -> None:
        self._tell(end)
        self.refresh()

    def _on_deleted(self, end: RequestEnd) -> None:
        if isinstance(end.value, Conversation):
            self.deleted.emit(end.value)
        self._on_done(end)

    def _on_exported(self, end: RequestEnd) -> None:
        if isinstance(end.value, Path):
            self.exported.emit(end.value)
        self._tell(end)

    def _tell(self, end: RequestEnd) -> None:
        if isinstance(end.error, StarpadError):
            self.failed.emit(end.error)
