"""Open documents: which files they are, how they are stored, and what happens to them on disk."""

import hashlib
import os
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal, Slot

from starpad.core import file_store
from starpad.core.errors import FileError
from starpad.core.file_store import Signature
from starpad.core.kept_text import Saving
from starpad.core.text_file import HUGE_LINE, TextFile, TextFormat, after_saving, encode
from starpad.services.aside import run_aside

_DEBOUNCE_MS = 200
_QUICK_BYTES = 1_000_000
"""Up to this, a file is read or written before the window would miss a beat."""


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """What is known of an open document; its text belongs to the editor."""

    id: int
    path: Path | None
    """None until it is saved for the first time."""
    title: str
    format: TextFormat
    signature: Signature | None = None
    """Of the file as it was read or written last."""
    read_only_reason: str = ""
    can_edit_anyway: bool = False
    """Read-only because it would be slow, not because something would be lost."""
    longest_line: int = 0
    """In characters, if it is so long that keys in it are slow."""
    chosen_encoding: str | None = None
    """The user said so: what the file seems to have does not count."""


class DocumentService(QObject):
    """Opens, saves and watches text files.

    Every call that fails raises FileError and changes nothing. Ids are never used twice. With a
    large file a call handles events meanwhile, but none of the user's.
    """

    about_to_save = Signal(object)
    """A Saving, before the file is written."""
    document_changed = Signal(object)
    """An OpenDocument whose path, format or read-only reason is new."""
    changed_on_disk = Signal(int)
    """A document's id: another program changed the file, or brought it back."""
    vanished_on_disk = Signal(int)
    """A document's id: the file was deleted or moved away."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._documents: dict[int, OpenDocument] = {}
        # The content (SHA-256) last told to the listeners, None for "vanished": each news once.
        self._told: dict[int, str | None] = {}
        self._writing: set[int] = set()
        self._ids = count(1)
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._on_watcher_changed)
        self._watcher.directoryChanged.connect(self._on_watcher_changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.check_disk)

    @property
    def documents(self) -> tuple[OpenDocument, ...]:
        """Return the open documents."""
        return tuple(self._documents.values())

    def document(self, document_id: int) -> OpenDocument:
        """Return an open document. Raises KeyError for an id that is not open."""
        return self._documents[document_id]

    def new(self, path: Path | None = None) -> OpenDocument:
        """Open an empty document without a file, or of one that is made by the first save."""
        if path is not None:
            path = Path(os.path.abspath(path))
            return self._opened(path) or self.restore(path, TextFormat(), file_store.NO_FILE)
        taken = {document.title for document in self._documents.values()}
        title = next(name for n in count(1) if (name := f"Untitled {n}") not in taken)
        return self._keep(OpenDocument(next(self._ids), None, title, TextFormat()))

    def open(self, path: Path, *, is_sure: bool = False) -> tuple[OpenDocument, str | None]:
        """Open a file and return its text; None for the text if it is open already.

        Raises DoubtfulFileError if it is binary or large, unless `is_sure`.
        """
        path = Path(os.path.abspath(path))
        already = self._opened(path)
        if already is not None:
            return already, None
        file, signature = _read_file(path, is_sure=is_sure)
        document = OpenDocument(next(self._ids), path, path.name, file.format)
        return self._keep(_with_file(document, file, signature)), file.text

    def restore(self, path: Path, text_format: TextFormat, signature: Signature) -> OpenDocument:
        """Open a document whose text is known from before, and what its file was then.

        If the file is another by now, or gone, that is told soon, and asked when saving.
        """
        return self._keep(OpenDocument(next(self._ids), path, path.name, text_format, signature))

    def save(
        self,
        document_id: int,
        text: str,
        path: Path | None = None,
        *,
        overwrite: bool = False,
        is_sure: bool = False,
    ) -> OpenDocument:
        r"""Write `text` (\n line ends) to the document's file, or to `path` from now on.

        Raises FileChangedError if another program changed the document's own file, unless
        `overwrite`, and WriteProtectedError unless `is_sure`; a `path` that is not its own is
        replaced whatever it holds.
        """
        document = self._documents[document_id]
        path = document.path if path is None else Path(os.path.abspath(path))
        if path is None:
            raise FileError(f"{document.title} has no file yet.", "Choose a name for it.")
        is_own = document.path is not None and _is_same(path, document.path)
        if is_own and document.read_only_reason:
            raise FileError(document.read_only_reason, "Save under another name.")
        other = self._opened(path)
        if other is not None and other.id != document_id:
            raise FileError(
                f"{path.name} is open in another tab.", "Close that tab, or choose another name."
            )
        expected = document.signature if is_own and not overwrite else None
        data = encode(text, document.format)
        temporary = file_store.temporary_beside(path)
        sha256 = hashlib.sha256(data).hexdigest()
        self.about_to_save.emit(Saving(document_id, path, sha256, temporary))

        def write() -> Signature:
            return file_store.write(path, data, expected, is_sure=is_sure, temporary=temporary)

        # What happens to the file meanwhile is our own doing.
        self._writing.add(document_id)
        try:
            signature = write() if len(data) <= _QUICK_BYTES else run_aside(write)
        finally:
            self._writing.discard(document_id)
        return self._keep(
            replace(
                document, path=path, title=path.name, signature=signature, read_only_reason="",
                can_edit_anyway=False,
                format=after_saving(text, document.format),
            )
        )  # fmt: skip

    def reload(self, document_id: int, encoding: str | None = None) -> tuple[OpenDocument, str]:
        """Read the document's file again and return its text.

        An `encoding` counts from now on, whatever the file seems to be.
        """
        document = self._documents[document_id]
        if encoding is not None:
            document = replace(document, chosen_encoding=encoding)
        file, signature = _read(document)
        return self._keep(_with_file(document, file, signature)), file.text

    def text_on_disk(self, document_id: int) -> str:
        """Return what the document's file holds now, to be compared with what the editor shows."""
        return _read(self._documents[document_id])[0].text

    def set_format(self, document_id: int, text_format: TextFormat) -> OpenDocument:
        """Set how the next save stores the text."""
        return self._keep(replace(self._documents[document_id], format=text_format))

    def edit_anyway(self, document_id: int) -> OpenDocument:
        """Make a document editable that is read-only because keys would be slow."""
        document = self._documents[document_id]
        if not document.can_edit_anyway:
            return document
        return self._keep(replace(document, read_only_reason="", can_edit_anyway=False))

    @Slot(object, object)
    def follow(self, old: Path, new: Path) -> None:
        """Note that a file or folder was renamed by us: documents in it go along."""
        before, after = Path(os.path.realpath(old)), Path(os.path.realpath(new))
        for document in list(self._documents.values()):
            if document.path is None:
                continue
            path = Path(os.path.realpath(document.path))
            if path.is_relative_to(before):
                path = after / path.relative_to(before)
                self._keep(replace(document, path=path, title=path.name))

    def close(self, document_id: int) -> None:
        """Forget a document; its file is no longer watched."""
        del self._documents[document_id]
        self._told.pop(document_id, None)
        self._check_soon()

    @Slot()
    def check_disk(self) -> None:
        """Look at every open file now: when the window is activated (not all disks send news)."""
        # Before looking, so that what happens meanwhile is not missed.
        self._watch()
        for document_id in list(self._documents):
            # A listener may close documents.
            document = self._documents.get(document_id)
            if document_id in self._writing:
                continue
            if document and document.path and document.signature:
                self._check(document_id, document.path, document.signature)

    @Slot(str)
    def _on_watcher_changed(self, _path: str) -> None:
        self._check_soon()

    def _check_soon(self) -> None:
        # Not restarted by further events: a file that is written all the time is news as well.
        if not self._timer.isActive():
            self._timer.start()

    def _check(self, document_id: int, path: Path, signature: Signature) -> None:
        told = self._told[document_id]
        if told == signature.sha256 and not file_store.signature_changed(path, signature):
            return
        try:
            found = file_store.signature(path).sha256 if path.exists() else None
        except FileError:
            return  # There, but unreadable: the next save or reload says so.
        if found == told:
            return
        self._told[document_id] = found
        (self.vanished_on_disk if found is None else self.changed_on_disk).emit(document_id)

    def _keep(self, document: OpenDocument) -> OpenDocument:
        """Store a document's new value and tell if the listeners see a difference."""
        old = self._documents.get(document.id)
        self._documents[document.id] = document
        if document.signature and (old is None or old.signature != document.signature):
            self._told[document.id] = document.signature.sha256 or None
        self._check_soon()
        if old is not None and _shown(old) != _shown(document):
            self.document_changed.emit(document)
        return document

    def _opened(self, path: Path) -> OpenDocument | None:
        """Return the document that shows the same file, also through a symbolic link."""
        for document in self._documents.values():
            if document.path is not None and _is_same(document.path, path):
                return document
        return None

    def _watch(self) -> None:
        """Watch exactly the open files and their folders, and drop events not yet seen.

        All anew each time: a file that was replaced (every atomic save does) is no longer
        watched, or still is under its old inode while some program holds it open.
        """
        files = {
            os.path.realpath(document.path)
            for document in self._documents.values()
            if document.path is not None
        }
        wanted = [path for path in files | set(map(os.path.dirname, files)) if os.path.exists(path)]
        watched = self._watcher.files() + self._watcher.directories()
        if watched:
            self._watcher.removePaths(watched)
        if wanted:
            self._watcher.addPaths(wanted)


def _read(document: OpenDocument) -> tuple[TextFile, Signature]:
    if document.path is None:
        raise FileError(f"{document.title} has no file to read.")
    return _read_file(document.path, document.chosen_encoding, is_sure=True)


def _read_file(
    path: Path, encoding: str | None = None, *, is_sure: bool
) -> tuple[TextFile, Signature]:
    def read() -> tuple[TextFile, Signature]:
        return file_store.read(path, encoding, is_sure=is_sure)

    return run_aside(read) if _is_large(path) else read()


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size > _QUICK_BYTES
    except OSError:
        return False


def _shown(document: OpenDocument) -> OpenDocument:
    """Return a document without what nobody sees of it."""
    stored = document.format.stored
    return replace(
        document, signature=None, format=replace(document.format, stored="mixed" if stored else "")
    )


def _with_file(document: OpenDocument, file: TextFile, signature: Signature) -> OpenDocument:
    is_slow = file.longest_line > HUGE_LINE and not file.read_only_reason
    slow = (
        f"A line of this file has {file.longest_line:,} characters, and each key in it would take "
        "about a second."
    )
    return replace(
        document,
        format=file.format,
        signature=signature,
        read_only_reason=slow if is_slow else file.read_only_reason,
        can_edit_anyway=is_slow,
        longest_line=file.longest_line,
    )


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
