"""What all windows look like, light and dark: the palette and the style sheet."""

from dataclasses import asdict, dataclass
from string import Template

from PySide6.QtGui import QColor, QPalette

from starpad.core.editor_styles import mixed
from starpad.core.paths import resource


@dataclass(frozen=True, slots=True)
class ApplicationScheme:
    """What light and dark differ in; every other color is mixed from these."""

    name: str
    style: str
    """The Pygments style whose colors fit."""
    background: str
    text: str
    window: str
    accent: str
    on_accent: str
    error: str
    warning: str

    def mixed(self, back: str, front: str, share: float) -> str:
        """Return `back` with `share` (0 to 1) of `front` in it; both name fields."""
        return mixed(getattr(self, back), getattr(self, front), share)

    @property
    def raised(self) -> str:
        """The color of what stands out from the window: buttons, tips, messages."""
        return self.mixed("background", "text", 0.08 if self is DARK else 0.02)


LIGHT = ApplicationScheme(
    name="light",
    style="lovelace",
    background="#ffffff",
    text="#24292f",
    window="#f4f5f7",
    accent="#2f5bd0",
    on_accent="#ffffff",
    error="#c62828",
    warning="#9a6700",
)
DARK = ApplicationScheme(
    name="dark",
    style="lightbulb",
    background="#1b1f2a",
    text="#d5d9e0",
    window="#14171f",
    accent="#7aa7ff",
    on_accent="#0e1420",
    error="#f4766f",
    warning="#e0b050",
)


def palette(scheme: ApplicationScheme) -> QPalette:
    """Return the colors that widgets paint with where the style sheet says nothing."""
    role, disabled = QPalette.ColorRole, QPalette.ColorGroup.Disabled
    muted = scheme.mixed("window", "text", 0.5)
    result = QPalette(QColor(scheme.raised), QColor(scheme.window))
    for roles, color in (
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), scheme.text),
        ((role.Base,), scheme.background),
        ((role.AlternateBase, role.ToolTipBase), scheme.raised),
        ((role.Highlight, role.Accent), scheme.accent),
        ((role.HighlightedText,), scheme.on_accent),
        ((role.Link, role.LinkVisited), scheme.accent),
        ((role.PlaceholderText,), scheme.mixed("window", "text", 0.65)),
    ):
        for each in roles:
            result.setColor(each, QColor(color))
    for each in (role.WindowText, role.Text, role.ButtonText, role.PlaceholderText):
        result.setColor(disabled, each, QColor(muted))
    result.setColor(disabled, role.Highlight, QColor(muted))
    return result


def style_sheet(template: Template, scheme: ApplicationScheme) -> str:
    """Return app.qss with the scheme's colors in it."""
    mixes = {
        "raised": scheme.raised,
        "separator": scheme.mixed("window", "text", 0.12),
        "border": scheme.mixed("window", "text", 0.22),
        "hover": scheme.mixed("window", "text", 0.08),
        "pressed": scheme.mixed("window", "text", 0.15),
        "muted": scheme.mixed("window", "text", 0.65),
        "disabled": scheme.mixed("window", "text", 0.5),
        "handle": scheme.mixed("background", "text", 0.22),
        "handle_hover": scheme.mixed("background", "text", 0.4),
        "accent_hover": scheme.mixed("accent", "text", 0.15),
        "selected": scheme.mixed("background", "accent", 0.22),
    }
    return template.substitute(
        asdict(scheme),
        **mixes,
        check_icon=resource(f"themes/check-{scheme.name}.svg").as_posix(),
        close_icon=resource("themes/close.svg").as_posix(),
    )
