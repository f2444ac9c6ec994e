"""Actions and menus: complete, without two uses of a key, and enabled only when they make sense."""

from collections import Counter
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from starpad.ui.actions import ACTIONS, ActionId, ActionSpec, Menu, Needs, build, enable
from starpad.ui.menus import MenuBar


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    return window


def _menu_actions(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        submenu = action.menu()
        if isinstance(submenu, QMenu):
            yield from _menu_actions(submenu)
        elif not action.isSeparator():
            yield action


def test_the_table_has_every_action() -> None:
    assert list(ACTIONS) == list(ActionId)


def test_no_two_actions_share_a_key_nor_take_one_that_the_editor_needs() -> None:
    keys = [key for spec in ACTIONS.values() for key in (*spec.keys, spec.editor_key) if key]
    keys += ["Shift+Tab", "Return", "Backspace"]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_qt_understands_every_key() -> None:
    for action_id, spec in ACTIONS.items():
        for key in (*spec.keys, spec.editor_key):
            assert QKeySequence(key).toString() == key, action_id


def test_in_a_menu_no_two_entries_share_a_letter() -> None:
    for menu in Menu:
        texts = [spec.text for spec in ACTIONS.values() if spec.menu is menu]
        texts += ["Recent &files"] if menu is Menu.FILE else []
        letters = [text[text.index("&") + 1].lower() for text in texts]
        assert [letter for letter, count in Counter(letters).items() if count > 1] == [], menu


def test_every_action_is_in_a_menu_once(window: QWidget) -> None:
    actions = build(window)
    bar = MenuBar(actions, window)
    titles = [entry.text() for entry in bar.actions()]
    assert titles == list(Menu)
    shown = [a for entry in bar.actions() for a in _menu_actions(_submenu(entry))]
    assert Counter(a.objectName() for a in shown) == Counter(item.name for item in ActionId)


def _submenu(action: QAction) -> QMenu:
    menu = action.menu()
    assert isinstance(menu, QMenu)
    return menu


def test_no_menu_begins_or_ends_with_a_line(window: QWidget) -> None:
    bar = MenuBar(build(window), window)
    for entry in bar.actions():
        inside = _submenu(entry).actions()
        assert not inside[0].isSeparator()
        assert not inside[-1].isSeparator()


def test_keys_of_the_editor_are_shown_but_are_no_shortcuts(window: QWidget) -> None:
    actions = build(window)
    for action_id, key in {
        ActionId.ACCEPT: "Tab", ActionId.ACCEPT_WORD: "Ctrl+Right",
        ActionId.ACCEPT_LINE: "Ctrl+Down", ActionId.DISMISS: "Esc",
    }.items():  # fmt: skip
        assert actions[action_id].shortcuts() == []
        assert actions[action_id].text().endswith(f"\t{key}")


def test_an_action_is_enabled_only_when_what_it_needs_is_there(window: QWidget) -> None:
    actions = build(window)

    def enabled() -> set[ActionId]:
        return {action_id for action_id, action in actions.items() if action.isEnabled()}

    assert ActionId.OPEN in enabled()
    assert not enabled() & {ActionId.SAVE, ActionId.ACCEPT, ActionId.UNLOAD_MODEL}
    enable(actions, {Needs.DOCUMENT, Needs.MODEL})
    assert {ActionId.OPEN, ActionId.SAVE, ActionId.UNLOAD_MODEL} <= enabled()
    assert ActionId.ACCEPT not in enabled()
    enable(actions, list(Needs))
    assert enabled() == set(ActionId)


def test_every_action_explains_itself_in_the_status_bar(window: QWidget) -> None:
    for action_id, action in build(window).items():
        assert action.statusTip(), action_id
        assert action.isCheckable() == ACTIONS[action_id].is_checkable


def test_an_action_without_needs_is_the_default() -> None:
    assert ActionSpec(Menu.FILE, "x", "y").needs is Needs.NOTHING


def test_recent_files_are_offered_newest_first_and_opened_by_their_path(
    window: QWidget, qtbot: QtBot
) -> None:
    bar = MenuBar(build(window), window)
    assert not bar._recent.isEnabled()
    bar.show_recent(["/a/one.py", "/b/R&D/two.py"])
    first, second = bar._recent.actions()
    assert bar._recent.isEnabled()
    assert first.text().startswith("one.py")
    assert "R&&D" in second.text(), "an ampersand is no mnemonic here"
    with qtbot.waitSignal(bar.recent_requested) as signal:
        second.trigger()
    assert signal.args == ["/b/R&D/two.py"]
    bar.show_recent([])
    assert not bar._recent.isEnabled()
