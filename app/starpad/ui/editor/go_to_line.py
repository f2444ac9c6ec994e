"""A small dialog that asks for a line, or a line and a column."""

import re

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout

from starpad.ui.editor.code_editor import CodeEditor

_PLACE = re.compile(r"\s*(\d{1,9})\s*(?:[:,]\s*(\d{1,9})\s*)?")
_Button = QDialogButtonBox.StandardButton


class GoToLine(QDialog):
    """Puts the caret of `editor` where its user says."""

    def __init__(self, editor: CodeEditor) -> None:
        super().__init__(editor)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Go to line")
        self._editor = editor
        caret = editor.textCursor()
        label = QLabel(f"&Line (1 to {editor.blockCount():,}), or line:column")
        self.field = QLineEdit(str(caret.blockNumber() + 1))
        self.field.selectAll()
        self.field.textChanged.connect(self._on_field_text_changed)
        label.setBuddy(self.field)
        self._buttons = QDialogButtonBox(_Button.Ok | _Button.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (label, self.field, self._buttons):
            layout.addWidget(widget)

    @Slot(str)
    def _on_field_text_changed(self, text: str) -> None:
        self._buttons.button(_Button.Ok).setEnabled(_PLACE.fullmatch(text) is not None)

    def accept(self) -> None:
        place = _PLACE.fullmatch(self.field.text())
        if place:
            self._editor.run(lambda: _go(self._editor, int(place[1]), int(place[2] or 1)))
            super().accept()


def _go(editor: CodeEditor, line: int, column: int) -> None:
    """Put the caret there, both from 1, or as near as the text allows; the line in the middle."""
    line = min(max(1, line), editor.blockCount())
    block = editor.document().findBlockByNumber(line - 1)
    cursor = QTextCursor(block)
    cursor.setPosition(block.position() + min(max(1, column), block.length()) - 1)
    editor.setTextCursor(cursor)
    editor.centerCursor()
