"""Unsaved text that a crash left: kept by the crash guard, brought back at the next start."""

from pathlib import Path

from PySide6.QtGui import QTextCursor

from starpad.core import recovery
from starpad.core.errors import FileError
from starpad.core.recovery import RecoveredDocument
from starpad.services.documents import DocumentService
from starpad.ui.editor.editor_tabs import EditorTabs


class RecoveredText:
    """Keeps and restores unsaved text in one folder."""

    def __init__(self, folder: Path, tabs: EditorTabs, documents: DocumentService) -> None:
        self._folder = folder
        self._tabs = tabs
        self._documents = documents
        self._entries: list[Path] = []

    def keep(self) -> str:
        """Write all unsaved text to the folder; return where, empty if there was none."""
        unsaved = [
            RecoveredDocument(
                path=tab.document.path,
                title=tab.document.title,
                text=tab.editor.text(),
                format=tab.document.format,
                caret=tab.editor.textCursor().position(),
            )
            for tab in self._tabs.tabs
            if tab.is_modified
        ]
        if not unsaved:
            return ""
        old, self._entries = self._entries, recovery.save(self._folder, unsaved)
        recovery.clear(old)
        return str(self._folder)

    def restore(self) -> int:
        """Open a tab for each kept document, its text unsaved; return how many there were."""
        found = recovery.load(self._folder)
        for kept in found:
            self._open(kept)
        self._entries = [kept.entry for kept in found if kept.entry is not None]
        return len(found)

    def forget(self) -> None:
        """Delete what was kept: every document was saved or given up."""
        recovery.clear(self._entries)
        self._entries = []

    def _open(self, kept: RecoveredDocument) -> None:
        document, text = self._documents.new(), ""
        if kept.path is not None:
            try:
                opened, on_disk = self._documents.open(kept.path)
            except FileError:
                pass  # The file is gone; its text lives on as an unnamed document.
            else:
                if on_disk is not None:
                    self._documents.close(document.id)
                    document, text = opened, on_disk
        tab = self._tabs.add(document, text)
        cursor = QTextCursor(tab.editor.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(kept.text)
        end = tab.editor.document().characterCount() - 1
        cursor.setPosition(min(kept.caret, end))
        tab.editor.setTextCursor(cursor)
        self._documents.set_format(document.id, kept.format)
        tab.editor.document().setModified(True)
