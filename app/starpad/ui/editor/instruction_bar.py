"""The bar below the documents where the user says what to do with the selected code."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
)

from starpad.ui.editor.sign_button import sign_button
from starpad.ui.spoken import announce

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_MOST_REMEMBERED = 50


class InstructionBar(QFrame):
    """Knows what was typed, and nothing of documents and models."""

    typed = Signal()
    asked = Signal()
    """Enter, or the button."""
    stopped = Signal()
    again_requested = Signal()
    more_requested = Signal()
    """The answer was cut: it is to go on."""
    step_requested = Signal(int)
    accepted = Signal(bool)
    """The change that is looked at, or with True all of them; so for `refused`."""
    refused = Signal(bool)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("instruction_bar")
        self.setAccessibleName("Change code by an instruction")
        self._said: list[str] = []
        self._recalled = 0
        self.field = QLineEdit()
        self.field.setAccessibleName("Instruction")
        self.field.setPlaceholderText("What to do with the selected code, such as: add type hints")
        self.field.textEdited.connect(self.typed)
        self.message = QLabel()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setWordWrap(True)
        self.message.setAccessibleName("Result")
        self.ask = _button("Ask", "Have the model change the code (Enter)")
        self.stop = _button("Stop", "Stop the model (Esc)")
        self.previous = sign_button("↑", "The change before (Shift+F7)", "Previous change")
        self.following = sign_button("↓", "The next change (F7)", "Next change")
        self.accept = _button("Accept", "Make this change")
        self.refuse = _button("Refuse", "Leave these lines as they are")
        self.accept_all = _button(
            "Accept all", "Make all changes; one undo takes them back (Ctrl+Enter)"
        )
        self.refuse_all = _button("Refuse all", "Leave the code as it is (Esc)")
        self.again = _button("Rerun", "Ask for another answer")
        self.more = _button("Go on", "The answer was cut: have it continued")
        self._review = (
            self.previous, self.following, self.accept, self.refuse, self.accept_all,
            self.refuse_all,
        )  # fmt: skip
        self._connect()
        self._fill()
        self.rest()
        self.hide()

    @property
    def words(self) -> str:
        """The instruction."""
        return self.field.text().strip()

    def open(self) -> None:
        """Come up with the keyboard's focus."""
        self.show()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def rest(self, message: str = "") -> None:
        """Wait for an instruction."""
        self._show_state(message, (self.ask,))

    def work(self, message: str) -> None:
        """Show that the model is at it."""
        self._show_state(message, (self.stop,))

    def review(self, message: str, *, can_go_on: bool, spoken: str = "") -> None:
        """Offer what can be done with changes."""
        buttons = (*self._review, self.again, *((self.more,) if can_go_on else ()))
        self._show_state(message, (self.ask, *buttons))
        if spoken:
            announce(self, spoken)

    def complain(self, sentence: str, *, can_ask_again: bool = True) -> None:
        """Say why there is nothing to look at."""
        self._show_state(sentence, (self.ask, *((self.again,) if can_ask_again else ())))
        announce(self, sentence)

    def remember(self) -> None:
        """Keep the instruction: Up brings it back."""
        if self.words and self.words not in self._said[-1:]:
            self._said = [*self._said, self.words][-_MOST_REMEMBERED:]
        self._recalled = len(self._said)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers()
        control = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        if key == Qt.Key.Key_Escape:
            self._on_escape()
        elif key in _ENTER and control and self.accept_all.isVisible():
            self.accepted.emit(True)
        elif key in _ENTER and self.field.hasFocus():
            if self.ask.isVisible():
                self.asked.emit()
        elif key == Qt.Key.Key_F7 and self.following.isVisible():
            back = modifiers & Qt.KeyboardModifier.ShiftModifier
            self.step_requested.emit(-1 if back else 1)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.field.hasFocus():
            self._recall(-1 if key == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    @Slot()
    def _on_escape(self) -> None:
        if self.stop.isVisible():
            self.stopped.emit()
        else:
            self.closed.emit()

    def _recall(self, by: int) -> None:
        self._recalled = max(0, min(len(self._said), self._recalled + by))
        self.field.setText(self._said[self._recalled] if self._recalled < len(self._said) else "")
        self.typed.emit()

    def _show_state(self, message: str, buttons: tuple[QAbstractButton, ...]) -> None:
        self.message.setText(message)
        self.message.setVisible(bool(message))
        for button in (*self._review, self.ask, self.stop, self.again, self.more):
            # Whoever holds the keyboard hands it to the field when it goes.
            if button.hasFocus() and button not in buttons:
                self.field.setFocus()
            button.setVisible(button in buttons)

    def _connect(self) -> None:
        self.ask.clicked.connect(self.asked)
        self.stop.clicked.connect(self.stopped)
        self.again.clicked.connect(self.again_requested)
        self.more.clicked.connect(self.more_requested)
        self.previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self.following.clicked.connect(lambda: self.step_requested.emit(1))
        self.accept.clicked.connect(lambda: self.accepted.emit(False))
        self.accept_all.clicked.connect(lambda: self.accepted.emit(True))
        self.refuse.clicked.connect(lambda: self.refused.emit(False))
        self.refuse_all.clicked.connect(lambda: self.refused.emit(True))

    def _fill(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        close = sign_button("×", "Close (Esc)", "Close the bar")  # noqa: RUF001 (as in the find bar)
        close.clicked.connect(self.closed)
        first.addWidget(self.field, 1)
        for button in (self.ask, self.stop, close):
            first.addWidget(button)
        second.addWidget(self.message, 1)
        for button in (*self._review, self.again, self.more):
            second.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 6, 6)
        column.setSpacing(4)
        column.addLayout(first)
        column.addLayout(second)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    return button
