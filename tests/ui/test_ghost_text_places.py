"""Ghost text beside brackets that came by themselves, input methods, odd widths and edges."""

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtGui import QInputMethodEvent, QTextCursor
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.suggestion import SuggestionState, spoken
from starpad.ui.editor import suggestion_offer
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.text_positions import utf16_length

if TYPE_CHECKING:
    from starpad.services.completion import SuggestionUpdate


@pytest.fixture
def tab(starpad: Starpad) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    starpad.settings.change(suggestions_enabled=False)
    return tab


def _put(tab: EditorTab, marked: str) -> None:
    before, _, after = marked.partition("|")
    tab.editor.setPlainText(before + after)
    cursor = tab.editor.textCursor()
    cursor.setPosition(utf16_length(before))
    tab.editor.setTextCursor(cursor)


def _get(tab: EditorTab) -> str:
    text, position = tab.editor.text(), tab.editor.textCursor().position()
    return f"{text[:position]}|{text[position:]}"


def _compose(editor: CodeEditor, preedit: str, commit: str = "") -> None:
    event = QInputMethodEvent(preedit, [])
    event.setCommitString(commit)
    QCoreApplication.sendEvent(editor, event)


@pytest.mark.parametrize(
    ("text", "ghost", "after"),
    [
        ("f(|)", "x", "f(x|)"),
        ("f(|)", "x) + y", "f(x) + y|"),
        ("f(g(|))", "x), y", "f(g(x), y|)"),
        ('print("|")', 'hi" + name', 'print("hi" + name|)'),
        ("(a|) + (b", "b)", "(ab)| + (b"),
    ],
)
def test_accepting_brings_no_bracket_twice(
    tab: EditorTab, qtbot: QtBot, text: str, ghost: str, after: str
) -> None:
    _put(tab, text)
    tab.suggestions.ghost.show(ghost)
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert _get(tab) == after
    tab.editor.undo()
    assert _get(tab) == text, "the caret is back, too"


def test_accepting_in_pieces_brings_no_bracket_twice(tab: EditorTab, qtbot: QtBot) -> None:
    _put(tab, "f(|)")
    tab.suggestions.ghost.show("x) + y")
    states = []
    while tab.suggestions.ghost.is_shown:
        tab.suggestions.accept_word()
        states.append(_get(tab))
    assert states == ["f(x|)", "f(x)|", "f(x) +|", "f(x) + y|"]


def test_typing_what_the_ghost_text_says_brings_no_bracket_twice(
    tab: EditorTab, qtbot: QtBot
) -> None:
    _put(tab, "f(|)")
    ghost = tab.suggestions.ghost
    ghost.show("x) + (y)")
    qtbot.keyClicks(tab.editor, "x")
    assert (_get(tab), ghost.text) == ("f(x|)", ") + (y)")
    qtbot.keyClicks(tab.editor, ")")
    assert (_get(tab), ghost.text) == ("f(x)|", " + (y)")
    qtbot.keyClicks(tab.editor, " + (")
    assert (_get(tab), ghost.text) == ("f(x) + (|", "y)"), "the ghost text brings what closes it"
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert _get(tab) == "f(x) + (y)|"


def test_an_input_method_has_the_slot_to_itself(tab: EditorTab, qtbot: QtBot) -> None:
    _put(tab, "a|b")
    ghost = tab.suggestions.ghost
    layout = tab.editor.document().firstBlock().layout()
    ghost.show("xyz")
    _compose(tab.editor, "にほ")
    assert (layout.preeditAreaText(), ghost.is_shown) == ("にほ", False)
    ghost.show("xyz")
    assert (layout.preeditAreaText(), ghost.is_shown) == ("にほ", False)
    _compose(tab.editor, "", "日本")
    assert (tab.editor.text(), layout.preeditAreaText()) == ("a日本b", "")
    ghost.show("xyz")
    assert layout.preeditAreaText() == "xyz"
    _compose(tab.editor, "", "x")
    assert (tab.editor.text(), ghost.text) == ("a日本xb", "yz"), "typed through"
    tab.suggestions.leave()
    assert layout.preeditAreaText() == ""


def test_nothing_is_asked_while_an_input_method_composes(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    starpad.settings.change(suggestions_enabled=True, suggestion_pause_ms=0)
    asked = []
    starpad.completion.updated.connect(asked.append)
    _put(tab, "def f():\n    |")
    _compose(tab.editor, "に")
    qtbot.wait(150)
    assert asked == []
    starpad.completion.updated.disconnect(asked.append)
    _compose(tab.editor, "")


@pytest.mark.parametrize("is_wrapped", [False, True])
@pytest.mark.parametrize(
    ("text", "ghost"),
    [
        ("ab|cd ef", "one two"),
        ("\tx\t|y\tz", "\tq\tr"),
        ("日本|語の文字", "全角文字"),
        ("a😀|b😀c", "😀😀"),
        ("ab|cd", "one\n\ttwo\n日本"),
        ("word " * 20 + "|" + "tail " * 20, "ghost " * 30),
        ("אבג|דהו", "זחט"),
    ],
)
def test_a_click_lands_on_the_character_that_it_hits(
    tab: EditorTab, qtbot: QtBot, text: str, ghost: str, is_wrapped: bool
) -> None:
    """Also behind the ghost text, with tabs, double width, several rows and right to left."""
    _put(tab, text)
    tab.editor.set_wrapped(is_wrapped)
    total = utf16_length(text) - 1
    caret = tab.editor.textCursor().position()
    block = tab.editor.document().firstBlock()
    for column in range(0, total, max(1, total // 7)):
        if tab.editor.text().encode("utf-16-le")[2 * column + 1] & 0xFC == 0xDC:
            continue  # the second half of a character
        tab.suggestions.leave()
        _set_caret(tab.editor, caret)
        tab.suggestions.ghost.show(ghost)
        shown = column if column < caret else column + utf16_length(ghost)
        area = tab.editor.block_rectangle(block)  # which lays the lines out
        line = block.layout().lineForTextPosition(shown)
        x, _ = line.cursorToX(shown)
        point = QPoint(round(area.left() + x), round(area.top() + line.y() + line.height() / 2))
        if not tab.editor.viewport().rect().contains(point):
            continue
        qtbot.mouseClick(tab.editor.viewport(), Qt.MouseButton.LeftButton, pos=point)
        position = tab.editor.textCursor().position()
        assert abs(position - column) <= 1
        assert tab.suggestions.ghost.is_shown == (position == caret)
    tab.editor.set_wrapped(False)


def _set_caret(editor: CodeEditor, position: int) -> None:
    cursor = editor.textCursor()
    cursor.setPosition(position)
    editor.setTextCursor(cursor)


def test_thirty_lines_at_the_end_of_a_file_can_be_scrolled_to(tab: EditorTab, qtbot: QtBot) -> None:
    _put(tab, "line\n" * 60 + "|")
    bar = tab.editor.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() > 0)
    before = bar.maximum()
    tab.suggestions.ghost.show("\n".join(f"line {number}" for number in range(30)))
    qtbot.waitUntil(lambda: bar.maximum() >= before + 29)
    bar.setValue(bar.maximum())
    block = tab.editor.document().lastBlock()
    assert tab.editor.block_rectangle(block).bottom() <= tab.editor.viewport().height() + 1
    assert tab.editor.blockCount() == 61
    tab.suggestions.dismiss()
    qtbot.waitUntil(lambda: bar.maximum() == before)
    assert tab.editor.textCursor().position() == 300


def test_a_complete_suggestion_is_announced_once(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(suggestion_offer, "announce", lambda _w, text, **_: said.append(text))
    _put(tab, "def add(a, b):\n    |")
    last: list[SuggestionUpdate] = []
    starpad.completion.updated.connect(last.append)
    tab.suggestions.ask()
    qtbot.waitUntil(lambda: bool(last) and last[-1].is_final, timeout=10_000)
    starpad.completion.updated.disconnect(last.append)
    assert last[-1].state in (SuggestionState.SHOWN, SuggestionState.CACHED)
    assert said == [spoken(tab.suggestions.ghost.text)]
    qtbot.keyClicks(tab.editor, tab.suggestions.ghost.text[0])
    assert len(said) == 1


def test_what_is_spoken_is_short() -> None:
    assert spoken("x = 1") == "Suggestion: x = 1"
    assert spoken("\n    a()\n    b()") == "Suggestion, 2 lines: a()"
    assert spoken("\n") == "Suggestion: "


def test_ghost_text_leaves_the_accessible_text_alone(tab: EditorTab) -> None:
    from PySide6.QtGui import QAccessible

    _put(tab, "a|b")
    tab.suggestions.ghost.show("ghost")
    interface = QAccessible.queryAccessibleInterface(tab.editor)
    text = interface.textInterface()
    assert text.text(0, text.characterCount()) == "ab"
    tab.editor.moveCursor(QTextCursor.MoveOperation.End)
    assert not tab.suggestions.ghost.is_shown


def test_a_click_below_all_text_lands_in_the_text(tab: EditorTab, qtbot: QtBot) -> None:
    _put(tab, "one\ntwo|")
    tab.suggestions.ghost.show("ghost\nmore")
    below = QPoint(60, tab.editor.viewport().height() - 3)
    qtbot.mouseClick(tab.editor.viewport(), Qt.MouseButton.LeftButton, pos=below)
    assert tab.editor.textCursor().position() == len("one\ntwo")
