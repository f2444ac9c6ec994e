"""Bytes that are no text are seen as what they are, and stay as they are."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.raw_bytes import RawBytes

DATA = "é 😀 ".encode() + b"a\xffb \x80\n" + "naïve\n".encode()


def _open(starpad: Starpad, path: Path, data: bytes) -> tuple[EditorTab, RawBytes]:
    path.write_bytes(data)
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    layer = tab.editor.findChild(RawBytes)
    assert layer is not None
    return tab, layer


def _width(tab: EditorTab, position: int) -> int:
    """Return the width of the character behind a position."""
    cursor = tab.editor.textCursor()
    cursor.setPosition(position)
    left = tab.editor.cursorRect(cursor).left()
    cursor.setPosition(position + 1)
    return tab.editor.cursorRect(cursor).left() - left


def _shown(layer: RawBytes) -> bytes:
    QApplication.processEvents()
    image = layer.grab().toImage()
    return bytes(image.constBits())


def test_a_byte_has_room_for_its_number(starpad: Starpad, tmp_path: Path, qtbot: QtBot) -> None:
    tab, layer = _open(starpad, tmp_path / "a.py", DATA)
    assert layer.isVisible()
    first, second = tab.editor.text().index("\uefff") + 1, tab.editor.text().index("\uef80") + 1
    usual = _width(tab, 0)
    qtbot.waitUntil(
        lambda: _width(tab, first) > 2 * usual
    )  # a character of two units stands before
    assert _width(tab, second) == _width(tab, first)
    before = _shown(layer)
    tab.editor.selectAll()
    assert _shown(layer) != before
    tab.editor.zoom_requested.emit(4)
    qtbot.waitUntil(lambda: _width(tab, first) > 2 * _width(tab, 0) > 2 * usual)


def test_what_is_typed_beside_them_changes_no_byte(starpad: Starpad, tmp_path: Path) -> None:
    tab, _ = _open(starpad, tmp_path / "a.py", DATA)
    QTest.keyClick(tab.editor, Qt.Key.Key_End)
    QTest.keyClicks(tab.editor, "x")
    assert starpad.window.files.save(tab)
    assert (tmp_path / "a.py").read_bytes() == DATA.replace(b"\x80\n", b"\x80x\n")


def test_without_such_bytes_nothing_lies_over_the_text(starpad: Starpad, tmp_path: Path) -> None:
    _, layer = _open(starpad, tmp_path / "a.py", "a \uef80 of its own\n".encode())
    assert not layer.isVisible()
