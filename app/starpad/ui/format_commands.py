"""How a document is stored and written: its encoding, its line ends, its indentation."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QInputDialog, QWidget

from starpad.core import json_text
from starpad.core.encodings import ENCODINGS, Encoding
from starpad.core.indentation import Indentation
from starpad.core.languages import language_for
from starpad.core.text_file import TextFormat
from starpad.services.aside import run_aside
from starpad.services.documents import DocumentService
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs

_LINE_ENDS = {
    "LF (Linux, macOS)": "\n",
    "CRLF (Windows)": "\r\n",
    "CR (old Macs)": "\r",
}
_INDENTATIONS = [
    Indentation(use_tabs, width) for use_tabs in (False, True) for width in (2, 3, 4, 8)
]


def indentation_text(indentation: Indentation) -> str:
    """Return how to speak of an indentation."""
    width = indentation.width
    return f"Tabs, {width} wide" if indentation.use_tabs else f"{width} spaces"


class FormatCommands:
    """Asks for an encoding, a line end or an indentation and has the document take it."""

    def __init__(
        self,
        window: QWidget,
        documents: DocumentService,
        reload: Callable[[EditorTab, str], None],
        save: Callable[[EditorTab], bool],
        tabs: EditorTabs,
    ) -> None:
        self._window = window
        self._tabs = tabs
        self._documents = documents
        self._reload = reload
        self._save = save

    def reopen_with_encoding(self, tab: EditorTab) -> None:
        """Read the file again as text of another encoding; undo brings back what was shown."""
        if tab.document.path is None:
            return
        encoding = self._ask_encoding("Reopen with encoding", tab.document.format)
        if encoding is not None:
            self._reload(tab, encoding.name)

    def save_with_encoding(self, tab: EditorTab) -> None:
        """Write the file in another encoding; if that fails nothing has changed."""
        before = tab.document.format
        encoding = self._ask_encoding("Save with encoding", before)
        if encoding is None:
            return
        wanted = replace(
            before,
            encoding=encoding.name,
            has_bom=encoding.has_bom,
            has_raw_bytes=before.has_raw_bytes and encoding.name == before.encoding,
        )
        self._documents.set_format(tab.document.id, wanted)
        if not self._save(tab):
            self._documents.set_format(tab.document.id, before)

    def change_line_ends(self, tab: EditorTab) -> None:
        """Give every line the same end, from the next saving on."""
        before = tab.document.format
        ends = list(_LINE_ENDS.values())
        now = ends.index(before.line_end)
        name, is_chosen = QInputDialog.getItem(
            self._window, "Line ends", "Every line ends with:", list(_LINE_ENDS), now, False
        )
        wanted = replace(before, line_end=_LINE_ENDS.get(name, "\n"), stored="")
        if is_chosen and wanted != before and not tab.document.read_only_reason:
            self._documents.set_format(tab.document.id, wanted)
            tab.editor.document().setModified(True)

    def change_indentation(self, tab: EditorTab) -> None:
        """Indent with other blanks from now on; the text stays as it is."""
        before = tab.editor.indentation
        choices = {indentation_text(each): each for each in (*_INDENTATIONS, before)}
        name, is_chosen = QInputDialog.getItem(
            self._window, "Indentation", "Each level is:", list(choices),
            list(choices.values()).index(before), False,
        )  # fmt: skip
        if is_chosen:
            tab.editor.set_indentation(choices[name])
            tab.changed.emit()

    def pretty_copy(self, tab: EditorTab) -> None:
        """Open the JSON of a tab on many lines, as a new document."""
        tab.finish_loading()
        text = tab.editor.text()
        pretty = run_aside(lambda: json_text.pretty(text))
        copy = self._tabs.add(self._documents.new(), pretty, in_pieces=True)
        copy.choose_language(language_for("copy.json", [], []))
        copy.when_loaded(lambda: copy.editor.document().setModified(True))

    def _ask_encoding(self, title: str, now: TextFormat) -> Encoding | None:
        labels = [encoding.label for encoding in ENCODINGS]
        present = (now.encoding, now.has_bom)
        names = [(encoding.name, encoding.has_bom) for encoding in ENCODINGS]
        at = names.index(present) if present in names else 0
        label, is_chosen = QInputDialog.getItem(self._window, title, "Encoding:", labels, at, False)
        return ENCODINGS[labels.index(label)] if is_chosen else None
