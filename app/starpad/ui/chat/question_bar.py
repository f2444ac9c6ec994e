"""Below the conversation: one-click tasks, the question, Send or Stop, the window's meter."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from starpad.core.chat import ChatState, WindowUse
from starpad.core.chat_tasks import ABOUT, ChatTask
from starpad.ui.chat.question_field import QuestionField
from starpad.ui.labels import ElidedLabel, restyle, text_label

_PER_MILLE = 1000
_DRAFT_CHARACTERS = 100_000


class QuestionBar(QWidget):
    """What is asked for leaves as signals; the text stays until it is known to be kept."""

    submitted = Signal(str)
    stop_requested = Signal()
    task_requested = Signal(object)
    """(ChatTask) about the selection, or else the file."""
    code_requested = Signal()
    """Put the selection or the file into the question."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QuestionField()
        self.field.submitted.connect(self._on_submitted)
        self.send = QPushButton("Send")
        self.send.setProperty("next", "yes")
        self.send.clicked.connect(self._on_send_clicked)
        self._state = ElidedLabel(is_quiet=True)
        self._meter_text = ElidedLabel(is_quiet=True)
        self._meter = QProgressBar()
        self._meter.setRange(0, _PER_MILLE)
        self._meter.setTextVisible(False)
        self._meter.setFixedWidth(60)
        self._editing = text_label(
            "You are changing an earlier message: Enter begins a branch, Esc gives it up."
        )
        self._editing.hide()
        self.tasks = {task: self._task_button(task) for task in ChatTask}
        self.code = QPushButton("+ Code")
        self.code.setToolTip("Put the selected code, or else the file, into the question")
        self.code.clicked.connect(self.code_requested)
        self.edited = 0
        """The earlier message that is changed; 0 if the field holds a new question."""
        self._draft = ""
        """What stood in the field before that."""
        self._is_answering = False
        self._refusal = ""
        self._lay_out()
        self.show_window(None)
        self.show_state(ChatState.IDLE, "", is_answering=False)

    def _lay_out(self) -> None:
        tasks = QHBoxLayout()
        tasks.setSpacing(4)
        for button in (*self.tasks.values(), self.code):
            button.setObjectName("corner")
            tasks.addWidget(button)
        tasks.addStretch()
        below = QHBoxLayout()
        below.addWidget(self._state, 1)
        below.addWidget(self._meter_text)
        below.addWidget(self._meter)
        below.addWidget(self.send)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(6)
        column.addLayout(tasks)
        column.addWidget(self._editing)
        column.addWidget(self.field)
        column.addLayout(below)

    @property
    def draft(self) -> str:
        """The question that is not sent yet, to be kept for the next session."""
        text = self._draft if self.edited else self.field.text
        return text if len(text) <= _DRAFT_CHARACTERS else ""

    @property
    def state_text(self) -> str:
        """What is being done, or why nothing can be asked."""
        return self._state.text()

    @property
    def meter_text(self) -> str:
        """How full the context window is."""
        return self._meter_text.text()

    def begin_editing(self, message: int, text: str) -> None:
        """Take up an earlier message, to change it."""
        if not self.edited:
            self._draft = self.field.text
        self.edited = message
        self._editing.show()
        self.field.set_text(text)
        self.field.setFocus()

    def cancel_editing(self) -> None:
        """Give an earlier message up; a new one that is being written stays."""
        if self.edited:
            self.end_editing()

    def end_editing(self) -> None:
        """Clear the field, or give it back what stood in it before."""
        self.edited = 0
        self._editing.hide()
        draft, self._draft = self._draft, ""
        self.field.set_text(draft)

    def show_state(self, state: ChatState, refusal: str, *, is_answering: bool) -> None:
        """Show what is being done; `refusal` is why no question can be sent now."""
        self._is_answering, self._refusal = is_answering, refusal
        self._state.setText(state.value if is_answering else refusal)
        self.send.setText("Stop" if is_answering else "Send")
        self.send.setEnabled(is_answering or not refusal)
        self.send.setToolTip(refusal if not is_answering else "Keep what has come (Esc)")
        for button in self.tasks.values():
            button.setEnabled(not refusal)

    def show_window(self, use: WindowUse | None) -> None:
        """Show how full the context window is."""
        self._meter.setVisible(use is not None)
        self._meter_text.setVisible(use is not None)
        if use is None:
            return
        share = use.used_tokens / max(1, use.context_tokens)
        self._meter.setValue(min(_PER_MILLE, round(share * _PER_MILLE)))
        text = f"{use.used_tokens:,} of {use.context_tokens:,} tokens"
        if use.left_out_messages:
            text = f"first {use.left_out_messages} messages left out · {text}"
        restyle(self._meter, "state", "waiting" if use.left_out_messages else "")
        self._meter_text.setText(text)
        self._meter.setAccessibleName(f"Context window: {text}")
        self._meter.setToolTip(
            "How much of the context window the conversation takes. What does not fit is left out "
            "of the prompt, the oldest messages first; you still see it."
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.edited:
            self.cancel_editing()
        elif event.key() == Qt.Key.Key_Escape and self._is_answering:
            self.stop_requested.emit()
        else:
            super().keyPressEvent(event)

    def _task_button(self, task: ChatTask) -> QPushButton:
        button = QPushButton(ABOUT[task].label)
        button.setToolTip(f"{ABOUT[task].tip}: the selection, or else the whole file")
        button.clicked.connect(lambda: self.task_requested.emit(task))
        return button

    @Slot()
    def _on_submitted(self) -> None:
        if self.field.text.strip() and not self._refusal:
            self.submitted.emit(self.field.text)

    @Slot()
    def _on_send_clicked(self) -> None:
        if self._is_answering:
            self.stop_requested.emit()
        else:
            self._on_submitted()
