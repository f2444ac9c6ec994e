"""Large files come into the editor piece by piece, and no half of one is taken for the whole."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.editor.editor_tab import EditorTab

TEXT = "".join(f"line {n} 😀 naïve\u00a0x\n" for n in range(60_000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "large.txt"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    return path


@pytest.fixture
def tab(starpad: Starpad, path: Path) -> EditorTab:
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    assert tab.is_loading
    assert tab.editor.isReadOnly()
    return tab


def test_a_large_file_is_there_in_the_end_and_unchanged(
    starpad: Starpad, qtbot: QtBot, tab: EditorTab
) -> None:
    assert tab.editor.text().startswith("line 0 ")
    assert not tab.is_modified
    qtbot.waitUntil(lambda: not tab.is_loading, timeout=20_000)
    assert tab.editor.text() == TEXT
    assert not tab.is_modified
    assert not tab.editor.isReadOnly()
    assert not tab.editor.document().isUndoAvailable()
    assert tab.editor.textCursor().position() == 0
    tab.editor.edit(lambda cursor: cursor.insertText("x"))
    assert tab.is_modified
    tab.editor.undo()
    assert not tab.is_modified


def test_saving_meanwhile_writes_the_whole_file(
    starpad: Starpad, tab: EditorTab, path: Path
) -> None:
    before = path.read_bytes()
    path.write_bytes(b"")
    starpad.documents.reload(tab.document.id)
    path.write_bytes(before)
    tab.set_document(starpad.documents.reload(tab.document.id)[0])
    assert tab.is_loading
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == before
    assert not tab.is_loading


def test_closing_meanwhile_is_no_question(starpad: Starpad, qtbot: QtBot, tab: EditorTab) -> None:
    assert starpad.window.files.close(tab)
    assert starpad.window.tabs.tabs[0].document.path is None
    qtbot.wait(100)


def test_a_reload_meanwhile_takes_the_new_text(
    starpad: Starpad, tab: EditorTab, path: Path
) -> None:
    path.write_text("short\n")
    starpad.window.files.reload(tab)
    assert (tab.editor.text(), tab.is_loading, tab.is_modified) == ("short\n", False, False)


def test_the_caret_is_placed_when_its_line_is_there(qtbot: QtBot, tab: EditorTab) -> None:
    tab.place(1_000_000, 1_000_000, 50_000)
    assert tab.is_loading
    qtbot.waitUntil(lambda: not tab.is_loading, timeout=20_000)
    assert tab.editor.textCursor().position() == 1_000_000
    assert next(tab.editor.visible_blocks())[0].blockNumber() == 50_000
