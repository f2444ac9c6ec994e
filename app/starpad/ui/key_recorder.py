"""Asks for a key by having it pressed, and says whose it is."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QKeySequenceEdit,
    QVBoxLayout,
    QWidget,
)

from starpad.ui.actions import ACTIONS, ActionId, plain_text
from starpad.ui.keymap import Keymap, portable, problem_with
from starpad.ui.labels import text_label
from starpad.ui.spoken import announce

_Button = QDialogButtonBox.StandardButton
_MOST_STROKES = 2


class KeyRecorder(QDialog):
    """Takes one key for one action; a key of another action changes hands only by a button."""

    recorded = Signal(str)
    """The key, in the text by which it is kept."""

    def __init__(self, action_id: ActionId, keymap: Keymap, parent: QWidget) -> None:
        super().__init__(parent)
        self._action_id = action_id
        self._keymap = keymap
        name = plain_text(ACTIONS[action_id].text)
        self.setWindowTitle("Record a key")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.edit = _KeyEdit()
        self.edit.setMaximumSequenceLength(_MOST_STROKES)
        self.edit.setAccessibleName(f"Key for {name}")
        self.edit.keySequenceChanged.connect(self._on_edit_changed)
        self.edit.editingFinished.connect(self._on_edit_finished)
        self.note = text_label()
        self.note.setMinimumHeight(3 * self.note.fontMetrics().height())
        self._buttons = QDialogButtonBox(_Button.Ok | _Button.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(text_label(f"Press the key for “{name}”. Esc leaves it as it is."))
        column.addWidget(self.edit)
        column.addWidget(self.note)
        column.addWidget(self._buttons)
        self.setMinimumWidth(420)
        self.edit.setFocus()
        self._on_edit_changed()

    def accept(self) -> None:
        self.recorded.emit(portable(self.edit.keySequence()))
        super().accept()

    @Slot()
    def _on_edit_changed(self) -> None:
        sequence = self.edit.keySequence()
        problem = problem_with(sequence)
        owners = self._keymap.owners(portable(sequence), self._action_id) if not problem else []
        note = problem
        if owners:
            names = " and ".join(f"“{plain_text(ACTIONS[each].text)}”" for each in owners)
            note = f"This key stands for {names} now, which would lose it."
        self.note.setText(note if sequence.count() else "")
        ok = self._buttons.button(_Button.Ok)
        ok.setEnabled(not problem)
        ok.setText("Take the key" if owners else "OK")

    @Slot()
    def _on_edit_finished(self) -> None:
        announce(self.edit, f"{self.edit.keySequence().toString()}. {self.note.text()}")
        ok = self._buttons.button(_Button.Ok)
        # The field takes every key, so whoever has no mouse could not leave it.
        (ok if ok.isEnabled() else self._buttons.button(_Button.Cancel)).setFocus()


class _KeyEdit(QKeySequenceEdit):
    """Leaves Esc to the dialog."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not event.modifiers():
            event.ignore()
        else:
            super().keyPressEvent(event)
