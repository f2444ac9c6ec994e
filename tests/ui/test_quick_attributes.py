"""Python's own look-up finds all that PySide's does, as far as anything here asks for it."""

import pytest
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot


class Editor(QPlainTextEdit):
    told = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []
        self.told.connect(self._on_told)
        self.textChanged.connect(self._on_text_changed)

    @property
    def count(self) -> int:
        return len(self.heard)

    @Slot(int, str)
    def _on_told(self, number: int, text: str) -> None:
        self.heard.append((number, text))

    @Slot()
    def _on_text_changed(self) -> None:
        self.heard.append(self.toPlainText())


def test_signals_slots_properties_and_methods_are_found(qtbot: QtBot) -> None:
    editor = Editor()
    qtbot.addWidget(editor)
    assert QObject.__getattribute__ is object.__getattribute__
    editor.told.emit(1, "a")
    editor.insertPlainText("b")
    editor.document().contentsChanged.connect(lambda: editor.heard.append("c"))
    editor.insertPlainText("d")
    assert editor.heard == [(1, "a"), "b", "bd", "c"]
    assert editor.count == 4
    editor.told.disconnect(editor._on_told)
    editor.told.emit(2, "")
    assert editor.count == 4


def test_what_is_not_there_says_so(qtbot: QtBot) -> None:
    timer = QTimer()
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = timer.no_such_thing  # type: ignore[attr-defined]
