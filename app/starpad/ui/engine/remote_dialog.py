"""One remote server: its address, key and model, what it is, and what would be sent there."""

from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from starpad.core.errors import StarpadError
from starpad.core.remote_server import (
    Abilities,
    FimSpelling,
    RemoteServer,
    usable_address,
    warning,
)
from starpad.ui.labels import Notice, text_label
from starpad.ui.spoken import announce

_WIDTH_CHARACTERS = 84
_MOST_TOKENS = 1 << 20
_LONGEST_S = 600
_KINDS = (
    "llama-server, vLLM, Text Generation Inference, Ollama, or any server that speaks OpenAI's "
    "completions API."
)
_KEPT = (
    "The key is kept in the system's keyring, or where there is none in a file that only you can "
    "read, and is sent to this address only."
)
_FIM_WORDS = {
    FimSpelling.AUTO: "By the model's name",
    FimSpelling.NONE: "None: only the text before the caret",
    FimSpelling.STARCODER: "StarCoder",
    FimSpelling.SANTACODER: "SantaCoder",
    FimSpelling.OPENAI: "Qwen and others",
}


class RemoteDialog(QDialog):
    """Says what the user wants; it keeps nothing and asks no server itself."""

    test_requested = Signal(object, object)
    """(RemoteServer, the key, or None for the one that is kept) call `show_answer` then."""
    save_requested = Signal(object, object)
    """(RemoteServer, key or None) close it, or call `show_problem`."""

    def __init__(self, parent: QWidget | None, server: RemoteServer | None = None) -> None:
        """Without a `server` a new one is entered."""
        super().__init__(parent)
        self._before = server
        self.setWindowTitle("Remote server" if server else "Add a remote server")
        self.name = QLineEdit()
        self.address = QLineEdit()
        self.key = QLineEdit()
        self.reveal = QPushButton("Sho&w")
        self.forget = QCheckBox("For&get the key that is kept")
        self.model = QComboBox()
        self.context = QSpinBox()
        self.fim = QComboBox()
        self.patience = QSpinBox()
        self.authority = QLineEdit()
        self.choose = QPushButton("Choose &file…")
        self.proxy = QCheckBox("Through the &proxy that the environment names")
        self.test = QPushButton("&Test")
        self._where = text_label(is_quiet=True)
        self._warning = Notice("warning")
        self._problem = Notice("error")
        self._answer = Notice("info")
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self._prepare_fields()
        self._lay_out()
        self._connect()
        self._show_server(server or RemoteServer("", ""))
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * _WIDTH_CHARACTERS)

    @Slot(object)
    def show_answer(self, answer: Abilities | StarpadError) -> None:
        """Show what a test has found, and offer the server's models."""
        self.test.setEnabled(True)
        self.test.setText("&Test")
        if isinstance(answer, StarpadError):
            self.show_problem(answer)
            return
        chosen = self.model.currentText()
        self.model.clear()
        self.model.addItems(list(answer.models))
        self.model.setEditText(chosen)
        self._show(answer=answer.sentence)
        announce(self, answer.sentence)

    @Slot(object)
    def show_problem(self, error: StarpadError) -> None:
        """Show why the server cannot be used or kept as it is written here."""
        self._show(problem=error.message, hint=error.hint)
        announce(self, str(error), is_urgent=True)

    @property
    def server(self) -> RemoteServer:
        """What is entered. Raises StarpadError for an address that is none."""
        address = usable_address(self.address.text())
        server = RemoteServer(
            name=self.name.text().strip(),
            address=address,
            model=self.model.currentText().strip(),
            context_tokens=self.context.value(),
            fim=FimSpelling(self.fim.currentData()),
            ca_file=self.authority.text().strip(),
            uses_proxy=self.proxy.isChecked(),
            first_token_s=self.patience.value(),
        )
        return server if server.name else replace(server, name=server.host)

    @property
    def new_key(self) -> str | None:
        """The key that is entered, empty to forget the kept one, None to leave it as it is."""
        if self.forget.isChecked():
            return ""
        return self.key.text().strip() or None

    def _prepare_fields(self) -> None:
        self.address.setPlaceholderText("https://gpu.example.com:8000")
        self.name.setPlaceholderText("As the address")
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key.setPlaceholderText("As it is kept" if self._before else "None")
        self.reveal.setCheckable(True)
        self.reveal.setAccessibleName("Show the key")
        self.forget.setVisible(self._before is not None)
        self.model.setEditable(True)
        line = self.model.lineEdit()
        assert line is not None
        line.setPlaceholderText("The first one that the server names; Test fetches the list")
        self.context.setRange(0, _MOST_TOKENS)
        self.context.setSingleStep(1024)
        self.context.setGroupSeparatorShown(True)
        self.context.setSuffix(" tokens")
        self.context.setSpecialValueText("As the server says")
        self.patience.setRange(5, _LONGEST_S)
        self.patience.setSuffix(" s")
        self.patience.setToolTip("A server that must load the model first needs more.")
        for spelling, words in _FIM_WORDS.items():
            self.fim.addItem(words, spelling.value)
        self.authority.setPlaceholderText("The system's own authorities")
        for button in (self.reveal, self.choose, self.test):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for words, field, beside in (
            ("&Address", self.address, None),
            ("&Key", self.key, self.reveal),
            ("&Model", self.model, None),
            ("&Name", self.name, None),
            ("Conte&xt window", self.context, None),
            ("Fill &in the middle", self.fim, None),
            ("First t&oken within", self.patience, None),
            ("Certificate a&uthority", self.authority, self.choose),
        ):
            field.setAccessibleName(words.replace("&", ""))
            row = QHBoxLayout()
            row.setSpacing(8)
            row.addWidget(field, 1)
            if beside is not None:
                row.addWidget(beside)
            label = QLabel(words)
            label.setBuddy(field)
            form.addRow(label, row)
            if field is self.key:
                form.addRow("", self.forget)
        form.addRow("", self.proxy)
        test = QHBoxLayout()
        test.addWidget(self.test)
        test.addWidget(
            text_label("Asks what it is and has. No text of yours is sent.", is_quiet=True), 1
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(text_label(_KINDS, is_quiet=True))
        column.addLayout(form)
        column.addWidget(text_label(_KEPT, is_quiet=True))
        column.addWidget(self._where)
        column.addWidget(self._warning)
        column.addLayout(test)
        column.addWidget(self._problem)
        column.addWidget(self._answer)
        column.addStretch()
        column.addWidget(self._buttons)

    def _connect(self) -> None:
        self.address.textChanged.connect(self._on_place_changed)
        self.key.textChanged.connect(self._on_place_changed)
        self.forget.toggled.connect(self._on_forget_toggled)
        self.reveal.toggled.connect(self._on_reveal_toggled)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.test.clicked.connect(self._on_test_clicked)
        self._buttons.accepted.connect(self._on_save_clicked)
        self._buttons.rejected.connect(self.reject)

    def _show_server(self, server: RemoteServer) -> None:
        self.name.setText(server.name)
        self.address.setText(server.address)
        self.model.setEditText(server.model)
        self.context.setValue(server.context_tokens)
        self.fim.setCurrentIndex(max(0, self.fim.findData(server.fim.value)))
        self.authority.setText(server.ca_file)
        self.proxy.setChecked(server.uses_proxy)
        self.patience.setValue(server.first_token_s)
        self._on_place_changed()

    def _show(self, *, answer: str = "", problem: str = "", hint: str = "") -> None:
        self._answer.show_sentence(answer, "")
        self._problem.show_sentence(problem, hint)
        self._fit()

    def _fit(self) -> None:
        """Take the height that the texts need; dialogs do not follow texts that wrap."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    @Slot()
    def _on_place_changed(self) -> None:
        """Say where text would go, and how safely."""
        try:
            server = self.server
        except StarpadError:
            self._where.setText("")
            self._warning.show_sentence("", "")
            return
        # A key that is kept goes to the address that it was saved for, no other.
        is_same = self._before is not None and self._before.address == server.address
        has_key = bool(self.key.text()) or (is_same and not self.forget.isChecked())
        self.key.setPlaceholderText("As it is kept" if is_same else "None")
        self._where.setText(where_it_goes(server))
        self._warning.show_sentence(warning(server, has_key=has_key), "")
        self._fit()

    @Slot(bool)
    def _on_forget_toggled(self, is_on: bool) -> None:
        self.key.setEnabled(not is_on)
        self._on_place_changed()

    @Slot(bool)
    def _on_reveal_toggled(self, is_shown: bool) -> None:
        mode = QLineEdit.EchoMode.Normal if is_shown else QLineEdit.EchoMode.Password
        self.key.setEchoMode(mode)
        self.reveal.setText("&Hide" if is_shown else "Sho&w")

    @Slot()
    def _on_choose_clicked(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Choose certificates", "", "Certificates (*.pem *.crt *.cer);;All files (*)"
        )
        if name:
            self.authority.setText(name)

    @Slot()
    def _on_test_clicked(self) -> None:
        try:
            server = self.server
        except StarpadError as error:
            self.show_problem(error)
            return
        self.test.setEnabled(False)
        self.test.setText("Asking…")
        self._show()
        self.test_requested.emit(server, self.new_key)

    @Slot()
    def _on_save_clicked(self) -> None:
        try:
            server = self.server
        except StarpadError as error:
            self.show_problem(error)
            return
        self.save_requested.emit(server, self.new_key)


def where_it_goes(server: RemoteServer) -> str:
    """Return what leaves this computer while the server is connected, a sentence for the user."""
    if server.is_here:
        return f"{server.host} is this computer: your code and your chat stay on it."
    return f"While it is connected, code around the caret and your chat go to {server.host}."
