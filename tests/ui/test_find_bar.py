"""Find and replace in the real window: the bar, the hits, the marks, one undo step."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.actions import ActionId
from starpad.ui.editor import find_bar, long_edits, searcher
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.find_bar import FindBar
from starpad.ui.editor.text_edits import select

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def editor(starpad: Starpad) -> CodeEditor:
    tab = starpad.window.tabs.current
    assert tab is not None
    starpad.settings.change(suggestions_enabled=False)
    return tab.editor


@pytest.fixture
def bar(starpad: Starpad) -> FindBar:
    bar = starpad.window.editing.find_bar
    for switch in (bar.case, bar.word, bar.regex):
        switch.setChecked(False)
    bar.set_in_selection(False)
    bar.find_field.clear()
    bar.replace_field.clear()
    bar.close_bar()
    return bar


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what screen readers are told."""
    said: list[str] = []
    monkeypatch.setattr(find_bar, "announce", lambda _widget, text: said.append(text))
    return said


def _do(starpad: Starpad, action: ActionId) -> None:
    starpad.window.actions_by_id[action].trigger()


def _select(editor: CodeEditor, start: int, end: int) -> None:
    cursor = editor.textCursor()
    select(cursor, start, end)
    editor.setTextCursor(cursor)


def _selected(editor: CodeEditor) -> tuple[int, int]:
    cursor = editor.textCursor()
    return cursor.selectionStart(), cursor.selectionEnd()


def _find(starpad: Starpad, qtbot: QtBot, bar: FindBar, text: str) -> None:
    _do(starpad, ActionId.FIND)
    bar.find_field.clear()
    qtbot.keyClicks(bar.find_field, text)


def _marked(editor: CodeEditor, line: int) -> list[tuple[int, int]]:
    """Return which parts of a line have the background of a hit."""
    formats = editor.document().findBlockByNumber(line).layout().formats()
    return [
        (each.start, each.length)
        for each in formats
        if each.format.background().style() != Qt.BrushStyle.NoBrush
        and not each.format.fontUnderline()
    ]


def test_typing_goes_to_the_first_hit_from_the_caret(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("one two one\ntwo")
    _select(editor, 3, 3)
    _find(starpad, qtbot, bar, "o")
    assert _selected(editor) == (6, 7)
    qtbot.keyClicks(bar.find_field, "ne")
    assert _selected(editor) == (8, 11)
    assert bar.message.text() == "2 of 2"
    assert bar.find_field.hasFocus()


def test_steps_go_round_the_ends(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a b a b a")
    _find(starpad, qtbot, bar, "a")
    places = [_selected(editor)[0]]
    for key, modifier in (
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_Return, SHIFT),
        (Qt.Key.Key_Return, SHIFT),
    ):  # fmt: skip
        qtbot.keyClick(bar.find_field, key, modifier)
        places.append(_selected(editor)[0])
    _do(starpad, ActionId.FIND_NEXT)
    places.append(_selected(editor)[0])
    _do(starpad, ActionId.FIND_PREVIOUS)
    places.append(_selected(editor)[0])
    assert places == [0, 4, 0, 8, 0, 8]
    assert bar.message.text() == "3 of 3"


def test_the_selection_is_what_is_looked_for(
    starpad: Starpad, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("one two one")
    _select(editor, 0, 3)
    _do(starpad, ActionId.FIND)
    assert bar.find_field.text() == "one"
    assert bar.message.text() == "1 of 2"
    assert _selected(editor) == (0, 3)


def test_several_selected_lines_are_where_to_look(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a\na\na\na")
    bar.find_field.setText("a")
    _select(editor, 2, 5)
    _do(starpad, ActionId.FIND)
    assert bar.selection.isChecked()
    assert bar.message.text() == "2 found"
    qtbot.keyClick(bar.find_field, Qt.Key.Key_Return)
    assert bar.message.text() == "1 of 2"
    bar.selection.click()
    assert bar.message.text() == "2 of 4"


def test_the_selection_must_be_there_to_look_in_it(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a a")
    _find(starpad, qtbot, bar, "x")
    bar.selection.click()
    assert not bar.selection.isChecked()
    assert bar.problem.text() == "Select the text to look in first."


def test_escape_closes_the_bar_and_gives_the_focus_back(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a a")
    _find(starpad, qtbot, bar, "a")
    assert _marked(editor, 0)
    qtbot.keyClick(bar.find_field, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    qtbot.waitUntil(editor.hasFocus)
    assert not _marked(editor, 0)
    assert _selected(editor) == (0, 1)
    _do(starpad, ActionId.FIND_NEXT)
    assert bar.isVisible()
    assert editor.hasFocus()
    assert _selected(editor) == (2, 3)


def test_escape_in_the_editor_closes_the_bar_after_ghost_text(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a a")
    _find(starpad, qtbot, bar, "a")
    editor.setFocus()
    editor.moveCursor(QTextCursor.MoveOperation.End)
    tab = starpad.window.tabs.current
    assert tab is not None
    tab.suggestions.ghost.show("ghost")
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert (tab.suggestions.ghost.is_shown, bar.isVisible()) == (False, True)
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert not bar.isVisible()


def test_what_was_not_found_does_not_take_the_caret_when_it_is_typed(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar, said: list[str]
) -> None:
    editor.setPlainText("b\nc")
    _find(starpad, qtbot, bar, "a")
    assert said == ["Nothing found"]
    editor.setFocus()
    editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClicks(editor, "a")
    qtbot.waitUntil(lambda: bar.message.text() == "1 found")
    assert _selected(editor) == (4, 4)
    assert said == ["Nothing found"], "who types in the document hears nothing of the search"


def test_the_switches_say_how_exactly(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("Foo foo food f.o")
    _find(starpad, qtbot, bar, "foo")
    assert bar.message.text() == "1 of 3"
    bar.case.click()
    assert bar.message.text() == "1 of 2"
    bar.word.click()
    assert bar.message.text() == "1 of 1"
    bar.case.click()
    bar.word.click()
    bar.find_field.setText("f.o")
    assert bar.message.text() == "1 of 1"
    bar.regex.click()
    assert bar.message.text() == "4 of 4"


def test_a_bad_pattern_gets_a_sentence_and_no_hits(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a(a")
    bar.regex.setChecked(True)
    _find(starpad, qtbot, bar, "a(")
    assert bar.problem.text() == "This pattern is not valid at 2: missing closing parenthesis."
    assert not _marked(editor, 0)
    qtbot.keyClicks(bar.find_field, "x")
    qtbot.keyClick(bar.find_field, Qt.Key.Key_Return)
    qtbot.keyClick(bar.find_field, Qt.Key.Key_Home)
    bar.find_field.setText("a[(]")
    assert bar.message.text() == "1 of 1"
    bar.find_field.setText("q")
    assert bar.message.text() == "Nothing found"
    bar.find_field.clear()
    assert bar.message.text() == ""


def test_a_laborious_pattern_is_given_up_with_a_sentence(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a" * 3000 + "\nb")
    bar.regex.setChecked(True)
    _find(starpad, qtbot, bar, "(a+)+b")
    assert bar.problem.text() == "This pattern takes too long on this text; make it simpler."


def test_hits_are_marked_also_across_lines_and_follow_changes(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("x\n\na b\na b\nq")
    bar.regex.setChecked(True)
    _find(starpad, qtbot, bar, r"b\na")
    assert (_marked(editor, 2), _marked(editor, 3)) == ([(2, 1)], [(0, 1)])
    _select(editor, 0, 0)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert (_marked(editor, 4), _marked(editor, 5)) == ([(2, 1)], [(0, 1)])
    _select(editor, editor.text().index("a"), editor.text().index("a"))
    qtbot.keyClicks(editor, "12")
    qtbot.waitUntil(lambda: _marked(editor, 4) == [(4, 1)])


def test_marks_move_behind_ghost_text(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("aaa b aaa")
    _find(starpad, qtbot, bar, "aaa")
    tab = starpad.window.tabs.current
    assert tab is not None
    editor.setFocus()
    _select(editor, 1, 1)
    tab.suggestions.ghost.show("xy")
    assert sorted(_marked(editor, 0)) == [(0, 1), (3, 2), (8, 3)]
    tab.suggestions.leave()
    assert sorted(_marked(editor, 0)) == [(0, 3), (6, 3)]


def test_replace_goes_from_hit_to_hit(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("x=1 y=2")
    bar.regex.setChecked(True)
    _do(starpad, ActionId.REPLACE)
    qtbot.keyClicks(bar.find_field, r"(\w)=(\d)")
    bar.replace_field.setFocus()
    qtbot.keyClicks(bar.replace_field, r"$2=\1")
    qtbot.keyClick(bar.replace_field, Qt.Key.Key_Return)
    assert editor.text() == "1=x y=2"
    assert _selected(editor) == (4, 7)
    qtbot.keyClick(bar.replace_field, Qt.Key.Key_Return)
    assert editor.text() == "1=x 2=y"
    assert bar.message.text() == "Nothing found"
    editor.undo()
    assert editor.text() == "1=x y=2"


def test_replace_all_is_one_undo_step(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    text = "a😀\n" * 30
    editor.setPlainText(text)
    _do(starpad, ActionId.REPLACE)
    qtbot.keyClicks(bar.find_field, "a")
    bar.replace_field.setText("bb")
    _button(bar, "Replace all").click()
    qtbot.waitUntil(lambda: bar.message.text() == "30 replaced")
    assert editor.text() == text.replace("a", "bb")
    editor.undo()
    assert editor.text() == text


def test_replace_all_can_put_line_starts_before_lines(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a\nb\nc\nd")
    bar.regex.setChecked(True)
    bar.find_field.setText("^")
    bar.replace_field.setText("> ")
    _select(editor, 2, 5)
    _do(starpad, ActionId.REPLACE)
    _button(bar, "Replace all").click()
    qtbot.waitUntil(lambda: bar.message.text() == "2 replaced")
    assert editor.text() == "a\n> b\n> c\nd"


def test_a_read_only_document_is_found_in_and_not_replaced(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a a")
    editor.setReadOnly(True)
    _do(starpad, ActionId.REPLACE)
    qtbot.keyClicks(bar.find_field, "a")
    assert bar.message.text() == "1 of 2"
    assert not _button(bar, "Replace all").isEnabled()
    bar.replace_all_requested.emit()
    bar.replace_requested.emit()
    assert editor.text() == "a a"


def test_the_bar_follows_to_another_document(
    starpad: Starpad, qtbot: QtBot, editor: CodeEditor, bar: FindBar
) -> None:
    editor.setPlainText("a a")
    _find(starpad, qtbot, bar, "a")
    starpad.window.files.new()
    other = starpad.window.tabs.current
    assert other is not None
    assert bar.message.text() == "Nothing found"
    assert not _marked(editor, 0)
    other.editor.setPlainText("a")
    qtbot.waitUntil(lambda: bar.message.text() == "1 found")
    other.mark_saved()
    starpad.window.files.close(other)
    assert bar.message.text() == "1 of 2"
    _do(starpad, ActionId.FIND_NEXT)
    assert bar.message.text() == "2 of 2"


def _button(bar: FindBar, text: str) -> QPushButton:
    return next(each for each in bar.findChildren(QPushButton) if each.text() == text)


def test_the_status_bar_tells_what_takes_long_and_escape_takes_it_back(
    starpad: Starpad,
    editor: CodeEditor,
    bar: FindBar,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_edits, "_TELL_S", 0.0)
    monkeypatch.setattr(long_edits, "_SLICE_S", 0.0)
    monkeypatch.setattr(searcher, "_SLICE_S", 0.0)
    text = "ab\n" * 500
    editor.setPlainText(text)
    _do(starpad, ActionId.REPLACE)
    bar.find_field.setText("a")
    bar.replace_field.setText("xyz")
    bar.replace_all_requested.emit()
    qtbot.waitUntil(lambda: "places so far" in starpad.window.status.currentMessage())
    assert bar.message.text().startswith("Replacing…")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not editor.long_edits.is_busy)
    assert editor.text() == text
    assert starpad.window.status.currentMessage() == ""
    qtbot.waitUntil(lambda: bar.message.text() == "Nothing was replaced")
    QTest.qWait(300)
    assert bar.message.text() == "Nothing was replaced", "the count behind it is no news"


def test_tab_goes_from_what_to_find_to_what_to_put_in_its_place(qtbot: QtBot) -> None:
    bar = FindBar()
    qtbot.addWidget(bar)
    bar.open("x", with_replace=True)
    names = []
    widget = bar.nextInFocusChain()
    while widget is not bar:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            names.append(widget.accessibleName() or getattr(widget, "text", str)())
        widget = widget.nextInFocusChain()
    assert names[:3] == ["Find", "Replace with", "Match case"]
    assert names[-3:] == ["Replace", "Replace all", "Close the find bar"]
