"""The command palette on the running application."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from starpad.bootstrap import Starpad
from starpad.ui.actions import ACTIONS, ActionId
from starpad.ui.quick_pick import QuickPick


def _open(starpad: Starpad) -> QuickPick:
    starpad.window.actions_by_id[ActionId.COMMAND_PALETTE].trigger()
    pick = starpad.window.commands.palette.pick
    assert pick is not None
    return pick


def _run(starpad: Starpad, text: str) -> None:
    pick = _open(starpad)
    QTest.keyClicks(pick.field, text)
    QTest.keyClick(pick.field, Qt.Key.Key_Return)


def test_it_has_every_action_with_menu_and_keys(starpad: Starpad) -> None:
    choices = {choice.key: choice for choice in starpad.window.commands.palette.choices()}
    assert set(choices) == {each.name for each in ACTIONS} - {"COMMAND_PALETTE"}
    assert (choices["NEW"].text, choices["NEW"].detail, choices["NEW"].hint) == (
        "New", "File", "Ctrl+N",
    )  # fmt: skip
    assert choices["ACCEPT"].hint == "Tab"
    assert choices["TOGGLE_WRAP"].text == "Wrap long lines (off)"
    assert choices["OPEN"].text == "Open"


def test_a_changed_key_shows_at_once_here_and_in_the_menu(starpad: Starpad) -> None:
    starpad.window.commands.keymap.assign(ActionId.NEW, ("Ctrl+F9",))
    choices = {choice.key: choice for choice in starpad.window.commands.palette.choices()}
    assert choices["NEW"].hint == "Ctrl+F9"
    assert starpad.window.actions_by_id[ActionId.NEW].shortcut().toString() == "Ctrl+F9"
    starpad.window.commands.keymap.reset_all()
    assert starpad.window.actions_by_id[ActionId.NEW].shortcut().toString() == "Ctrl+N"


def test_it_runs_what_is_chosen(starpad: Starpad) -> None:
    _run(starpad, "wrap long")
    assert starpad.settings.current.wrap_lines


def test_what_was_used_last_comes_first(starpad: Starpad) -> None:
    _run(starpad, "zoom in")
    _run(starpad, "wrap long")
    pick = _open(starpad)
    assert [choice.key for choice in pick.shown[:2]] == ["TOGGLE_WRAP", "ZOOM_IN"]
    pick.dismiss()
    assert starpad.settings.current.recent_actions == ("TOGGLE_WRAP", "ZOOM_IN")


def test_an_action_that_a_later_version_knew_is_passed_over(starpad: Starpad) -> None:
    starpad.settings.change(recent_actions=("FROM_THE_FUTURE", "ZOOM_IN"))
    assert starpad.window.commands.palette.choices()[0].key == "ZOOM_IN"


def test_a_disabled_action_says_what_it_needs(starpad: Starpad) -> None:
    starpad.window.actions_by_id[ActionId.UNLOAD_MODEL].setEnabled(False)
    starpad.window.actions_by_id[ActionId.NEW].setEnabled(False)
    choices = {choice.key: choice for choice in starpad.window.commands.palette.choices()}
    starpad.window.actions_by_id[ActionId.NEW].setEnabled(True)
    assert choices["UNLOAD_MODEL"].problem == "Needs a loaded model"
    assert choices["NEW"].problem == "Not now"


def test_its_key_opens_and_closes_it(starpad: Starpad) -> None:
    pick = _open(starpad)
    starpad.window.actions_by_id[ActionId.COMMAND_PALETTE].trigger()
    assert not pick.isVisible()
    assert starpad.window.commands.palette.pick is None


def test_edit_commands_work_on_the_document_that_had_the_focus(starpad: Starpad) -> None:
    tab = starpad.window.tabs.current
    assert tab is not None
    QTest.keyClicks(tab.editor, "abc")
    _run(starpad, "undo")
    assert tab.editor.text() == ""
    assert tab.editor.hasFocus()
