"""What the status bar shows of a document can be clicked to change it."""

import pytest
from PySide6.QtWidgets import QInputDialog, QToolButton
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.suggestion import SuggestionState
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.labels import ElidedLabel


def _button(starpad: Starpad, name: str) -> QToolButton:
    button = starpad.window.status.findChild(QToolButton, name)
    assert button is not None
    return button


def _tab(starpad: Starpad) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def _answer(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: (name, True))


def test_each_field_says_what_it_is_and_what_it_shows(starpad: Starpad) -> None:
    names = {
        "Language": "Plain text", "Encoding": "UTF-8", "Line ends": "LF", "Indentation": "4 spaces",
    }  # fmt: skip
    for name, text in names.items():
        assert _button(starpad, name).text() == text
        assert _button(starpad, name).accessibleName() == f"{name}: {text}"


def test_the_indentation_is_chosen_there_and_tab_follows(
    starpad: Starpad, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answer(monkeypatch, "Tabs, 8 wide")
    _button(starpad, "Indentation").click()
    assert _button(starpad, "Indentation").text() == "Tabs, 8 wide"
    assert _tab(starpad).editor.indentation.level == "\t"
    assert not _tab(starpad).is_modified


def test_the_line_ends_are_chosen_there(starpad: Starpad, monkeypatch: pytest.MonkeyPatch) -> None:
    _answer(monkeypatch, "CRLF (Windows)")
    _button(starpad, "Line ends").click()
    assert _button(starpad, "Line ends").text() == "CRLF"
    assert _tab(starpad).document.format.line_end == "\r\n"


def test_the_encoding_offers_to_read_and_to_write_with_another(starpad: Starpad) -> None:
    menu = _button(starpad, "Encoding").menu()
    assert [action.text().replace("&", "") for action in menu.actions()] == [
        "Reopen with encoding…", "Save with encoding…",
    ]  # fmt: skip


def test_a_note_on_suggestions_is_painted_and_has_nothing_laid_out(
    starpad: Starpad, qtbot: QtBot
) -> None:
    status = starpad.window.status
    note = next(
        label
        for label in status.findChildren(ElidedLabel)
        if label.accessibleName() == "Suggestions"
    )
    status.show_suggestion(SuggestionState.FAILED, "first")
    qtbot.waitUntil(lambda: note.text().endswith(": first"))
    hint = note.sizeHint()
    status.show_suggestion(SuggestionState.FAILED, "a reason " * 40)
    status.show_suggestion(SuggestionState.PAUSED, "")
    qtbot.waitUntil(lambda: note.text() == "Suggestion: waiting for a pause")
    assert note.sizeHint() == hint


@pytest.mark.parametrize("name", ["Suggestions", "Caret position"])
def test_a_label_that_is_not_cut_says_what_it_is(starpad: Starpad, qtbot: QtBot, name: str) -> None:
    labels = starpad.window.status.findChildren(ElidedLabel)
    label = next(label for label in labels if label.accessibleName() == name)
    starpad.window.status.show_caret(123_456, 1)  # wider than before: the label is resized
    qtbot.waitUntil(lambda: label.toolTip() == name)
