"""The prompt inspector and the figures at the caret, in the real window with the real engine."""

from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.prompt import PartKind
from starpad.ui.actions import ActionId

BEFORE = "def area(width, height):\n    return width * "
AFTER = "\n\n\nprint('é', area(1, 2))\n"


def _ask(starpad: Starpad, qtbot: QtBot, before: str = BEFORE) -> None:
    tab = starpad.window.tabs.current
    assert tab is not None
    tab.editor.setPlainText(before + AFTER)
    cursor = tab.editor.textCursor()
    cursor.setPosition(len(before))
    tab.editor.setTextCursor(cursor)
    with qtbot.waitSignal(
        starpad.completion.updated, timeout=10_000, check_params_cb=lambda update: update.is_final
    ):
        tab.suggestions.ask()


def test_the_last_prompt_is_shown_token_by_token(starpad: Starpad, qtbot: QtBot) -> None:
    inspector = starpad.window.suggestions.inspector
    _ask(starpad, qtbot)
    starpad.window.actions_by_id[ActionId.INSPECT_PROMPT].trigger()
    qtbot.waitUntil(lambda: bool(inspector.tokens.toPlainText()), timeout=10_000)
    record = inspector._inspection.record
    assert record is not None
    shown = inspector.tokens.toPlainText()
    assert "<fim_prefix>" in shown
    assert "<fim_middle>" in shown
    assert "return width *" in shown
    assert "'é'" in shown
    assert "tokens" in inspector.summary.text()
    assert "before the caret" in inspector.bar.accessibleDescription()
    assert inspector.parts.rowCount() == len(record.prompt.parts)
    assert {view.kind for view in inspector._views} >= {PartKind.SPECIAL, PartKind.PREFIX}
    assert "The model wrote" in inspector.answer.text()
    inspector.close()


def test_a_tip_says_which_token_it_is(starpad: Starpad, qtbot: QtBot) -> None:
    inspector = starpad.window.suggestions.inspector
    _ask(starpad, qtbot)
    inspector.open_window()
    qtbot.waitUntil(lambda: bool(inspector.tokens.toPlainText()), timeout=10_000)
    assert "Token 1: id 1, special" in inspector._tip(0)
    assert inspector._tip(10**6) == ""
    inspector.close()


def test_the_inspector_follows_the_next_request(starpad: Starpad, qtbot: QtBot) -> None:
    inspector = starpad.window.suggestions.inspector
    _ask(starpad, qtbot)
    inspector.open_window()
    qtbot.waitUntil(lambda: "width" in inspector.tokens.toPlainText(), timeout=10_000)
    tab = starpad.window.tabs.current
    assert tab is not None
    tab.editor.setPlainText("another = 1\nthing = ")
    cursor = tab.editor.textCursor()
    cursor.movePosition(cursor.MoveOperation.End)
    tab.editor.setTextCursor(cursor)
    tab.suggestions.ask()
    qtbot.waitUntil(lambda: "another" in inspector.tokens.toPlainText(), timeout=10_000)
    inspector.close()


def test_a_prompt_of_a_model_that_is_gone_says_so(starpad: Starpad, qtbot: QtBot) -> None:
    inspector = starpad.window.suggestions.inspector
    _ask(starpad, qtbot)
    starpad.engine.unload()
    inspector.open_window()
    assert "not loaded any more" in inspector.tokens.toPlainText()
    assert "tokens" in inspector.summary.text()
    inspector.close()


def test_figures_show_at_the_caret_until_it_moves(starpad: Starpad, qtbot: QtBot) -> None:
    label = starpad.window.suggestions.figures.label
    _ask(starpad, qtbot)
    assert not label.isVisible()
    starpad.window.actions_by_id[ActionId.SHOW_FIGURES].trigger()
    assert starpad.settings.current.suggestion_figures_shown
    _ask(starpad, qtbot, "one" + BEFORE)
    qtbot.waitUntil(label.isVisible, timeout=10_000)
    assert "read" in label.text()
    tab = starpad.window.tabs.current
    assert tab is not None
    assert tab.editor.text() == "one" + BEFORE + AFTER
    tab.editor.moveCursor(tab.editor.textCursor().MoveOperation.Up)
    assert not label.isVisible()
