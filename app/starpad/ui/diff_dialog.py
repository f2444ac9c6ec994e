"""What a change would do to a text, to accept or refuse hunk by hunk."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFont, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.core import patch
from starpad.ui.hunk_list import HunkList, HunkModel
from starpad.ui.labels import text_label, title_label

_HINT = "Space accepts or refuses a change, Up and Down go to another, Ctrl+Enter applies."


class DiffDialog(QDialog):
    """Shows what makes `new` of `old`; changes nothing itself.

    The text in the editor may change meanwhile: whoever applies the result compares the text
    there with `old` first.
    """

    applied = Signal(str)
    """The text to put in the place of `old`."""

    def __init__(
        self,
        parent: QWidget | None,
        *,
        title: str,
        old: str,
        new: str,
        font: QFont,
        first_line: int = 1,
    ) -> None:
        """`first_line` is the number of the first line of `old` in its document."""
        super().__init__(parent)
        self.setWindowTitle("Changes")
        self.old = old
        self._hunks = patch.hunks_between(old, new)
        self._model = HunkModel(self._hunks, first_line, self)
        self._list = HunkList(font)
        self._list.setModel(self._model)
        self._list.setAccessibleName("Changes")
        self._list.setAccessibleDescription(_HINT)
        self._list.setCurrentIndex(self._model.index(0))
        self._count = text_label()
        self._buttons = self._make_buttons()
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(title_label(title, scale=1.15))
        column.addWidget(text_label(_HINT, is_quiet=True))
        column.addWidget(self._list, 1)
        column.addLayout(self._make_footer())
        self._model.accepted_changed.connect(self._on_accepted_changed)
        self._on_accepted_changed()
        # Only now: before it was in the dialog, Cancel would have become the default after all.
        self._apply.setDefault(True)
        self._list.setFocus()
        self.resize(820, 600)

    @property
    def accepted_text(self) -> str:
        """The old text with the changes that are accepted now."""
        return patch.apply(self.old, self._hunks, self._model.accepted)

    def accept(self) -> None:
        """Close and hand the text over, if anything of it is to change."""
        if self._model.accepted:
            super().accept()
            self.applied.emit(self.accepted_text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.isAutoRepeat():
                return  # held since the button that led here
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.accept()
                return
        super().keyPressEvent(event)

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._apply = buttons.addButton("&Apply", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        return buttons

    def _make_footer(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for text, name, slot in (
            ("A&ll", "Accept all changes", self._on_all_clicked),
            ("&None", "Refuse all changes", self._on_none_clicked),
        ):
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.clicked.connect(slot)
            row.addWidget(button)
        row.addWidget(self._count, 1)
        row.addWidget(self._buttons)
        return row

    @Slot()
    def _on_all_clicked(self) -> None:
        self._model.accept_all(True)

    @Slot()
    def _on_none_clicked(self) -> None:
        self._model.accept_all(False)

    @Slot()
    def _on_accepted_changed(self) -> None:
        total, accepted = len(self._hunks), len(self._model.accepted)
        noun = "change" if total == 1 else "changes"
        self._count.setText(f"{accepted} of {total} {noun}" if total else "Nothing would change.")
        self._apply.setEnabled(bool(accepted))
