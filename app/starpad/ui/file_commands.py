"""Open, save, close, reload: what the user asks of files, and the questions that it needs."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from starpad.core.errors import FileChangedError, FileError
from starpad.services.documents import DocumentService, OpenDocument
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity
from starpad.services.settings import SettingsService
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs

_MAX_RECENT = 15
_Button = QMessageBox.StandardButton


class FileCommands(QObject):
    """Between the tabs and the document service. Nothing here loses text without being told to."""

    def __init__(
        self,
        window: QWidget,
        tabs: EditorTabs,
        documents: DocumentService,
        settings: SettingsService,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._tabs = tabs
        self._documents = documents
        self._settings = settings
        self._notifier = notifier
        tabs.close_requested.connect(self._on_close_requested)
        documents.document_changed.connect(self._on_document_changed)
        documents.changed_on_disk.connect(self._on_changed_on_disk)
        documents.vanished_on_disk.connect(self._on_vanished_on_disk)

    # -- opening ------------------------------------------------------------------------------

    def new(self) -> EditorTab:
        """Open an empty tab."""
        return self._tabs.add(self._documents.new(), "")

    def ask_and_open(self) -> None:
        """Ask for files and open them."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open", str(self._folder()))
        self.open(Path(name) for name in names)

    @Slot(object)
    def open(self, paths: Iterable[Path]) -> None:
        """Open files; one that is open already is shown."""
        for path in paths:
            try:
                document, text = self._documents.open(path)
            except FileError as error:
                self._notifier.report(error)
                continue
            tab = self._tabs.tab_of(document.id)
            if tab is not None:
                self._tabs.go_to(tab)
            else:
                untouched = self._untouched()
                self._tabs.add(document, text or "")
                if untouched is not None:
                    self._close(untouched)
                self._explain_read_only(document)
            self._remember(path)

    def _untouched(self) -> EditorTab | None:
        """Return the empty tab of the start, if it is all there is."""
        tab = self._tabs.current
        is_alone = tab is not None and self._tabs.count() == 1
        if tab is None or not is_alone or tab.document.path is not None or tab.is_modified:
            return None
        return tab

    def _explain_read_only(self, document: OpenDocument) -> None:
        if not document.read_only_reason:
            return
        edit = NotificationAction("Edit anyway", lambda: self._documents.normalize(document.id))
        self._notifier.post(
            Notification(
                document.read_only_reason,
                severity=Severity.WARNING,
                actions=(edit,) if document.can_normalize else (),
                key=f"read-only-{document.id}",
            )
        )

    def _remember(self, path: Path) -> None:
        name = str(path.absolute())
        others = [known for known in self._settings.current.recent_files if known != name]
        self._settings.change(recent_files=(name, *others)[:_MAX_RECENT])

    def _folder(self) -> Path:
        tab = self._tabs.current
        if tab is not None and tab.document.path is not None:
            return tab.document.path.parent
        recent = self._settings.current.recent_files
        return Path(recent[0]).parent if recent else Path.home()

    # -- saving -------------------------------------------------------------------------------

    def save(self, tab: EditorTab) -> bool:
        """Save a tab, asking for a name if it has none. Return whether its text is on disk."""
        if tab.document.path is None or tab.document.read_only_reason:
            return self.save_as(tab)
        return self._write(tab, None)

    def save_as(self, tab: EditorTab) -> bool:
        """Ask for a name and save under it. Return whether the text is on disk."""
        proposal = tab.document.path or self._folder() / f"{tab.document.title}.py"
        name, _ = QFileDialog.getSaveFileName(self._window, "Save as", str(proposal))
        if not name:
            return False
        return self._write(tab, Path(name))

    def _write(self, tab: EditorTab, path: Path | None, *, overwrite: bool = False) -> bool:
        try:
            document = self._documents.save(
                tab.document.id, tab.editor.text(), path, overwrite=overwrite
            )
        except FileChangedError as error:
            return self._resolve_conflict(tab, error)
        except FileError as error:
            again = NotificationAction("Save as…", lambda: self.save_as(tab))
            self._notifier.report(error, again, key=f"save-{tab.document.id}")
            return False
        tab.mark_saved()
        tab.set_document(document)
        self._notifier.withdraw(f"save-{document.id}")
        self._notifier.withdraw(f"disk-{document.id}")
        if path is not None:
            self._remember(path)
        return True

    def _resolve_conflict(self, tab: EditorTab, error: FileChangedError) -> bool:
        box = QMessageBox(QMessageBox.Icon.Warning, "File changed", error.message)
        box.setParent(self._window, box.windowFlags())
        box.setInformativeText("Your text is still in the editor.")
        overwrite = box.addButton("Overwrite the file", QMessageBox.ButtonRole.DestructiveRole)
        other = box.addButton("Save as…", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(_Button.Cancel)
        box.setDefaultButton(other)
        box.exec()
        if box.clickedButton() is overwrite:
            return self._write(tab, None, overwrite=True)
        return box.clickedButton() is other and self.save_as(tab)

    # -- closing ------------------------------------------------------------------------------

    def close(self, tab: EditorTab) -> bool:
        """Close a tab, asking about unsaved text. Return whether it is closed."""
        if not self.may_close(tab):
            return False
        self._close(tab)
        if not self._tabs.count():
            self.new()
        return True

    def _close(self, tab: EditorTab) -> None:
        document = tab.document.id
        for kind in ("read-only", "save", "disk"):
            self._notifier.withdraw(f"{kind}-{document}")
        self._tabs.remove(tab)
        self._documents.close(document)

    def may_close(self, tab: EditorTab) -> bool:
        """Return whether a tab's text is saved, or the user gives it up."""
        if not tab.is_modified:
            return True
        self._tabs.go_to(tab)
        answer = QMessageBox.question(
            self._window,
            "Unsaved text",
            f"Save the changes to {tab.document.title}?",
            _Button.Save | _Button.Discard | _Button.Cancel,
            _Button.Save,
        )
        if answer == _Button.Save:
            return self.save(tab)
        return answer == _Button.Discard

    @Slot(object)
    def _on_close_requested(self, tab: EditorTab) -> None:
        self.close(tab)

    # -- the file on disk ---------------------------------------------------------------------

    def reload(self, tab: EditorTab) -> None:
        """Read the file again; undo brings back what the editor held."""
        try:
            document, text = self._documents.reload(tab.document.id)
        except FileError as error:
            self._notifier.report(error)
            return
        tab.replace_text(text)
        tab.set_document(document)
        self._notifier.withdraw(f"disk-{document.id}")

    @Slot(object)
    def _on_document_changed(self, document: OpenDocument) -> None:
        tab = self._tabs.tab_of(document.id)
        if tab is not None:
            tab.set_document(document)

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
