"""The servers that somebody else runs: the list, and the buttons that connect one or let go."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.core.engine_status import EngineStatus, LoadedModel
from starpad.core.errors import StarpadError
from starpad.core.load_options import EngineKind
from starpad.core.remote_server import Abilities, RemoteServer
from starpad.services.engine import EngineService
from starpad.services.remote_servers import RemoteServers
from starpad.ui.engine.remote_dialog import RemoteDialog, where_it_goes
from starpad.ui.labels import EmptyState, Notice, text_label
from starpad.ui.questions import ask
from starpad.ui.spoken import announce

_EXPLANATION = (
    "A model on another machine, of yours or of somebody you trust, can do what one on this "
    "computer does. Starpad asks a server nothing until you press Test or Connect, and your text "
    "goes to the one that is connected, no other."
)
_NAME = Qt.ItemDataRole.UserRole


class RemotePage(QWidget):
    """Shows the service's servers; everything that reaches a network is a button here."""

    def __init__(self, servers: RemoteServers, engine: EngineService) -> None:
        super().__init__()
        self.setAccessibleName("Remote servers")
        self._servers = servers
        self._engine = engine
        self._dialog: RemoteDialog | None = None
        self._edited = ""
        self._test = 0
        self.list = QListWidget()
        self.list.setAccessibleName("Servers")
        self.add = QPushButton("&Add…")
        self.edit = QPushButton("&Edit…")
        self.remove = QPushButton("Re&move")
        self.connect_button = QPushButton("&Connect")
        self.disconnect_button = QPushButton("Disconnec&t")
        self.where = text_label()
        self.state = text_label(is_quiet=True)
        self.notice = Notice("error")
        self._empty = EmptyState("No server yet", "Add one by its address and key.")
        self._lay_out()
        self.add.clicked.connect(self._on_add_clicked)
        self.edit.clicked.connect(self._on_edit_clicked)
        self.remove.clicked.connect(self._on_remove_clicked)
        self.connect_button.clicked.connect(self._on_connect_clicked)
        self.disconnect_button.clicked.connect(self._on_disconnect_clicked)
        self.list.currentRowChanged.connect(self._show_state)
        self.list.itemDoubleClicked.connect(self._on_edit_clicked)
        servers.changed.connect(self._on_servers_changed)
        servers.tested.connect(self._on_servers_tested)
        servers.failed.connect(self._on_failed)
        engine.status_changed.connect(self._on_engine_status_changed)
        self._show_servers()

    @property
    def dialog(self) -> RemoteDialog | None:
        """The dialog that is open."""
        return self._dialog

    def _lay_out(self) -> None:
        buttons = QVBoxLayout()
        for button in (
            self.connect_button,
            self.disconnect_button,
            self.add,
            self.edit,
            self.remove,
        ):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        choice = QHBoxLayout()
        choice.setSpacing(10)
        choice.addWidget(self.list, 1)
        choice.addWidget(self._empty, 1)
        choice.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(text_label(_EXPLANATION, is_quiet=True))
        column.addLayout(choice, 1)
        column.addWidget(self.where)
        column.addWidget(self.state)
        column.addWidget(self.notice)

    def _chosen(self) -> RemoteServer | None:
        item = self.list.currentItem()
        return self._servers.find(item.data(_NAME)) if item is not None else None

    def _show_servers(self, chosen: str = "") -> None:
        """Fill the list; `chosen`, or what was chosen before, stays chosen."""
        item = self.list.currentItem()
        chosen = chosen or (item.data(_NAME) if item is not None else "")
        servers = self._servers.servers
        self.list.blockSignals(True)
        self.list.clear()
        for row, server in enumerate(servers):
            item = QListWidgetItem(self._line(server))
            item.setData(_NAME, server.name)
            self.list.addItem(item)
            if row == 0 or server.name == chosen:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self.list.setVisible(bool(servers))
        self._empty.setVisible(not servers)
        self._show_state()

    def _line(self, server: RemoteServer) -> str:
        state = ""
        if _is(server, self._servers.connected):
            state = "connected"
        elif _is(server, self._servers.connecting):
            state = "being connected…"
        name = server.name if server.name != server.host else ""
        return " · ".join(filter(None, (name, server.host, server.model, state)))

    @Slot()
    def _show_state(self) -> None:
        server = self._chosen()
        connected, connecting = self._servers.connected, self._servers.connecting
        self.edit.setEnabled(server is not None)
        self.remove.setEnabled(server is not None)
        is_same = server is not None and server in (connected, connecting)
        self.connect_button.setEnabled(server is not None and not is_same)
        is_changed = server is not None and _is(server, connected) and not is_same
        self.connect_button.setText("&Connect again" if is_changed else "&Connect")
        self.disconnect_button.setEnabled(connected is not None or connecting is not None)
        self.disconnect_button.setText("S&top connecting" if connecting else "Disconnec&t")
        there = connected or connecting or server
        self.where.setText(where_it_goes(there) if there is not None else "")
        self.where.setVisible(bool(self.where.text()))
        self.connect_button.setAccessibleDescription(self.where.text())
        self.state.setText(self._state_text(connected, is_changed=is_changed))
        self.state.setVisible(bool(self.state.text()))

    def _state_text(self, connected: RemoteServer | None, *, is_changed: bool) -> str:
        model = self._engine.status.model
        if connected is None or model is None or model.kind is not EngineKind.REMOTE:
            return ""
        changed = " What you changed counts when it is connected again." if is_changed else ""
        return description(model) + changed

    def _open_dialog(self, server: RemoteServer | None) -> None:
        self._edited = server.name if server is not None else ""
        dialog = self._dialog = RemoteDialog(self, server)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.test_requested.connect(self._on_dialog_test_requested)
        dialog.save_requested.connect(self._on_dialog_save_requested)
        dialog.finished.connect(self._on_dialog_finished)
        dialog.open()

    @Slot()
    def _on_add_clicked(self) -> None:
        self._open_dialog(None)

    @Slot()
    def _on_edit_clicked(self) -> None:
        server = self._chosen()
        if server is not None:
            self._open_dialog(server)

    @Slot()
    def _on_remove_clicked(self) -> None:
        server = self._chosen()
        if server is None:
            return
        name = server.name

        def remove() -> None:
            try:
                self._servers.remove(name)
            except StarpadError as error:
                self._on_failed(error)

        explanation = "Its key is deleted from this computer, too."
        if server in (self._servers.connected, self._servers.connecting):
            explanation = f"It is disconnected first. {explanation}"
        ask(self, f"Remove {name}?", explanation, "Remove", "Keep", remove)

    @Slot()
    def _on_connect_clicked(self) -> None:
        server = self._chosen()
        if server is not None:
            self.notice.show_sentence("", "")
            self._servers.connect_to(server.name)

    @Slot()
    def _on_disconnect_clicked(self) -> None:
        self.notice.show_sentence("", "")
        self._servers.disconnect_from()

    @Slot(object, object)
    def _on_dialog_test_requested(self, server: RemoteServer, key: str | None) -> None:
        self._test = self._servers.test(server, key)

    @Slot(object, object)
    def _on_dialog_save_requested(self, server: RemoteServer, key: str | None) -> None:
        dialog = self._dialog
        if dialog is None:
            return
        try:
            self._servers.save(server, key, replaces=self._edited)
        except StarpadError as error:
            dialog.show_problem(error)
            return
        dialog.accept()
        self._show_servers(server.name)

    @Slot()
    def _on_dialog_finished(self) -> None:
        self._servers.cancel_test(self._test)
        self._dialog, self._test = None, 0

    @Slot()
    def _on_servers_changed(self) -> None:
        self._show_servers()

    @Slot(int, object)
    def _on_servers_tested(self, number: int, answer: Abilities | StarpadError) -> None:
        if number == self._test and self._dialog is not None:
            self._dialog.show_answer(answer)

    @Slot(object)
    def _on_failed(self, error: StarpadError) -> None:
        self.notice.show_sentence(error.message, error.hint)
        announce(self, str(error), is_urgent=True)

    @Slot(object)
    def _on_engine_status_changed(self, _status: EngineStatus) -> None:
        self._show_state()


def _is(server: RemoteServer, other: RemoteServer | None) -> bool:
    return other is not None and other.name == server.name


def description(model: LoadedModel) -> str:
    """Return what a server's model can do here, sentences for the user."""
    middle = (
        "Suggestions see the code before and after the caret."
        if model.fim is not None
        else "Suggestions see only the code before the caret: it knows no fill-in-the-middle."
    )
    chat = model.chat.problem or f"Chat: {model.chat.label}."
    return (
        f"{model.name} on {model.program} ({model.engine_version}), "
        f"{model.context_tokens:,} tokens of context. {middle} {chat}"
    )
