"""Settings: what suits, what does not, and that the declarations agree with themselves."""

from dataclasses import fields
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.errors import SettingsError
from starpad.core.setting_field import Page
from starpad.core.setting_values import checked, with_values
from starpad.core.settings import FIELDS, Settings, ThemeChoice, fields_of_pages

NUMBERS = [n for n, f in FIELDS.items() if type(f.default) in (int, float)]


def test_the_defaults_are_those_that_were_agreed() -> None:
    settings = Settings()
    assert settings.theme is ThemeChoice.SYSTEM
    assert (settings.font_size_pt, settings.indent_width) == (11, 4)
    assert (settings.suggestion_pause_ms, settings.suggestion_max_tokens) == (-1, 96)
    assert (settings.prompt_budget_tokens, settings.context_tokens) == (4096, 8192)
    assert settings.suggestions_enabled
    assert settings.restart_engine_automatically


@pytest.mark.parametrize("name", FIELDS)
def test_every_default_suits_its_own_setting(name: str) -> None:
    default = FIELDS[name].default
    assert checked(name, default) == default
    assert type(checked(name, default)) is type(default)


def test_every_setting_is_on_one_page_or_hidden() -> None:
    shown = [field.name for page in fields_of_pages().values() for field in page]
    hidden = [field.name for field in FIELDS.values() if field.about.page is Page.HIDDEN]
    assert sorted(shown + hidden) == sorted(item.name for item in fields(Settings))
    assert hidden == [
        "model_path", "engine_pack", "remote_server", "models_folder", "recent_files",
        "recent_actions", "keymap", "folder", "side_bar_is_shown", "side_bar_split",
        "window_geometry", "chat_is_shown", "chat_draft", "chat_split",
    ]  # fmt: skip


def test_no_page_is_empty_and_each_shown_setting_explains_itself() -> None:
    for page, of_page in fields_of_pages().items():
        assert of_page, page
        for field in of_page:
            assert field.about.label, field.name
            assert field.about.help.endswith("."), field.name


@pytest.mark.parametrize("name", NUMBERS)
def test_both_bounds_suit_and_one_step_beyond_does_not(name: str) -> None:
    about = FIELDS[name].about
    assert checked(name, about.minimum) == about.minimum
    assert checked(name, about.maximum) == about.maximum
    for beyond in (about.minimum - 1, about.maximum + 1):
        with pytest.raises(SettingsError, match="must be"):
            checked(name, beyond)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("font_size_pt", "11"),
        ("font_size_pt", True),
        ("font_size_pt", 11.0),
        ("font_size_pt", None),
        ("suggestion_temperature", float("nan")),
        ("suggestion_temperature", float("inf")),
        ("suggestion_temperature", 10**400),
        ("suggestion_temperature", False),
        ("wrap_lines", 1),
        ("wrap_lines", "true"),
        ("theme", "pink"),
        ("theme", ["dark"]),
        ("font_family", 3),
        ("style_light", "no such style"),
        ("style_dark", ["nord"]),
        ("recent_files", "one.py"),
        ("recent_files", ["one.py", 2]),
        ("recent_files", {"one.py": 1}),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_words(name: str, value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        with_values(Settings(), **{name: value})
    assert FIELDS[name].about.label in caught.value.message
    assert caught.value.hint.startswith("It must be ")
    assert len(caught.value.message) < 120


def test_what_json_gives_becomes_the_settings_own_type() -> None:
    settings = with_values(
        Settings(), theme="dark", recent_files=["a.py", "b.py"], suggestion_temperature=1
    )
    assert settings.theme is ThemeChoice.DARK
    assert settings.recent_files == ("a.py", "b.py")
    assert isinstance(settings.suggestion_temperature, float)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(SettingsError, match="font_colour"):
        with_values(Settings(), font_colour="red")


def test_one_bad_value_changes_nothing_at_all() -> None:
    settings = Settings()
    with pytest.raises(SettingsError):
        with_values(settings, font_size_pt=20, indent_width=99)
    assert settings == Settings()


def test_a_long_bad_value_is_cut_in_the_message() -> None:
    with pytest.raises(SettingsError, match="…") as caught:
        checked("font_size_pt", "9" * 5000)
    assert len(caught.value.message) < 120


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(name=st.sampled_from(sorted(FIELDS)), value=anything)
def test_any_value_is_either_refused_or_stays_as_it_is_when_checked_again(
    name: str, value: object
) -> None:
    try:
        suited = checked(name, value)
    except SettingsError:
        return
    assert checked(name, suited) == suited
    default = FIELDS[name].default
    assert isinstance(suited, type(default))
    assert isinstance(suited, StrEnum) == isinstance(default, StrEnum)
