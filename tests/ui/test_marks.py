"""Marks over the colors: brackets in pairs, white space; bounded, and off the path of keys."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextFormat, QTextOption
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.editor_styles import (
    DARK_STYLES,
    LIGHT_STYLES,
    OWN,
    WELL_READABLE,
    contrast,
    distance,
)
from starpad.core.languages import Language
from starpad.core.settings import ThemeChoice
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.theme import CodeStyles


@pytest.fixture
def tab(starpad: Starpad) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    starpad.settings.change(suggestions_enabled=False)
    tab.set_language(Language("python", "Python"))
    return tab


def _put(tab: EditorTab, marked: str) -> None:
    before, _, after = marked.partition("|")
    tab.editor.setPlainText(before + after)
    tab.set_language(Language("text", "Plain text"))
    tab.set_language(Language("python", "Python"))  # which sends the text
    cursor = tab.editor.textCursor()
    cursor.setPosition(len(before))
    tab.editor.setTextCursor(cursor)


def _pair(tab: EditorTab) -> list[int]:
    """Return the positions in the text that are marked as brackets of a pair."""
    places = []
    block = tab.editor.document().begin()
    while block.isValid():
        for each in block.layout().formats():
            underline = QTextFormat.Property.TextUnderlineStyle
            if each.format.hasProperty(underline) and each.format.hasProperty(
                QTextFormat.Property.BackgroundBrush
            ):
                places.append(block.position() + each.start)
        block = block.next()
    return sorted(set(places))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("f|(a, (b))", [1, 8]),
        ("f(a, (b))|", [1, 8]),
        ("f(a, (b)|)", [1, 8]),
        ("|[\n\n]", [0, 3]),
        ('|(")", b)', [0, 7]),
        ("|(a # )\n)", [0, 7]),
        ('x = "|(a)" + ")"', [5, 7]),
        ("f|)", []),
        ("ab|c", []),
        ("(|", []),
    ],
)
def test_the_bracket_at_the_caret_and_its_partner_are_marked(
    tab: EditorTab, qtbot: QtBot, text: str, places: list[int]
) -> None:
    _put(tab, text)
    literals = [i for i, letter in enumerate(tab.editor.text()) if letter in '"#']
    qtbot.waitUntil(lambda: all(tab._highlighter.token_at(0, i) for i in literals))
    tab.editor.cursorPositionChanged.emit()
    qtbot.waitUntil(lambda: _pair(tab) == places)


def test_marks_of_a_pair_go_when_the_caret_does(tab: EditorTab, qtbot: QtBot) -> None:
    _put(tab, "f|(a)\nb")
    qtbot.waitUntil(lambda: _pair(tab) == [1, 3])
    tab.editor.moveCursor(tab.editor.textCursor().MoveOperation.End)
    qtbot.waitUntil(lambda: _pair(tab) == [])
    _put(tab, "f|(a)")
    qtbot.waitUntil(lambda: _pair(tab) == [1, 3])
    qtbot.keyClicks(tab.editor, "oo")
    qtbot.waitUntil(lambda: _pair(tab) == [3, 5])
    tab.editor.selectAll()
    qtbot.waitUntil(lambda: _pair(tab) == [])


def test_a_partner_far_away_is_not_looked_for(tab: EditorTab, qtbot: QtBot) -> None:
    tab.editor.setPlainText("(" + "\n" * 50_000 + ")")
    tab.editor.moveCursor(tab.editor.textCursor().MoveOperation.End)
    qtbot.wait(80)
    assert _pair(tab) == []


def test_white_space_can_be_shown(starpad: Starpad, tab: EditorTab, qtbot: QtBot) -> None:
    tab.editor.setPlainText("a  😀 b\t\nc")
    action = starpad.window.actions_by_id[ActionId.TOGGLE_WHITE_SPACE]

    def pale() -> list[tuple[int, int]]:
        return [
            (each.start, each.length)
            for each in tab.editor.document().firstBlock().layout().formats()
            if each.format.foreground().style() != Qt.BrushStyle.NoBrush
        ]

    def is_shown() -> bool:
        flags = tab.editor.document().defaultTextOption().flags()
        return bool(flags & QTextOption.Flag.ShowTabsAndSpaces)

    tab.set_language(Language("text", "Plain text"))
    assert not is_shown()
    action.trigger()
    assert starpad.settings.current.show_white_space
    assert is_shown()
    qtbot.waitUntil(lambda: pale() == [(1, 2), (5, 1), (7, 1)])
    action.trigger()
    assert not is_shown()
    qtbot.waitUntil(lambda: pale() == [])


def test_hits_can_be_read_in_every_style_and_are_not_taken_for_the_selection(
    starpad: Starpad, tab: EditorTab
) -> None:
    theme = starpad.theme
    for choice in (ThemeChoice.LIGHT, ThemeChoice.DARK):
        theme.set_choice(choice)
        for style in (OWN, *LIGHT_STYLES, *DARK_STYLES):
            theme.set_styles(CodeStyles(style, style))
            hit = tab.marks._hit_format
            back = hit.background().color().name()
            assert contrast(hit.foreground().color().name(), back) >= WELL_READABLE, style
            for other in (theme.colors.background, theme.colors.selection):
                assert distance(back, other.name()) >= 45, style
    theme.set_choice(ThemeChoice.SYSTEM)
    theme.set_styles(CodeStyles())


def test_a_ruler_is_painted_behind_its_column(
    starpad: Starpad, tab: EditorTab, qtbot: QtBot
) -> None:
    tab.editor.setPlainText("")
    starpad.settings.change(ruler_column=10)
    qtbot.wait(50)
    picture = tab.editor.viewport().grab().toImage()
    ruler = tab.editor.colors.gutter_text.name()
    y = picture.height() - 5
    found = [x for x in range(picture.width()) if picture.pixelColor(x, y).name() == ruler]
    assert len(found) == round(picture.devicePixelRatio())
    assert found[0] > 10 * 4
