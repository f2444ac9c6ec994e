"""The models window: discover, downloads, and what is on this computer."""

from pathlib import Path
from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from starpad.core.download import Download, DownloadState
from starpad.core.engine_status import EngineStatus
from starpad.core.errors import StarpadError
from starpad.services.library_work import LibraryWork, Work
from starpad.ui.labels import Notice
from starpad.ui.models.account_control import AccountControl
from starpad.ui.models.discover_view import DiscoverView
from starpad.ui.models.downloads_view import DownloadsView
from starpad.ui.models.library_view import LibraryView
from starpad.ui.models.model_choice import ModelChoice, ModelServices

_DISCOVER, _DOWNLOADS, _LIBRARY = range(3)
_UNDER_WAY = {
    DownloadState.QUEUED,
    DownloadState.RUNNING,
    DownloadState.WAITING,
    DownloadState.VERIFYING,
}


class ModelsWindow(QDialog):
    """Not modal: editing goes on beside it. It lives as long as the main window."""

    load_requested = Signal(object)
    """(Path) of the model to load."""

    def __init__(self, services: ModelServices, work: LibraryWork, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self.resize(1060, 720)
        self._services = services
        self._work = work
        self.discover = DiscoverView(services.library.families, self._host())
        self.downloads = DownloadsView()
        self.library = LibraryView()
        self.choice = ModelChoice(self.discover, services)
        self.account = AccountControl(services.account, self)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.discover, "&Discover")
        self.tabs.addTab(self.downloads, "Do&wnloads")
        self.tabs.addTab(self.library, "On this &computer")
        for page in (self.discover, self.downloads, self.library):
            page.setContentsMargins(14, 10, 14, 12)
        self.tabs.setCornerWidget(_with_room(self.account.button))
        self._notice = Notice("error")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._notice)
        column.addWidget(self.tabs, 1)
        self._connect_choice()
        self._connect_downloads()
        self._connect_library()
        self._on_downloads_changed(services.downloads.downloads)
        self._on_library_changed()

    def show_tab(self, index: int | None = None) -> None:
        """Bring the window to the front, on the given tab."""
        if index is not None:
            self.tabs.setCurrentIndex(index)
        self._services.library.refresh()
        self._services.account.look()
        self.downloads.show_orphans(self._services.downloads.orphans)
        if self.isVisible():
            self.raise_()
        self.show()
        self.activateWindow()

    def show_discover(self) -> None:
        """Show what there is to download."""
        self.show_tab(_DISCOVER)

    def show_library(self) -> None:
        """Show what is on this computer."""
        self.show_tab(_LIBRARY)

    def _host(self) -> str:
        return urlsplit(self._services.account.endpoint).netloc

    def _connect_choice(self) -> None:
        self.choice.load_requested.connect(self.load_requested)
        self.choice.page_requested.connect(self._open_page)
        self.choice.failed.connect(self._show_error)
        self.choice.ordered.connect(self._on_choice_ordered)
        self.account.page_requested.connect(self._open_page)
        self.account.failed.connect(self._show_error)
        self._services.account.changed.connect(self._on_account_changed)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter belongs to the field or list that has the focus

    def _connect_downloads(self) -> None:
        view, queue = self.downloads, self._services.downloads.queue
        self._services.downloads.changed.connect(self._on_downloads_changed)
        self._services.downloads.finished.connect(self._services.library.refresh)
        view.pause_requested.connect(queue.pause)
        view.resume_requested.connect(queue.resume)
        view.cancel_requested.connect(queue.cancel)
        view.move_requested.connect(queue.move)
        view.forget_requested.connect(queue.forget)
        view.pause_all_requested.connect(queue.pause_all)
        view.resume_all_requested.connect(queue.resume_all)
        view.sign_in_requested.connect(self.account.show_dialog)
        view.page_requested.connect(self._open_page)
        view.open_requested.connect(self._on_downloads_open_requested)
        view.orphan_removal_requested.connect(self._on_downloads_orphan_removal_requested)

    def _connect_library(self) -> None:
        view, work = self.library, self._work
        self._services.library.changed.connect(self._on_library_changed)
        self._services.engine.status_changed.connect(self._on_engine_status_changed)
        work.changed.connect(self._on_work_changed)
        work.told.connect(self._on_work_told)
        work.failed.connect(self._show_error)
        view.load_requested.connect(self.load_requested)
        view.verify_requested.connect(self._on_library_verify_requested)
        view.update_check_requested.connect(self._on_library_update_check_requested)
        view.delete_requested.connect(self._on_library_delete_requested)
        view.reveal_requested.connect(_reveal)
        view.import_requested.connect(self.import_file)
        view.files_dropped.connect(self.take_files)
        view.folder_requested.connect(self._on_library_folder_requested)
        view.move_folder_requested.connect(self._on_library_move_folder_requested)
        view.stop_requested.connect(work.stop)

    # -- discover and account -----------------------------------------------------------------

    @Slot()
    def _on_choice_ordered(self) -> None:
        self.tabs.setCurrentIndex(_DOWNLOADS)
        self.downloads.setFocus()

    @Slot()
    def _on_account_changed(self) -> None:
        self.discover.set_host(self._host())

    @Slot(str)
    def _open_page(self, url: str) -> None:
        QDesktopServices.openUrl(QUrl(url))

    @Slot(object)
    def _show_error(self, error: StarpadError) -> None:
        self._notice.show_sentence(error.message, error.hint)

    # -- downloads ----------------------------------------------------------------------------

    @Slot(object)
    def _on_downloads_changed(self, downloads: tuple[Download, ...]) -> None:
        self.downloads.show_downloads(downloads)
        count = sum(download.state in _UNDER_WAY for download in downloads)
        self.tabs.setTabText(_DOWNLOADS, f"Do&wnloads ({count})" if count else "Do&wnloads")

    @Slot(str)
    def _on_downloads_open_requested(self, download_id: str) -> None:
        self.load_requested.emit(self._services.library.folder / download_id)

    @Slot(str)
    def _on_downloads_orphan_removal_requested(self, path: str) -> None:
        try:
            self._services.downloads.queue.remove_orphan(Path(path))
        except OSError as error:
            reason = error.strerror or str(error)
            self._show_error(StarpadError(f"{path} could not be deleted: {reason}."))
        self.downloads.show_orphans(self._services.downloads.orphans)

    # -- library ------------------------------------------------------------------------------

    @Slot()
    def _on_library_changed(self) -> None:
        loaded = self._services.engine.status.model
        self.library.show_models(self._services.library.models, loaded.path if loaded else None)

    @Slot(object)
    def _on_engine_status_changed(self, _status: EngineStatus) -> None:
        if self.isVisible():
            self._on_library_changed()

    @Slot(object)
    def _on_work_changed(self, work: Work | None) -> None:
        if work is None:
            self.library.hide_progress()
        else:
            self._notice.show_sentence("", "")
            self.library.show_progress(work.model, work.text, work.fraction)

    @Slot(object, str)
    def _on_work_told(self, model: Path, sentence: str) -> None:
        self.library.show_remark(model, sentence)

    @Slot(object)
    def _on_library_verify_requested(self, path: Path) -> None:
        model = self._services.library.find(path)
        if model is not None:
            self._work.verify(model)

    @Slot(object)
    def _on_library_update_check_requested(self, path: Path) -> None:
        model = self._services.library.find(path)
        if model is not None:
            self._work.check_update(model)

    @Slot(object)
    def _on_library_delete_requested(self, path: Path) -> None:
        model = self._services.library.find(path)
        if model is None:
            return
        loaded = self._services.engine.status.model
        if loaded is not None and loaded.path == path:
            self._services.engine.unload()
        self._work.delete(model)

    @Slot()
    def import_file(self) -> None:
        """Ask for a model file and take it into the library."""
        names, _ = QFileDialog.getOpenFileNames(
            self, "Import model files", str(Path.home()), "Models (*.gguf *.bin);;All files (*)"
        )
        self.take_files([Path(name) for name in names])

    @Slot(object)
    def take_files(self, paths: list[Path]) -> None:
        """Ask whether to copy these files or to use them where they are, and do that."""
        if paths:
            self.show_library()
            self._ask_how_to_import(paths)

    def _ask_how_to_import(self, paths: list[Path]) -> None:
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        what = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        box.setText(f"Use {what} where it is, or copy it?")
        box.setInformativeText(
            "Where it is: takes no space, and is gone when the file is moved or deleted.\n"
            f"A copy: lies in {self._services.library.folder}."
        )
        use = box.addButton("&Use it where it is", QMessageBox.ButtonRole.AcceptRole)
        copy = box.addButton("&Copy it", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(use)
        use.clicked.connect(lambda: self._work.use_in_place(paths))
        copy.clicked.connect(lambda: self._work.copy_in(paths))
        box.open()

    @Slot()
    def _on_library_folder_requested(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Look for models in", str(Path.home()))
        if name:
            self._work.add_folder(Path(name))

    @Slot()
    def _on_library_move_folder_requested(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self, "Move the models folder to", str(self._services.library.folder)
        )
        if name:
            self._work.move_folder(Path(name), self._services.downloads.queue.relocate)


def _with_room(button: QPushButton) -> QWidget:
    """Return the button with some room around it: a corner widget has none."""
    corner = QWidget()
    row = QHBoxLayout(corner)
    row.setContentsMargins(0, 0, 14, 0)
    row.addWidget(button)
    return corner


def _reveal(path: Path) -> None:
    """Show the file's folder in the file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
