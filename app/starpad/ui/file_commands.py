"""Open, save, close: what the user asks of files, and the questions that it needs."""

import os
from collections.abc import Callable, Iterable
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from starpad.core import json_text
from starpad.core.errors import (
    DoubtfulFileError,
    FileChangedError,
    FileError,
    FolderMissingError,
    WriteProtectedError,
)
from starpad.services.documents import DocumentService, OpenDocument
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity
from starpad.services.settings import SettingsService
from starpad.ui.disk_news import DiskNews
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.format_commands import FormatCommands

_MAX_RECENT = 15
_MAX_CLOSED = 30
_Button = QMessageBox.StandardButton


class _Answer(Enum):
    ANYWAY = auto()
    SAVE_AS = auto()
    CANCEL = auto()


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
        self._closed: list[tuple[Path, tuple[int, int, int]]] = []
        self._disk = DiskNews(window, tabs, documents, notifier)
        self.reload = self._disk.reload
        self.follow = documents.follow
        self.formats = FormatCommands(window, documents, self.reload, self.save, tabs)
        tabs.close_requested.connect(self._on_close_requested)
        documents.document_changed.connect(self._on_document_changed)

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
        """Open files; one that is open already is shown, and one that is missing is begun."""
        for path in paths:
            if os.path.lexists(path):
                self._open(path, is_sure=False)
            else:
                self._show(self._documents.new(path), "")

    def reopen(self, path: Path) -> None:
        """Open a file that was there before; if it is gone, say so."""
        self._open(path, is_sure=False)

    def _open(self, path: Path, *, is_sure: bool) -> None:
        try:
            document, text = self._documents.open(path, is_sure=is_sure)
        except DoubtfulFileError as error:
            key = f"open-{path}"
            anyway = NotificationAction("Open anyway", lambda: self._open(path, is_sure=True))
            self._notifier.post(
                Notification(
                    error.message, error.hint, Severity.WARNING, actions=(anyway,), key=key
                )
            )
            return
        except FileError as error:
            self._notifier.report(error)
            return
        self._show(document, text)
        self._remember(path)

    def _show(self, document: OpenDocument, text: str | None) -> None:
        tab = self._tabs.tab_of(document.id)
        if tab is not None:
            self._tabs.go_to(tab)
            return
        untouched = self._untouched()
        tab = self._tabs.add(document, text or "", in_pieces=True)
        if untouched is not None:
            self._close(untouched)
        self._explain(tab, is_json=json_text.is_likely(text or ""))

    def _untouched(self) -> EditorTab | None:
        """Return the empty tab of the start, if it is all there is."""
        tab = self._tabs.current
        is_alone = tab is not None and self._tabs.count() == 1
        if tab is None or not is_alone or tab.document.path is not None or tab.is_modified:
            return None
        return tab

    def _explain(self, tab: EditorTab, *, is_json: bool) -> None:
        """Say why a document cannot be changed, or why its keys will be slow."""
        document = tab.document
        edit = NotificationAction("Edit anyway", lambda: self._documents.edit_anyway(document.id))
        wrap = NotificationAction("Wrap long lines", lambda: self._settings.change(wrap_lines=True))
        pretty = NotificationAction("Pretty-print a copy", lambda: self.formats.pretty_copy(tab))
        slow = (edit, pretty) if is_json else (edit,)
        text, actions = document.read_only_reason, slow if document.can_edit_anyway else ()
        if not text and document.longest_line and not self._settings.current.wrap_lines:
            text = f"{document.title} has very long lines: keys in them are slow."
            actions = (wrap,)
        if text:
            self._notifier.post(
                Notification(
                    text,
                    severity=Severity.WARNING,
                    actions=actions,
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

    def _write(
        self, tab: EditorTab, path: Path | None, *, overwrite: bool = False, is_sure: bool = False
    ) -> bool:
        tab.finish_loading()
        try:
            document = self._documents.save(
                tab.document.id, tab.editor.text(), path, overwrite=overwrite, is_sure=is_sure
            )
        except FileChangedError as error:
            return self._resolve(
                tab, error, "Overwrite the file",
                lambda: self._write(tab, path, overwrite=True, is_sure=is_sure),
            )  # fmt: skip
        except WriteProtectedError as error:
            return self._resolve(
                tab, error, "Write anyway",
                lambda: self._write(tab, path, overwrite=overwrite, is_sure=True),
            )  # fmt: skip
        except FolderMissingError as error:
            return self._resolve(
                tab, error, "Make the folder",
                lambda: self._make_folder(tab, path)
                and self._write(tab, path, overwrite=overwrite, is_sure=is_sure),
            )  # fmt: skip
        except FileError as error:
            return self._report_unsaved(tab, error)
        tab.mark_saved()
        tab.set_document(document)
        self._notifier.withdraw(f"save-{document.id}")
        self._notifier.withdraw(f"disk-{document.id}")
        if path is not None:
            self._remember(path)
        return True

    def _make_folder(self, tab: EditorTab, path: Path | None) -> bool:
        folder = (path or tab.document.path or Path()).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"The folder {folder} could not be made: {error.strerror}."
            return self._report_unsaved(tab, FileError(reason, "Save under another name."))
        return True

    def _report_unsaved(self, tab: EditorTab, error: FileError) -> bool:
        again = NotificationAction("Save as…", lambda: self.save_as(tab))
        self._notifier.report(error, again, key=f"save-{tab.document.id}")
        return False

    def _resolve(
        self, tab: EditorTab, error: FileError, anyway: str, write: Callable[[], bool]
    ) -> bool:
        """Ask what to do about a file that is not to be written just so."""
        chosen = _choice(self._window, error, anyway)
        if chosen is _Answer.ANYWAY:
            return write()
        return chosen is _Answer.SAVE_AS and self.save_as(tab)

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
        if tab.document.path is not None:
            self._closed = [*self._closed, (tab.document.path, tab.current_place())][-_MAX_CLOSED:]
        for kind in ("read-only", "save", "disk"):
            self._notifier.withdraw(f"{kind}-{document}")
        self._tabs.remove(tab)
        self._documents.close(document)

    def reopen_closed(self) -> None:
        """Open the file again that was closed last, with caret and scroll position."""
        open_files = {tab.document.path for tab in self._tabs.tabs}
        while self._closed:
            path, place = self._closed.pop()
            if path not in open_files:
                self.reopen(path)
                tab = self._tabs.current
                if tab is not None and tab.document.path == path:
                    tab.place(*place)
                return

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

    @Slot(object)
    def _on_document_changed(self, document: OpenDocument) -> None:
        tab = self._tabs.tab_of(document.id)
        if tab is not None:
            tab.set_document(document)


def _choice(window: QWidget, error: FileError, anyway: str) -> _Answer:
    box = QMessageBox(QMessageBox.Icon.Warning, "Not saved", error.message)
    box.setParent(window, box.windowFlags())
    box.setInformativeText("Your text is still in the editor.")
    do_anyway = box.addButton(anyway, QMessageBox.ButtonRole.DestructiveRole)
    other = box.addButton("Save as…", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(_Button.Cancel)
    box.setDefaultButton(other)
    box.exec()
    if box.clickedButton() is do_anyway:
        return _Answer.ANYWAY
    return _Answer.SAVE_AS if box.clickedButton() is other else _Answer.CANCEL
