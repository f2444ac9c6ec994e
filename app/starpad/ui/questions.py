"""Questions before something is thrown away: never blocking, and No is what Enter means."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

_Role = QMessageBox.ButtonRole


def ask(
    parent: QWidget, question: str, explanation: str, yes: str, no: str, do: Callable[[], object]
) -> QMessageBox:
    """Open the question above `parent` and run `do` after a yes; return it for who must close it.

    `yes` and `no` are the buttons' texts.
    """
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(explanation)
    box.addButton(yes, _Role.AcceptRole)
    keep = box.addButton(no, _Role.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    box.accepted.connect(do)
    box.open()
    return box
