"""Parts of downloads on disk that no download goes on with: shown, and deleted on request."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from starpad.ui.labels import ElidedLabel, text_label, title_label
from starpad.ui.questions import ask


class OrphanList(QWidget):
    """Hidden while there is nothing left over."""

    removal_requested = Signal(str)
    """A path, after the user said yes."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: tuple[Path, ...] = ()
        self._rows: list[QWidget] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(title_label("Left over"))
        about = "Parts of files that no download goes on with. They only take space."
        self._column.addWidget(text_label(about, is_quiet=True))
        self.hide()

    def show_paths(self, paths: Sequence[Path]) -> None:
        """Show these files."""
        if tuple(paths) == self._paths:
            return
        self._paths = tuple(paths)
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [self._make_row(path) for path in self._paths]
        for row in self._rows:
            self._column.addWidget(row)
        self.setVisible(bool(self._paths))

    def _make_row(self, path: Path) -> QWidget:
        delete = QPushButton("Delete…")
        delete.setAutoDefault(False)
        delete.setAccessibleName(f"Delete: {path.name}")
        delete.clicked.connect(partial(self._on_delete_clicked, path))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(ElidedLabel(str(path), Qt.TextElideMode.ElideMiddle), 1)
        layout.addWidget(delete)
        return row

    def _on_delete_clicked(self, path: Path, _is_checked: bool = False) -> None:
        ask(
            self,
            f"Delete {path.name}?",
            "Nothing in Starpad can make use of this part. It cannot be brought back.",
            "Delete",
            "Keep",
            partial(self.removal_requested.emit, str(path)),
        )
