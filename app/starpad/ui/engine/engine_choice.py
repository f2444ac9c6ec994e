"""The choice of what runs the models: the engine in the box, or a llama-server of the user's."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from starpad.core.server_program import ServerProgram
from starpad.ui.labels import ElidedLabel, Notice, text_label, title_label


class EngineChoice(QGroupBox):
    """Shows the choice; `box_chosen` and `program_chosen` say what the user wants instead."""

    box_chosen = Signal()
    program_chosen = Signal(object)
    """(Path) to be checked before it counts."""
    reload_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName("What runs the models")
        self._program = ""
        self.box = QRadioButton("The &engine in the box")
        self.own = QRadioButton("&Your own llama-server")
        self.choose = QPushButton("Choose &file…")
        self.reload = QPushButton("&Load the model again")
        self.reload.hide()
        self._state = ElidedLabel("", Qt.TextElideMode.ElideMiddle, is_quiet=True)
        self._found = QWidget()
        self._found_rows = QVBoxLayout(self._found)
        self._found_rows.setContentsMargins(24, 0, 0, 0)
        self._notice = Notice("error")
        own_row = QHBoxLayout()
        own_row.addWidget(self.own)
        own_row.addWidget(self._state, 1)
        own_row.addWidget(self.choose)
        reload_row = QHBoxLayout()
        reload_row.addWidget(self.reload)
        reload_row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(title_label("What runs the models"))
        column.addWidget(self.box)
        column.addLayout(own_row)
        column.addWidget(self._found)
        column.addWidget(self._notice)
        column.addLayout(reload_row)
        self.box.clicked.connect(self._on_box_clicked)
        self.own.clicked.connect(self._on_own_clicked)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.reload.clicked.connect(self.reload_requested)
        self.show_program("")

    def show_program(self, program: str, state: str = "") -> None:
        """Show what is chosen (a path, or empty for the box), and what is known of it."""
        self._program = program
        self.own.setChecked(bool(program))
        self.box.setChecked(not program)
        self._state.setText(" · ".join(filter(None, (program, state))))

    def show_checking(self, path: Path) -> None:
        """Show that a program is being asked."""
        self._notice.show_sentence("", "")
        self._state.setText(f"{path} · is asked for its version…")

    def show_problem(self, sentence: str, hint: str) -> None:
        """Show why a program cannot be used; the choice stays as it was."""
        self._notice.show_sentence(sentence, hint)

    def show_reload(self, *, is_due: bool) -> None:
        """Offer to load the model again, or no longer."""
        self.reload.setVisible(is_due)

    def show_found(self, servers: Sequence[ServerProgram]) -> None:
        """Show the llama-servers of this computer that could be chosen."""
        while item := self._found_rows.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        others = [server for server in servers if str(server.path) != self._program]
        for server in others:
            self._found_rows.addWidget(self._found_row(server))
        self._found.setVisible(bool(others))

    def _found_row(self, server: ServerProgram) -> QWidget:
        found = text_label("Found on this computer:", is_quiet=True)
        found.setWordWrap(False)
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(found)
        text = f"{server.path} · {server.version}"
        row.addWidget(ElidedLabel(text, Qt.TextElideMode.ElideMiddle), 1)
        use = QPushButton("Use it")
        use.setAccessibleName(f"Use {server.path}")
        use.setAutoDefault(False)
        use.clicked.connect(lambda: self.program_chosen.emit(server.path))
        row.addWidget(use)
        return widget

    @Slot()
    def _on_box_clicked(self) -> None:
        self._notice.show_sentence("", "")
        self.box_chosen.emit()

    @Slot()
    def _on_own_clicked(self) -> None:
        if not self._program:
            self._on_choose_clicked()

    @Slot()
    def _on_choose_clicked(self) -> None:
        folder = str(Path(self._program).parent) if self._program else str(Path.home())
        name, _ = QFileDialog.getOpenFileName(self, "Choose a llama-server", folder)
        if name:
            self.program_chosen.emit(Path(name))
        else:
            self.show_program(self._program)
