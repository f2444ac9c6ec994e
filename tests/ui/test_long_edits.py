"""Very many edits: one step for undo, in pieces, with a way back while they are made."""

import random
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from starpad.ui.editor import long_edits
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.long_edits import LongEditEnd
from starpad.ui.editor.text_edits import GivenUpError, TextEdit, select
from starpad.ui.theme import EditorColors

LINES = 300
TEXT = "ab\n" * LINES


@pytest.fixture
def editor(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> CodeEditor:
    # Each edit in a turn of its own.
    monkeypatch.setattr(long_edits, "_SLICE_S", 0.0)
    editor = CodeEditor(EditorColors(*[QColor("gray")] * 8))
    qtbot.addWidget(editor)
    editor.setPlainText(TEXT)
    return editor


def _edits(text: str = "xyz") -> Iterator[TextEdit | None]:
    for line in reversed(range(LINES)):
        yield None
        yield TextEdit(3 * line, 3 * line + 1, text)


def _settled(editor: CodeEditor, qtbot: QtBot) -> str:
    qtbot.waitUntil(lambda: not editor.long_edits.is_busy)
    return editor.text()


def test_edits_come_in_pieces_and_are_one_step(editor: CodeEditor, qtbot: QtBot) -> None:
    ends: list[LongEditEnd] = []
    editor.long_edits.ended.connect(ends.append)
    select_all = editor.textCursor()
    select(select_all, 6, 2)
    editor.setTextCursor(select_all)
    editor.long_edits.start(_edits())
    assert editor.long_edits.is_busy
    assert editor.isReadOnly()
    assert _settled(editor, qtbot) == "xyzb\n" * LINES
    assert ends == [LongEditEnd(LINES)]
    assert not editor.isReadOnly()
    assert (editor.textCursor().anchor(), editor.textCursor().position()) == (10, 4)
    editor.undo()
    assert _settled(editor, qtbot) == TEXT
    assert (editor.textCursor().anchor(), editor.textCursor().position()) == (6, 2)
    editor.redo()
    assert _settled(editor, qtbot) == "xyzb\n" * LINES


def test_what_stands_between_far_places_does_not_count_as_changed(
    editor: CodeEditor, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_edits, "_SLICE_S", 10.0)
    monkeypatch.setattr(long_edits, "_SPREAD", 20)
    changes: list[int] = []
    editor.document().contentsChange.connect(lambda _at, _removed, added: changes.append(added))
    editor.long_edits.start(TextEdit(place, place + 1, "xyz") for place in (600, 300, 294, 0))
    changed = _settled(editor, qtbot)
    editor.undo()
    assert _settled(editor, qtbot) == TEXT
    editor.redo()
    assert _settled(editor, qtbot) == changed
    assert len(changes) == 3 * 3
    assert max(changes) < 30


def test_steps_before_and_after_it_stay_their_own(editor: CodeEditor, qtbot: QtBot) -> None:
    qtbot.keyClicks(editor, "q")
    before = editor.text()
    editor.long_edits.start([TextEdit(1, 1, "x")])
    editor.long_edits.start(edit for edit in _edits("12") if edit)
    _settled(editor, qtbot)
    qtbot.keyClicks(editor, "w")
    for _ in range(3):
        editor.undo()
        _settled(editor, qtbot)
    assert editor.text() == before
    editor.undo()
    assert editor.text() == TEXT


def test_what_was_undone_and_typed_over_does_not_come_back(
    editor: CodeEditor, qtbot: QtBot
) -> None:
    editor.long_edits.start(_edits())
    _settled(editor, qtbot)
    editor.undo()
    _settled(editor, qtbot)
    for _ in range(2 * LINES + 5):
        # Each a step of its own, until as many as the edits had.
        editor.edit(lambda cursor: cursor.insertText("q"))
    editor.undo()
    assert not editor.long_edits.is_busy
    assert editor.text() == "q" * (2 * LINES + 4) + TEXT
    editor.redo()
    assert editor.text() == "q" * (2 * LINES + 5) + TEXT


@pytest.mark.parametrize("by_escape", [True, False])
def test_it_can_be_given_up_on_the_way(editor: CodeEditor, qtbot: QtBot, by_escape: bool) -> None:
    ends: list[LongEditEnd] = []
    editor.long_edits.ended.connect(ends.append)
    editor.long_edits.start(_edits())
    qtbot.wait(1)
    assert editor.text() != TEXT
    qtbot.keyClicks(editor, "q")  # the document is read-only meanwhile
    if by_escape:
        qtbot.keyClick(editor, Qt.Key.Key_Escape)
    else:
        editor.undo()
        editor.redo()
    assert _settled(editor, qtbot) == TEXT
    assert ends[-1].is_cancelled


def test_all_the_rest_can_be_done_at_once(editor: CodeEditor) -> None:
    editor.long_edits.start(_edits())
    editor.edit(lambda cursor: cursor.insertText("q"))
    assert editor.text() == "q" + "xyzb\n" * LINES


def test_a_document_that_is_closed_is_left_as_it_is(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.long_edits.start(_edits())
    editor.long_edits.stop()
    text = editor.text()
    qtbot.wait(1)
    assert editor.text() == text


def test_edits_that_cannot_be_worked_out_say_why(editor: CodeEditor, qtbot: QtBot) -> None:
    def failing() -> Iterator[TextEdit | None]:
        yield None
        raise GivenUpError("Too long.")

    with qtbot.waitSignal(editor.long_edits.ended) as ended:
        editor.long_edits.start(failing())
    assert ended.args == [LongEditEnd(problem="Too long.")]
    assert editor.text() == TEXT
    assert not editor.isReadOnly()


@pytest.mark.parametrize(("keys", "is_redo"), [("Ctrl+Z", False), ("Ctrl+Shift+Z", True)])
def test_keys_take_all_of_it_back(
    editor: CodeEditor, qtbot: QtBot, keys: str, is_redo: bool
) -> None:
    editor.long_edits.start(_edits())
    _settled(editor, qtbot)
    if is_redo:
        editor.undo()
        _settled(editor, qtbot)
    shift = Qt.KeyboardModifier.ShiftModifier if is_redo else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | shift)
    assert _settled(editor, qtbot) == ("xyzb\n" * LINES if is_redo else TEXT), keys


def test_any_edits_leave_caret_and_text_as_one_edit_after_the_other_would(
    editor: CodeEditor, qtbot: QtBot
) -> None:
    dice = random.Random(random.random())
    for _ in range(40):
        editor.setPlainText("abcdefghij" * 5)
        places = sorted(dice.sample(range(50), 2 * dice.randrange(1, 8)))
        edits = [
            TextEdit(start, end, dice.choice(["", "X", "\n", "XYZ"]))
            for start, end in zip(places[::2], places[1::2], strict=True)
        ]
        model = editor.text()
        for edit in reversed(edits):
            model = model[: edit.start] + edit.text + model[edit.end :]
        cursor = editor.textCursor()
        cursor.setPosition(dice.randrange(51))
        kept = next((e for e in edits if e.start <= cursor.position() < e.end), None)
        rest = len(editor.text()) - cursor.position()
        editor.setTextCursor(cursor)
        editor.long_edits.start(reversed(edits))
        assert _settled(editor, qtbot) == model
        if kept is None:
            behind = sum(len(e.text) - (e.end - e.start) for e in edits if e.start > 50 - rest)
            assert len(model) - editor.textCursor().position() == rest + behind
