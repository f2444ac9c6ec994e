"""The chat pane: the conversation, the list of all, and the next question."""

from dataclasses import dataclass

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from starpad.core.chat import ChatState, WindowUse
from starpad.core.chat_presets import Presets
from starpad.core.errors import StarpadError
from starpad.services.chat import ChatService
from starpad.services.conversations import ConversationService
from starpad.services.highlighting import HighlightService
from starpad.ui.chat.chat_header import ChatHeader
from starpad.ui.chat.code_colors import CodeBlock
from starpad.ui.chat.conversation_commands import ConversationCommands
from starpad.ui.chat.conversation_list import ConversationList
from starpad.ui.chat.options_dialog import OptionsDialog
from starpad.ui.chat.question_bar import QuestionBar
from starpad.ui.chat.transcript import Transcript
from starpad.ui.labels import text_label
from starpad.ui.questions import ask
from starpad.ui.spoken import announce
from starpad.ui.theme import Theme

_NO_SYSTEM_ROLE = (
    "This model knows no instructions of their own: they go before the first question."
)


@dataclass(frozen=True, slots=True)
class ChatServices:
    """What the chat pane and its commands call."""

    chat: ChatService
    conversations: ConversationService
    presets: Presets


class ChatPane(QWidget):
    """Between the chat's services and its widgets; the editor is reached by signals."""

    code_action = Signal(str, object)
    """What is to be done with a CodeBlock outside of the pane: insert, new, apply."""
    link_clicked = Signal(str)

    def __init__(
        self,
        services: ChatServices,
        highlighting: HighlightService,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._chat = chat = services.chat
        self._conversations = conversations = services.conversations
        self._presets = services.presets
        self._asked = ""
        """A question on its way into the history; it leaves the field when it is there."""
        self._find = 0
        self._is_begun = False
        self._is_answering = False
        self.header = ChatHeader()
        self.transcript = Transcript(highlighting, theme)
        self.transcript.setPlaceholderText("Ask the model about your code.")
        self.list = ConversationList(conversations)
        self.bar = QuestionBar()
        ConversationCommands(self, self.header, self.list, chat, conversations)
        self._note = text_label(is_quiet=True)
        self._note.setContentsMargins(12, 0, 12, 4)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.transcript)
        self._stack.addWidget(self.list)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._note)
        column.addWidget(self._stack, 1)
        column.addWidget(self.bar)
        self.setMinimumWidth(300)
        self._connect()
        self._on_chat_state_changed()

    def _connect(self) -> None:
        chat = self._chat
        chat.entries_changed.connect(self._on_chat_entries_changed)
        chat.conversation_changed.connect(self._on_chat_conversation_changed)
        chat.state_changed.connect(self._on_chat_state_changed)
        chat.window_changed.connect(self._on_chat_window_changed)
        chat.kept.connect(self._on_chat_kept)
        chat.refused.connect(self._on_chat_refused)
        self._conversations.changed.connect(self._on_conversations_changed)
        self._conversations.written_elsewhere.connect(self._on_written_elsewhere)
        self.header.list_toggled.connect(self._on_header_list_toggled)
        self.header.new_requested.connect(self.begin)
        self.header.options_requested.connect(self.show_options)
        self.list.chosen.connect(self._on_list_chosen)
        self.bar.submitted.connect(self._on_bar_submitted)
        self.bar.stop_requested.connect(chat.stop)
        self.transcript.message_action.connect(self._on_transcript_message_action)
        self.transcript.code_action.connect(self._on_transcript_code_action)
        self.transcript.link_clicked.connect(self.link_clicked)
        self.transcript.written.connect(self._on_transcript_written)

    def begin(self) -> None:
        """Show an empty conversation."""
        self.bar.cancel_editing()
        self._chat.begin()
        self.show_conversation()
        self.bar.field.setFocus()

    def start(self) -> None:
        """Show the newest conversation, once there is a list of them."""
        self._conversations.refresh()

    def show_conversation(self) -> None:
        """Show the messages instead of the list."""
        self.header.list_button.setChecked(False)

    def show_list(self) -> None:
        """Show all conversations."""
        self.header.list_button.setChecked(True)

    def ask(self, question: str) -> None:
        """Send a question that was not written in the field."""
        self.show_conversation()
        self._chat.send(question)

    def add_to_question(self, text: str) -> None:
        """Put a text below what stands in the field."""
        field = self.bar.field
        before = field.text.rstrip()
        field.set_text(f"{before}\n\n{text}\n" if before else f"{text}\n")
        field.setFocus()

    def set_code_font(self, font: QFont) -> None:
        """Show code in this font."""
        self.transcript.set_code_font(font)

    def show_options(self) -> None:
        """Ask how questions of this conversation are to be answered."""
        note = "" if self._chat.format.has_system else _NO_SYSTEM_ROLE
        options = self._chat.options
        dialog = OptionsDialog(self, options=options, presets=self._presets, note=note)
        dialog.accepted.connect(lambda: self._chat.set_options(dialog.values))
        dialog.open()

    # -- the service --------------------------------------------------------------------------

    @Slot()
    def _on_chat_entries_changed(self) -> None:
        self.transcript.show_entries(self._chat.entries)
        if not self.transcript.is_writing:
            self._on_transcript_written()

    @Slot()
    def _on_chat_conversation_changed(self) -> None:
        conversation = self._chat.conversation
        title = conversation.title if conversation is not None else ""
        self.header.show_title(title, has_conversation=conversation is not None)

    @Slot()
    def _on_chat_state_changed(self) -> None:
        chat = self._chat
        self.bar.show_state(chat.state, chat.refusal(), is_answering=chat.is_answering_here)
        if self._is_answering and not chat.is_answering_here:
            announce(self.transcript, "The answer has ended.")
        self._is_answering = chat.is_answering_here
        note = chat.format.problem or chat.format.badge
        self._note.setText(note)
        self._note.setVisible(bool(note))

    @Slot(object)
    def _on_chat_window_changed(self, use: WindowUse | None) -> None:
        self.bar.show_window(use)

    @Slot()
    def _on_chat_kept(self) -> None:
        if self._asked and self.bar.field.text == self._asked:
            self.bar.end_editing()
        self._asked = ""
        if self.list.isVisible():
            self._conversations.refresh()

    @Slot(str, object)
    def _on_chat_refused(self, question: str, _error: StarpadError) -> None:
        self._asked = ""
        if not self.bar.field.text.strip():
            self.bar.field.set_text(question)

    @Slot()
    def _on_conversations_changed(self) -> None:
        listed = self._conversations.conversations
        if not self._is_begun and listed and self._chat.conversation is None:
            self._chat.open(listed[0].id)
        self._is_begun = True

    @Slot()
    def _on_written_elsewhere(self) -> None:
        shown = self._chat.conversation
        if shown is not None and self._chat.state is ChatState.IDLE:
            self._chat.open(shown.id)

    # -- the conversation ---------------------------------------------------------------------

    @Slot(bool)
    def _on_header_list_toggled(self, is_list: bool) -> None:
        self._stack.setCurrentWidget(self.list if is_list else self.transcript)
        if is_list:
            self.list.begin()

    @Slot(int, int)
    def _on_list_chosen(self, conversation: int, message: int) -> None:
        self._find = message
        self.bar.cancel_editing()
        self._chat.open(conversation)
        self.show_conversation()

    @Slot()
    def _on_transcript_written(self) -> None:
        if self._find in self._chat.messages:
            self.transcript.scroll_to_message(self._find)
            self._find = 0

    # -- messages -----------------------------------------------------------------------------

    @Slot(str)
    def _on_bar_submitted(self, text: str) -> None:
        self._asked = text
        if self.bar.edited:
            self._chat.edit(self.bar.edited, text)
        else:
            self._chat.send(text)

    @Slot(str, int)
    def _on_transcript_message_action(self, action: str, message: int) -> None:
        if message not in self._chat.messages:
            return
        match action:
            case "copy":
                QGuiApplication.clipboard().setText(self._chat.messages[message].text.strip())
            case "edit":
                self.bar.begin_editing(message, self._chat.messages[message].text.strip())
            case "regenerate" | "retry":
                self._chat.regenerate(message)
            case "continue":
                self._chat.go_on(message)
            case "previous" | "next":
                self._chat.choose(message, -1 if action == "previous" else 1)
            case "delete":
                ask(
                    self,
                    "Delete this message and all that follows it?",
                    "Other branches of the conversation stay. It cannot be undone.",
                    "Delete",
                    "Keep",
                    lambda: self._chat.delete(message),
                )

    @Slot(str, object)
    def _on_transcript_code_action(self, action: str, code: CodeBlock) -> None:
        if action == "copy":
            QGuiApplication.clipboard().setText(code.text)
        else:
            self.code_action.emit(action, code)
