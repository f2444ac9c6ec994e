"""Between the find bar and the document on screen: searches, goes to hits, replaces them."""

from bisect import bisect_left
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QTextCursor

from starpad.ui.editor import line_commands
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.find_bar import FindBar
from starpad.ui.editor.long_edits import LongEditEnd
from starpad.ui.editor.searcher import BadPatternError, Hits, Searcher, replacement, replacements
from starpad.ui.editor.text_edits import select

_Wish = Callable[[Hits, bool], int | None]
"""Says which hit to go to, None if that is not known; the bool is whether all hits are."""

_PAUSE_MS = 150
_LONG_PAUSE_MS = 800
_LONG_TEXT = 4_000_000


class Finder(QObject):
    """Finds in the current document. What needs hits that are not known yet waits for them."""

    def __init__(self, bar: FindBar, tabs: EditorTabs) -> None:
        super().__init__(bar)
        self._bar = bar
        self._tabs = tabs
        self._tab: EditorTab | None = None
        self._searcher = Searcher(self)
        self._is_replacing = self._has_outcome = False
        self._wish: _Wish | None = None
        self._scope: QTextCursor | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_pause)
        self._searcher.progressed.connect(self._on_searcher_progressed)
        bar.changed.connect(self._on_bar_changed)
        bar.step_requested.connect(self.step)
        bar.replace_requested.connect(self._on_replace_requested)
        bar.replace_all_requested.connect(self._on_replace_all_requested)
        bar.closed.connect(self._on_bar_closed)
        tabs.current_tab_changed.connect(self._on_current_tab_changed)

    # -- what menus and the bar ask -----------------------------------------------------------

    def open(self, *, with_replace: bool) -> None:
        """Show the bar, with what is selected; several lines are where to look."""
        if self._tabs.current is None:
            return
        self._follow(self._tabs.current)
        cursor = self._tabs.current.editor.textCursor()
        is_scope = line_commands.has_several_lines(cursor)
        selected = "" if is_scope else cursor.selectedText()
        self._scope = cursor if is_scope else None
        self._bar.set_in_selection(is_scope)
        self._bar.open(selected, with_replace=with_replace)
        self._search()

    @Slot(int)
    def step(self, by: int) -> None:
        """Go to the next hit (1) or the one before (-1), round the ends of the text."""
        if self._tabs.current is None:
            return
        if not self._bar.query.text:
            self.open(with_replace=False)
            return
        self._follow(self._tabs.current)
        self._bar.show()
        cursor = self._tabs.current.editor.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        self._want(_after(start, end) if by > 0 else _before(start))

    @Slot()
    def _on_bar_changed(self) -> None:
        editor = self._editor
        if editor is None or not self._bar.isVisible():
            return
        cursor = editor.textCursor()
        if self._bar.selection.isChecked() and self._scope is None:
            if not cursor.hasSelection():
                self._bar.set_in_selection(False)
                self._bar.complain("Select the text to look in first.")
                return
            self._scope = cursor
        elif not self._bar.selection.isChecked():
            self._scope = None
        self._want(_from(cursor.selectionStart()), is_new=True)

    @Slot()
    def _on_bar_closed(self) -> None:
        tab = self._tab
        if tab is not None and self._is_replacing:
            tab.editor.long_edits.cancel()
        self._follow(None)
        if tab is not None:
            tab.editor.setFocus()

    @Slot()
    def _on_replace_requested(self) -> None:
        editor = self._editor
        if editor is None or editor.isReadOnly():
            return
        cursor = editor.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        hits = self._searcher.hits
        if hits.is_stale or hits.index_of(start, end) is None:
            self.step(1)
            return
        template = self._bar.replace_field.text()
        text = replacement(editor.document(), self._bar.query, template, start)

        def replace(cursor: QTextCursor) -> None:
            select(cursor, start, end)
            cursor.insertText(text)

        editor.run(lambda: editor.edit(replace))
        caret = editor.textCursor().position()
        self._want(_from(caret), is_new=True)

    @Slot()
    def _on_replace_all_requested(self) -> None:
        editor, query = self._editor, self._bar.query
        if editor is None or editor.isReadOnly() or not query.text:
            return
        template, scope = self._bar.replace_field.text(), self._part()
        self._searcher.stop()
        self._bar.say("Replacing…")
        self._is_replacing = True
        edits = replacements(editor.document(), query, template, scope)
        editor.run(lambda: editor.long_edits.start(edits))

    @Slot(int)
    def _on_long_edits_progressed(self, count: int) -> None:
        if self._is_replacing:
            self._bar.say(f"Replacing… {count:,}" if count else "Replacing…")

    @Slot(object)
    def _on_long_edits_ended(self, end: LongEditEnd) -> None:
        if not self._is_replacing:
            return
        self._is_replacing = False
        self._search()
        self._has_outcome = True
        if end.problem:
            self._bar.complain(end.problem)
        elif end.is_cancelled:
            self._bar.say("Nothing was replaced", aloud=True)
        else:
            self._bar.say(f"{end.count:,} replaced" if end.count else "Nothing found", aloud=True)

    # -- searching ----------------------------------------------------------------------------

    @property
    def _editor(self) -> CodeEditor | None:
        return self._tab.editor if self._tab else None

    def _follow(self, tab: EditorTab | None) -> None:
        """Search in this document from now on, or in none."""
        if tab is self._tab:
            return
        if self._tab is not None:
            self._tab.editor.document().contentsChange.disconnect(self._on_contents_change)
            self._tab.editor.cursorPositionChanged.disconnect(self._on_caret_moved)
            self._tab.editor.long_edits.progressed.disconnect(self._on_long_edits_progressed)
            self._tab.editor.long_edits.ended.disconnect(self._on_long_edits_ended)
            self._tab.marks.show_hits(Hits())
        self._tab = tab
        self._scope = self._wish = None
        self._timer.stop()
        self._searcher.forget()
        self._is_replacing = self._has_outcome = False
        if tab is not None:
            tab.editor.document().contentsChange.connect(self._on_contents_change)
            tab.editor.cursorPositionChanged.connect(self._on_caret_moved)
            tab.editor.long_edits.progressed.connect(self._on_long_edits_progressed)
            tab.editor.long_edits.ended.connect(self._on_long_edits_ended)
            self._bar.set_can_replace(not tab.editor.isReadOnly())

    def _want(self, wish: _Wish, *, is_new: bool = False) -> None:
        """Go to the hit that `wish` chooses, as soon as enough hits are known."""
        self._wish, self._has_outcome = wish, False
        hits = self._searcher.hits
        is_known = self._searcher.revision >= 0 and not hits.is_stale
        if is_new or not is_known:
            self._search()
        else:
            self._on_searcher_progressed()

    def _search(self) -> None:
        self._timer.stop()
        if self._tab is None:
            return
        query = self._bar.query
        try:
            self._searcher.start(self._tab.editor.document(), query, self._part())
        except BadPatternError as error:
            self._bar.complain(str(error))
        if self._searcher.revision < 0:
            self._tab.marks.show_hits(self._searcher.hits)
            if not query.text:
                self._bar.say("")

    def _part(self) -> tuple[int, int] | None:
        """Return where to look, None for the whole text."""
        scope = self._scope
        return (scope.selectionStart(), scope.selectionEnd()) if scope else None

    @Slot()
    def _on_searcher_progressed(self) -> None:
        if self._tab is None:
            return
        searcher = self._searcher
        if searcher.is_complete or self._tab.marks.hits is not searcher.hits:
            self._tab.marks.show_hits(searcher.hits)
        wish, hits, is_all = self._wish, searcher.hits, searcher.is_complete
        index = wish(hits, is_all) if wish and len(hits) else None
        if index is not None or is_all:
            self._wish = None
        if index is not None:
            self._go_to(index)
        if not self._has_outcome:  # of a replacing: the count that follows from it is no news
            self._say_count(aloud=wish is not None and is_all)

    def _go_to(self, index: int) -> None:
        editor, hits = self._editor, self._searcher.hits
        if editor is not None:
            cursor = editor.textCursor()
            select(cursor, hits.starts[index], hits.ends[index])
            editor.run(lambda: _show(editor, cursor))

    def _say_count(self, *, aloud: bool = False) -> None:
        searcher = self._searcher
        is_known = searcher.revision >= 0 and not searcher.hits.is_stale
        if self._editor is None or not self._bar.query.text or not is_known:
            return
        cursor = self._editor.textCursor()
        index = searcher.hits.index_of(cursor.selectionStart(), cursor.selectionEnd())
        count = f"{len(searcher.hits):,}" + ("" if searcher.is_complete else "…")
        if searcher.problem:
            self._bar.complain(searcher.problem)
        elif searcher.is_complete and not len(searcher.hits):
            self._bar.say("Nothing found", aloud=aloud)
        else:
            text = f"{count} found" if index is None else f"{index + 1:,} of {count}"
            self._bar.say(text, aloud=aloud and searcher.is_complete)

    # -- what happens to the document ---------------------------------------------------------

    @Slot(int, int, int)
    def _on_contents_change(self, _position: int, _removed: int, _added: int) -> None:
        is_long = self._editor is not None and self._editor.document().characterCount() > _LONG_TEXT
        self._searcher.stop()
        self._has_outcome = False
        if not self._is_replacing:
            self._timer.start(_LONG_PAUSE_MS if is_long else _PAUSE_MS)

    @Slot()
    def _on_caret_moved(self) -> None:
        self._say_count()

    @Slot()
    def _on_pause(self) -> None:
        self._search()

    @Slot()
    def _on_current_tab_changed(self) -> None:
        if self._bar.isVisible() and self._tabs.current is not self._tab:
            self._follow(self._tabs.current)
            self._bar.set_in_selection(False)
            self._search()


def _show(editor: CodeEditor, cursor: QTextCursor) -> None:
    """Select what the cursor says, in the middle if it was not on the screen."""
    place = editor.cursorRect(cursor)
    is_far = place.top() < 0 or place.bottom() > editor.viewport().height()
    editor.setTextCursor(cursor)
    if is_far:
        editor.centerCursor()


def _from(start: int) -> _Wish:
    """Wish for the first hit at or behind a place, else the first of all."""

    def choose(hits: Hits, is_all: bool) -> int | None:
        return _in_turn(bisect_left(hits.starts, start), hits, is_all)

    return choose


def _after(start: int, end: int) -> _Wish:
    """Wish for the first hit behind a selection, else the first of all."""

    def choose(hits: Hits, is_all: bool) -> int | None:
        index = bisect_left(hits.starts, end)
        # An empty hit at the caret is where we are.
        is_here = index < len(hits) and (hits.starts[index], hits.ends[index]) == (start, end)
        return _in_turn(index + is_here, hits, is_all)

    return choose


def _before(start: int) -> _Wish:
    """Wish for the last hit before a place, else the last of all."""

    def choose(hits: Hits, is_all: bool) -> int | None:
        index = bisect_left(hits.starts, start) - 1
        is_known = is_all or 0 <= index < len(hits) - 1
        return index % len(hits) if is_known else None

    return choose


def _in_turn(index: int, hits: Hits, is_all: bool) -> int | None:
    return index if index < len(hits) else 0 if is_all else None
