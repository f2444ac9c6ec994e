"""The tabs of open documents."""

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFont
from PySide6.QtWidgets import QTabBar, QTabWidget, QWidget

from starpad.core.indentation import Indentation
from starpad.services.completion import CompletionService
from starpad.services.documents import OpenDocument
from starpad.services.highlighting import HighlightService
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_options import EditorOptions
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.theme import Theme

_CARET_MS = 80


class EditorTabs(QTabWidget):
    """Holds an EditorTab for each open document; knows nothing of files."""

    current_tab_changed = Signal()
    """Another tab, or news of the current one: title, language, format."""
    told = Signal(str)
    """What a document is busy with, empty when it is not any more."""
    caret_moved = Signal(int, int)
    """Line and column, from 1, a moment after it has moved: no key waits for it."""
    close_requested = Signal(object)
    files_dropped = Signal(object)
    zoom_requested = Signal(int)

    def __init__(
        self,
        completion: CompletionService,
        highlighting: HighlightService,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._completion = completion
        self._highlighting = highlighting
        self._theme = theme
        self._tabs: dict[CodeEditor, EditorTab] = {}
        self._options = EditorOptions(QFont())
        self.default_indentation = Indentation()
        self._last: EditorTab | None = None
        self._caret_timer = QTimer(self, singleShot=True, interval=_CARET_MS)
        self._caret_timer.timeout.connect(self._tell_caret)
        self.setDocumentMode(True)
        self.setMovable(True)
        self.setTabsClosable(True)
        self.setAcceptDrops(True)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.tabBar().setSelectionBehaviorOnRemove(QTabBar.SelectionBehavior.SelectPreviousTab)
        self.currentChanged.connect(self._on_current_changed)
        self.tabCloseRequested.connect(self._on_tab_close_requested)

    @property
    def tabs(self) -> list[EditorTab]:
        """All tabs, from left to right."""
        editors = (self.widget(index) for index in range(self.count()))
        return [self._tabs[editor] for editor in editors if isinstance(editor, CodeEditor)]

    @property
    def current(self) -> EditorTab | None:
        """The tab on screen."""
        editor = self.currentWidget()
        return self._tabs[editor] if isinstance(editor, CodeEditor) else None

    def tab_of(self, document_id: int) -> EditorTab | None:
        """Return the tab of a document, None if it is closed."""
        return next((tab for tab in self.tabs if tab.document.id == document_id), None)

    def add(self, document: OpenDocument, text: str, *, in_pieces: bool = False) -> EditorTab:
        """Open a tab and go to it; a large text may come `in_pieces`."""
        tab = EditorTab(
            document,
            text,
            self._completion,
            self._highlighting,
            self._theme,
            self.default_indentation,
            in_pieces=in_pieces,
        )
        editor = tab.editor
        self._tabs[editor] = tab
        tab.set_options(self._options)
        editor.setAcceptDrops(True)
        tab.changed.connect(self._on_tab_changed)
        editor.cursorPositionChanged.connect(self._on_caret_moved)
        editor.zoom_requested.connect(self.zoom_requested)
        editor.files_dropped.connect(self.files_dropped)
        editor.long_edits.progressed.connect(self._on_long_edits_progressed)
        editor.long_edits.ended.connect(self._on_long_edits_ended)
        index = self.addTab(editor, tab.title)
        self.setTabToolTip(index, str(document.path or document.title))
        self.go_to(tab)
        return tab

    def go_to(self, tab: EditorTab) -> None:
        """Show a tab and put the keyboard into it."""
        self.setCurrentWidget(tab.editor)
        tab.editor.setFocus()

    def remove(self, tab: EditorTab) -> None:
        """Close a tab; its text is gone."""
        tab.close()
        self.removeTab(self.indexOf(tab.editor))
        del self._tabs[tab.editor]
        if self._last is tab:
            self._last = None
        tab.editor.deleteLater()

    def step(self, by: int) -> None:
        """Go to the next or previous tab, around the end."""
        if self.count():
            self.setCurrentIndex((self.currentIndex() + by) % self.count())

    def set_options(self, options: EditorOptions) -> None:
        """Have all editors, and those to come, follow the user's settings."""
        self._options = options
        for tab in self._tabs.values():
            tab.set_options(options)

    @Slot(int)
    def _on_long_edits_progressed(self, count: int) -> None:
        places = f" {count:,} places so far." if count else ""
        self.told.emit(f"Changing the text…{places} Esc takes it back.")

    @Slot()
    def _on_long_edits_ended(self) -> None:
        self.told.emit("")

    @Slot()
    def _on_tab_changed(self) -> None:
        for index, tab in enumerate(self.tabs):
            self.setTabText(index, tab.title)
            self.setTabToolTip(index, str(tab.document.path or tab.document.title))
        self.current_tab_changed.emit()

    @Slot(int)
    def _on_current_changed(self, _index: int) -> None:
        if self._last is not None:
            self._last.suggestions.leave()
        self._last = self.current
        if self._last is not None:
            self._last.editor.setFocus()
            self._last.suggestions.enter()
        self.current_tab_changed.emit()
        self._tell_caret()

    @Slot(int)
    def _on_tab_close_requested(self, index: int) -> None:
        self.close_requested.emit(self.tabs[index])

    @Slot()
    def _on_caret_moved(self) -> None:
        if not self._caret_timer.isActive():
            self._caret_timer.start()

    @Slot()
    def _tell_caret(self) -> None:
        tab = self.current
        if tab is not None:
            cursor = tab.editor.textCursor()
            self.caret_moved.emit(cursor.blockNumber() + 1, cursor.positionInBlock() + 1)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        self.files_dropped.emit(paths)
