"""The chat pane's top line: which conversation this is, and what can be done with it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from starpad.ui.labels import ElidedLabel

_NEW_TITLE = "New conversation"


class ChatHeader(QWidget):
    """Asks for things by signals; does nothing itself."""

    list_toggled = Signal(bool)
    """Show the list of conversations, or the conversation again."""
    new_requested = Signal()
    rename_requested = Signal()
    options_requested = Signal()
    export_requested = Signal()
    delete_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list_button = self._button("☰", "All conversations")
        self.list_button.setCheckable(True)
        self.list_button.toggled.connect(self.list_toggled)
        self._title = ElidedLabel(_NEW_TITLE)
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self.new_button = self._button("+", "Begin a new conversation")
        self.new_button.clicked.connect(self.new_requested)
        self._menu = QMenu(self)
        self._with_conversation: list[QAction] = []
        for text, signal, needs_one in (
            ("Answers…", self.options_requested, False),
            ("Rename…", self.rename_requested, True),
            ("Export…", self.export_requested, True),
            ("Delete", self.delete_requested, True),
        ):
            action = self._menu.addAction(text)
            action.triggered.connect(signal)
            if needs_one:
                self._with_conversation.append(action)
        menu_button = self._button("⋯", "More about this conversation")
        menu_button.setMenu(self._menu)
        menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self.list_button)
        layout.addWidget(self._title, 1)
        layout.addWidget(self.new_button)
        layout.addWidget(menu_button)
        self.show_title("", has_conversation=False)

    @property
    def actions_by_text(self) -> dict[str, QAction]:
        """The menu's actions."""
        return {action.text(): action for action in self._menu.actions()}

    @property
    def title(self) -> str:
        """What the line says."""
        return self._title.text()

    def show_title(self, title: str, *, has_conversation: bool) -> None:
        """Show the conversation's title."""
        self._title.setText(title or _NEW_TITLE)
        for action in self._with_conversation:
            action.setEnabled(has_conversation)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button
