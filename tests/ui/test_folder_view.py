"""The folder's files: seen, opened, made, renamed and moved to the trash."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from starpad.core.errors import FileError
from starpad.ui.folder_view import FolderView


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in ("src/main.py", "README.md", ".gitignore", ".git/config"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    return folder


@pytest.fixture
def view(folder: Path, qtbot: QtBot) -> FolderView:
    view = FolderView()
    qtbot.addWidget(view)
    view.resize(300, 400)
    view.show_folder(folder)
    view.show()
    qtbot.waitUntil(lambda: view.index_of(folder / "README.md").isValid())
    qtbot.waitUntil(lambda: len(_names(view)) == 3)
    return view


def _names(view: FolderView) -> list[str]:
    root, model = view.rootIndex(), view.model()
    return [model.index(row, 0, root).data() for row in range(model.rowCount(root))]


def _press(view: FolderView, button_text: str) -> None:
    [box] = view.findChildren(QMessageBox)
    next(button for button in box.buttons() if button.text() == button_text).click()


def test_folders_come_first_hidden_files_show_and_gits_own_do_not(view: FolderView) -> None:
    assert _names(view) == ["src", ".gitignore", "README.md"]


def test_enter_opens_a_file_and_not_a_folder(view: FolderView, folder: Path, qtbot: QtBot) -> None:
    view.select(folder / "README.md")
    with qtbot.waitSignal(view.file_activated) as signal:
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert signal.args == [folder / "README.md"]
    view.select(folder / "src")
    with qtbot.assertNotEmitted(view.file_activated):
        QTest.keyClick(view, Qt.Key.Key_Return)


def test_a_file_made_by_another_program_appears(
    view: FolderView, folder: Path, qtbot: QtBot
) -> None:
    (folder / "new.txt").touch()
    qtbot.waitUntil(lambda: "new.txt" in _names(view))


def test_a_new_file_is_made_beside_the_current_one_and_opened(
    view: FolderView, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.select(folder / "src")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("deep/er.py", True))
    with qtbot.waitSignal(view.file_activated) as signal:
        view.new_file()
    assert signal.args == [folder / "src" / "deep" / "er.py"]
    assert (folder / "src" / "deep" / "er.py").read_bytes() == b""


def test_a_new_file_never_replaces_an_old_one(
    view: FolderView, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("README.md", True))
    with qtbot.waitSignal(view.failed) as signal:
        view.new_file()
    assert isinstance(signal.args[0], FileError)
    assert (folder / "README.md").read_text() == "x\n"


def test_no_name_makes_nothing(
    view: FolderView, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(folder.rglob("*"))
    for answer in (("", True), ("name", False)):
        monkeypatch.setattr(QInputDialog, "getText", lambda *_, answer=answer: answer)
        view.new_file()
    assert sorted(folder.rglob("*")) == before


def test_f2_renames_in_place(view: FolderView, folder: Path, qtbot: QtBot) -> None:
    view.select(folder / "README.md")
    view.setFocus()
    view.rename()
    [field] = view.findChildren(QLineEdit)
    field.setText("READ.md")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil((folder / "READ.md").exists)
    assert not (folder / "README.md").exists()


def test_a_file_goes_to_the_trash_only_after_a_yes(
    view: FolderView, folder: Path, qtbot: QtBot
) -> None:
    view.select(folder / "README.md")
    QTest.keyClick(view, Qt.Key.Key_Delete)
    _press(view, "Keep")
    assert (folder / "README.md").exists()
    qtbot.waitUntil(lambda: not view.findChildren(QMessageBox))
    QTest.keyClick(view, Qt.Key.Key_Delete)
    _press(view, "Move to trash")
    assert not (folder / "README.md").exists()
    qtbot.waitUntil(lambda: "README.md" not in _names(view))


def test_what_cannot_go_to_the_trash_is_reported(
    view: FolderView, folder: Path, qtbot: QtBot
) -> None:
    view.select(folder / "README.md")
    view.move_to_trash()
    (folder / "README.md").unlink()
    with qtbot.waitSignal(view.failed) as signal:
        _press(view, "Move to trash")
    assert "README.md" in signal.args[0].message


def test_without_a_folder_nothing_is_read_and_nothing_can_be_done(qtbot: QtBot) -> None:
    view = FolderView()
    qtbot.addWidget(view)
    view.new_file()
    view.move_to_trash()
    assert view.model() is None
    assert [action.isEnabled() for action in view.menu().actions()] == [True, False, False]


def test_what_is_renamed_is_told(view: FolderView, folder: Path, qtbot: QtBot) -> None:
    for old, new in (("README.md", "READ.md"), ("src", "code")):
        view.select(folder / old)
        view.rename()
        [field] = view.findChildren(QLineEdit)
        field.setText(new)
        with qtbot.waitSignal(view.renamed) as signal:
            QTest.keyClick(field, Qt.Key.Key_Return)
        assert signal.args == [folder / old, folder / new]
        qtbot.waitUntil(lambda: not view.findChildren(QLineEdit))
