"""A file that another program changes: followed, asked about, compared; no text goes unasked."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.diff_dialog import DiffDialog
from starpad.ui.editor.editor_tab import EditorTab


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.py"
    path.write_text("".join(f"line {n}\n" for n in range(300)))
    return path


def _open(starpad: Starpad, path: Path) -> EditorTab:
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def test_a_reload_keeps_caret_and_lines_on_screen(
    starpad: Starpad, qtbot: QtBot, path: Path
) -> None:
    tab = _open(starpad, path)
    caret = tab.editor.text().index("line 210")
    tab.place(caret, caret, 200)
    path.write_text("one more\n" * 5 + path.read_text())
    qtbot.waitUntil(lambda: tab.editor.text().startswith("one more"), timeout=5000)
    assert tab.editor.textCursor().block().text() == "line 210"
    assert next(tab.editor.visible_blocks())[0].text() == "line 200"
    tab.editor.undo()
    assert tab.editor.text().startswith("line 0\n")


def test_both_versions_are_compared_and_what_is_accepted_is_taken_over(
    starpad: Starpad, qtbot: QtBot, path: Path
) -> None:
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("mine "))
    path.write_text(path.read_text().replace("line 250", "theirs"))
    bar = starpad.window.messages
    qtbot.waitUntil(
        lambda: any("changed on disk" in note.message for note in bar.notifications), timeout=5000
    )
    [note] = [note for note in bar.notifications if "changed on disk" in note.message]
    next(action for action in note.actions if action.text == "Compare").callback()
    [dialog] = starpad.window.findChildren(DiffDialog)
    dialog.applied.emit(tab.editor.text().replace("line 250", "theirs"))
    dialog.close()
    dialog.deleteLater()
    assert tab.editor.text().startswith("mine line 0\n")
    assert "theirs\n" in tab.editor.text()
    assert tab.is_modified
