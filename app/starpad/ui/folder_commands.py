"""Between the side bar and the rest: which folder is open, and what is opened from it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from starpad.services.notifier import Notifier
from starpad.services.settings import SettingsService
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.file_commands import FileCommands
from starpad.ui.side_bar import SideBar


class FolderCommands(QObject):
    """Opens folders, and files from them; remembers the folder and whether it is shown."""

    def __init__(
        self,
        window: QWidget,
        side_bar: SideBar,
        tabs: EditorTabs,
        files: FileCommands,
        settings: SettingsService,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._bar = side_bar
        self._tabs = tabs
        self._files = files
        self._settings = settings
        side_bar.open_requested.connect(self.ask_and_open)
        side_bar.files.file_activated.connect(self._on_file_activated)
        side_bar.files.failed.connect(notifier.report)
        side_bar.files.renamed.connect(files.follow)
        side_bar.setVisible(settings.current.side_bar_is_shown)
        folder = settings.current.folder
        if folder and Path(folder).is_dir():
            side_bar.show_folder(Path(folder))

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menus' actions do."""
        return {
            ActionId.OPEN_FOLDER: self.ask_and_open,
            ActionId.SIDE_BAR: self.toggle,
        }

    @Slot()
    def ask_and_open(self) -> None:
        """Ask for a folder and show its files."""
        start = self._settings.current.folder or str(Path.home())
        name = QFileDialog.getExistingDirectory(self._window, "Open folder", start)
        if name:
            self.open(Path(name))

    def open(self, folder: Path) -> None:
        """Show the files of a folder, and keep it for the next start."""
        self._settings.change(folder=str(folder.absolute()))
        self._bar.show_folder(folder.absolute())
        self.show()
        self._bar.focus_files()

    def toggle(self) -> None:
        """Go to the files; from there, hide them."""
        if self._bar.isVisible() and self._bar.isAncestorOf(self._window.focusWidget()):
            self._show(is_shown=False)
            if self._tabs.current is not None:
                self._tabs.current.editor.setFocus()
            return
        self.show()
        self._bar.focus_files()

    def show(self) -> None:
        """Show the side bar, now and at the next start."""
        self._show(is_shown=True)

    def _show(self, *, is_shown: bool) -> None:
        self._bar.setVisible(is_shown)
        self._settings.change(side_bar_is_shown=is_shown)

    @Slot(object)
    def _on_file_activated(self, path: Path) -> None:
        self._files.open([path])
