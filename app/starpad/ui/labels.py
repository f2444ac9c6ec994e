"""Labels that the panes share: plain text, titles, quiet text, text that may be cut."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget


def text_label(text: str = "", *, is_quiet: bool = False) -> QLabel:
    """Return a label that wraps, takes names with `<` as they are, and can be copied from."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if is_quiet:
        label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def title_label(text: str = "", *, scale: float = 1.0) -> QLabel:
    """Return a bold label, `scale` times as large as the text around it."""
    label = text_label(text)
    font = label.font()
    font.setBold(True)
    font.setPointSizeF(font.pointSizeF() * scale)
    label.setFont(font)
    return label


def restyle(widget: QWidget, name: str, value: str) -> None:
    """Give the widget a property that app.qss goes by, and its new look."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class ElidedLabel(QLabel):
    """One line that is cut with an ellipsis where room is short; its tip then says the whole.

    Else the tip is its accessible name, if it has one.
    """

    def __init__(
        self,
        text: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        *,
        is_quiet: bool = False,
    ) -> None:
        super().__init__(text)
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if is_quiet:
            self.setForegroundRole(QPalette.ColorRole.PlaceholderText)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_cut = self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()
        self.setToolTip(self.text() if is_cut else self.accessibleName())

    def paintEvent(self, event: QPaintEvent) -> None:
        room = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self._mode, room.width())
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(room, self.alignment(), text)


class EmptyState(QWidget):
    """What stands in the middle of a page that has nothing to show yet."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 32, 32, 32)
        column.setSpacing(6)
        column.addStretch(2)
        for label in (title_label(title, scale=1.25), text_label(text, is_quiet=True)):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(label)
        column.addStretch(3)


class Notice(QFrame):
    """A sentence and what to do about it, marked by its severity (see app.qss)."""

    def __init__(self, severity: str) -> None:
        super().__init__()
        self.setProperty("severity", severity)
        self._sentence = title_label()
        self._hint = text_label()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(2)
        column.addWidget(self._sentence)
        column.addWidget(self._hint)
        self.hide()

    def show_sentence(self, sentence: str, hint: str) -> None:
        """Show what happened and what to do; no sentence hides it."""
        self._sentence.setText(sentence)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self.setAccessibleName(f"{sentence} {hint}".strip())
        self.setVisible(bool(sentence))
