"""Large files come into the editor piece by piece, and no half of one is taken for the whole."""

import os
import signal
from pathlib import Path

import psutil
import pytest
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.languages import Language
from starpad.highlighting import lexing
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
    assert tab._loader is not None
    tab._loader._timer.stop()  # else it comes along while the file is read
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


# -- colors ----------------------------------------------------------------------------------------

CODE = "def f(x):  # naïve\n    return 'x' + None\n\n" * 12_000


@pytest.fixture
def code_tab(starpad: Starpad, tmp_path: Path) -> EditorTab:
    path = tmp_path / "large.py"
    path.write_text(CODE, encoding="utf-8")
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    assert tab.is_loading
    return tab


def has_colors(tab: EditorTab, alias: str) -> bool:
    """Whether the highlighter knows what a fresh lex of the text says."""
    held = tab._highlighter._store.lines
    if None in held:  # a fresh lex takes a while
        return False
    lexer = lexing.lexer_for(alias, "", "")
    return held == list(lexing.lex(lexer, tab.editor.text().split("\n")))


def test_what_is_on_screen_has_colors_before_all_of_the_file_is_there(
    qtbot: QtBot, code_tab: EditorTab
) -> None:
    layout = code_tab.editor.document().firstBlock().layout()
    assert code_tab._loader is not None
    code_tab._loader._timer.stop()
    qtbot.waitUntil(lambda: bool(layout.formats()), timeout=20_000)
    assert code_tab.is_loading
    code_tab._loader._timer.start()
    qtbot.waitUntil(lambda: not code_tab.is_loading, timeout=20_000)
    qtbot.waitUntil(lambda: has_colors(code_tab, "python"), timeout=20_000)
    code_tab.editor.insertPlainText("'x' # y\n")
    qtbot.waitUntil(lambda: has_colors(code_tab, "python"), timeout=20_000)


def test_typing_as_soon_as_the_file_is_there_ends_in_the_right_colors(
    qtbot: QtBot, code_tab: EditorTab
) -> None:
    code_tab.finish_loading()
    code_tab.editor.insertPlainText('"""\'x\' # y\n')
    code_tab.editor.moveCursor(QTextCursor.MoveOperation.End)
    code_tab.editor.insertPlainText("'x' # y\nz")
    qtbot.waitUntil(lambda: has_colors(code_tab, "python"), timeout=20_000)


def test_a_host_that_dies_meanwhile_costs_no_colors(qtbot: QtBot, code_tab: EditorTab) -> None:
    [host] = [p for p in psutil.Process().children() if "--highlight-host" in p.cmdline()]
    os.kill(host.pid, signal.SIGTERM)
    qtbot.waitUntil(lambda: has_colors(code_tab, "python"), timeout=20_000)
    assert not code_tab.is_loading


def test_a_language_chosen_meanwhile_counts(qtbot: QtBot, code_tab: EditorTab) -> None:
    code_tab.choose_language(Language("ruby", "Ruby"))
    qtbot.waitUntil(lambda: not code_tab.is_loading, timeout=20_000)
    qtbot.waitUntil(lambda: has_colors(code_tab, "ruby"), timeout=20_000)
    assert code_tab.language.name == "Ruby"


def test_a_modeline_at_the_end_is_seen_at_once(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_text(CODE + "# vim: ft=ruby\n", encoding="utf-8")
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    assert tab.is_loading
    assert tab.language.alias == "ruby"


def test_a_hundred_thousand_empty_lines_come_in_pieces(
    starpad: Starpad, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "empty lines.txt"
    path.write_text("\n" * 100_000 + "x" * 40_000 + "\n" * 50_000, encoding="utf-8")
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    assert tab.is_loading
    most, count = 0, tab.editor.blockCount()
    assert count < 20_000
    while tab.is_loading:
        qtbot.wait(1)
        most, count = max(most, tab.editor.blockCount() - count), tab.editor.blockCount()
    assert most < 60_000
    assert tab.editor.text() == path.read_text(encoding="utf-8")
