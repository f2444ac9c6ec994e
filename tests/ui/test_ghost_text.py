"""Ghost text in the real window, from the real engine: never in the document until accepted."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.suggestion import SuggestionState
from starpad.services.completion import SuggestionUpdate
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tab import EditorTab

LONG = "one(x)\n    two(y)\n    three(z)"


def _tab(starpad: Starpad) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def _put(editor: CodeEditor, before: str, after: str = "") -> None:
    """Set the text, the caret between `before` and `after`, as if it had been there always."""
    editor.setPlainText(before + after)
    cursor = editor.textCursor()
    cursor.setPosition(len(before.encode("utf-16-le")) // 2)
    editor.setTextCursor(cursor)
    editor.document().setModified(False)


def _wait_for_ghost(qtbot: QtBot, tab: EditorTab) -> str:
    qtbot.waitUntil(lambda: tab.suggestions.ghost.is_shown, timeout=10_000)
    return tab.suggestions.ghost.text


def _wait_for_end(qtbot: QtBot, starpad: Starpad) -> SuggestionUpdate:
    """Wait until the current request has said its last word."""
    with qtbot.waitSignal(
        starpad.completion.updated, timeout=10_000, check_params_cb=lambda update: update.is_final
    ) as blocker:
        pass
    update = blocker.args[0]
    assert isinstance(update, SuggestionUpdate)
    return update


def _ask(qtbot: QtBot, starpad: Starpad) -> str:
    """Ask for a suggestion and wait until it is complete; return the ghost text."""
    with qtbot.waitSignal(
        starpad.completion.updated, timeout=10_000, check_params_cb=lambda update: update.is_final
    ):
        _tab(starpad).suggestions.ask()
    return _tab(starpad).suggestions.ghost.text


def test_a_pause_in_typing_brings_ghost_text_and_tab_inserts_it(
    starpad: Starpad, qtbot: QtBot
) -> None:
    tab = _tab(starpad)
    qtbot.keyClicks(tab.editor, "def add(a, b):")
    qtbot.keyClick(tab.editor, Qt.Key.Key_Return)
    _wait_for_end(qtbot, starpad)
    ghost = _wait_for_ghost(qtbot, tab)
    typed = tab.editor.text()
    assert typed == "def add(a, b):\n    "
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text() == typed + ghost
    starpad.window.actions_by_id[_action("UNDO")].trigger()
    assert tab.editor.text() == typed


def _action(name: str) -> object:
    from starpad.ui.actions import ActionId

    return ActionId[name]


def test_showing_ghost_text_touches_nothing_of_the_document(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    document = tab.editor.document()
    _put(tab.editor, "def f():\n    a = ", "\nrest\n")
    tab.editor.edit(lambda cursor: cursor.insertText("1"))
    document.setModified(False)
    changes: list[object] = []
    document.contentsChange.connect(lambda *args: changes.append(args))
    before = (document.toRawText(), document.availableUndoSteps(), document.revision())
    for text in ("x", LONG, "\n" * 30, "😀\ttab", LONG):
        tab.suggestions.ghost.show(text)
        assert (document.toRawText(), document.availableUndoSteps(), document.revision()) == before
        assert not document.isModified()
        assert not document.isRedoAvailable()
    tab.suggestions.ghost.clear()
    assert (document.toRawText(), document.availableUndoSteps(), document.revision()) == before
    assert not changes


def test_ghost_text_pushes_the_lines_below_down_and_gives_the_room_back(starpad: Starpad) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "a = ", "rest\nbelow\n")
    below = tab.editor.document().findBlockByNumber(1)
    top = tab.editor.block_rectangle(below).top()
    height = tab.editor.block_rectangle(below).height()
    tab.suggestions.ghost.show(LONG)
    assert tab.editor.block_rectangle(below).top() == pytest.approx(top + 2 * height)
    tab.suggestions.ghost.clear()
    assert tab.editor.block_rectangle(below).top() == pytest.approx(top)


def test_ghost_text_is_painted_in_its_own_color(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "")
    plain = tab.editor.grab().toImage()
    tab.suggestions.ghost.show("MMMMMMMM")
    painted = tab.editor.grab().toImage()
    assert painted != plain
    ghost_color = tab.editor.colors.ghost.rgb()
    colors = {painted.pixel(x, y) for x in range(painted.width()) for y in range(30)}
    assert ghost_color in colors


def test_accepting_word_by_word_and_line_by_line_inserts_the_whole(
    starpad: Starpad, qtbot: QtBot
) -> None:
    tab = _tab(starpad)
    control = Qt.KeyboardModifier.ControlModifier
    starpad.engine.unload()
    _put(tab.editor, "    ")
    tab.suggestions.ghost.show(LONG)
    qtbot.keyClick(tab.editor, Qt.Key.Key_Right, control)
    assert tab.editor.text() == "    one"
    qtbot.keyClick(tab.editor, Qt.Key.Key_Down, control)
    assert tab.editor.text() == "    one(x)"
    qtbot.keyClick(tab.editor, Qt.Key.Key_Down, control)
    assert tab.editor.text() == "    one(x)\n    two(y)"
    assert tab.suggestions.ghost.text == "\n    three(z)"
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text() == "    " + LONG
    assert not tab.suggestions.ghost.is_shown


def test_escape_dismisses_and_then_tab_indents(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "x = 1")
    _ask(qtbot, starpad)
    tab.suggestions.ghost.show(LONG)
    qtbot.keyClick(tab.editor, Qt.Key.Key_Escape)
    assert not tab.suggestions.ghost.is_shown
    assert tab.editor.text() == "x = 1"
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text() == "x = 1   "


def test_typing_what_the_ghost_text_says_keeps_it_without_a_request(
    starpad: Starpad, qtbot: QtBot
) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "import os\nif not os.path.", "\n    return 0\n")
    ghost = _ask(qtbot, starpad)
    assert len(ghost) > 3
    with qtbot.assertNotEmitted(starpad.completion.state_changed):
        for character in ghost[:3]:
            qtbot.keyClicks(tab.editor, character)
    assert tab.suggestions.ghost.text == ghost[3:]
    assert tab.editor.text() == f"import os\nif not os.path.{ghost[:3]}\n    return 0\n"


def test_typing_something_else_takes_it_away_and_asks_again(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "import os\nif not os.path.", "\n    return 0\n")
    ghost = _ask(qtbot, starpad)
    other = "z" if not ghost.startswith("z") else "y"
    with qtbot.waitSignal(starpad.completion.updated, timeout=10_000):
        qtbot.keyClicks(tab.editor, other)
        assert not tab.suggestions.ghost.is_shown


@pytest.mark.parametrize("key", [Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Up])
def test_moving_the_caret_takes_it_away(starpad: Starpad, qtbot: QtBot, key: Qt.Key) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "above\nx = ", "")
    _ask(qtbot, starpad)
    tab.suggestions.ghost.show(LONG)
    states: list[SuggestionState] = []
    starpad.completion.state_changed.connect(lambda state, _reason: states.append(state))
    qtbot.keyClick(tab.editor, key)
    assert not tab.suggestions.ghost.is_shown
    assert tab.editor.text() == "above\nx = "
    assert states[-1] is SuggestionState.IDLE  # the status bar speaks of no suggestion any more


def test_a_modifier_alone_leaves_it(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "x = ", "")
    tab.suggestions.ghost.show(LONG)
    qtbot.keyClick(tab.editor, Qt.Key.Key_Control)
    assert tab.suggestions.ghost.text == LONG


def test_switching_the_tab_cancels(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "x = ", "")
    states: list[SuggestionState] = []
    starpad.completion.state_changed.connect(lambda state, _: states.append(state))
    tab.suggestions.ask()
    starpad.window.files.new()
    assert SuggestionState.CANCELLED in states
    assert not tab.suggestions.ghost.is_shown


def test_a_click_behind_ghost_text_lands_on_what_it_hit(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    editor = tab.editor
    _put(editor, "value = ", "target\nbelow\n")
    tab.suggestions.ghost.show(LONG)
    # The rest of the line now stands behind the third ghost line.
    row = editor.block_rectangle(editor.document().findBlockByNumber(0))
    line_height = row.height() / 3
    x = (
        editor.fontMetrics().horizontalAdvance("    three(z)tar")
        + editor.document().documentMargin()
    )
    point = QPointF(row.left() + x, row.top() + 2.5 * line_height)
    assert tab.suggestions.ghost.cursor_at(point).positionInBlock() == len("value = tar")
    qtbot.mouseClick(editor.viewport(), Qt.MouseButton.LeftButton, pos=point.toPoint())
    assert not tab.suggestions.ghost.is_shown
    assert editor.textCursor().position() == len("value = tar")


def test_a_click_below_ghost_text_lands_on_the_line_it_hit(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    editor = tab.editor
    _put(editor, "value = ", "\nbelow one\nbelow two\n")
    tab.suggestions.ghost.show(LONG)
    area = editor.block_rectangle(editor.document().findBlockByNumber(2))
    point = QPoint(int(area.left()) + 5, int(area.center().y()))
    qtbot.mouseClick(editor.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert editor.textCursor().blockNumber() == 2


def test_text_right_of_the_caret_gets_one_line(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "with open(path", ") as file:\n    return file.read()\n")
    ghost = _ask(qtbot, starpad)
    assert "\n" not in ghost


@pytest.mark.parametrize(
    "text",
    [
        "text = '<fim_middle><fim_prefix><|endoftext|>'\nx = ",
        "smile = '😀😀'  # naïve\u00a0space\nx = ",
        "\tif x:\n\t\treturn ",
        "x = '\u2028'\ny = ",
    ],
)
def test_odd_text_is_completed_and_survives(starpad: Starpad, qtbot: QtBot, text: str) -> None:
    tab = _tab(starpad)
    _put(tab.editor, text, "\nend\n")
    ghost = _ask(qtbot, starpad)
    assert tab.editor.text() == f"{text}\nend\n"
    if ghost:
        qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text() == f"{text}{ghost}\nend\n"


def test_undo_redo_paste_and_drop_never_catch_ghost_text(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    editor = tab.editor
    _put(editor, "x = ", "\n")
    editor.edit(lambda cursor: cursor.insertText("1"))
    for command in (editor.undo, editor.redo, editor.selectAll, editor.cut, editor.paste):
        tab.suggestions.ghost.show(LONG)
        editor.run(command)
        assert not tab.suggestions.ghost.is_shown
        assert "two" not in editor.text()


def test_an_edit_from_elsewhere_takes_it_away(starpad: Starpad) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "x = ", "\n")
    tab.suggestions.ghost.show(LONG)
    QTextCursor(tab.editor.document()).insertText("# new\n")
    assert not tab.suggestions.ghost.is_shown
    assert tab.editor.text() == "# new\nx = \n"


def test_a_second_request_at_the_same_place_comes_from_the_cache(
    starpad: Starpad, qtbot: QtBot
) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "for index in range(", "):\n    pass\n")
    first = _ask(qtbot, starpad)
    states: list[SuggestionState] = []
    starpad.completion.state_changed.connect(lambda state, _: states.append(state))
    assert _ask(qtbot, starpad) == first
    assert states[-1] in (SuggestionState.CACHED, SuggestionState.NOTHING)
    assert SuggestionState.GENERATING not in states


def test_a_request_made_in_answer_to_the_last_word_is_answered_too(
    starpad: Starpad, qtbot: QtBot
) -> None:
    """So it is when all of a stream was accepted before it ended."""
    tab = _tab(starpad)
    _put(tab.editor, "import os\n\ndef size(path):\n    if not os.path.", "\n    return 0\n")
    answers: list[SuggestionUpdate] = []

    def ask_again(update: SuggestionUpdate) -> None:
        if update.is_final:
            answers.append(update)
            if len(answers) == 1:
                _put(tab.editor, "for index in range(", "\n")
                tab.suggestions.ask()

    starpad.completion.updated.connect(ask_again)
    tab.suggestions.ask()
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=10_000)
    starpad.completion.updated.disconnect(ask_again)
    assert answers[0].text != answers[1].text


def test_off_for_a_language_is_off_while_typing_but_not_when_asked(
    starpad: Starpad, qtbot: QtBot
) -> None:
    tab = _tab(starpad)
    starpad.settings.change(suggestions_off_languages=(tab.language.alias,))
    with qtbot.waitSignal(starpad.completion.state_changed) as blocker:
        qtbot.keyClicks(tab.editor, "x")
    assert blocker.args[0] is SuggestionState.OFF_FOR_LANGUAGE
    assert starpad.completion.refusal(tab.language.alias, is_asked=True) is None


def test_inside_a_word_nothing_comes_by_itself(starpad: Starpad, qtbot: QtBot) -> None:
    tab = _tab(starpad)
    _put(tab.editor, "retu", "n x")
    with qtbot.waitSignal(
        starpad.completion.state_changed,
        check_params_cb=lambda state, _: state is SuggestionState.INSIDE_WORD,
    ):
        qtbot.keyClicks(tab.editor, "r")
    assert not tab.suggestions.ghost.is_shown
