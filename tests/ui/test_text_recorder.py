"""What is recorded of a document makes its text again, whatever is done to it and when."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot

from starpad.core.edited_text import EditedText
from starpad.ui.editor import text_recorder
from starpad.ui.editor.text_recorder import TextRecorder
from starpad.ui.text_positions import document_text

TEXTS = st.text(st.sampled_from("ab\n\t😀é\u00a0\u2028\0\r\x0b\u0085\ufeff"), max_size=15)
PLACES = st.integers(0, 400)
KINDS = (
    "insert", "remove", "replace", "block", "undo", "redo", "all", "dirty", "take", "turn",
)  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), PLACES, PLACES, TEXTS), max_size=25)


def select(document: QTextDocument, start: int, units: int) -> QTextCursor:
    """Return a cursor, which may stand within a pair of surrogates."""
    end = document.characterCount() - 1
    cursor = QTextCursor(document)
    cursor.setPosition(min(start, end))
    cursor.setPosition(min(start + units, end), QTextCursor.MoveMode.KeepAnchor)
    return cursor


class Recording:
    """Makes a text of what a recorder tells."""

    def __init__(self, document: QTextDocument) -> None:
        self.document = document
        self.recorder = TextRecorder(document)
        self.text = EditedText()

    def take(self) -> None:
        if self.recorder.is_anew:
            self.text = EditedText()
        for change in self.recorder.take():
            self.text.apply(change)

    def turn(self) -> None:
        if not self.recorder.is_whole:
            self.recorder._on_turn_timeout()

    def check(self) -> None:
        self.recorder.finish()
        self.take()
        assert self.text.units == self.document.characterCount() - 1
        # Python is given no halves of pairs.
        text = b"".join(self.text.pieces()).decode("utf-16-le", "ignore")
        assert text == document_text(self.document)


def change_at_once(document: QTextDocument, start: int, units: int, text: str) -> None:
    cursor = select(document, start, 0)
    cursor.beginEditBlock()
    cursor.insertText(text)
    select(document, units, 3).insertText(text + "\n")
    select(document, start // 2, 5).removeSelectedText()
    cursor.endEditBlock()


def step_of(
    recording: Recording, what: str, start: int, units: int, text: str
) -> Callable[[], object]:
    document = recording.document
    return {
        "insert": lambda: select(document, start, 0).insertText(text),
        "remove": lambda: select(document, start, units % 20).removeSelectedText(),
        "replace": lambda: select(document, start, units).insertText(text),
        "block": lambda: change_at_once(document, start, units, text),
        "undo": document.undo,
        "redo": document.redo,
        "all": lambda: document.setPlainText(text),
        "dirty": lambda: document.markContentsDirty(start // 2, units),
        "take": recording.take,
        "turn": recording.turn,
    }[what]


@pytest.mark.parametrize(("piece", "near"), [(7, 2), (250_000, 100)])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)
@given(first=TEXTS, steps=STEPS)
def test_a_recording_makes_the_text(
    qapp: object,
    piece: int,
    near: int,
    first: str,
    steps: list[tuple[str, int, int, str]],
) -> None:
    usual = text_recorder._PIECE_UNITS, text_recorder._NEAR_UNITS
    text_recorder._PIECE_UNITS, text_recorder._NEAR_UNITS = piece, near
    editor = QPlainTextEdit()
    try:
        editor.setPlainText(first * 4)
        recording = Recording(editor.document())
        recording.recorder.begin()
        for step in steps:
            step_of(recording, *step)()
        recording.check()
    finally:
        text_recorder._PIECE_UNITS, text_recorder._NEAR_UNITS = usual
        editor.deleteLater()


def test_a_large_text_is_read_in_turns_while_it_changes(qtbot: QtBot) -> None:
    editor = QPlainTextEdit("0123456789\n" * 100_000)
    qtbot.addWidget(editor)
    document = editor.document()
    recording = Recording(document)
    told: list[bool] = []
    recording.recorder.captured.connect(lambda: told.append(True))
    recording.recorder.begin()
    assert not recording.recorder.is_whole
    for place in (10, 1_000_000, 500_000):
        select(document, place, 3).insertText("typed 😀\n")
    qtbot.waitUntil(lambda: bool(told))
    assert recording.recorder.is_whole
    recording.check()


def test_what_is_typed_in_one_place_is_one_change(qtbot: QtBot) -> None:
    editor = QPlainTextEdit()
    qtbot.addWidget(editor)
    document = editor.document()
    recording = Recording(document)
    recording.recorder.begin()
    recording.take()
    for character in "def f():\n    pass\n":
        cursor = QTextCursor(document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(character)
    [change] = recording.recorder.take()
    assert (change.start, change.removed, change.text) == (0, 0, "def f():\n    pass\n")
    assert recording.recorder.take() == ()


def test_nothing_is_recorded_before_the_begin_and_after_the_end(qtbot: QtBot) -> None:
    editor = QPlainTextEdit("a")
    qtbot.addWidget(editor)
    document = editor.document()
    recording = Recording(document)
    document.setPlainText("b")
    assert recording.recorder.take() == ()
    recording.recorder.begin()
    recording.recorder.stop()
    document.setPlainText("c")
    assert recording.recorder.take() == ()


def test_the_reading_rests_while_somebody_types_unless_it_is_late(
    monkeypatch: pytest.MonkeyPatch, qapp: QApplication
) -> None:
    monkeypatch.setattr(text_recorder, "_TYPING_S", 1_000.0)
    document = QTextDocument("x" * 300_000)
    recorder = TextRecorder(document)
    recorder.begin()
    assert recorder._turn.interval() == text_recorder._REST_MS
    monkeypatch.setattr(text_recorder, "_READ_S", 0.0)
    recorder._on_turn_timeout()
    assert not recorder.is_whole
    assert recorder._turn.interval() == 0
