"""The licence of a model in plain words, before its first download."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.ui.models.labels import text_label, title_label

_NOTE = (
    "This summary is no legal advice; the full licence counts. "
    "Starpad keeps this text and the date of your answer on this computer, and tells nobody."
)
_WIDTH_CHARACTERS = 72
_LINES = 14


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
        title = f"Before {model_name} is downloaded"
        lead = (
            f"The model in {repository} comes under the {license_name}. "
            "In short, this is what it means for you:"
        )
        link = f"The full licence: {url}"
        self._text = "\n\n".join((title, lead, summary, link, _NOTE))
        self.setAccessibleDescription(lead)
        self._summary = QPlainTextEdit(summary, readOnly=True)
        self._summary.setAccessibleName(f"The {license_name} in plain words")
        self._summary.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._summary.setTabChangesFocus(True)
        metrics = self._summary.fontMetrics()
        self._summary.setMinimumWidth(metrics.averageCharWidth() * _WIDTH_CHARACTERS)
        self._summary.setMinimumHeight(metrics.lineSpacing() * _LINES)
        open_page = QPushButton("&Read the full licence")
        open_page.setAutoDefault(False)
        open_page.setToolTip(f"Opens {url} in your browser")
        open_page.setAccessibleDescription(f"Opens {url} in your browser")
        open_page.clicked.connect(partial(self.page_requested.emit, url))
        link_row = QHBoxLayout()
        link_row.setSpacing(12)
        link_row.addWidget(text_label(link), 1)
        link_row.addWidget(open_page)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(title_label(title, scale=1.25))
        column.addWidget(text_label(lead))
        column.addWidget(self._summary, 1)
        column.addLayout(link_row)
        column.addWidget(text_label(_NOTE, is_quiet=True))
        column.addWidget(self._make_buttons())
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

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        accept = buttons.addButton("&Accept and download", QDialogButtonBox.ButtonRole.AcceptRole)
        accept.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        return buttons
