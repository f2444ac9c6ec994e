"""The licence of a model in plain words, before its first download."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.ui.labels import text_label, title_label

_NOTE = "If you accept, Starpad keeps this text and the date on this computer. It tells nobody."
_WIDTH_CHARACTERS = 72
_LINES = 16
_MARGIN = 10


class LicenseDialog(QDialog):
    """Accepted when the user agreed; the page with the full text opens only on a click."""

    page_requested = Signal(str)
    """The address of the full licence."""

    def __init__(
        self,
        parent: QWidget | None,
        *,
        license_name: str,
        summary: str,
        url: str,
        model_name: str,
        repository: str,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Licence: {license_name}")
        self._url = url
        title = f"Before {model_name} is downloaded"
        facts = [("Model", repository), ("Licence", license_name), ("Full text", url)]
        facts = [(name, value) for name, value in facts if value]
        lines = "\n".join(f"{name}: {value}" for name, value in facts)
        self._text = "\n\n".join((title, lines, summary, _NOTE))
        self._summary = QPlainTextEdit(summary, readOnly=True)
        self._summary.setObjectName("paper")
        self._summary.setAccessibleName(f"{license_name} in plain words")
        self._summary.document().setDocumentMargin(_MARGIN)
        self._summary.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._summary.setTabChangesFocus(True)
        metrics = self._summary.fontMetrics()
        self._summary.setMinimumWidth(metrics.averageCharWidth() * _WIDTH_CHARACTERS)
        self._summary.setMinimumHeight(metrics.lineSpacing() * _LINES)
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(4)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignTop)
        for name, value in facts:
            form.addRow(text_label(name, is_quiet=True), text_label(value))
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(title_label(title, scale=1.25))
        column.addLayout(form)
        column.addWidget(self._summary, 1)
        column.addWidget(text_label(_NOTE, is_quiet=True))
        column.addLayout(self._make_buttons(url))
        self._summary.setFocus()  # a screen reader starts with what is to be read

    @property
    def text(self) -> str:
        """Every word that is shown, to be kept with the acceptance."""
        return self._text

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and event.isAutoRepeat():
            return  # held since the button that led here: nobody agrees like that
        super().keyPressEvent(event)

    def _make_buttons(self, url: str) -> QHBoxLayout:
        buttons = QDialogButtonBox()
        accept = buttons.addButton("&Accept and download", QDialogButtonBox.ButtonRole.AcceptRole)
        accept.setDefault(True)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        if url:
            read = QPushButton("&Read the full licence")
            read.setAutoDefault(False)
            read.setToolTip(f"Opens {url} in your browser")
            read.setAccessibleDescription(read.toolTip())
            read.clicked.connect(self._on_read_clicked)
            row.addWidget(read)
        row.addWidget(buttons, 1)
        return row

    @Slot()
    def _on_read_clicked(self) -> None:
        self.page_requested.emit(self._url)
