"""The color schemes for code, and what makes each of them readable. Colors are `#rrggbb`."""

import math
from dataclasses import dataclass

OWN = "starpad"
"""Starpad's own scheme: its light one or its dark one."""

READABLE = 3.0
"""The least contrast of code; what WCAG 2 asks for large text, and many schemes do not have."""
WELL_READABLE = 4.5
"""What WCAG 2 asks for normal text."""
_FAINT = 2.5
"""The least contrast of what is not the user's text: ghost text and line numbers."""

_HIT_HUES = ("#e0a000", "#40b060", "#d060c0")
_UNLIKE = 45.0
"""From what distance on two backgrounds are told apart at a glance."""

_DARK = (
    "coffee dracula fruity github-dark gruvbox-dark inkpot lightbulb material monokai native "
    "night-owl nord nord-darker one-dark paraiso-dark rrt solarized-dark stata-dark vim zenburn"
)
_LIGHT = (
    "abap algol algol_nu arduino autumn borland bw colorful default emacs friendly "
    "friendly_grayscale gruvbox-light igor lilypond lovelace manni murphy paraiso-light pastie "
    "perldoc rainbow_dash sas solarized-light staroffice stata-light tango trac vs xcode"
)
DARK_STYLES = tuple(_DARK.split())
LIGHT_STYLES = tuple(_LIGHT.split())
"""All of Pygments' styles, by their background; a test compares them with Pygments."""


@dataclass(frozen=True, slots=True)
class EditorScheme:
    """The colors of an editor besides those of its tokens."""

    background: str
    text: str
    gutter_text: str
    current_line: str
    selection: str
    ghost: str
    error: str


def choices(*, dark_first: bool) -> tuple[tuple[str, str], ...]:
    """Return the styles and their labels for a setting, Starpad's own before all."""
    first, then = (DARK_STYLES, LIGHT_STYLES) if dark_first else (LIGHT_STYLES, DARK_STYLES)
    return ((OWN, "Starpad"), *((name, _label(name)) for name in (*first, *then)))


def _label(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").capitalize()


def scheme_for(background: str, text: str, accent: str, error: str, least: float) -> EditorScheme:
    """Return the scheme that two colors and the desktop's accent make.

    Styles name colors for the current line and the selection, too, but in many of them text is
    unreadable on these. `text` may be empty: then it is black or white. `least` is the contrast
    that text must have, also where it is selected.
    """
    text = readable(text or strongest_on(background), background, strongest_on(background), least)
    faint = max(_FAINT, least - 1)
    shares = (share / 100 for share in range(28, 0, -4))
    selections = (mixed(background, accent, share) for share in shares)
    away = mixed(background, strongest_on(text), 0.4)
    return EditorScheme(
        background=background,
        text=text,
        gutter_text=readable(mixed(background, text, 0.42), background, text, faint),
        current_line=mixed(background, text, 0.05),
        selection=next((c for c in selections if contrast(text, c) >= least), away),
        ghost=readable(mixed(background, text, 0.45), background, text, faint),
        error=readable(error, background, text, least),
    )


def hit_colors(background: str, selection: str, text: str) -> tuple[str, str]:
    """Return what is behind the hits of a search, and their text, which is well readable there.

    Hits look neither like the other text nor like what is selected, as the current hit is.
    """
    shares = (share / 100 for share in range(30, 100, 10))
    backs = (mixed(background, hue, share) for share in shares for hue in _HIT_HUES)
    back = next(
        back
        for back in backs
        if min(distance(back, background), distance(back, selection)) >= _UNLIKE
    )
    return back, readable(text, back, strongest_on(back), WELL_READABLE)


def distance(one: str, other: str) -> float:
    """Return how unlike two colors look, 0 to about 765 (the "redmean" formula)."""
    pairs = list(zip(_channels(one), _channels(other), strict=True))
    red, green, blue = ((a - b) ** 2 for a, b in pairs)
    mean = sum(pairs[0]) / 2
    return math.sqrt((2 + mean / 256) * red + 4 * green + (2 + (255 - mean) / 256) * blue)


def contrast(one: str, other: str) -> float:
    """Return how well two colors differ, 1 to 21, as WCAG 2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(back: str, front: str, share: float) -> str:
    """Return `back` with `share` (0 to 1) of `front` in it."""
    pairs = zip(_channels(back), _channels(front), strict=True)
    return "#" + "".join(f"{round(b + (f - b) * share):02x}" for b, f in pairs)


def readable(color: str, background: str, text: str, least: float) -> str:
    """Return `color` with as little of `text` in it as a contrast of `least` needs.

    Where not even `text` has it, as on a token's own background, black or white is returned.
    """
    shares = (step / 10 for step in range(11))
    mixes = (mixed(color, text, share) for share in shares)
    enough = (mix for mix in mixes if contrast(mix, background) >= least)
    return next(enough, strongest_on(background))


def strongest_on(background: str) -> str:
    """Return black or white, whichever stands out more."""
    return max("#000000", "#ffffff", key=lambda color: contrast(color, background))


def _luminance(color: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
