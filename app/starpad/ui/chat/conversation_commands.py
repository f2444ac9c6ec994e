"""What is done with a conversation as a whole: rename, export, delete; each asks what it needs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from starpad.core import chat_export
from starpad.core.chat import Conversation
from starpad.services.chat import ChatService
from starpad.services.conversations import ConversationService
from starpad.ui.chat.chat_header import ChatHeader
from starpad.ui.chat.conversation_list import ConversationList


class ConversationCommands(QObject):
    """Serves the header, for the conversation on screen, and the list, for any."""

    def __init__(
        self,
        pane: QWidget,
        header: ChatHeader,
        listing: ConversationList,
        chat: ChatService,
        conversations: ConversationService,
    ) -> None:
        super().__init__(pane)
        self._pane = pane
        self._chat = chat
        self._conversations = conversations
        header.rename_requested.connect(partial(self._with_shown, self.rename))
        header.export_requested.connect(partial(self._with_shown, self.export))
        header.delete_requested.connect(partial(self._with_shown, conversations.delete))
        listing.rename_requested.connect(self.rename)
        listing.export_requested.connect(self.export)
        conversations.deleted.connect(self._on_conversations_deleted)

    @Slot(int)
    def rename(self, conversation: int) -> None:
        """Ask for another title."""
        shown = self._chat.conversation
        is_shown = shown is not None and shown.id == conversation
        rename = (
            self._chat.rename if is_shown else partial(self._conversations.rename, conversation)
        )
        dialog = QInputDialog(self._pane)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Rename the conversation")
        dialog.setLabelText("Title")
        dialog.setTextValue(self._title_of(conversation))
        dialog.textValueSelected.connect(rename)
        dialog.open()

    @Slot(int)
    def export(self, conversation: int) -> None:
        """Ask for a file and write the conversation to it."""
        name = chat_export.file_name(self._title_of(conversation), ".md")
        path, _ = QFileDialog.getSaveFileName(
            self._pane,
            "Export the conversation",
            str(Path.home() / name),
            "Markdown (*.md);;JSON with all branches (*.json)",
        )
        if path:
            self._conversations.export(conversation, Path(path))

    def _with_shown(self, command: Callable[[int], object]) -> None:
        if self._chat.conversation is not None:
            command(self._chat.conversation.id)

    def _title_of(self, conversation: int) -> str:
        shown = self._chat.conversation
        known = (*filter(None, [shown]), *self._conversations.conversations)
        return next((each.title for each in known if each.id == conversation), "")

    @Slot(object)
    def _on_conversations_deleted(self, conversation: Conversation) -> None:
        shown = self._chat.conversation
        if shown is not None and shown.id == conversation.id:
            if self._chat.is_answering_here:
                self._chat.stop()
            self._chat.begin()
