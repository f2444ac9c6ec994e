"""All styles are offered, and colors become readable with as little change as can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.styles import get_all_styles, get_style_by_name

from starpad.core.editor_styles import (
    DARK_STYLES,
    LIGHT_STYLES,
    OWN,
    READABLE,
    WELL_READABLE,
    choices,
    contrast,
    distance,
    hit_colors,
    mixed,
    readable,
    scheme_for,
    strongest_on,
)

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_all_styles_of_pygments_are_offered_by_their_background() -> None:
    assert sorted((*DARK_STYLES, *LIGHT_STYLES)) == sorted(get_all_styles())
    for name in DARK_STYLES:
        assert strongest_on(get_style_by_name(name).background_color.lower()) == "#ffffff", name
    for name in LIGHT_STYLES:
        assert strongest_on(get_style_by_name(name).background_color.lower()) == "#000000", name


def test_those_that_fit_come_first_and_ours_before_all() -> None:
    light = [value for value, _ in choices(dark_first=False)]
    dark = [value for value, _ in choices(dark_first=True)]
    assert light[0] == dark[0] == OWN
    assert set(light[1:31]) == set(LIGHT_STYLES)
    assert set(dark[1:21]) == set(DARK_STYLES)
    assert sorted(light) == sorted(dark)
    labels = dict(choices(dark_first=True))
    assert labels["gruvbox-dark"] == "Gruvbox dark"
    assert len(set(labels.values())) == len(labels)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#123456", "#123456") == 1


def test_a_readable_color_stays_and_a_pale_one_moves_to_the_text() -> None:
    assert readable("#aa0000", "#ffffff", "#000000", WELL_READABLE) == "#aa0000"
    moved = readable("#ffaaaa", "#ffffff", "#000000", READABLE)
    assert READABLE <= contrast(moved, "#ffffff") < READABLE + 1.5


def test_mixing_goes_from_one_color_to_the_other() -> None:
    assert mixed("#000000", "#ffffff", 0) == "#000000"
    assert mixed("#000000", "#ffffff", 1) == "#ffffff"
    assert mixed("#000000", "#ff8000", 0.5) == "#804000"


@given(COLORS, COLORS, COLORS, st.sampled_from([READABLE, WELL_READABLE]))
def test_any_color_becomes_readable_on_any_background(
    color: str, background: str, text: str, least: float
) -> None:
    assert contrast(readable(color, background, text, least), background) >= least


@given(COLORS, st.just("") | COLORS, COLORS, COLORS, st.sampled_from([READABLE, WELL_READABLE]))
def test_any_colors_make_a_readable_scheme(
    background: str, text: str, accent: str, error: str, least: float
) -> None:
    scheme = scheme_for(background, text, accent, error, least)
    for behind in (scheme.background, scheme.selection):
        assert contrast(scheme.text, behind) >= least
    assert contrast(scheme.error, background) >= least
    assert contrast(scheme.ghost, background) >= 2


@given(COLORS, COLORS, COLORS)
def test_hits_are_well_readable_and_look_like_nothing_else(
    background: str, selection: str, text: str
) -> None:
    back, front = hit_colors(background, selection, text)
    assert contrast(front, back) >= WELL_READABLE
    assert min(distance(back, background), distance(back, selection)) >= 45


def test_the_distance_of_colors_is_that_of_the_eye() -> None:
    assert distance("#123456", "#123456") == 0
    assert distance("#000000", "#ffffff") == pytest.approx(765, abs=1)
    assert distance("#000000", "#00ff00") > distance("#000000", "#0000ff")
