"""The menus do what they say, on the running application."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.settings import Settings, ThemeChoice
from starpad.ui.about_dialog import AboutDialog
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.keymap_dialog import KeymapDialog
from starpad.ui.settings.settings_dialog import SettingsDialog
from starpad.ui.text_dialog import TextDialog


def _do(starpad: Starpad, action: ActionId) -> None:
    starpad.window.actions_by_id[action].trigger()


def _tab(starpad: Starpad) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def _status_texts(starpad: Starpad) -> list[str]:
    found = starpad.window.status.findChildren(QWidget)
    return [each.text() for each in found if isinstance(each, QLabel | QToolButton)]


def test_zoom_changes_the_font_and_reset_brings_it_back(starpad: Starpad) -> None:
    size = _tab(starpad).editor.font().pointSize()
    _do(starpad, ActionId.ZOOM_IN)
    assert _tab(starpad).editor.font().pointSize() == size + 1
    _do(starpad, ActionId.ZOOM_OUT)
    _do(starpad, ActionId.ZOOM_OUT)
    assert _tab(starpad).editor.font().pointSize() == size - 1
    _do(starpad, ActionId.ZOOM_RESET)
    assert _tab(starpad).editor.font().pointSize() == size


def test_wrap_shows_a_long_line_on_several_rows(starpad: Starpad) -> None:
    editor = _tab(starpad).editor
    editor.setPlainText("word " * 1000)
    _do(starpad, ActionId.TOGGLE_WRAP)
    assert starpad.settings.current.wrap_lines
    assert editor.document().firstBlock().layout().lineCount() > 1
    _do(starpad, ActionId.TOGGLE_WRAP)
    assert editor.document().firstBlock().layout().lineCount() == 1


def test_the_editor_takes_the_whole_color_scheme(starpad: Starpad) -> None:
    starpad.settings.change(theme=ThemeChoice.LIGHT, style_light="monokai")
    viewport = _tab(starpad).editor.viewport()
    corner = viewport.grab().toImage().pixelColor(viewport.width() - 5, viewport.height() - 5)
    assert corner.name() == "#272822"


def test_suggestions_can_be_switched_off_and_on(starpad: Starpad) -> None:
    _do(starpad, ActionId.TOGGLE_SUGGESTIONS)
    assert not starpad.completion.options.is_enabled
    _do(starpad, ActionId.TOGGLE_SUGGESTIONS)
    assert starpad.completion.options.is_enabled


def test_a_language_can_be_switched_off_and_on(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text("x = 1\n")
    starpad.window.files.open([path])
    toggle = starpad.window.actions_by_id[ActionId.TOGGLE_LANGUAGE_SUGGESTIONS]
    assert toggle.isChecked()
    toggle.trigger()
    assert starpad.completion.options.off_languages == ("python",)
    assert not toggle.isChecked()
    toggle.trigger()
    assert starpad.completion.options.off_languages == ()


def test_the_status_bar_tells_of_the_document_and_the_caret(
    starpad: Starpad, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "file.rs"
    path.write_bytes(b"\xef\xbb\xbffn main() {}\r\n")
    starpad.window.files.open([path])
    _tab(starpad).editor.moveCursor(_tab(starpad).editor.textCursor().MoveOperation.End)
    qtbot.waitUntil(lambda: "Ln 2, Col 1" in _status_texts(starpad))
    texts = _status_texts(starpad)
    assert "Rust" in texts
    assert {"UTF-8 BOM", "CRLF"} <= set(texts)


def test_tabs_are_walked_in_a_circle(starpad: Starpad) -> None:
    first = _tab(starpad)
    second = starpad.window.files.new()
    _do(starpad, ActionId.NEXT_TAB)
    assert _tab(starpad) is first
    _do(starpad, ActionId.PREVIOUS_TAB)
    assert _tab(starpad) is second


def test_closing_the_last_tab_leaves_an_empty_one(starpad: Starpad) -> None:
    closed = _tab(starpad)
    _do(starpad, ActionId.CLOSE_TAB)
    assert starpad.window.tabs.count() == 1
    assert _tab(starpad) is not closed


@pytest.mark.parametrize(
    ("action", "kind", "text"),
    [
        (ActionId.SETTINGS, SettingsDialog, ""),
        (ActionId.SHORTCUTS, KeymapDialog, ""),
        (ActionId.SHOW_ENGINE_LOG, TextDialog, "model loaded"),
        (ActionId.ABOUT, AboutDialog, ""),
    ],
)
def test_dialogs_open(
    starpad: Starpad, qtbot: QtBot, action: ActionId, kind: type[QDialog], text: str
) -> None:
    _do(starpad, action)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, kind)
    if text:
        qtbot.mouseClick(_button(dialog, "Copy"), Qt.MouseButton.LeftButton)
        assert text in QGuiApplication.clipboard().text()
    dialog.reject()


def _button(dialog: QDialog, text: str) -> QPushButton:
    return next(b for b in dialog.findChildren(QPushButton) if b.text() == text)


def test_a_dropped_file_opens(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "dropped.py"
    path.write_text("x\n")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    none = Qt.KeyboardModifier.NoModifier
    viewport = _tab(starpad).editor.viewport()
    QApplication.sendEvent(viewport, QDragEnterEvent(QPoint(5, 5), *how, none))
    QApplication.sendEvent(viewport, QDropEvent(QPointF(5, 5), *how, none))
    assert _tab(starpad).document.path == path


def test_every_setting_of_suggestions_reaches_the_service() -> None:
    settings = Settings()
    options = settings.completion_options
    assert options.max_tokens == settings.suggestion_max_tokens
    assert options.max_lines == settings.suggestion_max_lines
    assert options.time_budget_ms == settings.suggestion_time_budget_ms
    assert options.budget_tokens == settings.prompt_budget_tokens
    assert options.sampling.temperature == settings.suggestion_temperature
    assert options.pause_ms == settings.suggestion_pause_ms
