"""Messages above the editor: they never take the focus and never cover the text."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFontDatabase,
    QGuiApplication,
    QKeyEvent,
    QPalette,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from starpad.services.notifier import Notification, Severity

SHOWN = 3
"""More messages than this wait until one is closed."""

_ICONS = {
    Severity.INFO: QStyle.StandardPixmap.SP_MessageBoxInformation,
    Severity.WARNING: QStyle.StandardPixmap.SP_MessageBoxWarning,
    Severity.ERROR: QStyle.StandardPixmap.SP_MessageBoxCritical,
}
_DETAILS_LINES = 8


class MessageBar(QFrame):
    """Stacks the gravest and newest messages; hidden while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Messages")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._messages: list[_Message] = []
        self._more = QLabel(self)
        self._more.setContentsMargins(12, 2, 12, 4)
        self._more.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self._layout.addWidget(self._more)
        self.hide()

    @property
    def notifications(self) -> list[Notification]:
        """What there is, the first SHOWN of it on the screen, in the order of the screen."""
        return [message.notification for message in self._messages]

    @Slot(object)
    def post(self, notification: Notification) -> None:
        """Show a notification, in place of an earlier one of the same identity."""
        self.withdraw(notification.identity)
        message = _Message(notification, self)
        message.closed.connect(self.withdraw)
        self._messages.insert(0, message)
        gravity = list(Severity).index
        self._messages.sort(key=lambda m: gravity(m.notification.severity), reverse=True)
        self._arrange()
        self._announce(notification)

    @Slot(str)
    def withdraw(self, identity: str) -> None:
        """Take a notification away, if it is still there."""
        for message in self._messages:
            if message.notification.identity == identity:
                self._messages.remove(message)
                self._layout.removeWidget(message)
                message.hide()
                message.deleteLater()
                self._arrange()
                return

    def _arrange(self) -> None:
        for position, message in enumerate(self._messages):
            self._layout.insertWidget(position, message)
            message.setVisible(position < SHOWN)
        waiting = len(self._messages) - SHOWN
        self._more.setText(f"{waiting} more; close a message to see the next.")
        self._more.setVisible(waiting > 0)
        self.setVisible(bool(self._messages))

    def _announce(self, notification: Notification) -> None:
        """Tell screen readers, which do not see what appears beside the focus."""
        event = QAccessibleAnnouncementEvent(self, _spoken(notification))
        if notification.severity is Severity.ERROR:
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)


def _spoken(notification: Notification) -> str:
    return f"{notification.severity}: {notification.message} {notification.hint}".strip()


class _Message(QFrame):
    """One notification: icon, text, its buttons, and details on request."""

    closed = Signal(str)

    def __init__(self, notification: Notification, parent: QWidget) -> None:
        super().__init__(parent)
        self.notification = notification
        self.setAccessibleName(_spoken(notification))
        self.setProperty("severity", notification.severity.name.lower())  # for the style sheet
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self._details = self._make_details()
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 8, 8, 8)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._make_icon(), 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(self._make_texts(), 0, 1)
        grid.addLayout(self._make_buttons(), 0, 2, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._details, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(notification.timeout_ms)
        self._timer.timeout.connect(self._on_timer_timeout)
        if notification.timeout_ms:
            self._timer.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_message()
        else:
            super().keyPressEvent(event)

    @Slot()
    def close_message(self) -> None:
        self.closed.emit(self.notification.identity)

    def _make_icon(self) -> QLabel:
        icon = QLabel(self)
        size = self.fontMetrics().height() + 2
        style = self.style()
        icon.setPixmap(style.standardIcon(_ICONS[self.notification.severity]).pixmap(size))
        icon.setAccessibleName(self.notification.severity)
        icon.setToolTip(self.notification.severity)
        return icon

    def _make_texts(self) -> QVBoxLayout:
        texts = QVBoxLayout()
        texts.setSpacing(1)
        for text, is_bold in ((self.notification.message, True), (self.notification.hint, False)):
            label = QLabel(text, self)
            label.setTextFormat(Qt.TextFormat.PlainText)  # a file name is no mark-up
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            font = label.font()
            font.setBold(is_bold)
            label.setFont(font)
            label.setVisible(bool(text))
            texts.addWidget(label)
        texts.addStretch()
        return texts

    def _make_buttons(self) -> QHBoxLayout:
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for action in self.notification.actions:
            button = QPushButton(action.text, self)
            button.clicked.connect(partial(self._run, action.callback))
            buttons.addWidget(button)
        if self.notification.details:
            toggle = QPushButton("Details", self)
            toggle.setCheckable(True)
            toggle.toggled.connect(self._details.setVisible)
            buttons.addWidget(toggle)
        close = QToolButton(self)
        close.setText("×")  # noqa: RUF001 (the sign for closing; the style's icon is not for dark)
        close.setAutoRaise(True)
        close.setToolTip("Close this message (Esc)")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.close_message)
        buttons.addWidget(close)
        return buttons

    def _make_details(self) -> QWidget:
        details = QWidget(self)
        text = QPlainTextEdit(self.notification.details, details)
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        text.setAccessibleName("Details")
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setFixedHeight(text.fontMetrics().lineSpacing() * _DETAILS_LINES)
        copy = QPushButton("Copy details", details)
        copy.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        copy.clicked.connect(self._on_copy_clicked)
        column = QVBoxLayout(details)
        column.setContentsMargins(0, 6, 0, 0)
        column.addWidget(text)
        column.addWidget(copy)
        details.hide()
        return details

    def _run(self, callback: Callable[[], object], _is_checked: bool = False) -> None:
        # First closed, then run: what runs may post the same message again.
        self.close_message()
        callback()

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.notification.details)

    @Slot()
    def _on_timer_timeout(self) -> None:
        # Nobody loses a message while reading it or going for its buttons; the timer comes again.
        focus = QApplication.focusWidget()
        is_in_use = self.underMouse() or (focus is not None and self.isAncestorOf(focus))
        if not is_in_use:
            self.close_message()
