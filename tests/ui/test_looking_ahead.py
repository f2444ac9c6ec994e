"""The next suggestion is there before it is asked for, and several can be gone through."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.suggestion import SuggestionState
from starpad.services.completion import CompletionService, SuggestionUpdate
from starpad.services.errand import Errands, Purpose
from starpad.ui.actions import ActionId
from starpad.ui.editor import suggestion_offer
from starpad.ui.editor.editor_tab import EditorTab

HALF_FUNCTION = "import os\n\n\ndef size(path):\n    if not os.path.|\n    return 0\n"
SEVERAL = "import |\n"
"""What can stand there with different beginnings."""


@pytest.fixture
def tab(starpad: Starpad, qtbot: QtBot) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Purpose]:
    """Note what the engine is sent for."""
    purposes: list[Purpose] = []
    send = Errands.send

    def noted(self: Errands, purpose: Purpose, *args: object, **names: object) -> None:
        purposes.append(purpose)
        send(self, purpose, *args, **names)  # type: ignore[arg-type]

    monkeypatch.setattr(Errands, "send", noted)
    return purposes


def _put(tab: EditorTab, marked: str) -> None:
    before, _, after = marked.partition("|")
    tab.editor.setPlainText(before + after)
    cursor = tab.editor.textCursor()
    cursor.setPosition(len(before))
    tab.editor.setTextCursor(cursor)


def _ask(qtbot: QtBot, starpad: Starpad, tab: EditorTab) -> str:
    with qtbot.waitSignal(
        starpad.completion.updated, timeout=10_000, check_params_cb=lambda update: update.is_final
    ):
        tab.suggestions.ask()
    return tab.suggestions.ghost.text


def _wait_until_idle(qtbot: QtBot, completion: CompletionService) -> None:
    qtbot.waitUntil(lambda: completion._errands.current is None, timeout=10_000)


def test_after_an_accept_the_next_suggestion_is_there_already(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    _put(tab, HALF_FUNCTION)
    assert _ask(qtbot, starpad, tab)
    _wait_until_idle(qtbot, starpad.completion)
    assert sent == [Purpose.ANSWER, Purpose.AHEAD]
    with qtbot.waitSignal(
        starpad.completion.updated, check_params_cb=lambda update: update.is_final
    ) as blocker:
        qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert blocker.args[0].state in (SuggestionState.CACHED, SuggestionState.NOTHING)
    assert Purpose.ANSWER not in sent[1:], "the engine was not asked"


def test_accepting_while_the_next_one_streams_takes_it_over(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    _put(tab, HALF_FUNCTION)
    assert _ask(qtbot, starpad, tab)
    assert starpad.completion._errands.current is not None
    with qtbot.waitSignal(
        starpad.completion.updated, timeout=10_000, check_params_cb=lambda update: update.is_final
    ):
        qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert sent[:2] == [Purpose.ANSWER, Purpose.AHEAD]
    assert Purpose.ANSWER not in sent[1:]


def test_typing_all_of_it_takes_over_too(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    _put(tab, "with open(path|) as file:\n    return file.read()\n")
    ghost = _ask(qtbot, starpad, tab)
    _wait_until_idle(qtbot, starpad.completion)
    updates: list[SuggestionUpdate] = []
    starpad.completion.updated.connect(updates.append)
    for character in ghost:
        qtbot.keyClicks(tab.editor, character)
    qtbot.waitUntil(lambda: bool(updates) and updates[-1].is_final, timeout=10_000)
    starpad.completion.updated.disconnect(updates.append)
    assert Purpose.ANSWER not in sent[1:]


def test_typing_something_else_drops_what_was_fetched_in_advance_at_once(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    _put(tab, HALF_FUNCTION)
    ghost = _ask(qtbot, starpad, tab)
    errand = starpad.completion._errands.current
    assert errand is not None
    assert errand.purpose is Purpose.AHEAD
    qtbot.keyClicks(tab.editor, "z" if not ghost.startswith("z") else "y")
    assert starpad.completion._errands.current is not errand


def test_typing_the_suggestion_leaves_what_was_fetched_in_advance(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    _put(tab, HALF_FUNCTION)
    ghost = _ask(qtbot, starpad, tab)
    errand = starpad.completion._errands.current
    assert errand is not None
    qtbot.keyClicks(tab.editor, ghost[0])
    assert starpad.completion._errands.current in (errand, None)
    _wait_until_idle(qtbot, starpad.completion)
    assert tab.suggestions.ghost.text == ghost[1:]


def test_after_undo_the_suggestion_comes_back_without_the_engine(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    starpad.settings.change(suggestion_pause_ms=0)
    _put(tab, HALF_FUNCTION)
    ghost = _ask(qtbot, starpad, tab)
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    _wait_until_idle(qtbot, starpad.completion)
    sent.clear()
    starpad.window.actions_by_id[ActionId.UNDO].trigger()
    qtbot.waitUntil(lambda: tab.suggestions.ghost.text == ghost)
    assert Purpose.ANSWER not in sent


def test_back_at_a_place_in_the_middle_of_a_known_suggestion_its_rest_is_shown(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    _put(tab, HALF_FUNCTION)
    ghost = _ask(qtbot, starpad, tab)
    qtbot.keyClicks(tab.editor, ghost[:2])
    qtbot.keyClick(tab.editor, Qt.Key.Key_Escape)
    sent.clear()
    assert _ask(qtbot, starpad, tab) == ghost[2:]
    assert Purpose.ANSWER not in sent


def test_a_resting_caret_has_the_prompt_read_so_that_the_first_suggestion_reads_little(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    lines = "".join(f"value_{number} = compute({number})\n" for number in range(60))
    _put(tab, f"{lines}result = |\n{lines}")
    qtbot.waitUntil(lambda: Purpose.WARM_UP in sent, timeout=5_000)
    _wait_until_idle(qtbot, starpad.completion)
    with qtbot.waitSignal(starpad.completion.figures_changed, timeout=10_000) as blocker:
        tab.suggestions.ask()
    figures = blocker.args[0]
    assert figures.prompt_tokens > 400
    assert figures.evaluated_tokens <= 2
    QTest.qWait(500)
    assert sent.count(Purpose.WARM_UP) == 1, "it is warm already"


def test_a_bracket_that_closes_by_itself_has_little_read(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    lines = "".join(f"value_{number} = compute({number})\n" for number in range(60))
    _put(tab, f"{lines}result = max|\n{lines}")
    _ask(qtbot, starpad, tab)
    qtbot.keyClick(tab.editor, Qt.Key.Key_Escape)
    qtbot.keyClicks(tab.editor, "(")
    assert tab.editor.text().count("max()") == 1
    with qtbot.waitSignal(starpad.completion.figures_changed, timeout=10_000) as blocker:
        tab.suggestions.ask()
    assert blocker.args[0].evaluated_tokens < 10


def test_nothing_is_read_where_suggestions_are_off(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    starpad.settings.change(suggestions_off_languages=(tab.language.alias,))
    _put(tab, "x = |\n")
    QTest.qWait(600)
    assert sent == []


def _cycle(qtbot: QtBot, starpad: Starpad, tab: EditorTab) -> None:
    starpad.window.actions_by_id[ActionId.NEXT_SUGGESTION].trigger()
    qtbot.waitUntil(lambda: not tab.suggestions.offer.is_expecting, timeout=10_000)


def test_alternatives_come_on_demand_and_go_round(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(suggestion_offer, "announce", lambda _w, text, **_: said.append(text))
    notes: list[str] = []
    starpad.completion.state_changed.connect(lambda _state, reason: notes.append(reason))
    _put(tab, SEVERAL)
    seen = [_ask(qtbot, starpad, tab)]
    for _ in range(2):
        _cycle(qtbot, starpad, tab)
        seen.append(tab.suggestions.ghost.text)
    assert len(set(seen)) == 3
    assert "2 of 3" in notes
    assert notes[-1] == "3 of 3"
    assert any(sentence.startswith("Suggestion 2 of 3") for sentence in said)
    _cycle(qtbot, starpad, tab)
    assert tab.suggestions.ghost.text == seen[0]
    starpad.window.actions_by_id[ActionId.PREVIOUS_SUGGESTION].trigger()
    assert tab.suggestions.ghost.text == seen[2]
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text() == SEVERAL.replace("|", seen[2])


def test_the_key_asks_where_nothing_is_shown(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    _put(tab, SEVERAL)
    _cycle(qtbot, starpad, tab)
    assert tab.suggestions.ghost.is_shown


def test_typing_shows_another_alternative_that_agrees(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    _put(tab, SEVERAL)
    first = _ask(qtbot, starpad, tab)
    _cycle(qtbot, starpad, tab)
    second = tab.suggestions.ghost.text
    assert first[0] != second[0]
    qtbot.keyClicks(tab.editor, first[0])
    assert tab.suggestions.ghost.text == first[1:]
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text() == SEVERAL.replace("|", first)


def test_a_slow_model_is_asked_at_line_ends_only_and_a_message_says_so(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    pacing = starpad.completion.pacing
    for _ in range(5):
        pacing.note_first_token(3000)
    messages = [each.message for each in starpad.window.messages.notifications]
    assert any("only at the ends of lines" in message for message in messages)
    _put(tab, "x = (|) + 1\n")
    states: list[SuggestionState] = []
    starpad.completion.state_changed.connect(lambda state, _: states.append(state))
    qtbot.keyClicks(tab.editor, "y")
    qtbot.waitUntil(lambda: SuggestionState.SLOW in states, timeout=5_000)
    for _ in range(5):
        pacing.note_first_token(9000)
    qtbot.keyClicks(tab.editor, "z")
    assert states[-1] is SuggestionState.TOO_SLOW
    pacing.restart(on_gpu=False)


def test_who_asks_sees_also_what_the_model_is_not_sure_of(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    starpad.settings.change(suggestion_least_probability=95, suggestion_pause_ms=0)
    _put(tab, HALF_FUNCTION)
    for key in ("i", Qt.Key.Key_Backspace, "i"):
        with qtbot.waitSignal(
            starpad.completion.state_changed,
            timeout=10_000,
            check_params_cb=lambda state, _: state is SuggestionState.UNSURE,
        ):
            (qtbot.keyClicks if isinstance(key, str) else qtbot.keyClick)(tab.editor, key)
        assert not tab.suggestions.ghost.is_shown
    assert sum(purpose.name in ("ANSWER", "EARLY") for purpose in sent) == 2, (
        "what was doubted before is known"
    )
    ghost = _ask(qtbot, starpad, tab)
    assert ghost
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    assert tab.editor.text().startswith(HALF_FUNCTION.partition("|")[0] + "i" + ghost)


def test_the_engine_is_asked_before_the_pause_is_over(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    starpad.settings.change(suggestion_pause_ms=1200)
    starpad.completion.pacing.restart(on_gpu=False)
    starpad.completion.pacing.note_first_token(300)
    _put(tab, HALF_FUNCTION)
    with qtbot.waitSignal(starpad.completion.updated, timeout=10_000):
        qtbot.keyClicks(tab.editor, "i")
    assert Purpose.EARLY in sent
    assert Purpose.ANSWER not in sent


def test_what_came_within_the_pause_is_shown_at_its_end(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    _put(tab, HALF_FUNCTION)
    _wait_until_idle(qtbot, starpad.completion)
    with qtbot.waitSignal(starpad.completion.recorded, timeout=10_000) as recorded:
        tab.suggestions.offer.ask_early()
    assert not tab.suggestions.ghost.is_shown, "the pause is not over"
    with qtbot.waitSignal(starpad.completion.updated, timeout=10_000) as updated:
        tab.suggestions.offer.suggest()
    assert updated.args[0].state is SuggestionState.CACHED
    assert tab.suggestions.ghost.text == recorded.args[0].shown
    assert Purpose.ANSWER not in sent


def test_what_was_asked_within_the_pause_and_goes_on_behind_it_streams(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    _put(tab, HALF_FUNCTION)
    _wait_until_idle(qtbot, starpad.completion)
    sent.clear()
    tab.suggestions.offer.ask_early()
    with qtbot.waitSignal(
        starpad.completion.updated, timeout=10_000, check_params_cb=lambda update: update.is_final
    ):
        tab.suggestions.offer.suggest()
    assert tab.suggestions.ghost.is_shown
    assert sent[0] is Purpose.EARLY
    assert Purpose.ANSWER not in sent
    assert starpad.completion.pacing._waits, "it is known how long its first token took"


def test_a_key_within_the_pause_drops_what_was_asked(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    _put(tab, HALF_FUNCTION)
    _wait_until_idle(qtbot, starpad.completion)
    tab.suggestions.offer.ask_early()
    assert starpad.completion._errands.current is not None
    qtbot.keyClicks(tab.editor, "i")
    assert starpad.completion._errands.current is None
    assert not tab.suggestions.ghost.is_shown


def test_inside_a_word_nothing_is_asked_in_advance_either(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot, sent: list[Purpose]
) -> None:
    starpad.settings.change(suggestion_pause_ms=100)
    _put(tab, "wo|rd")
    with qtbot.waitSignal(
        starpad.completion.state_changed,
        timeout=10_000,
        check_params_cb=lambda state, _: state is SuggestionState.INSIDE_WORD,
    ):
        qtbot.keyClicks(tab.editor, "i")
    assert not sent
