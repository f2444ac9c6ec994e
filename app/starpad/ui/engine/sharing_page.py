"""Let other programs of this computer use the loaded model: one switch, and who asks what."""

from datetime import UTC, datetime

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from starpad.core.client_snippets import Shared
from starpad.core.errors import StarpadError
from starpad.core.serving import ServingState, ServingStatus, Totals, recent_clients
from starpad.services.engine import EngineService
from starpad.services.serving import ServingService
from starpad.ui.engine.request_table import RequestTable
from starpad.ui.engine.snippet_view import SnippetView
from starpad.ui.labels import ElidedLabel, Notice, text_label, title_label
from starpad.ui.questions import ask
from starpad.ui.spoken import announce

_EXPLANATION = (
    "Programs on this computer that speak OpenAI's interface or llama.cpp's can use the loaded "
    "model, with the key only; other computers and web pages cannot. Suggestions in the editor go "
    "first. What programs ask and get is kept nowhere."
)
_NEW_KEY = (
    "Programs that have the present key are refused from then on, until they get the new one."
)
_PACE_MS = 200
"""A busy program must not keep the window busy, too."""


class SharingPage(QWidget):
    """The switch, the address and the key, what goes on, and settings for other programs."""

    def __init__(
        self, serving: ServingService, engine: EngineService, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Sharing")
        self._serving = serving
        self._engine = engine
        self._state: ServingState | None = None
        self._switch = QPushButton("S&hare the loaded model")
        self._headline = title_label()
        self._notice = Notice("warning")
        self._address = _field("Address")
        self._key = _field("Key")
        self._key.setEchoMode(QLineEdit.EchoMode.Password)
        self._copy_address = QPushButton("&Copy address")
        self._show_key = QPushButton("Sho&w")
        self._show_key.setCheckable(True)
        self._show_key.setAccessibleName("Show the key")
        self._copy_key = QPushButton("Copy &key")
        self._new_key = QPushButton("&New key…")
        self._activity = text_label()
        self._clients = ElidedLabel(is_quiet=True)
        self.requests = RequestTable()
        self.snippets = SnippetView()
        self._pace = QTimer(self, singleShot=True, interval=_PACE_MS)
        self._pace.timeout.connect(self._show_work)
        self._lay_out()
        self._connect()
        self._show_status()

    def showEvent(self, event: QShowEvent) -> None:
        """Show what has happened meanwhile."""
        super().showEvent(event)
        self._show_status()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._switch)
        head.addWidget(self._headline, 1)
        fields = QGridLayout()
        fields.setHorizontalSpacing(8)
        fields.setVerticalSpacing(6)
        rows = (
            ("&Address", self._address, (self._copy_address,)),
            ("K&ey", self._key, (self._copy_key, self._show_key, self._new_key)),
        )
        for row, (title, field, buttons) in enumerate(rows):
            label = QLabel(title)
            label.setBuddy(field)
            fields.addWidget(label, row, 0)
            fields.addWidget(field, row, 1)
            for place, button in enumerate(buttons, start=2):
                fields.addWidget(button, row, place)
        work = QWidget()
        below = QVBoxLayout(work)
        below.setContentsMargins(0, 0, 0, 8)
        below.setSpacing(6)
        below.addWidget(self._activity)
        below.addWidget(self._clients)
        below.addWidget(self.requests, 1)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.setHandleWidth(1)
        parts.addWidget(work)
        parts.addWidget(self.snippets)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(text_label(_EXPLANATION, is_quiet=True))
        column.addLayout(head)
        column.addWidget(self._notice)
        column.addLayout(fields)
        column.addWidget(parts, 1)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter belongs to the field or list that has the focus

    def _connect(self) -> None:
        self._serving.state_changed.connect(self._on_serving_state_changed)
        self._serving.entry_added.connect(self._on_serving_entry_added)
        self._engine.status_changed.connect(self._show_status)
        self._switch.clicked.connect(self._on_switch_clicked)
        self._show_key.toggled.connect(self._on_show_key_toggled)
        self._copy_address.clicked.connect(self._on_copy_address_clicked)
        self._copy_key.clicked.connect(self._on_copy_key_clicked)
        self._new_key.clicked.connect(self._on_new_key_clicked)

    # -- what is shown ------------------------------------------------------------------------

    @Slot(object)
    def _on_serving_state_changed(self, status: ServingStatus) -> None:
        if status.state is not self._state:
            self._show_status()
            announce(self, f"{self._headline.text()} {status.reason} {status.hint}".strip())
        else:
            self._show_soon()

    @Slot(object)
    def _on_serving_entry_added(self, _entry: object) -> None:
        self._show_soon()

    def _show_soon(self) -> None:
        if self.isVisible() and not self._pace.isActive():
            self._pace.start()

    @Slot()
    def _show_status(self) -> None:
        status = self._serving.status
        self._state = status.state
        is_off = status.state in (ServingState.OFF, ServingState.FAILED)
        self._switch.setText("S&hare the loaded model" if is_off else "Sto&p sharing")
        self._headline.setText(_HEADLINES[status.state])
        is_on = status.state is ServingState.ON
        self._address.setText(f"{status.address}/v1" if is_on else "")
        for widget in (self._address, self._copy_address):
            widget.setEnabled(is_on)
        self._key.setText(self._known_key())
        self._notice.show_sentence(status.reason, status.hint)
        self._show_work()

    @Slot()
    def _show_work(self) -> None:
        status, totals = self._serving.status, self._serving.totals
        self._activity.setText(_activity_text(status, totals))
        names = recent_clients(self._serving.entries, status.activity, datetime.now(UTC))
        self._clients.setText(f"In the last five minutes: {', '.join(names)}" if names else "")
        self._clients.setVisible(bool(names))
        self._notice.show_sentence(status.reason, status.hint)
        self.requests.show_entries(list(self._serving.entries))
        self.snippets.show_shared(self._shared(), is_key_shown=self._show_key.isChecked())

    def _shared(self) -> Shared | None:
        """Return what is shared; None if nothing can be asked."""
        status, model = self._serving.status, self._engine.status.model
        if status.state is not ServingState.ON or status.reason or model is None:
            return None
        has_fim = model.fim is not None
        return Shared(status.address, self._key.text(), model.name, model.context_tokens, has_fim)

    def _known_key(self) -> str:
        """Return the key, once there has been one to share with."""
        if self._serving.status.state is ServingState.OFF and not self._serving.key_file.exists():
            return ""
        try:
            return self._serving.key
        except StarpadError:  # the status says so, when it is switched on
            return ""

    # -- what is done -------------------------------------------------------------------------

    @Slot()
    def _on_switch_clicked(self) -> None:
        if self._serving.status.state in (ServingState.OFF, ServingState.FAILED):
            self._serving.start()
        else:
            self._serving.stop()

    @Slot(bool)
    def _on_show_key_toggled(self, is_shown: bool) -> None:
        mode = QLineEdit.EchoMode.Normal if is_shown else QLineEdit.EchoMode.Password
        self._key.setEchoMode(mode)
        self._show_key.setText("Hi&de" if is_shown else "Sho&w")
        self._show_key.setAccessibleName("Hide the key" if is_shown else "Show the key")
        self._show_work()

    @Slot()
    def _on_copy_address_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._address.text())
        announce(self, "Address copied")

    @Slot()
    def _on_copy_key_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._key.text())
        announce(self, "Key copied")

    @Slot()
    def _on_new_key_clicked(self) -> None:
        ask(self, "Make a new key?", _NEW_KEY, "Make a new key", "Keep it", self._make_new_key)

    @Slot()
    def _make_new_key(self) -> None:
        try:
            self._serving.new_key()
        except StarpadError as error:
            self._notice.show_sentence(error.message, error.hint)
            return
        self._show_status()


_HEADLINES = {
    ServingState.OFF: "Off: no other program can ask.",
    ServingState.STARTING: "Starting…",
    ServingState.ON: "On: programs of this computer can ask.",
    ServingState.FAILED: "Off: it could not be switched on.",
}


def _activity_text(status: ServingStatus, totals: Totals) -> str:
    """Return what goes on and what has been done, in one line."""
    activity = status.activity
    parts = []
    if status.state is ServingState.ON:
        work = "One request at work" if activity.active else "No request at work"
        parts.append(f"{work}, {activity.waiting} waiting" if activity.waiting else work)
    if totals.requests:
        parts.append(f"{totals.requests:,} so far, {totals.failed:,} failed")
        if totals.refused:
            parts[-1] += f", {totals.refused:,} refused"
        parts.append(f"{totals.prompt_tokens:,} tokens read, {totals.generated_tokens:,} written")
    return " · ".join(parts)


def _field(name: str) -> QLineEdit:
    field = QLineEdit(readOnly=True)
    field.setAccessibleName(name)
    return field
