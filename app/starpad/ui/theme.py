"""Light and dark: the application's look, the editor's colors, the formats of token types."""

from dataclasses import asdict, dataclass
from string import Template

from pygments.styles import get_style_by_name
from pygments.token import Error, Token, string_to_tokentype
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QPalette, QTextCharFormat
from PySide6.QtWidgets import QApplication

from starpad.core.paths import resource
from starpad.core.settings import ThemeChoice

TEXT_CONTRAST = 4.5
"""What WCAG 2 asks for normal text; paler colors of a Pygments style are mixed with the text's."""


@dataclass(frozen=True, slots=True)
class EditorColors:
    """The colors that the editor paints with."""

    background: QColor
    text: QColor
    gutter_background: QColor
    gutter_text: QColor
    current_line: QColor
    selection: QColor
    ghost: QColor
    error: QColor


@dataclass(frozen=True, slots=True)
class _Scheme:
    """What light and dark differ in; every other color is mixed from these."""

    name: str
    style: str
    background: str
    text: str
    window: str
    accent: str
    on_accent: str
    error: str
    warning: str

    def mixed(self, back: str, front: str, share: float) -> QColor:
        """Return `back` with `share` (0 to 1) of `front` in it; both name fields."""
        return _mixed(QColor(getattr(self, back)), QColor(getattr(self, front)), share)


_LIGHT = _Scheme(
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
_DARK = _Scheme(
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


class Theme(QObject):
    """The application's one theme; it gives the whole application its look."""

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._choice = ThemeChoice.SYSTEM
        self._scheme: _Scheme | None = None
        self._formats: dict[str, QTextCharFormat] = {}
        self._shipped_families = _add_shipped_fonts()
        self._sheet = Template(resource("themes/app.qss").read_text(encoding="utf-8"))
        application.setStyle("Fusion")
        application.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @property
    def is_dark(self) -> bool:
        """Whether the dark colors are in use."""
        return self._scheme is _DARK

    def set_choice(self, choice: ThemeChoice) -> None:
        """Use light or dark colors, or what the desktop uses, now and when it changes."""
        self._choice = choice
        asked = {ThemeChoice.LIGHT: Qt.ColorScheme.Light, ThemeChoice.DARK: Qt.ColorScheme.Dark}
        # Window frames and the desktop's own dialogs follow this.
        self._application.styleHints().setColorScheme(asked.get(choice, Qt.ColorScheme.Unknown))
        self._apply()

    def format_for(self, token_type: str) -> QTextCharFormat:
        """Return the format of a Pygments token type such as `Name.Function`; do not change it."""
        known = self._formats.get(token_type)
        if known is None:
            known = self._formats[token_type] = self._make_format(token_type)
        return known

    def tint(self, share: float) -> QColor:
        """Return the background's color with `share` (0 to 1) of the text's in it."""
        return _mixed(self.colors.background, self.colors.text, share)

    def ghost_format(self) -> QTextCharFormat:
        """Return the format of ghost text: pale, and slanted so that it is not by color only."""
        result = QTextCharFormat()
        result.setForeground(self.colors.ghost)
        result.setFontItalic(True)
        return result

    def editor_font(self, family: str, size_pt: int) -> QFont:
        """Return `family`, or if it is empty or missing a monospaced font that is there."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        if family and QFontDatabase.hasFamily(family):
            font = QFont(family)
        elif self._shipped_families and not QFontInfo(font).fixedPitch():
            font = QFont(self._shipped_families[0])
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPointSize(size_pt)
        # Ligatures would show "->" as one sign, through which the caret then steps in the middle.
        font.setFeature(QFont.Tag("calt"), 0)
        font.setFeature(QFont.Tag("liga"), 0)
        return font

    @Slot()
    def _apply(self) -> None:
        hints = self._application.styleHints()
        is_dark = self._choice is ThemeChoice.DARK or (
            self._choice is ThemeChoice.SYSTEM and hints.colorScheme() is Qt.ColorScheme.Dark
        )
        scheme = _DARK if is_dark else _LIGHT
        if scheme is self._scheme:
            return
        self._scheme = scheme
        self._formats.clear()
        self._styles = dict(iter(get_style_by_name(scheme.style)))
        self.colors = _editor_colors(scheme)
        self._application.setPalette(_palette(scheme))
        self._application.setStyleSheet(self._sheet.substitute(_sheet_colors(scheme)))
        self.changed.emit()

    def _make_format(self, token_type: str) -> QTextCharFormat:
        kind = string_to_tokentype(token_type)
        result = QTextCharFormat()
        if kind is Error:
            result.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            result.setUnderlineColor(self.colors.error)
            return result
        while kind not in self._styles and kind.parent is not None:  # younger than the style
            kind = kind.parent
        look, plain = self._styles[kind], self._styles[Token]
        background = self.colors.background
        if look["bgcolor"]:
            background = QColor(f"#{look['bgcolor']}")
            result.setBackground(background)
        if look["color"] != plain["color"] or look["bgcolor"]:
            color = QColor(f"#{look['color']}") if look["color"] else self.colors.text
            result.setForeground(_readable(color, background, self.colors.text))
        if look["bold"]:
            result.setFontWeight(QFont.Weight.Bold)
        if look["italic"]:
            result.setFontItalic(True)
        if look["underline"]:
            result.setFontUnderline(True)
        return result


def contrast(one: QColor, other: QColor) -> float:
    """Return how well two colors differ, 1 to 21, as WCAG 2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: QColor) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (color.redF(), color.greenF(), color.blueF())
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(back: QColor, front: QColor, share: float) -> QColor:
    """Return `back` with `share` (0 to 1) of `front` in it."""
    return QColor(
        round(back.red() + (front.red() - back.red()) * share),
        round(back.green() + (front.green() - back.green()) * share),
        round(back.blue() + (front.blue() - back.blue()) * share),
    )


def _readable(color: QColor, background: QColor, text: QColor) -> QColor:
    """Return `color` with as little of `text` in it as TEXT_CONTRAST needs."""
    shares = (step / 10 for step in range(10))
    mixes = (_mixed(color, text, share) for share in shares)
    return next((c for c in mixes if contrast(c, background) >= TEXT_CONTRAST), text)


def _editor_colors(scheme: _Scheme) -> EditorColors:
    return EditorColors(
        background=QColor(scheme.background),
        text=QColor(scheme.text),
        gutter_background=QColor(scheme.background),
        gutter_text=scheme.mixed("background", "text", 0.42),
        current_line=scheme.mixed("background", "text", 0.05),
        selection=scheme.mixed("background", "accent", 0.28),
        ghost=scheme.mixed("background", "text", 0.45),
        error=QColor(scheme.error),
    )


def _palette(scheme: _Scheme) -> QPalette:
    role, disabled = QPalette.ColorRole, QPalette.ColorGroup.Disabled
    muted = scheme.mixed("window", "text", 0.5)
    palette = QPalette(_raised(scheme), QColor(scheme.window))
    for roles, color in (
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), QColor(scheme.text)),
        ((role.Base,), QColor(scheme.background)),
        ((role.AlternateBase, role.ToolTipBase), _raised(scheme)),
        ((role.Highlight, role.Accent), QColor(scheme.accent)),
        ((role.HighlightedText,), QColor(scheme.on_accent)),
        ((role.Link, role.LinkVisited), QColor(scheme.accent)),
        ((role.PlaceholderText,), scheme.mixed("window", "text", 0.65)),
    ):
        for each in roles:
            palette.setColor(each, color)
    for each in (role.WindowText, role.Text, role.ButtonText, role.PlaceholderText):
        palette.setColor(disabled, each, muted)
    palette.setColor(disabled, role.Highlight, muted)
    return palette


def _raised(scheme: _Scheme) -> QColor:
    """Return the color of what stands out from the window: buttons, tips, messages."""
    return scheme.mixed("background", "text", 0.08 if scheme is _DARK else 0.02)


def _sheet_colors(scheme: _Scheme) -> dict[str, str]:
    """Return what stands for the names in app.qss."""
    mixes = {
        "raised": _raised(scheme),
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
    return {
        **asdict(scheme),
        **{name: color.name() for name, color in mixes.items()},
        "check_icon": resource(f"themes/check-{scheme.name}.svg").as_posix(),
        "close_icon": resource("themes/close.svg").as_posix(),
    }


def _add_shipped_fonts() -> list[str]:
    """Make the fonts in `resources/fonts` known to Qt; return their families."""
    try:
        files = sorted(resource("fonts").glob("*.[ot]tf"))
    except FileNotFoundError:
        return []
    families: list[str] = []
    for file in files:
        families += QFontDatabase.applicationFontFamilies(
            QFontDatabase.addApplicationFont(str(file))
        )
    return families
