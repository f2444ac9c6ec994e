"""Why the model is or is not on a GPU, and what to do about it, step by step."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.core.gpu_advice import Advice, Step
from starpad.ui.labels import restyle, text_label, title_label


class AdviceView(QFrame):
    """The reason in bold; below it numbered steps, commands with a button that copies them."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("severity", "info")
        self._advice: Advice | None = None
        self._reason = title_label()
        self._steps = QWidget()
        self._steps.setLayout(_column())
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        column.addWidget(self._reason)
        column.addWidget(self._steps)

    def show_advice(self, advice: Advice) -> None:
        """Show an advice; the same one again leaves the focus where it is."""
        if advice == self._advice:
            return
        self._advice = advice
        self._reason.setText(advice.reason)
        self.setAccessibleName(advice.reason)
        restyle(self, "severity", "warning" if advice.is_problem and advice.steps else "info")
        column = self._steps.layout()
        assert column is not None
        while item := column.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for number, step in enumerate(advice.steps, 1):
            column.addWidget(_row(number if len(advice.steps) > 1 else 0, step))
        self._steps.setVisible(bool(advice.steps))


def _column() -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    return column


def _row(number: int, step: Step) -> QWidget:
    """Return a step: its text, and below it what to copy or to open."""
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    if number:
        mark = QLabel(f"{number}.")
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    column = _column()
    row.addLayout(column, 1)
    column.addWidget(text_label(step.text))
    if step.command:
        column.addLayout(_command(step.command))
    if step.page:
        link = QPushButton(step.page)
        link.setObjectName("link")
        link.setAccessibleName(f"Open {step.page}")
        link.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(step.page)))
        column.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
    return widget


def _command(command: str) -> QHBoxLayout:
    line = QLineEdit(command)
    line.setReadOnly(True)
    line.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    line.setAccessibleName("Command for a terminal")
    line.setCursorPosition(0)
    button = QPushButton("Copy")
    button.setAccessibleName(f"Copy the command {command}")
    button.clicked.connect(lambda: QGuiApplication.clipboard().setText(command))
    row = QHBoxLayout()
    row.addWidget(line, 1)
    row.addWidget(button)
    return row
