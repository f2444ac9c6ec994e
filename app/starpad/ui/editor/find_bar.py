"""The bar below the documents where the user says what to find, and what to put in its place."""

from itertools import pairwise

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from starpad.core.text_search import SearchQuery
from starpad.ui.editor.sign_button import sign_button
from starpad.ui.spoken import announce

_LEAST_CHARACTERS = 16
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class FindBar(QFrame):
    """Knows what was typed and which switches are on, and nothing of documents."""

    changed = Signal()
    """Something else is looked for."""
    step_requested = Signal(int)
    """The next hit (1) or the one before (-1)."""
    replace_requested = Signal()
    replace_all_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("find_bar")
        self.setAccessibleName("Find and replace")
        self.find_field = _field("Find", "Text to find")
        self.replace_field = _field("Replace with", "Text to put in its place")
        self.case = _switch("Aa", "Match case")
        self.word = _switch("Word", "Whole words only")
        self.regex = _switch(".*", "Regular expression; in the replacement $1 is the first group")
        self.selection = _switch("Selection", "Find in the selection only")
        self.message = QLabel()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setAccessibleName("Result")
        # A long one may not widen the window, a usual one is always to be seen.
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.message.setMinimumWidth(self.message.fontMetrics().horizontalAdvance("888 of 888"))
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.problem.hide()
        self._replace_row = QWidget()
        self._fill()
        self.find_field.textChanged.connect(self._on_query_changed)
        for switch in (self.case, self.word, self.regex, self.selection):
            switch.toggled.connect(self._on_query_changed)
        self.hide()

    @property
    def query(self) -> SearchQuery:
        """What to look for."""
        return SearchQuery(
            self.find_field.text(),
            is_regex=self.regex.isChecked(),
            matches_case=self.case.isChecked(),
            is_whole_word=self.word.isChecked(),
        )

    def open(self, text: str, *, with_replace: bool) -> None:
        """Come up with the keyboard's focus; `text` is looked for unless it is empty."""
        if text and self.regex.isChecked():
            self.regex.setChecked(False)
        if text:
            self.find_field.setText(text)
        self._replace_row.setVisible(with_replace)
        self.show()
        self.find_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.find_field.selectAll()

    def set_in_selection(self, is_in_selection: bool) -> None:
        """Turn the switch, without looking again."""
        self.selection.blockSignals(True)
        self.selection.setChecked(is_in_selection)
        self.selection.blockSignals(False)

    def set_can_replace(self, can_replace: bool) -> None:
        """Allow replacing, or not: the document is read-only."""
        self._replace_row.setEnabled(can_replace)

    def say(self, text: str, *, aloud: bool = False) -> None:
        """Show how the search goes, and have it spoken if it answers something the user did."""
        self.message.setText(text)
        self.message.setToolTip(text)
        self.problem.hide()
        if aloud and text:
            announce(self, text)

    def complain(self, sentence: str) -> None:
        """Say why there is no search."""
        self.say("")
        self.problem.setText(sentence)
        self.problem.show()
        announce(self, sentence)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif event.key() in _ENTER and self.replace_field.hasFocus():
            self.replace_requested.emit()
        elif event.key() in _ENTER and self.find_field.hasFocus():
            self.step_requested.emit(-1 if back else 1)
        else:
            super().keyPressEvent(event)

    @Slot()
    def close_bar(self) -> None:
        """Go away."""
        self.hide()
        self.closed.emit()

    @Slot()
    def _on_query_changed(self) -> None:
        self.changed.emit()

    def _fill(self) -> None:
        find_row, replace_row = QHBoxLayout(), QHBoxLayout(self._replace_row)
        for row in (find_row, replace_row):
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(2)
        for widget in (self.case, self.word, self.regex, self.selection):
            find_row.addWidget(widget)
        previous = sign_button("↑", "The hit before (Shift+F3)", "Previous hit")
        previous.clicked.connect(lambda: self.step_requested.emit(-1))
        following = sign_button("↓", "The next hit (F3)", "Next hit")
        following.clicked.connect(lambda: self.step_requested.emit(1))
        close = sign_button("×", "Close (Esc)", "Close the find bar")  # noqa: RUF001 (as in messages)
        close.clicked.connect(self.close_bar)
        find_row.addWidget(previous)
        find_row.addWidget(following)
        find_row.addWidget(self.message, 1)
        find_row.addWidget(close)
        replace, replace_all = QPushButton("Replace"), QPushButton("Replace all")
        replace.setToolTip("Replace this hit and go to the next (Enter)")
        replace.clicked.connect(self.replace_requested)
        replace_all.setToolTip("Replace all hits; one undo takes it back")
        replace_all.clicked.connect(self.replace_all_requested)
        replace_row.addWidget(self.replace_field, 2)
        buttons = QHBoxLayout()
        buttons.addWidget(replace)
        buttons.addWidget(replace_all)
        buttons.addStretch()
        replace_row.addLayout(buttons, 3)
        grid = QGridLayout(self)
        grid.setContentsMargins(10, 6, 6, 6)
        grid.setSpacing(4)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)
        grid.addWidget(self.find_field, 0, 0)
        grid.addLayout(find_row, 0, 1)
        grid.addWidget(self.problem, 1, 0, 1, 2)
        grid.addWidget(self._replace_row, 2, 0, 1, 2)
        order = (
            self.find_field, self.replace_field, self.case, self.word, self.regex, self.selection,
            previous, following, replace, replace_all, close,
        )  # fmt: skip
        for before, after in pairwise(order):
            self.setTabOrder(before, after)


def _field(name: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    field.setMinimumWidth(field.fontMetrics().averageCharWidth() * _LEAST_CHARACTERS)
    return field


def _switch(text: str, tip: str) -> QToolButton:
    switch = sign_button(text, tip, tip)
    switch.setCheckable(True)
    return switch
