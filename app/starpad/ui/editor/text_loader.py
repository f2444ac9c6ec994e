"""Fills an editor with a large text piece by piece, so that the window never stops."""

import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QTextCursor

from starpad.ui.editor.code_editor import CodeEditor

_QUICK_CHARACTERS = 128_000
"""What takes about 15 ms to lay out."""
_MOST_LINES = 10_000
"""What takes about 15 ms to insert, however short they are."""
_PIECE_CHARACTERS = 32_000
_FEWEST, _MOST = 8_000, 512_000
_PIECE_S = 0.006
"""Of a turn of up to 30 ms: the painting of a screen of long lines takes most of it."""
_MOST_GROWTH = 2


def is_quick(text: str) -> bool:
    """Return whether a text need not come in pieces."""
    return len(text) <= _QUICK_CHARACTERS and text.count("\n") <= _MOST_LINES


class TextLoader(QObject):
    """Appends to an empty editor, which nobody else may change meanwhile, without undo steps."""

    finished = Signal()

    def __init__(self, editor: CodeEditor, text: str) -> None:
        super().__init__(editor)
        self._editor = editor
        self.text = text
        self._at = 0
        self._characters = _PIECE_CHARACTERS
        self.is_done = False
        editor.setUndoRedoEnabled(False)
        # Else all that is there is laid out anew with each further digit of the line numbers.
        editor.reserve_lines(text.count("\n") + 1)
        # And when the bar appears.
        editor.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # At once: what is seen first is there when the tab appears.
        self._append(self._piece_end())
        editor.moveCursor(QTextCursor.MoveOperation.Start)
        # Not 0, with which two pieces may come in one turn of the loop.
        self._timer = QTimer(self, interval=1)
        self._timer.timeout.connect(self._on_timer)
        self._timer.start()

    def finish(self) -> None:
        """Append all the rest now."""
        if self.is_done:
            return
        self._timer.stop()
        self._append(len(self.text))
        self.is_done = True
        self.text = ""
        document = self._editor.document()
        document.setModified(False)
        self._editor.setUndoRedoEnabled(True)
        self._editor.reserve_lines(0)
        self._editor.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.finished.emit()

    def stop(self) -> None:
        """Leave it at what is there: the tab is closed."""
        self._timer.stop()
        self.is_done = True

    @Slot()
    def _on_timer(self) -> None:
        end = self._piece_end()
        if end == len(self.text):
            self.finish()
            return
        start = time.thread_time()  # what others do meanwhile makes no piece too large
        self._append(end)
        took_s = time.thread_time() - start
        wanted = int(self._characters * _PIECE_S / max(took_s, _PIECE_S / _MOST_GROWTH))
        self._characters = max(_FEWEST, min(wanted, _MOST))

    def _piece_end(self) -> int:
        """Return where the next piece ends."""
        end = min(self._at + self._characters, len(self.text))
        while self.text.count("\n", self._at, end) > _MOST_LINES:
            end = (self._at + end) // 2
        if end < len(self.text):  # whole lines, if none is longer: each gets its colors once
            end = self.text.rfind("\n", self._at, end) + 1 or end
        return end

    def _append(self, end: int) -> None:
        cursor = QTextCursor(self._editor.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(self.text[self._at : end])
        self._at = end
