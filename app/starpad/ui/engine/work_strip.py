"""What goes on for minutes: what is done now, and how far all of it is."""

from PySide6.QtWidgets import QFrame, QProgressBar, QVBoxLayout

from starpad.ui.labels import ElidedLabel

_PER_MILLE = 1000


class WorkStrip(QFrame):
    """A sentence above a bar."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._text = ElidedLabel()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, _PER_MILLE)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 14, 10)
        column.setSpacing(6)
        column.addWidget(self._text)
        column.addWidget(self._bar)

    def show_work(self, text: str, fraction: float) -> None:
        """Show `text`, and 0 to 1 as a bar."""
        self._text.setText(text)
        self._bar.setAccessibleName(text)
        self._bar.setValue(int(fraction * _PER_MILLE))
