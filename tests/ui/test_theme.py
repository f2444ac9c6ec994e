"""Light and dark are readable, complete, and follow the choice."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from pygments.styles import get_all_styles, get_style_by_name
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontInfo, QPalette, QStyleHints, QTextCharFormat
from PySide6.QtWidgets import QApplication, QMainWindow, QTabWidget
from pytestqt.qtbot import QtBot

from starpad.core import editor_styles
from starpad.core.editor_styles import OWN, READABLE
from starpad.core.editor_styles import WELL_READABLE as TEXT_CONTRAST
from starpad.core.paths import resource
from starpad.core.settings import ThemeChoice
from starpad.ui import theme as theme_module
from starpad.ui.theme import CodeStyles, EditorColors, Theme

TOKEN_TYPES = (
    *("Comment", "Comment.Multiline", "Comment.Preproc", "Keyword", "Keyword.Type", "Name"),
    *("Name.Function", "Name.Class", "Name.Builtin", "Name.Decorator", "Name.Tag"),
    *("Name.Attribute", "Name.Namespace", "Literal.Number", "Literal.String"),
    *("Literal.String.Doc", "Literal.String.Escape", "Operator", "Operator.Word", "Punctuation"),
    *("Generic.Deleted", "Generic.Inserted", "Generic.Heading"),
)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    style, palette = qapp.style().objectName(), QPalette(qapp.palette())
    theme = Theme(qapp)
    yield theme
    theme.set_choice(ThemeChoice.SYSTEM)
    theme.setParent(None)
    qapp.setStyleSheet("")
    qapp.setPalette(palette)
    qapp.setStyle(style)


def contrast(one: QColor, other: QColor) -> float:
    return editor_styles.contrast(one.name(), other.name())


def foreground(theme: Theme, token_type: str) -> QColor:
    text_format = theme.format_for(token_type)
    has_color = text_format.hasProperty(QTextCharFormat.Property.ForegroundBrush)
    return text_format.foreground().color() if has_color else theme.colors.text


def background(theme: Theme, token_type: str) -> QColor:
    brush = theme.format_for(token_type).background()
    is_filled = brush.style() != Qt.BrushStyle.NoBrush
    return brush.color() if is_filled else theme.colors.background


def all_token_types(style: str) -> list[str]:
    return [str(kind).removeprefix("Token.") for kind, _ in get_style_by_name(style)][1:]


@pytest.mark.parametrize(("has_more_contrast", "least"), [(False, READABLE), (True, TEXT_CONTRAST)])
@pytest.mark.parametrize("style", sorted(get_all_styles()))
def test_every_style_of_pygments_is_readable(
    theme: Theme, style: str, has_more_contrast: bool, least: float
) -> None:
    for choice in (ThemeChoice.LIGHT, ThemeChoice.DARK):
        theme.set_choice(choice)
        theme.set_styles(CodeStyles(style, style, has_more_contrast))
        colors = theme.colors
        for token_type in all_token_types(style):
            found = contrast(foreground(theme, token_type), background(theme, token_type))
            assert found >= least, token_type
        assert contrast(colors.text, colors.background) >= least
        assert contrast(colors.text, colors.selection) >= least
        assert colors.selection != colors.background
        assert contrast(colors.error, colors.background) >= least
        assert contrast(colors.ghost, colors.background) >= 2.5
        assert contrast(colors.gutter_text, colors.background) >= 2.5
        assert 1 < contrast(colors.current_line, colors.background) < 1.25


def test_a_pair_of_styles_follows_light_and_dark_and_leaves_the_window_alone(
    theme: Theme, qapp: QApplication, qtbot: QtBot
) -> None:
    theme.set_choice(ThemeChoice.LIGHT)
    sheet, panel = qapp.styleSheet(), theme.panel_format_for("Keyword")
    with qtbot.waitSignal(theme.changed):
        theme.set_styles(CodeStyles("tango", "monokai"))
    assert theme.colors.background.name() == "#f8f8f8"
    assert qapp.styleSheet() == sheet
    assert theme.panel_format_for("Keyword") == panel
    assert theme.panel_colors.background.name() == "#ffffff"
    theme.set_choice(ThemeChoice.DARK)
    assert theme.colors.background.name() == "#272822"
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_styles(CodeStyles("tango", "monokai"))
    theme.set_styles(CodeStyles(OWN, OWN))
    assert theme.colors == theme.panel_colors


@pytest.mark.parametrize("choice", [ThemeChoice.LIGHT, ThemeChoice.DARK])
def test_all_text_is_readable_on_its_background(theme: Theme, choice: ThemeChoice) -> None:
    theme.set_choice(choice)
    colors = theme.colors
    for token_type in TOKEN_TYPES:
        found = contrast(foreground(theme, token_type), background(theme, token_type))
        assert found >= TEXT_CONTRAST, token_type
    assert contrast(colors.text, colors.background) >= 7
    assert contrast(colors.text, colors.selection) >= TEXT_CONTRAST
    assert contrast(colors.text, colors.current_line) >= 7
    assert contrast(colors.error, colors.background) >= TEXT_CONTRAST
    assert contrast(colors.ghost, colors.background) >= 2.5
    assert contrast(colors.ghost, colors.background) < contrast(colors.text, colors.background) / 2


@pytest.mark.parametrize("choice", [ThemeChoice.LIGHT, ThemeChoice.DARK])
def test_widgets_are_readable_in_the_palette(
    theme: Theme, qapp: QApplication, choice: ThemeChoice
) -> None:
    theme.set_choice(choice)
    palette, role = qapp.palette(), QPalette.ColorRole
    for front, behind in (
        (role.WindowText, role.Window), (role.Text, role.Base), (role.ButtonText, role.Button),
        (role.HighlightedText, role.Highlight), (role.Link, role.Window),
        (role.ToolTipText, role.ToolTipBase), (role.PlaceholderText, role.Base),
    ):  # fmt: skip
        ratio = contrast(palette.color(front), palette.color(behind))
        assert ratio >= TEXT_CONTRAST, (front, behind)
    is_dark = palette.color(role.Window).lightness() < 128
    assert is_dark == theme.is_dark == (choice is ThemeChoice.DARK)


def test_a_choice_changes_colors_formats_and_look_and_says_so_once(
    theme: Theme, qapp: QApplication, qtbot: QtBot
) -> None:
    theme.set_choice(ThemeChoice.LIGHT)
    light, keyword, sheet = theme.colors, foreground(theme, "Keyword"), qapp.styleSheet()
    with qtbot.waitSignal(theme.changed):
        theme.set_choice(ThemeChoice.DARK)
    assert foreground(theme, "Keyword") != keyword
    assert qapp.styleSheet() != sheet
    assert all(
        getattr(theme.colors, f.name) != getattr(light, f.name) for f in fields(EditorColors)
    )
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_choice(ThemeChoice.DARK)


def test_the_system_choice_follows_the_desktop_and_a_fixed_one_does_not(
    theme: Theme, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = qapp.styleHints()
    monkeypatch.setattr(QStyleHints, "colorScheme", lambda _hints: Qt.ColorScheme.Dark)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.is_dark
    theme.set_choice(ThemeChoice.LIGHT)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert not theme.is_dark
    theme.set_choice(ThemeChoice.SYSTEM)
    assert theme.is_dark
    monkeypatch.setattr(QStyleHints, "colorScheme", lambda _hints: Qt.ColorScheme.Unknown)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Unknown)
    assert not theme.is_dark


def test_a_token_type_younger_than_the_style_looks_like_its_parent(theme: Theme) -> None:
    assert theme.format_for("Keyword.Brand.New") == theme.format_for("Keyword")
    assert theme.format_for("Brand.New").isEmpty()


def test_errors_are_underlined_and_ghost_text_is_slanted_not_only_colored(theme: Theme) -> None:
    error = theme.format_for("Error")
    assert error.underlineStyle() == QTextCharFormat.UnderlineStyle.WaveUnderline
    assert theme.ghost_format().fontItalic()


def test_plain_names_have_no_format_so_that_nothing_is_set_for_them(theme: Theme) -> None:
    for choice in (ThemeChoice.LIGHT, ThemeChoice.DARK):
        theme.set_choice(choice)
        assert theme.format_for("Name").isEmpty()


def test_the_editor_font_is_monospaced_whatever_is_asked_for(theme: Theme) -> None:
    for family in ("", "No Such Family"):
        font = theme.editor_font(family, 13)
        assert font.pointSize() == 13
        assert QFontInfo(font).fixedPitch()
    shipped = theme.editor_font("JetBrains Mono", 9)
    assert QFontInfo(shipped).family() == "JetBrains Mono"


def test_the_style_sheet_has_no_name_left_and_qt_understands_all_of_it(
    theme: Theme, qapp: QApplication, qtbot: QtBot
) -> None:
    # A mistake in the sheet is a Qt warning, which fails the test.
    for choice in (ThemeChoice.DARK, ThemeChoice.LIGHT):
        theme.set_choice(choice)
        window, tabs = QMainWindow(), QTabWidget()
        qtbot.addWidget(window)
        window.setCentralWidget(tabs)
        window.show()
        assert "$" not in qapp.styleSheet()
        assert Path(resource("themes/close.svg")).as_posix() in qapp.styleSheet()


def test_it_starts_without_shipped_fonts(
    theme: Theme, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def without_fonts(name: str) -> Path:
        if name == "fonts":
            raise FileNotFoundError
        return resource(name)

    monkeypatch.setattr(theme_module, "resource", without_fonts)
    assert Theme(qapp).editor_font("", 10).pointSize() == 10
