"""When a suggestion is due without being asked for, and when the caret rests."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from starpad.core.suggestion import SuggestionState
from starpad.services.completion import CompletionService
from starpad.services.pacing import Pace
from starpad.ui.editor.code_editor import CodeEditor

_REST_MS = 400


class SuggestionTrigger(QObject):
    """Watches one editor's keys and caret; what is to be done is for others."""

    due = Signal()
    near = Signal()
    """One will be due shortly, if no key comes."""
    rested = Signal()
    """The caret stays where it is, and suggestions are wanted here."""

    def __init__(
        self, editor: CodeEditor, completion: CompletionService, language: Callable[[], str]
    ) -> None:
        super().__init__(editor)
        self._editor = editor
        self._completion = completion
        self._language = language
        # Qt moves coarse timers by a twentieth, and so two that end one after the other together.
        precise = Qt.TimerType.PreciseTimer
        self._pause = QTimer(self, singleShot=True, timerType=precise)
        self._pause.timeout.connect(self._on_pause)
        self._early = QTimer(self, singleShot=True, timerType=precise)
        self._early.timeout.connect(self._on_early)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._on_rest)
        editor.cursorPositionChanged.connect(self._rest.start)
        completion.prompt_changed.connect(self._rest.start)

    @property
    def is_wanted(self) -> bool:
        """Whether suggestions may come without being asked for."""
        return self._completion.refusal(self._language()) is None

    @property
    def _pace(self) -> Pace:
        return self._completion.pacing.pace_for(self._completion.options.pause_ms)

    def wait_for_pause(self) -> None:
        """Have a suggestion be due when no further key comes, and say so."""
        refusal = self._completion.refusal(self._language())
        self._completion.note(refusal or SuggestionState.PAUSED)
        if refusal is not None:
            self.stop()
            return
        cursor = self._editor.textCursor()
        is_line_new = not cursor.block().text()[: cursor.positionInBlock()].strip()
        pacing, wish_ms = self._completion.pacing, self._completion.options.pause_ms
        pause_ms = pacing.pause_ms(wish_ms, is_line_new=is_line_new)
        self._pause.start(pause_ms)
        self._early.start(pacing.early_ms(pause_ms, is_line_new=is_line_new))

    def wait_for_rest(self) -> None:
        """Have the caret count as resting when it stays."""
        self._rest.start()

    def stop(self) -> None:
        """Let no suggestion be due."""
        self._pause.stop()
        self._early.stop()

    @Slot()
    def _on_early(self) -> None:
        if self._is_at_caret and self._objection is None and not self._editor.isReadOnly():
            self.near.emit()

    @Slot()
    def _on_pause(self) -> None:
        if not self._is_at_caret:
            return
        objection = self._objection
        if objection is not None:
            self._completion.note(objection)
        else:
            self.due.emit()

    @property
    def _is_at_caret(self) -> bool:
        """Whether the user is where text would be inserted, and nothing is half typed there."""
        cursor = self._editor.textCursor()
        is_composing = bool(cursor.block().layout().preeditAreaText())
        return not cursor.hasSelection() and not is_composing and self._editor.hasFocus()

    @property
    def _objection(self) -> SuggestionState | None:
        """Why no suggestion is due at such a place, None if one is."""
        cursor = self._editor.textCursor()
        text, column = cursor.block().text(), cursor.positionInBlock()
        around = text[max(0, column - 1) : column + 1]
        if len(around) == 2 and all(c.isalnum() or c == "_" for c in around):
            return SuggestionState.INSIDE_WORD
        if self._pace is Pace.LINE_ENDS and text[column:].strip():
            return SuggestionState.SLOW
        return None

    @Slot()
    def _on_rest(self) -> None:
        editor = self._editor
        is_here = editor.hasFocus() and not editor.isReadOnly()
        if is_here and not editor.textCursor().hasSelection() and self.is_wanted:
            self.rested.emit()
