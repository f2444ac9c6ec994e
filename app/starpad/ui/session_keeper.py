"""Follows the open tabs and hands what is unsaved to the backups, a little after each change."""

from PySide6.QtCore import QObject, QTimer, Slot

from starpad.core.kept_text import KeptHead, TextUpdate
from starpad.core.session_store import KeptTab, KeptTabs
from starpad.services.backups import BackupService
from starpad.services.documents import OpenDocument
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.text_recorder import TextRecorder

_PAUSE_MS = 500

_State = tuple[int, OpenDocument, bool]
"""Revision, document, whether it is unsaved."""


class SessionKeeper(QObject):
    """Keeps unsaved text, tabs, carets and scroll positions of one window.

    The pause counts from the first change that is not kept yet, not from the last: who types
    without a pause would never be safe.
    """

    def __init__(self, tabs: EditorTabs, backups: BackupService, parent: QObject) -> None:
        super().__init__(parent)
        self._tabs = tabs
        self._backups = backups
        self._recorders: dict[int, TextRecorder] = {}
        self._kept: dict[int, _State] = {}
        self._kept_tabs = KeptTabs()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.keep)
        tabs.current_tab_changed.connect(self._on_tabs_changed)
        tabs.caret_moved.connect(self._on_something_changed)
        tabs.tabBar().tabMoved.connect(self._on_something_changed)

    @property
    def has_unsaved(self) -> bool:
        """Whether there is text that only the backups hold."""
        return any(is_modified for _, _, is_modified in self._kept.values())

    @Slot()
    def keep(self) -> None:
        """Hand over what is new since the last time; a large text follows when it was read."""
        self._timer.stop()
        open_tabs = self._tabs.tabs
        for tab in open_tabs:
            self._keep_text(tab)
        followed = {tab.document.id for tab in open_tabs if self._recorder(tab).is_on}
        for number in self._kept.keys() - followed:
            del self._kept[number]
            self._backups.drop(number)
        self._arrange(self._arrangement())

    def keep_all(self) -> None:
        """Hand over all that is new now."""
        self.keep()
        for tab in self._tabs.tabs:
            self._recorder(tab).finish()
        self.keep()

    def end(self) -> None:
        """Note that the user closed the window: what is not saved was given up."""
        self._timer.stop()
        for number in self._kept:
            self._backups.drop(number)
        self._kept.clear()
        tabs = self._arrangement()
        named = tuple(tab for tab in tabs.tabs if tab.path is not None)
        self._arrange(KeptTabs(named, tabs.current, is_ended=True))

    def _keep_text(self, tab: EditorTab) -> None:
        document, recorder = tab.document, self._recorder(tab)
        if tab.is_modified and not recorder.is_on:
            recorder.begin()
        elif not tab.is_modified and document.format.stored:
            # Mixed line ends are found again by comparing with what was saved last.
            recorder.stop()
        revision = tab.editor.document().revision()
        state = (revision, document, tab.is_modified)
        if not recorder.is_whole or self._kept.get(document.id) == state:
            return
        self._kept[document.id] = state
        head = KeptHead(
            document.id,
            document.path,
            document.title,
            document.format,
            document.signature,
            tab.editor.textCursor().position(),
            revision,
            is_saved=not tab.is_modified,
        )
        is_anew = recorder.is_anew
        self._backups.keep(TextUpdate(head, recorder.take(), is_anew))

    def _recorder(self, tab: EditorTab) -> TextRecorder:
        return self._recorders[tab.document.id]

    def _arrangement(self) -> KeptTabs:
        current = self._tabs.current
        return KeptTabs(
            tuple(
                _kept_tab(tab)
                for tab in self._tabs.tabs
                if tab.is_modified or tab.document.path is not None
            ),
            0 if current is None else current.document.id,
        )

    def _arrange(self, tabs: KeptTabs) -> None:
        if tabs != self._kept_tabs:
            self._kept_tabs = tabs
            self._backups.arrange(tabs)

    @Slot()
    def _on_tabs_changed(self) -> None:
        open_tabs = self._tabs.tabs
        for tab in open_tabs:
            if tab.document.id not in self._recorders:
                self._follow(tab)
        numbers = {tab.document.id for tab in open_tabs}
        for number in self._recorders.keys() - numbers:
            del self._recorders[number]
        self._on_something_changed()

    def _follow(self, tab: EditorTab) -> None:
        editor = tab.editor
        recorder = TextRecorder(editor.document(), self._on_something_changed)
        recorder.captured.connect(self.keep)
        self._recorders[tab.document.id] = recorder
        editor.document().modificationChanged.connect(self._on_modification_changed)
        editor.verticalScrollBar().valueChanged.connect(self._on_something_changed)
        editor.destroyed.connect(self._on_something_changed)

    @Slot(bool)
    def _on_modification_changed(self, is_modified: bool) -> None:
        if is_modified:
            self._timer.start(0)  # all of a large text takes a while
        else:
            self.keep()  # what is kept became old at once

    @Slot()
    def _on_something_changed(self) -> None:
        if not self._timer.isActive():
            self._timer.start(_PAUSE_MS)


def _kept_tab(tab: EditorTab) -> KeptTab:
    cursor = tab.editor.textCursor()
    top = next(tab.editor.visible_blocks(), None)
    return KeptTab(
        tab.document.id,
        tab.document.path,
        cursor.position(),
        cursor.anchor(),
        top[0].blockNumber() if top else 0,
        tab.editor.document().revision(),
    )
