"""Finding in a folder, on the running application."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core.editor_styles import hit_colors
from starpad.core.errors import FileError
from starpad.core.folder_search import Progress
from starpad.services.folder_search import SearchEnd
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.folder_search import FolderSearchView
from starpad.ui.hit_delegate import HIT_ROLE

_Role = QPalette.ColorRole


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text("import os\n\nneedle = '😀 needle'\n")
    (folder / "notes.md").write_text("A needle.\n")
    (folder / "other.txt").write_text("hay\n")
    return folder


@pytest.fixture
def view(starpad: Starpad, folder: Path) -> FolderSearchView:
    starpad.window.folders.open(folder)
    view = starpad.window.folder_search.view
    view.include.clear()
    view.exclude.clear()
    for box in (view._case, view._word, view._regex):
        box.setChecked(False)
    starpad.window.actions_by_id[ActionId.FIND_IN_FOLDER].trigger()
    assert view.text.hasFocus()
    return view


def _tab(starpad: Starpad) -> EditorTab:
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def _search(view: FolderSearchView, text: str, starpad: Starpad, qtbot: QtBot) -> None:
    view.text.setText(text)
    with qtbot.waitSignal(starpad.folder_search.ended, timeout=20_000):
        QTest.keyClick(view.text, Qt.Key.Key_Return)


def _shown(view: FolderSearchView) -> dict[str, list[str]]:
    tree = view.results
    files = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {
        item.text(0): [item.child(row).text(0) for row in range(item.childCount())]
        for item in files
    }


def test_hits_are_shown_by_file_and_enter_goes_to_one(
    starpad: Starpad, view: FolderSearchView, folder: Path, qtbot: QtBot
) -> None:
    _search(view, "needle", starpad, qtbot)
    assert _shown(view) == {
        "notes.md (1)": ["1: A needle."],
        "main.py (2)  src": ["3: needle = '😀 needle'", "3: needle = '😀 needle'"],
    }
    assert view.status.text() == "3 in 2 files."
    assert view.results.hasFocus()
    tree = view.results
    tree.setCurrentItem(tree.topLevelItem(1).child(1))
    QTest.keyClick(tree, Qt.Key.Key_Return)
    tab = _tab(starpad)
    assert tab.document.path == folder / "src" / "main.py"
    cursor = tab.editor.textCursor()
    assert cursor.selectedText() == "needle"
    assert (cursor.blockNumber(), cursor.selectionStart() - cursor.block().position()) == (2, 13)
    assert tab.editor.hasFocus()


def test_hits_are_marked_in_the_lines(
    starpad: Starpad, view: FolderSearchView, folder: Path, qtbot: QtBot
) -> None:
    (folder / "far.txt").write_text("=" * 50 + "😀needle\n")
    _search(view, "needle", starpad, qtbot)
    for row in range(view.results.topLevelItemCount()):
        for line in range(view.results.topLevelItem(row).childCount()):
            item = view.results.topLevelItem(row).child(line)
            start, length = item.data(0, HIT_ROLE)
            units = item.text(0).encode("utf-16-le")
            assert units[2 * start : 2 * (start + length)].decode("utf-16-le") == "needle"
    palette = view.results.palette()
    names = [palette.color(role).name() for role in (_Role.Base, _Role.Highlight, _Role.Text)]
    back, _front = hit_colors(*names)
    picture = view.results.viewport().grab().toImage()
    marked = 0
    for x in range(picture.width()):
        for y in range(picture.height()):
            marked += picture.pixelColor(x, y).name() == back
    assert marked > 100


def test_a_file_without_a_hit_any_more_is_opened_all_the_same(
    starpad: Starpad, view: FolderSearchView, folder: Path, qtbot: QtBot
) -> None:
    _search(view, "😀", starpad, qtbot)
    (folder / "src" / "main.py").write_text("x")
    item = view.results.topLevelItem(0).child(0)
    view.results.activated.emit(view.results.indexFromItem(item))
    assert _tab(starpad).document.path == folder / "src" / "main.py"


def test_a_hit_in_a_large_file_is_gone_to_when_it_is_there(
    starpad: Starpad, view: FolderSearchView, folder: Path, qtbot: QtBot
) -> None:
    (folder / "large.txt").write_text("hay\n" * 200_000 + "pin\n")
    _search(view, "pin", starpad, qtbot)
    item = view.results.topLevelItem(0).child(0)
    view.results.activated.emit(view.results.indexFromItem(item))
    tab = _tab(starpad)
    qtbot.waitUntil(lambda: not tab.is_loading, timeout=20_000)
    assert tab.editor.textCursor().selectedText() == "pin"


def test_unsaved_text_counts(
    starpad: Starpad, view: FolderSearchView, folder: Path, qtbot: QtBot
) -> None:
    starpad.window.files.open([folder / "other.txt"])
    QTest.keyClicks(_tab(starpad).editor, "needle in ")
    _search(view, "needle in", starpad, qtbot)
    assert _shown(view) == {"other.txt (1)": ["1: needle in hay"]}


def test_the_selection_is_looked_for(starpad: Starpad, view: FolderSearchView) -> None:
    tab = starpad.window.files.new()
    QTest.keyClicks(tab.editor, "word")
    tab.editor.selectAll()
    starpad.window.actions_by_id[ActionId.FIND_IN_FOLDER].trigger()
    assert view.text.text() == "word"
    assert view.text.selectedText() == "word"


def test_options_count_and_a_bad_expression_is_told(
    starpad: Starpad, view: FolderSearchView, qtbot: QtBot
) -> None:
    view._regex.setChecked(True)
    view.include.setText("*.md")
    _search(view, "n..dle", starpad, qtbot)
    assert list(_shown(view)) == ["notes.md (1)"]
    view.text.setText("(")
    QTest.keyClick(view.text, Qt.Key.Key_Return)
    assert view.status.text().startswith("This is no regular expression")
    assert not starpad.folder_search.is_running


def test_nothing_found_is_told(starpad: Starpad, view: FolderSearchView, qtbot: QtBot) -> None:
    _search(view, "nowhere to be seen", starpad, qtbot)
    assert view.status.text() == "Nothing found."
    assert _shown(view) == {}


def test_a_search_can_be_stopped(
    starpad: Starpad, view: FolderSearchView, folder: Path, qtbot: QtBot
) -> None:
    (folder / "a.txt").write_text("a" * 60)
    view._regex.setChecked(True)
    view.text.setText("(a+)+b")
    view.button.click()
    assert view.button.text() == "Stop"
    with qtbot.waitSignal(starpad.folder_search.ended):
        view.button.click()
    assert view.button.text() == "Find"
    assert view.status.text() == "Stopped; 0 found so far."


def test_without_a_folder_one_is_asked_for(
    fresh_starpad: Starpad, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    answers = ["", str(folder)]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: answers.pop(0))
    find = fresh_starpad.window.actions_by_id[ActionId.FIND_IN_FOLDER]
    find.trigger()
    assert not fresh_starpad.window.side_bar.isVisible()
    find.trigger()
    assert fresh_starpad.window.folder_search.view.isVisible()


def test_progress_and_ends_are_put_into_words(qtbot: QtBot) -> None:
    view = FolderSearchView()
    qtbot.addWidget(view)
    view.show_progress(Progress(1, 4))
    assert view.status.text() == "0 in 0 files, 25 % done"
    view.show_progress(Progress(1, 4, is_cut_short=True))
    assert "there is more" in view.status.text()
    view.show_end(SearchEnd(error=FileError("It broke.")))
    assert view.status.text() == "It broke."
