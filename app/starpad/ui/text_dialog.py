"""A dialog that shows text to read and to copy: the engine's log, the list of shortcuts."""

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

_Button = QDialogButtonBox.StandardButton


class TextDialog(QDialog):
    """Shows `text` in columns; nothing of it can be changed."""

    def __init__(self, title: str, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._view = QPlainTextEdit(text, readOnly=True)
        self._view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._view.setAccessibleName(title)
        buttons = QDialogButtonBox(_Button.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._on_copy_clicked)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self._view)
        layout.addWidget(buttons)
        self.resize(760, 480)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._view.toPlainText())
