"""Between the page that finds text in files, the search itself, and the editor."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QTextCursor

from starpad.core.folder_search import FolderQuery, LineMatch
from starpad.services.folder_search import FolderSearch
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.file_commands import FileCommands
from starpad.ui.folder_commands import FolderCommands
from starpad.ui.folder_search import FolderSearchView
from starpad.ui.side_bar import SideBar
from starpad.ui.text_positions import PARAGRAPH_SEPARATOR, text_between, utf16_length


class FolderSearchCommands(QObject):
    """Starts searches in the open folder, and goes to what they found."""

    def __init__(
        self,
        side_bar: SideBar,
        folders: FolderCommands,
        tabs: EditorTabs,
        files: FileCommands,
        search: FolderSearch,
    ) -> None:
        super().__init__(side_bar)
        self._bar = side_bar
        self._folders = folders
        self._tabs = tabs
        self._files = files
        self._search = search
        self.view = FolderSearchView()
        side_bar.addTab(self.view, "Find")
        search.found.connect(self.view.add)
        search.progressed.connect(self.view.show_progress)
        search.ended.connect(self.view.show_end)
        self.view.search_requested.connect(self._on_view_search_requested)
        self.view.cancel_requested.connect(search.cancel)
        self.view.match_activated.connect(self.go_to)

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menu's action does."""
        return {ActionId.FIND_IN_FOLDER: self.open}

    def open(self) -> None:
        """Show the page, with what is selected in the editor; without a folder, ask for one."""
        if self._bar.files.folder is None:
            self._folders.ask_and_open()
        if self._bar.files.folder is None:
            return
        self._folders.show()
        self._bar.setCurrentWidget(self.view)
        tab = self._tabs.current
        selected = tab.editor.textCursor().selectedText() if tab is not None else ""
        if selected and PARAGRAPH_SEPARATOR not in selected:
            self.view.text.setText(selected)
        self.view.text.selectAll()
        self.view.text.setFocus()

    @Slot(object, object)
    def go_to(self, path: Path, match: LineMatch) -> None:
        """Open the file and select the hit; what changed since may have moved it."""
        self._files.open([path])
        tab = self._tabs.current
        if tab is None or tab.document.path is None or not tab.document.path.samefile(path):
            return  # the notifier said why
        document = tab.editor.document()
        block = document.findBlockByNumber(match.line - 1)
        if not block.isValid():
            block = document.lastBlock()
        start = block.position() + utf16_length(block.text()[: match.column])
        last = document.characterCount() - 1
        hit = text_between(document, start, min(start + 2 * match.length, last))[: match.length]
        cursor = QTextCursor(document)
        cursor.setPosition(min(start, last))
        cursor.setPosition(start + utf16_length(hit), QTextCursor.MoveMode.KeepAnchor)
        tab.editor.setTextCursor(cursor)
        tab.editor.centerCursor()

    @Slot()
    def _on_view_search_requested(self) -> None:
        folder = self._bar.files.folder
        self._search.cancel()
        if folder is None or not self.view.start_in(folder):
            return
        unsaved = {
            str(tab.document.path): tab.editor.text()
            for tab in self._tabs.tabs
            if tab.is_modified and tab.document.path is not None
        }
        self._search.start(
            FolderQuery(
                str(folder),
                self.view.query,
                self.view.include.text(),
                self.view.exclude.text(),
                unsaved,
            )
        )
