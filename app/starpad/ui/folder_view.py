"""The files of one folder as a tree: open, make, rename, and move to the trash."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import (
    QDir,
    QFile,
    QModelIndex,
    QPoint,
    QRegularExpression,
    QSortFilterProxyModel,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileSystemModel,
    QInputDialog,
    QMenu,
    QTreeView,
    QWidget,
)

from starpad.core.errors import FileError
from starpad.ui.questions import ask

_ALL_BUT_GIT = QRegularExpression(r"^(?!\.git$)")


class FolderView(QTreeView):
    """Follows the disk by itself; nothing is read before a folder is shown or opened up."""

    file_activated = Signal(object)
    """(Path) of a file to open."""
    renamed = Signal(object, object)
    """(Path, Path): what a file or folder was called, and what it is called now."""
    failed = Signal(object)
    """A FileError."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._files = QFileSystemModel(self)
        self._files.setFilter(
            QDir.Filter.AllDirs
            | QDir.Filter.Files
            | QDir.Filter.Hidden
            | QDir.Filter.NoDotAndDotDot
        )
        self._files.setReadOnly(False)
        self._files.fileRenamed.connect(self._on_file_renamed)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setFilterRegularExpression(_ALL_BUT_GIT)
        self.setAccessibleName("Files of the folder")
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setAnimated(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        self.activated.connect(self._on_activated)

    @property
    def folder(self) -> Path | None:
        """The folder that is shown."""
        return self._folder

    def show_folder(self, folder: Path) -> None:
        """Show what is in this folder."""
        if self._shown.sourceModel() is None:
            # Only now: the model reads the computer's root as soon as somebody looks.
            self._shown.setSourceModel(self._files)
            self.setModel(self._shown)
            for column in range(1, self._files.columnCount()):
                self.hideColumn(column)
        self._folder = folder
        self.setRootIndex(self._shown.mapFromSource(self._files.setRootPath(str(folder))))

    def path_of(self, index: QModelIndex) -> Path | None:
        """Return the path of a row."""
        return (
            Path(self._files.filePath(self._shown.mapToSource(index))) if index.isValid() else None
        )

    def index_of(self, path: Path) -> QModelIndex:
        """Return the row of a path; not valid if it is not there, or not read yet."""
        return self._shown.mapFromSource(self._files.index(str(path)))

    def select(self, path: Path) -> None:
        """Make a file's row the current one."""
        self.setCurrentIndex(self.index_of(path))
        self.scrollTo(self.currentIndex())

    def new_file(self) -> None:
        """Ask for a name and make an empty file where the current row is."""
        place = self._place()
        if place is None:
            return
        name, is_given = QInputDialog.getText(self, "New file", f"Name, in {place}:")
        if is_given and name.strip():
            self._make(place / name.strip())

    def _make(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("x").close()
        except OSError as error:
            self.failed.emit(
                FileError(f"{path.name} could not be made: {error.strerror}.", f"It is {path}.")
            )
            return
        self.file_activated.emit(path)

    def rename(self) -> None:
        """Let the current row's name be edited in its place."""
        self.edit(self.currentIndex())

    def move_to_trash(self) -> None:
        """Ask, and move the file or folder of the current row to the trash."""
        path = self.path_of(self.currentIndex())
        if path is None:
            return
        what = "this folder with all that is in it" if path.is_dir() else "this file"
        ask(
            self, f"Move {path.name} to the trash?", f"From there, {what} can be brought back.",
            "Move to trash", "Keep", partial(self._trash, path),
        )  # fmt: skip

    def _trash(self, path: Path) -> None:
        if not QFile(str(path)).moveToTrash():
            self.failed.emit(
                FileError(
                    f"{path.name} could not be moved to the trash.",
                    "Not every disk has one. The file is still there.",
                )
            )

    def _place(self) -> Path | None:
        """Return the folder of the current row."""
        path = self.path_of(self.currentIndex())
        if path is None:
            return self._folder
        return path if path.is_dir() else path.parent

    def menu(self) -> QMenu:
        """Return the menu of what can be done with the current row."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("&New file…", self.new_file)
        rename = menu.addAction("&Rename", self.rename)
        trash = menu.addAction("Move to &trash…", self.move_to_trash)
        for action in (rename, trash):
            action.setEnabled(self.currentIndex().isValid())
        return menu

    @Slot(QPoint)
    def _on_menu_requested(self, position: QPoint) -> None:
        self.menu().popup(self.viewport().mapToGlobal(position))

    @Slot(str, str, str)
    def _on_file_renamed(self, folder: str, old: str, new: str) -> None:
        self.renamed.emit(Path(folder, old), Path(folder, new))

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        path = self.path_of(index)
        if path is not None and path.is_file():
            self.file_activated.emit(path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() == Qt.Key.Key_Delete and not is_editing:
            self.move_to_trash()
        else:
            super().keyPressEvent(event)
