"""The pane at the left: the folder's files, and what was found in them."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from starpad.ui.folder_view import FolderView
from starpad.ui.labels import ElidedLabel, text_label


class SideBar(QTabWidget):
    """One tab for the files of the open folder; who has more to show adds a tab."""

    open_requested = Signal()
    """Another folder is wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.setAccessibleName("Side bar")
        self.tabBar().setAccessibleName("Pages of the side bar")
        self.files = FolderView()
        self._name = ElidedLabel("", Qt.TextElideMode.ElideMiddle, is_quiet=True)
        self._more = QToolButton()
        self._more.setText("…")
        self._more.setToolTip("New file, rename, move to trash")
        self._more.setAccessibleName("What can be done with the files")
        self._more.clicked.connect(self._on_more_clicked)
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 4, 4)
        row.addWidget(self._name, 1)
        row.addWidget(self._more)
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.files, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty_page())
        self._pages.addWidget(shown)
        self.addTab(self._pages, "Folder")

    def show_folder(self, folder: Path) -> None:
        """Show the files of this folder."""
        self.files.show_folder(folder)
        self._name.setText(folder.name or str(folder))
        self._name.setAccessibleName(f"Folder {folder}")
        self._pages.setCurrentIndex(1)

    def focus_files(self) -> None:
        """Put the keyboard into the files, or onto the button that opens a folder."""
        self.setCurrentWidget(self._pages)
        if self.files.folder is None:
            self._open.setFocus()
            return
        self.files.setFocus()
        if not self.files.currentIndex().isValid():
            self.files.setCurrentIndex(self.files.indexBelow(self.files.rootIndex()))

    def _empty_page(self) -> QWidget:
        page = QWidget()
        self._open = QPushButton("Open folder…")
        self._open.clicked.connect(self.open_requested)
        column = QVBoxLayout(page)
        column.addWidget(text_label("No folder is open.", is_quiet=True))
        column.addWidget(self._open)
        column.addStretch(1)
        return page

    def _on_more_clicked(self) -> None:
        self.files.menu().popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))
