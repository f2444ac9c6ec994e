"""A flat button with a sign for a text, as the bars below the documents have them."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton


def sign_button(text: str, tip: str, name: str) -> QToolButton:
    """Return a button whose sign `name` says in words; Tab reaches it."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(name)
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
