"""What is being done with a model file, how far it is, and a button that stops it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from starpad.ui.labels import ElidedLabel
from starpad.ui.models.progress_text import PER_MILLE


class WorkStrip(QFrame):
    """Hidden while nothing is being done."""

    stop_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._text = ElidedLabel()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        stop = QPushButton("S&top")
        stop.setAutoDefault(False)
        stop.clicked.connect(self._on_stop_clicked)
        texts = QVBoxLayout()
        texts.setSpacing(6)
        texts.addWidget(self._text)
        texts.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 10, 10)
        row.setSpacing(12)
        row.addLayout(texts, 1)
        row.addWidget(stop)
        self.hide()

    def show_work(self, text: str, fraction: float | None) -> None:
        """Show `text` and how far it is, 0 to 1, or a bar that only moves."""
        self._text.setText(text)
        self._bar.setAccessibleName(text)
        self._bar.setRange(0, PER_MILLE if fraction is not None else 0)
        if fraction is not None:
            self._bar.setValue(max(0, min(PER_MILLE, int(fraction * PER_MILLE))))
        self.show()

    def _on_stop_clicked(self) -> None:
        self.stop_requested.emit()
