"""What to write into other programs' settings: choose one, copy the text."""

from dataclasses import replace

from PySide6.QtCore import Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.core.client_snippets import Program, Shared, Snippet, snippet
from starpad.ui.labels import text_label
from starpad.ui.spoken import announce

HIDDEN_KEY = "••••••••"


class SnippetView(QWidget):
    """One program's settings; the key in them is shown only if it is to be, and always copied."""

    def __init__(self) -> None:
        super().__init__()
        self._shared: Shared | None = None
        self._is_key_shown = False
        self._programs = QComboBox()
        self._programs.addItems([program.value for program in Program])
        self._programs.setAccessibleName("Program")
        label = QLabel("Set &up")
        label.setBuddy(self._programs)
        self._place = text_label(is_quiet=True)
        self._copy = QPushButton("Copy se&ttings")
        self._copy.setAutoDefault(False)
        self._text = QPlainTextEdit(readOnly=True)
        self._text.setAccessibleName("Settings for the program")
        self._text.setTabChangesFocus(True)
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._notes = text_label(is_quiet=True)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(label)
        head.addWidget(self._programs)
        head.addWidget(self._place, 1)
        head.addWidget(self._copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._text, 1)
        column.addWidget(self._notes)
        self._programs.currentIndexChanged.connect(self._show)
        self._copy.clicked.connect(self._on_copy_clicked)
        self._show()

    def show_shared(self, shared: Shared | None, *, is_key_shown: bool) -> None:
        """Show the settings for what is shared; None if nothing is."""
        if (shared, is_key_shown) != (self._shared, self._is_key_shown):
            self._shared, self._is_key_shown = shared, is_key_shown
            self._show()

    def choose(self, program: Program) -> None:
        """Show another program's settings."""
        self._programs.setCurrentText(program.value)

    @Slot()
    def _show(self) -> None:
        shared = self._shared
        self._copy.setEnabled(shared is not None)
        self._text.setEnabled(shared is not None)
        if shared is None:
            self._text.setPlainText("Share a model first: its name and its context stand here.")
            self._place.setText("")
            self._notes.setText("")
            self._notes.hide()
            return
        visible = shared if self._is_key_shown else replace(shared, key=HIDDEN_KEY)
        shown = self._snippet(visible)
        self._text.setPlainText(shown.text)
        self._place.setText(shown.place)
        self._notes.setText("\n".join(shown.notes))
        self._notes.setVisible(bool(shown.notes))

    def _snippet(self, shared: Shared) -> Snippet:
        return snippet(Program(self._programs.currentText()), shared)

    @Slot()
    def _on_copy_clicked(self) -> None:
        if self._shared is not None:
            QGuiApplication.clipboard().setText(self._snippet(self._shared).text)
            announce(self, "Settings copied")
