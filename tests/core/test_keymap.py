"""Changed keys: kept as differences, and never two actions for one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.keymap import clash, effective, entries, is_for_typing, parse

DEFAULTS = {
    "SAVE": ("Ctrl+S",),
    "REDO": ("Ctrl+Shift+Z", "Ctrl+Y"),
    "INDENT": ("Ctrl+]",),
    "ABOUT": (),
}


@pytest.mark.parametrize(
    ("entry", "result"),
    [
        ("SAVE=F2", ("SAVE", ("F2",))),
        ("REDO=Ctrl+Y; F2", ("REDO", ("Ctrl+Y", "F2"))),
        ("SAVE=", ("SAVE", ())),
        ("ZOOM_IN=Ctrl+=; Ctrl+;", ("ZOOM_IN", ("Ctrl+=", "Ctrl+;"))),
        ("ZOOM_IN=Ctrl+;; F3", ("ZOOM_IN", ("Ctrl+;", "F3"))),
        ("SAVE", None),
        ("=F2", None),
        ("", None),
    ],
)
def test_a_line_names_an_action_and_its_keys(
    entry: str, result: tuple[str, tuple[str, ...]] | None
) -> None:
    assert parse(entry) == result


def test_only_what_differs_from_the_default_is_kept() -> None:
    changes = {"SAVE": ("F2",), "REDO": DEFAULTS["REDO"], "INDENT": ()}
    assert entries(changes, DEFAULTS) == ("SAVE=F2", "INDENT=")


def test_a_key_clashes_with_itself_and_with_what_it_begins() -> None:
    assert clash("Ctrl+K", "Ctrl+K")
    assert clash("Ctrl+K", "Ctrl+K, Ctrl+S")
    assert clash("Ctrl+K, Ctrl+S", "Ctrl+K")
    assert not clash("Ctrl+K, Ctrl+S", "Ctrl+K, Ctrl+O")
    assert not clash("Ctrl+F1", "Ctrl+F12")


def test_keys_for_typing_are_known() -> None:
    for key in ("A", "Shift+A", "Tab", "Return", "Space", "Left", "Del", "A, Ctrl+B", "F", "+"):
        assert is_for_typing(key), key
    for key in ("Ctrl+A", "Alt+Left", "Ctrl+Shift+A", "Meta+X", "F1", "Shift+F12", "Ctrl+K, A"):
        assert not is_for_typing(key), key


def test_without_changes_the_defaults_count() -> None:
    assert effective(DEFAULTS, {}) == DEFAULTS


def test_a_key_that_the_user_gives_away_is_taken_from_its_default() -> None:
    keys = effective(DEFAULTS, {"ABOUT": ("Ctrl+Y",)})
    assert keys["ABOUT"] == ("Ctrl+Y",)
    assert keys["REDO"] == ("Ctrl+Shift+Z",)


def test_of_two_that_the_user_gave_the_same_key_the_first_keeps_it() -> None:
    keys = effective(DEFAULTS, {"ABOUT": ("F2",), "SAVE": ("F2", "F3")})
    assert (keys["SAVE"], keys["ABOUT"]) == (("F2", "F3"), ())


def test_actions_keep_the_order_of_the_table_and_unknown_ones_are_no_matter() -> None:
    assert list(effective(DEFAULTS, {"FROM_THE_FUTURE": ("F2",), "ABOUT": ("F3",)})) == list(
        DEFAULTS
    )


KEY = st.sampled_from(["F1", "F2", "Ctrl+K", "Ctrl+K, Ctrl+A", "Ctrl+K, Ctrl+B", "Ctrl+S"])


@given(st.dictionaries(st.sampled_from(list(DEFAULTS)), st.lists(KEY, unique=True).map(tuple)))
def test_no_two_keys_ever_clash(changes: dict[str, tuple[str, ...]]) -> None:
    all_keys = [key for keys in effective(DEFAULTS, changes).values() for key in keys]
    pairs = [(a, b) for i, a in enumerate(all_keys) for b in all_keys[:i]]
    assert not [pair for pair in pairs if clash(*pair)]
