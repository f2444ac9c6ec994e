"""The code that a user types in on the hub's page to let Starpad in."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from starpad.ui.labels import text_label

_CODE_SCALE = 2.2


class DeviceCodePanel(QFrame):
    """The code in large letters, Copy, and the way to the page."""

    page_requested = Signal(str)
    """The address of the page that takes the code."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._url = ""
        self._about = text_label("Enter this code on the page, and allow Starpad to read models:")
        self._code = QLabel()
        self._code.setTextFormat(Qt.TextFormat.PlainText)
        self._code.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._code.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(self.font().pointSizeF() * _CODE_SCALE)
        font.setBold(True)
        self._code.setFont(font)
        self._address = text_label(is_quiet=True)
        self._copy = QPushButton("&Copy")
        self._copy.setAutoDefault(False)
        self._copy.clicked.connect(self._on_copy_clicked)
        self._open = QPushButton("&Open the page")
        self._open.clicked.connect(self._on_open_clicked)
        busy = QProgressBar()
        busy.setRange(0, 0)
        busy.setTextVisible(False)
        busy.setAccessibleName("Waiting until you have allowed it in the browser")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._code)
        buttons.addStretch()
        buttons.addWidget(self._copy)
        buttons.addWidget(self._open)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 14)
        column.setSpacing(6)
        column.addWidget(self._about)
        column.addLayout(buttons)
        column.addWidget(self._address)
        column.addSpacing(4)
        column.addWidget(busy)
        column.addWidget(text_label("Waiting until you have allowed it there…", is_quiet=True))
        self.hide()

    def show_code(self, user_code: str, url: str) -> None:
        """Show the code and offer the page."""
        self._url = url
        self._code.setText(user_code)
        self._code.setAccessibleName(f"Code: {user_code}")
        self._copy.setText("&Copy")
        self._copy.setAccessibleName("Copy the code")
        self._address.setText(url)
        self._open.setToolTip(f"Opens {url} in your browser")
        self.show()
        self._open.setDefault(True)
        self._open.setFocus()

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._code.text())
        self._copy.setText("&Copied")
        self._copy.setAccessibleName("The code is copied")

    @Slot()
    def _on_open_clicked(self) -> None:
        self.page_requested.emit(self._url)
