"""What was open the last time: unsaved text after a crash, and the files after a quiet end."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from starpad.core import file_store, recovery
from starpad.core.errors import FileError
from starpad.core.kept_text import KeptText, Saving
from starpad.core.recovery import RecoveredDocument
from starpad.core.session_store import KeptTab, KeptTabs
from starpad.services.backups import BackupService
from starpad.services.documents import DocumentService, OpenDocument
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.session_keeper import SessionKeeper

_log = logging.getLogger(__name__)


class RecoveredText(QObject):
    """Keeps what is open and unsaved, and opens what an earlier window has left."""

    def __init__(
        self,
        old_folder: Path,
        backups: BackupService,
        tabs: EditorTabs,
        documents: DocumentService,
        parent: QObject,
    ) -> None:
        """`old_folder` is where text was kept before there were sessions."""
        super().__init__(parent)
        self._old_folder = old_folder
        self._backups = backups
        self._tabs = tabs
        self._documents = documents
        self._keeper = SessionKeeper(tabs, backups, self)
        documents.about_to_save.connect(self._on_about_to_save)

    def keep(self) -> str:
        """Put all unsaved text on the disk now; return where, empty if there was none."""
        self._keeper.keep_all()
        self._backups.flush()
        return str(self._backups.folder) if self._keeper.has_unsaved else ""

    def restore(self, *, opens_last: bool) -> int:
        """Open what earlier windows left; return how many documents hold unsaved text.

        What a window left that the user closed is opened only if `opens_last`.
        """
        sessions = self._backups.claim()
        ended = [session for session in sessions if session.tabs.is_ended]
        left_open = [session for session in sessions if not session.tabs.is_ended]
        count = 0
        seen: set[tuple[Path | None, str]] = set()
        for session in (*(ended[-1:] if opens_last else ()), *left_open):
            # A window that was killed while it brought text back leaves it twice.
            texts = [text for text in session.texts if (text.path, text.text) not in seen]
            seen |= {(text.path, text.text) for text in texts}
            count += self._restore(session.tabs, texts)
        old = recovery.load(self._old_folder)
        count += sum(self._open_text(_as_kept(one), KeptTab(0, one.path, one.caret, one.caret))
                     is not None for one in old)  # fmt: skip
        self._keeper.keep_all()
        for session in sessions:
            self._backups.remove(session)
        if old:
            self._forget_old(old)
        return count

    def forget(self) -> None:
        """Note that every document was saved or given up."""
        self._keeper.end()

    def shutdown(self) -> None:
        """Write what waits, and let the next start have it."""
        self._backups.shutdown()

    @Slot(object)
    def _on_about_to_save(self, saving: Saving) -> None:
        self._backups.note_saving(saving)

    def _restore(self, tabs: KeptTabs, unsaved: Sequence[KeptText]) -> int:
        """Open a session's documents in their order; return how many hold unsaved text."""
        texts = {text.number: text for text in unsaved}
        count = 0
        shown: EditorTab | None = None
        for kept in tabs.tabs:
            text = texts.pop(kept.number, None)
            tab = self._open_file(kept) if text is None else self._open_text(text, kept)
            count += text is not None and tab is not None and tab.is_modified
            if kept.number == tabs.current:
                shown = tab
        for text in texts.values():
            tab = self._open_text(text, KeptTab(text.number, text.path))
            count += tab is not None and tab.is_modified
        if shown is not None:
            self._tabs.go_to(shown)
        return count

    def _open_file(self, kept: KeptTab) -> EditorTab | None:
        if kept.path is None:
            return None
        try:
            document, text = self._documents.open(kept.path)
        except FileError as error:
            _log.info("a file of last time is not opened: %s", error)
            return None
        if text is None:
            return self._tabs.tab_of(document.id)
        tab = self._tabs.add(document, text, in_pieces=True)
        tab.place(kept.caret, kept.anchor, kept.top)
        return tab

    def _open_text(self, kept: KeptText, place: KeptTab) -> EditorTab | None:
        """Open a document and put its unsaved text on what its file holds."""
        saving = kept.saving
        if saving is not None and _is_done(saving, kept):
            return self._open_file(replace(place, path=saving.path))
        tab = self._tab_for(kept)
        if tab.editor.text() != kept.text or tab.document.format != kept.format:
            tab.change_text(kept.text)
            tab.set_document(self._documents.set_format(tab.document.id, kept.format))
            tab.editor.document().setModified(True)
        if place.revision == kept.revision:
            tab.place(place.caret, place.anchor, place.top)
        else:
            tab.place(kept.caret, kept.caret, place.top)
        return tab

    def _tab_for(self, kept: KeptText) -> EditorTab:
        """Return a tab on the file that the text is of; what was typed into another stays there."""
        if kept.path is None:
            return self._tabs.add(self._documents.new(), "")
        text: str | None = ""
        try:
            document, text = self._documents.open(kept.path, is_sure=True)
        except FileError:
            document = None  # It is gone, and that is told like any other time.
        if document is not None and text is None:
            tab = self._tabs.tab_of(document.id)
            if tab is not None and not tab.is_modified:
                return tab
            return self._tabs.add(self._documents.new(), "")
        if document is None or not _is_same_file(document, text, kept):
            if document is not None:
                self._documents.close(document.id)
            known = kept.signature
            document = (
                self._documents.restore(kept.path, kept.format, known)
                if known is not None
                else self._documents.new(kept.path)
            )
        return self._tabs.add(document, text or "")

    def _forget_old(self, old: list[RecoveredDocument]) -> None:
        """Delete entries of the earlier kind once their text is kept anew."""
        try:
            self._backups.flush()
            recovery.clear(one.entry for one in old if one.entry is not None)
        except FileError as error:
            _log.warning("unsaved text stays in %s: %s", self._old_folder, error)


def _is_done(saving: Saving, kept: KeptText) -> bool:
    """Return whether a window ended after saving and before it could forget the older text."""
    if kept.signature is not None and kept.signature.sha256 == saving.sha256:
        return False  # the text was typed after that
    try:
        return file_store.signature(saving.path).sha256 == saving.sha256
    except FileError:
        return False


def _is_same_file(document: OpenDocument, text: str | None, kept: KeptText) -> bool:
    """Return whether a file is as it was when its text was kept, or holds that text by now."""
    if kept.signature is None or text == kept.text:
        return True
    return document.signature is not None and document.signature.sha256 == kept.signature.sha256


def _as_kept(old: RecoveredDocument) -> KeptText:
    return KeptText(0, old.path, old.title, old.format, text=old.text)
