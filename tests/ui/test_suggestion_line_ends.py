"""A suggestion of several lines in a file with CRLF line ends."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad


def test_an_accepted_suggestion_gets_the_files_line_ends(
    starpad: Starpad, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"if x:\r\n    y()\r\nif z:")
    starpad.settings.change(suggestions_enabled=False)
    starpad.window.files.open([path])
    tabs = starpad.window.tabs
    qtbot.waitUntil(lambda: tabs.current is not None and tabs.current.document.path == path)
    tab = tabs.current
    assert tab is not None
    tab.editor.moveCursor(QTextCursor.MoveOperation.End)
    tab.suggestions.ghost.show("\n    y()\n    w()")
    qtbot.keyClick(tab.editor, Qt.Key.Key_Tab)
    starpad.window.files.save(tab)
    whole = b"if x:\r\n    y()\r\nif z:\r\n    y()\r\n    w()"
    qtbot.waitUntil(lambda: path.read_bytes().rstrip() == whole)
