"""Between the page that finds text in files, the search itself, and the editor."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QTextCursor

from starpad.core.folder_search import MAX_FILE_BYTES, FolderQuery, LineMatch
from starpad.services.folder_search import FolderSearch
from starpad.ui.actions import ActionId
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.line_commands import has_several_lines
from starpad.ui.file_commands import FileCommands
from starpad.ui.folder_commands import FolderCommands
from starpad.ui.folder_search import FolderSearchView
from starpad.ui.side_bar import SideBar
from starpad.ui.text_positions import text_between, utf16_length


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
        cursor = tab.editor.textCursor() if tab is not None else QTextCursor()
        if cursor.hasSelection() and not has_several_lines(cursor):
            self.view.text.setText(cursor.selectedText())
        self.view.text.selectAll()
        self.view.text.setFocus()

    @Slot(object, object)
    def go_to(self, path: Path, match: LineMatch) -> None:
        """Open the file and select the hit; what changed since may have moved it."""
        self._files.open([path])
        tab = self._tabs.current
        if tab is None or tab.document.path is None or not tab.document.path.samefile(path):
            return  # the notifier said why
        tab.when_loaded(partial(self._select, tab.editor, match))

    def _select(self, editor: CodeEditor, match: LineMatch) -> None:
        document = editor.document()
        block = document.findBlockByNumber(match.line - 1)
        if not block.isValid():
            block = document.lastBlock()
        start = block.position() + utf16_length(block.text()[: match.column])
        last = document.characterCount() - 1
        hit = text_between(document, start, min(start + 2 * match.length, last))[: match.length]
        cursor = QTextCursor(document)
        cursor.setPosition(min(start, last))
        cursor.setPosition(start + utf16_length(hit), QTextCursor.MoveMode.KeepAnchor)
        editor.setTextCursor(cursor)
        editor.centerCursor()

    @Slot()
    def _on_view_search_requested(self) -> None:
        folder = self._bar.files.folder
        self._search.cancel()
        if folder is None or not self.view.start_in(folder):
            return
        unsaved = {
            str(tab.document.path): tab.editor.text()
            for tab in self._tabs.tabs
            if tab.is_modified
            and tab.document.path is not None
            # Files of that size are passed over as well.
            and tab.editor.document().characterCount() <= MAX_FILE_BYTES
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
