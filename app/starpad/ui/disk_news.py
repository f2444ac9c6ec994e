"""What is told and asked when another program changes or deletes an open file."""

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from starpad.core.errors import FileError
from starpad.services.documents import DocumentService
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity
from starpad.ui.diff_dialog import DiffDialog
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs


class DiskNews(QObject):
    """A document without unsaved text follows its file; any other keeps its text and asks."""

    def __init__(
        self, window: QWidget, tabs: EditorTabs, documents: DocumentService, notifier: Notifier
    ) -> None:
        super().__init__(window)
        self._window = window
        self._tabs = tabs
        self._documents = documents
        self._notifier = notifier
        documents.changed_on_disk.connect(self._on_changed_on_disk)
        documents.vanished_on_disk.connect(self._on_vanished_on_disk)

    def reload(self, tab: EditorTab, encoding: str | None = None) -> None:
        """Read the file again; undo brings back what the editor held."""
        try:
            document, text = self._documents.reload(tab.document.id, encoding)
        except FileError as error:
            self._notifier.report(error)
            return
        tab.replace_text(text)
        tab.set_document(document)
        self._notifier.withdraw(f"disk-{document.id}")

    def compare(self, tab: EditorTab) -> None:
        """Show what the file has that the editor has not, to be taken over one by one."""
        tab.finish_loading()
        try:
            theirs = self._documents.text_on_disk(tab.document.id)
        except FileError as error:
            self._notifier.report(error)
            return
        dialog = DiffDialog(
            self._window,
            title=f"From your text to the file {tab.document.title}",
            old=tab.editor.text(),
            new=theirs,
            font=tab.editor.font(),
        )

        def apply(text: str) -> None:
            if tab.editor.text() == dialog.old:
                tab.change_text(text)

        dialog.applied.connect(apply)
        dialog.open()

    @Slot(int)
    def _on_changed_on_disk(self, document_id: int) -> None:
        tab = self._tabs.tab_of(document_id)
        if tab is None:
            return
        if not tab.is_modified:
            self.reload(tab)
            return
        self._notifier.post(
            Notification(
                f"{tab.document.title} changed on disk, and you have unsaved changes.",
                "Reload takes the file's text; undo brings yours back.",
                Severity.WARNING,
                actions=(
                    NotificationAction("Reload", lambda: self.reload(tab)),
                    NotificationAction("Compare", lambda: self.compare(tab)),
                    NotificationAction("Keep mine", lambda: None),
                ),
                key=f"disk-{document_id}",
            )
        )

    @Slot(int)
    def _on_vanished_on_disk(self, document_id: int) -> None:
        tab = self._tabs.tab_of(document_id)
        if tab is None:
            return
        tab.editor.document().setModified(True)
        self._notifier.post(
            Notification(
                f"{tab.document.title} is gone from the disk.",
                "Its text is still here; save it to write the file again.",
                Severity.WARNING,
                key=f"disk-{document_id}",
            )
        )
