"""A language can be chosen by typing part of its name, and the choice stays."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from starpad.bootstrap import Starpad
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tab import EditorTab


def _choose(starpad: Starpad, text: str) -> None:
    starpad.window.actions_by_id[ActionId.LANGUAGE].trigger()
    pick = starpad.window.languages.pick
    assert pick is not None
    QTest.keyClicks(pick.field, text)
    QTest.keyClick(pick.field, Qt.Key.Key_Return)


def _tab(starpad: Starpad) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def _button(starpad: Starpad) -> QToolButton:
    return next(
        each
        for each in starpad.window.status.findChildren(QToolButton)
        if each.accessibleName().startswith("Language")
    )


def test_any_language_can_be_chosen_by_name_or_alias(starpad: Starpad) -> None:
    _choose(starpad, "cob")
    assert _tab(starpad).language.alias == "cobol"
    _choose(starpad, "cpp")
    assert _tab(starpad).language.name == "C++"


def test_the_choice_outlives_saving_and_automatic_brings_the_file_names_back(
    starpad: Starpad, tmp_path: Path
) -> None:
    path = tmp_path / "file.py"
    path.write_text("x = 1\n")
    starpad.window.files.open([path])
    _choose(starpad, "cython")
    assert _tab(starpad).language.alias == "cython"
    QTest.keyClicks(_tab(starpad).editor, "y")
    assert starpad.window.files.save(_tab(starpad))
    assert _tab(starpad).language.alias == "cython"
    _choose(starpad, "automatic")
    assert _tab(starpad).language.alias == "python"


def test_the_status_bar_shows_it_and_opens_the_list(starpad: Starpad) -> None:
    _choose(starpad, "rust")
    assert _button(starpad).text() == "Rust"
    assert _button(starpad).accessibleName() == "Language: Rust"
    _button(starpad).click()
    pick = starpad.window.languages.pick
    assert pick is not None
    assert [choice.text for choice in pick.shown[:2]] == ["Automatic", "Rust"]
    assert pick.shown[1].hint == "now"
    starpad.window.actions_by_id[ActionId.LANGUAGE].trigger()
    assert starpad.window.languages.pick is None
