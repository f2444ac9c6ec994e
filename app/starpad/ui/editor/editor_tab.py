"""One open document on screen: editor, colors, ghost text, put together."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QTextCursor

from starpad.core import indentation, line_ends
from starpad.core.indentation import Indentation
from starpad.core.languages import Language, language_for
from starpad.core.modeline import EDGE_LINES
from starpad.services.completion import CompletionService
from starpad.services.documents import OpenDocument
from starpad.services.highlighting import HighlightService
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_options import EditorOptions
from starpad.ui.editor.ghost_text import GhostText
from starpad.ui.editor.highlighter import Highlighter
from starpad.ui.editor.marks import Marks
from starpad.ui.editor.proposal import Proposal
from starpad.ui.editor.raw_bytes import RawBytes
from starpad.ui.editor.replacing import replace_text
from starpad.ui.editor.suggestion_controller import SuggestionController
from starpad.ui.editor.text_loader import TextLoader, is_quick
from starpad.ui.theme import Theme


class EditorTab(QObject):
    """Follows one OpenDocument; the text belongs to the editor's QTextDocument."""

    changed = Signal()
    """Title, modified mark, language or format is new."""

    def __init__(
        self,
        document: OpenDocument,
        text: str,
        completion: CompletionService,
        highlighting: HighlightService,
        theme: Theme,
        default_indentation: Indentation,
        *,
        in_pieces: bool = False,
    ) -> None:
        """`in_pieces` lets a large text come little by little; see `finish_loading`."""
        super().__init__()
        self.document = document
        self.language = Language("", "")
        self._chosen_language: Language | None = None
        self._default_indentation = default_indentation
        self.editor = CodeEditor(theme.colors)
        self.marks = Marks(self.editor)
        self._highlighter = Highlighter(self.editor, document.id, highlighting, theme)
        self.marks.draw_with(self._highlighter)
        self._raw_bytes = RawBytes(self.editor, self._highlighter)
        ghost = GhostText(self.editor, self._highlighter)
        self.suggestions = SuggestionController(
            self.editor, ghost, completion, document.id, lambda: self.language.alias
        )
        self.setParent(self.editor)
        self._completion = completion
        self._theme = theme
        theme.changed.connect(self._on_theme_changed)
        highlighting.language_known.connect(self._on_language_known)
        self.editor.document().modificationChanged.connect(self._on_modification_changed)
        self._on_theme_changed()
        self.editor.set_indentation(indentation.detect(text, default_indentation))
        self.editor.long_edits.ended.connect(self._on_long_edits_ended)
        self._loader: TextLoader | None = None
        self._waiting: Callable[[], object] | None = None
        if in_pieces and not is_quick(text):
            self._loader = TextLoader(self.editor, text)
            self._loader.finished.connect(self._on_loader_finished)
        else:
            self.editor.setPlainText(text)
        self.set_document(document)

    @property
    def title(self) -> str:
        """What the tab says, with a mark when text is unsaved."""
        return f"{self.document.title} •" if self.is_modified else self.document.title

    @property
    def is_modified(self) -> bool:
        """Whether there is text to save."""
        return not self.is_loading and self.editor.document().isModified()

    @property
    def is_loading(self) -> bool:
        """Whether the editor does not hold the whole text yet; it is read-only meanwhile."""
        return self._loader is not None and not self._loader.is_done

    def finish_loading(self) -> None:
        """Wait for the whole text, with all edits made: what is done next needs it."""
        self.editor.long_edits.finish()
        if self._loader is not None:
            self._loader.finish()

    def propose(self, first: int, old: str) -> Proposal:
        """Begin to show what `old`, the lines from number `first` on, would become."""
        self.suggestions.leave()
        return Proposal(self.editor, self._highlighter, first, old)

    def when_loaded(self, go: Callable[[], object]) -> None:
        """Go to a place now, or when all of the text is there; only the last one counts."""
        if self.is_loading:
            self._waiting = go
        else:
            go()

    @property
    def format_text(self) -> str:
        """Encoding and line ends for the status bar."""
        text_format = self.document.format
        encoding = text_format.encoding.upper() + (" BOM" if text_format.has_bom else "")
        ends = "mixed" if text_format.stored else line_ends.NAMES[text_format.line_end]
        return f"{encoding} · {ends}"

    def set_document(self, document: OpenDocument) -> None:
        """Take a new value of the document: another path, another format."""
        self.document = document
        self._update_read_only()
        self._raw_bytes.set_on(document.format.has_raw_bytes)
        self.editor.setAccessibleName(f"Editor, {document.title}")
        path = str(document.path) if document.path else ""
        self.set_language(self._chosen_language or language_for(path, *self._edge_lines()))

    def _update_read_only(self) -> None:
        is_busy = self.is_loading or self.editor.long_edits.is_busy
        self.editor.setReadOnly(is_busy or bool(self.document.read_only_reason))

    def _edge_lines(self) -> tuple[list[str], list[str]]:
        if self._loader is not None and self.is_loading:
            text = self._loader.text
            return text.split("\n", EDGE_LINES)[:EDGE_LINES], text.rsplit("\n", EDGE_LINES)[1:]
        document = self.editor.document()
        count = document.blockCount()
        head = range(min(EDGE_LINES, count))
        tail = range(max(0, count - EDGE_LINES), count)
        first, last = (
            [document.findBlockByNumber(n).text() for n in part] for part in (head, tail)
        )
        return first, last

    def choose_language(self, language: Language | None) -> None:
        """Take the user's word for the language, or with None the file's again."""
        self._chosen_language = language
        self.set_document(self.document)

    def set_language(self, language: Language) -> None:
        """Color and complete the text as one of this language."""
        if language != self.language or not self._highlighter.is_open:
            self.language = language
            self.editor.set_language(language.alias)
            path = self.document.path
            coming = self._loader.text if self._loader is not None and self.is_loading else None
            self._highlighter.open(language.alias, path.name if path else "", coming)
        self.changed.emit()

    def set_options(self, options: EditorOptions) -> None:
        """Follow the user's settings."""
        self.editor.set_options(options)
        self.marks.set_shows_white_space(options.shows_white_space)

    def mark_saved(self) -> None:
        """Say that the file holds what the editor shows."""
        self.editor.document().setModified(False)

    def replace_text(self, text: str) -> None:
        """Take the file's new text as one undo step; caret and lines on screen stay."""
        self.finish_loading()
        block, _ = next(self.editor.visible_blocks(), (self.editor.document().firstBlock(), 0.0))
        top = QTextCursor(block)
        self.change_text(text)
        self._show_first(top.blockNumber())
        self.mark_saved()

    def change_text(self, text: str) -> None:
        """Change what differs from `text`, as one undo step."""
        self.finish_loading()
        self.suggestions.leave()
        replace_text(self.editor, self.editor.text(), text)

    def place(self, caret: int, anchor: int, top: int) -> None:
        """Put caret and selection (UTF-16 units) and the first line on screen where they were."""
        if self.is_loading:
            self.when_loaded(partial(self.place, caret, anchor, top))
            return
        end = self.editor.document().characterCount() - 1
        cursor = self.editor.textCursor()
        cursor.setPosition(min(anchor, end))
        cursor.setPosition(min(caret, end), QTextCursor.MoveMode.KeepAnchor)
        self.editor.setTextCursor(cursor)
        self._show_first(top)

    def current_place(self) -> tuple[int, int, int]:
        """Return what `place` takes to come back here."""
        cursor = self.editor.textCursor()
        top = self.editor.firstVisibleBlock().blockNumber()
        return cursor.position(), cursor.anchor(), top

    def _show_first(self, line: int) -> None:
        block = self.editor.document().findBlockByNumber(line)
        if block.isValid():
            self.editor.verticalScrollBar().setValue(block.firstLineNumber())

    def close(self) -> None:
        """Let go of what services keep for this document."""
        if self._loader is not None:
            self._loader.stop()
        self.editor.long_edits.stop()
        self.suggestions.leave()
        self._completion.forget(self.document.id)
        self._highlighter.close()

    @Slot()
    def _on_loader_finished(self) -> None:
        self._loader = None
        self._highlighter.arrived()
        self._update_read_only()
        self.changed.emit()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting()

    @Slot()
    def _on_long_edits_ended(self) -> None:
        self._update_read_only()

    @Slot()
    def _on_theme_changed(self) -> None:
        self.suggestions.ghost.format = self._theme.ghost_format()
        self.editor.set_colors(self._theme.colors)
        self.marks.set_colors(self._theme.colors)

    @Slot(int, str)
    def _on_language_known(self, document: int, name: str) -> None:
        if document == self.document.id and name and name != self.language.name:
            self.language = Language(self.language.alias or name.lower(), name)
            self.editor.set_language(self.language.alias)
            self.changed.emit()

    @Slot(bool)
    def _on_modification_changed(self, _is_modified: bool) -> None:
        self.changed.emit()
