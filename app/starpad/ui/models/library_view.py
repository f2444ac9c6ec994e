"""The models on this computer: what there is, what it takes, and what can be done with it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from starpad.core import model_file
from starpad.core.installed_model import InstalledModel
from starpad.ui.labels import ElidedLabel, EmptyState, restyle
from starpad.ui.models.library_details import Deed, LibraryDetails
from starpad.ui.models.library_table import LibraryTable
from starpad.ui.models.progress_text import size_text
from starpad.ui.models.work_strip import WorkStrip
from starpad.ui.questions import ask
from starpad.ui.spoken import announce

_NAME_CHARACTERS = 40
_KEYS = (
    (Qt.Key.Key_Return, Deed.LOAD),
    (Qt.Key.Key_Enter, Deed.LOAD),
    (Qt.Key.Key_Delete, Deed.DELETE),
)


class LibraryView(QWidget):
    """Shows what it is given and says what the user wants; it touches no file."""

    load_requested = Signal(object)
    """The model's Path; so in the next four."""
    verify_requested = Signal(object)
    update_check_requested = Signal(object)
    reveal_requested = Signal(object)
    delete_requested = Signal(object)
    """To the trash, after the user said yes."""
    import_requested = Signal()
    """Choose a file to import."""
    folder_requested = Signal()
    """Choose a folder to look for models in."""
    move_folder_requested = Signal()
    """Choose another place for the models folder."""
    files_dropped = Signal(object)
    """list[Path] of GGUF files."""
    stop_requested = Signal()
    """Stop what `show_progress` shows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Models on this computer")
        self.setAcceptDrops(True)
        self._busy: Path | None = None
        self._remarks: dict[Path, str] = {}
        self._total = ElidedLabel()
        self._table = LibraryTable()
        self._rows = _make_table(self._table)
        self._empty = EmptyState(
            "No models yet", "Download one, import a GGUF file, or drop it here."
        )
        self._work = WorkStrip()
        self._work.stop_requested.connect(self.stop_requested)
        self._details = LibraryDetails()
        self._details.deed_chosen.connect(self._on_deed_chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(self._make_head())
        column.addWidget(self._rows, 1)
        column.addWidget(self._empty, 1)
        column.addWidget(self._work)
        column.addWidget(self._details)
        self._connect()
        self.show_models((), None)

    @property
    def selected(self) -> Path | None:
        """The model that is chosen in the table."""
        model = self._current()
        return model.path if model else None

    def show_models(self, models: Sequence[InstalledModel], loaded: Path | None) -> None:
        """Show these; what is chosen stays chosen, or its neighbor is."""
        self._table.show_models(models, loaded)
        self._total.setText(_total_text(models))
        self._rows.setVisible(bool(models))
        self._details.setVisible(bool(models))
        self._empty.setVisible(not models)
        self._show_details()

    def select(self, path: Path) -> None:
        """Choose a model, if it is there."""
        row = self._table.row_of(path)
        if row >= 0:
            self._rows.selectRow(row)

    def show_progress(self, path: Path, text: str, fraction: float | None) -> None:
        """Show work on a model, as in `Verifying…`; `fraction` is 0 to 1, None if unknown."""
        is_news = path != self._busy
        self._busy = path
        self._remarks.pop(path, None)
        self._work.show_work(f"{path.stem}: {text}", fraction)
        if is_news:
            self._show_details()

    def hide_progress(self) -> None:
        """Take the work off the screen: it has ended."""
        self._busy = None
        self._work.hide()
        self._show_details()

    def show_remark(self, path: Path, text: str) -> None:
        """Show news of a model, as in `An update is available.`, until there are others."""
        self._remarks[path] = text
        self._show_details()
        announce(self, f"{path.stem}: {text}")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event):
            event.acceptProposedAction()
            restyle(self._rows, "drop", "yes")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        restyle(self._rows, "drop", "no")

    def dropEvent(self, event: QDropEvent) -> None:
        restyle(self._rows, "drop", "no")
        paths = _dropped(event)
        event.acceptProposedAction()
        self.files_dropped.emit(paths)

    def _make_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._total, 1)
        for text, request in (
            ("Im&port file…", self.import_requested),
            ("&Add folder…", self.folder_requested),
            ("&Move models folder…", self.move_folder_requested),
        ):
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(request)
            head.addWidget(button)
        return head

    def _connect(self) -> None:
        self._rows.selectionModel().currentRowChanged.connect(self._show_details)
        # Not `activated`: some desktops send that at a single click, which is only a look.
        self._rows.doubleClicked.connect(partial(self._on_key, Deed.LOAD))
        self._rows.customContextMenuRequested.connect(self._on_menu_requested)
        self._table.modelAboutToBeReset.connect(self._on_table_about_to_be_reset)
        self._table.modelReset.connect(self._on_table_reset)
        for key, deed in _KEYS:
            shortcut = QShortcut(key, self._rows)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(partial(self._on_key, deed))

    def _current(self) -> InstalledModel | None:
        row = self._rows.currentIndex().row()
        return self._table.models[row] if 0 <= row < len(self._table.models) else None

    @Slot()
    def _show_details(self) -> None:
        model = self._current()
        self._details.show_model(
            model,
            is_loaded=model is not None and model.path == self._table.loaded,
            is_busy=model is not None and model.path == self._busy,
            remark=self._remarks.get(model.path, "") if model else "",
        )

    @Slot()
    def _on_table_about_to_be_reset(self) -> None:
        self._kept = self.selected, self._rows.currentIndex().row()
        self._scrolled = self._rows.verticalScrollBar().value()

    @Slot()
    def _on_table_reset(self) -> None:
        path, row = self._kept
        count = len(self._table.models)
        found = self._table.row_of(path)
        if count:
            self._rows.selectRow(found if found >= 0 else max(0, min(row, count - 1)))
        self._rows.verticalScrollBar().setValue(self._scrolled)
        for column in range(1, self._table.columnCount()):  # the names would take all
            self._rows.resizeColumnToContents(column)

    def _on_key(self, deed: Deed, _index: object = None) -> None:
        if (deed, True) in self._details.deeds():
            self._on_deed_chosen(deed)

    @Slot(QPoint)
    def _on_menu_requested(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for deed, is_possible in self._details.deeds():
            action = menu.addAction(deed)
            action.setEnabled(is_possible)
            action.triggered.connect(partial(self._on_key, deed))
        menu.popup(self._rows.viewport().mapToGlobal(at))

    @Slot(object)
    def _on_deed_chosen(self, deed: Deed) -> None:
        model = self._current()
        if model is None:
            return
        if deed is Deed.DELETE:
            self._ask_to_delete(model)
            return
        requests = {
            Deed.LOAD: self.load_requested,
            Deed.VERIFY: self.verify_requested,
            Deed.CHECK_FOR_UPDATE: self.update_check_requested,
            Deed.REVEAL: self.reveal_requested,
        }
        requests[deed].emit(model.path)

    def _ask_to_delete(self, model: InstalledModel) -> None:
        sentences = [
            f"It goes to the trash; emptying that frees {size_text(model.disk_bytes)}.",
            "It is loaded now and is unloaded first." if model.path == self._table.loaded else "",
        ]
        ask(
            self,
            f"Delete {model.path.stem}?",
            " ".join(sentence for sentence in sentences if sentence),
            "Move to trash",
            "Keep",
            partial(self.delete_requested.emit, model.path),
        )


def _make_table(table: LibraryTable) -> QTableView:
    rows = QTableView()
    rows.setObjectName("library")
    rows.setAccessibleName("Models on this computer")
    rows.setModel(table)
    rows.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    rows.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    rows.setTabKeyNavigation(False)  # Tab goes on to the buttons; the arrows stay here
    rows.setShowGrid(False)
    rows.setWordWrap(False)
    rows.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    rows.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    rows.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    rows.verticalHeader().hide()
    header = rows.horizontalHeader()
    header.setHighlightSections(False)
    header.setStretchLastSection(True)
    header.resizeSection(0, header.fontMetrics().averageCharWidth() * _NAME_CHARACTERS)
    header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
    rows.setSortingEnabled(True)
    return rows


def _total_text(models: Sequence[InstalledModel]) -> str:
    if not models:
        return ""
    count = "1 model" if len(models) == 1 else f"{len(models)} models"
    total = sum(model.disk_bytes for model in models)
    ours = sum(model.disk_bytes for model in models if model.is_ours)
    elsewhere = f", {size_text(ours)} of it in Starpad's folder" if ours != total else ""
    return f"{count} · {size_text(total)} on disk{elsewhere}"


def _dropped(event: QDropEvent) -> list[Path]:
    paths = (Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile())
    return [path for path in paths if path.suffix.lower() in model_file.ENDINGS]
