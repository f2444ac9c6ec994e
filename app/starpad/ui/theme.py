"""Light and dark: the application's look, the editor's colors, the formats of token types."""

from dataclasses import dataclass
from string import Template

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QTextCharFormat
from PySide6.QtWidgets import QApplication

from starpad.core.editor_styles import (
    OWN,
    READABLE,
    WELL_READABLE,
    EditorScheme,
    mixed,
    scheme_for,
)
from starpad.core.paths import resource
from starpad.core.settings import ThemeChoice
from starpad.ui import application_look
from starpad.ui.application_look import DARK, LIGHT, ApplicationScheme
from starpad.ui.token_formats import FormatRanges, TokenFormats, colors_of


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
class CodeStyles:
    """The color schemes of code: two names of core/editor_styles.py, and how much they differ."""

    light: str = OWN
    dark: str = OWN
    has_more_contrast: bool = False


class Theme(QObject):
    """The application's one theme; it gives the whole application its look."""

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._choice = ThemeChoice.SYSTEM
        self._styles = CodeStyles()
        self._scheme: ApplicationScheme | None = None
        self._shipped_families = _add_shipped_fonts()
        self._sheet = Template(resource("themes/app.qss").read_text(encoding="utf-8"))
        application.setStyle("Fusion")
        application.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @property
    def is_dark(self) -> bool:
        """Whether the dark colors are in use."""
        return self._scheme is DARK

    def set_choice(self, choice: ThemeChoice) -> None:
        """Use light or dark colors, or what the desktop uses, now and when it changes."""
        self._choice = choice
        asked = {ThemeChoice.LIGHT: Qt.ColorScheme.Light, ThemeChoice.DARK: Qt.ColorScheme.Dark}
        # Window frames and the desktop's own dialogs follow this.
        self._application.styleHints().setColorScheme(asked.get(choice, Qt.ColorScheme.Unknown))
        self._apply()

    def set_styles(self, styles: CodeStyles) -> None:
        """Color code so, from now on."""
        if styles != self._styles:
            self._styles = styles
            self._color_code()
            self.changed.emit()

    def format_for(self, token_type: str) -> QTextCharFormat:
        """Return the format of a Pygments token type such as `Name.Function`; do not change it."""
        return self._formats.format_for(token_type)

    @property
    def ranges(self) -> FormatRanges:
        """The same as ranges of a layout's text, for whole spans; do not change them."""
        return self._ranges

    def panel_format_for(self, token_type: str) -> QTextCharFormat:
        """Return the same for code outside of the editor, which has the window's background."""
        return self._panel_formats.format_for(token_type)

    def tint(self, share: float) -> QColor:
        """Return the window's background with `share` (0 to 1) of the text's color in it."""
        return QColor(mixed(self._panel.background, self._panel.text, share))

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
        scheme = DARK if is_dark else LIGHT
        if scheme is self._scheme:
            return
        self._scheme = scheme
        own = (scheme.background, scheme.text, scheme.accent, scheme.error)
        self._panel = scheme_for(*own, least=WELL_READABLE)
        self._panel_formats = TokenFormats(scheme.style, self._panel, WELL_READABLE)
        self.panel_colors = _editor_colors(self._panel)
        self._color_code()
        self._application.setPalette(application_look.palette(scheme))
        self._application.setStyleSheet(application_look.style_sheet(self._sheet, scheme))
        self.changed.emit()

    def _color_code(self) -> None:
        """Take the colors of the style that goes with light or dark."""
        scheme = DARK if self.is_dark else LIGHT
        style = self._styles.dark if self.is_dark else self._styles.light
        if style == OWN:
            self._formats, self.colors = self._panel_formats, self.panel_colors
        else:
            least = WELL_READABLE if self._styles.has_more_contrast else READABLE
            found = scheme_for(*colors_of(style), scheme.accent, scheme.error, least)
            self._formats = TokenFormats(style, found, least)
            self.colors = _editor_colors(found)
        self._ranges = FormatRanges(self._formats)


def _editor_colors(scheme: EditorScheme) -> EditorColors:
    return EditorColors(
        background=QColor(scheme.background),
        text=QColor(scheme.text),
        gutter_background=QColor(scheme.background),
        gutter_text=QColor(scheme.gutter_text),
        current_line=QColor(scheme.current_line),
        selection=QColor(scheme.selection),
        ghost=QColor(scheme.ghost),
        error=QColor(scheme.error),
    )


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
