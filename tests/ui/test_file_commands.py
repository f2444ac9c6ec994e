"""Open, save, close and reload in the real window: no path loses a character."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.core import json_text
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tab import EditorTab


def _open(starpad: Starpad, path: Path) -> EditorTab:
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def _messages(starpad: Starpad) -> list[str]:
    return [message.message for message in starpad.window.messages.notifications]


def _answer(monkeypatch: pytest.MonkeyPatch, button: QMessageBox.StandardButton) -> None:
    """Have the user press `button` at the next question."""
    monkeypatch.setattr(QMessageBox, "question", lambda *_: button)


def _press(text: str) -> Callable[[], None]:
    """Press a button of the modal box that is about to open."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        next(button for button in box.buttons() if text in button.text()).click()

    return press


@pytest.mark.parametrize(
    "data",
    [
        b"a\r\nb\r\n",
        b"\xef\xbb\xbfbom\n",
        "naïve\u00a0x 😀\n\ttab <fim_middle>".encode(),
        b"caf\xe9\n",
        b"",
    ],
)
def test_a_file_is_saved_as_it_was_read(starpad: Starpad, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.py"
    path.write_bytes(data)
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("x"))
    assert tab.is_modified
    tab.editor.undo()
    tab.editor.document().setModified(True)
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == data
    assert not tab.is_modified


def test_the_untouched_first_tab_makes_room(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text("x\n")
    _open(starpad, path)
    assert [tab.document.title for tab in starpad.window.tabs.tabs] == ["file.py"]


def test_opening_a_file_twice_shows_its_tab(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text("x\n")
    first = _open(starpad, path)
    starpad.window.files.new()
    assert _open(starpad, path) is first


def test_a_missing_file_is_begun_and_made_by_the_first_save(
    starpad: Starpad, tmp_path: Path
) -> None:
    path = tmp_path / "new.py"
    tab = _open(starpad, path)
    assert (tab.title, tab.document.path, tab.language.name) == ("new.py", path, "Python")
    assert _open(starpad, path) is tab
    assert starpad.window.tabs.count() == 1
    assert _messages(starpad) == []
    assert not path.exists()
    tab.editor.edit(lambda cursor: cursor.insertText("x = 1\n"))
    starpad.documents.check_disk()
    assert _messages(starpad) == []
    assert starpad.window.files.save(tab)
    assert path.read_text() == "x = 1\n"


def test_a_file_that_another_program_makes_first_is_not_overwritten_unasked(
    starpad: Starpad, tmp_path: Path
) -> None:
    path = tmp_path / "new.py"
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("mine\n"))
    path.write_text("theirs\n")
    QTimer.singleShot(0, starpad.window, _press("Cancel"))
    assert not starpad.window.files.save(tab)
    assert path.read_text() == "theirs\n"
    QTimer.singleShot(0, starpad.window, _press("Overwrite"))
    assert starpad.window.files.save(tab)
    assert path.read_text() == "mine\n"


def test_a_missing_folder_is_made_on_request(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "new.py"
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("x\n"))
    QTimer.singleShot(0, starpad.window, _press("Cancel"))
    assert not starpad.window.files.save(tab)
    assert not path.parent.exists()
    QTimer.singleShot(0, starpad.window, _press("Make the folder"))
    assert starpad.window.files.save(tab)
    assert path.read_text() == "x\n"


def test_a_folder_that_cannot_be_made_is_reported(starpad: Starpad, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    tab = _open(starpad, tmp_path / "a" / "b" / "new.py")
    tab.editor.edit(lambda cursor: cursor.insertText("x\n"))
    QTimer.singleShot(0, starpad.window, _press("Make the folder"))
    assert not starpad.window.files.save(tab)
    assert any("could not be made" in message for message in _messages(starpad))
    assert tab.is_modified


def test_a_recent_file_that_is_gone_is_reported_and_opens_nothing(
    starpad: Starpad, tmp_path: Path
) -> None:
    starpad.window.files.reopen(tmp_path / "nothing.py")
    assert starpad.window.tabs.current.document.path is None
    assert any("nothing.py" in message for message in _messages(starpad))


def test_a_binary_file_is_opened_only_on_request_and_read_only(
    starpad: Starpad, tmp_path: Path
) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(bytes(range(256)) * 40)
    starpad.window.files.open([path])
    assert starpad.window.tabs.current.document.path is None
    question = starpad.window.messages.notifications[0]
    assert "binary" in question.message
    question.actions[0].callback()
    tab = starpad.window.tabs.current
    assert (tab.document.path, tab.editor.isReadOnly()) == (path, True)
    assert tab.document.read_only_reason in _messages(starpad)


def test_mixed_line_ends_are_kept(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "mixed.py"
    path.write_bytes(b"a\r\nb\nc\r\n")
    tab = _open(starpad, path)
    assert "mixed" in tab.format_text
    tab.editor.edit(lambda cursor: cursor.insertText("x"))
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == b"xa\r\nb\nc\r\n"
    tab.editor.undo()
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == b"a\r\nb\nc\r\n"


def test_a_line_that_would_make_keys_slow_is_edited_only_on_request(
    starpad: Starpad, tmp_path: Path
) -> None:
    path = tmp_path / "huge.json"
    data = b"short\n" + b"x" * 1_000_001 + b"\n"
    path.write_bytes(data)
    tab = _open(starpad, path)
    assert tab.editor.isReadOnly()
    message = next(
        one for one in starpad.window.messages.notifications if "1,000,001" in one.message
    )
    message.actions[0].callback()
    tab.finish_loading()
    assert not tab.editor.isReadOnly()
    tab.editor.edit(lambda cursor: cursor.insertText("a "))
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == b"a " + data


def test_long_lines_are_told_and_can_be_wrapped(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    path.write_bytes(b"x" * 100_001)
    tab = _open(starpad, path)
    assert not tab.editor.isReadOnly()
    messages = starpad.window.messages.notifications
    [message] = [each for each in messages if "very long lines" in each.message]
    message.actions[0].callback()
    assert starpad.settings.current.wrap_lines


def test_a_write_protected_file_is_asked_about(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text("old\n")
    path.chmod(stat.S_IRUSR)
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("new "))
    QTimer.singleShot(0, starpad.window, _press("Cancel"))
    assert not starpad.window.files.save(tab)
    assert path.read_text() == "old\n"
    QTimer.singleShot(0, starpad.window, _press("Write anyway"))
    assert starpad.window.files.save(tab)
    assert path.read_text() == "new old\n"
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR


def test_a_failed_save_keeps_text_and_mark_and_offers_another_place(
    starpad: Starpad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    path = folder / "file.py"
    path.write_text("old\n")
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("new "))
    folder.rename(tmp_path / "moved")
    (tmp_path / "gone").write_text("a file")
    QTimer.singleShot(0, starpad.window, _press("Make the folder"))
    assert not starpad.window.files.save(tab)
    assert tab.is_modified
    assert tab.editor.text() == "new old\n"
    assert (tmp_path / "moved/file.py").read_text() == "old\n"
    message = next(
        one for one in starpad.window.messages.notifications if "could not be made" in one.message
    )
    other = tmp_path / "other.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(other), ""))
    next(action for action in message.actions if "Save as" in action.text).callback()
    assert other.read_text() == "new old\n"
    assert tab.document.path == other
    assert not tab.is_modified


def test_a_file_changed_meanwhile_is_not_overwritten_unasked(
    starpad: Starpad, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "file.py"
    path.write_text("old\n")
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("mine "))
    path.write_text("theirs\n")
    QTimer.singleShot(0, starpad.window, _press("Cancel"))
    assert not starpad.window.files.save(tab)
    assert path.read_text() == "theirs\n"
    assert tab.editor.text() == "mine old\n"
    QTimer.singleShot(0, starpad.window, _press("Overwrite"))
    assert starpad.window.files.save(tab)
    assert path.read_text() == "mine old\n"


def test_a_clean_document_follows_its_file_and_undo_goes_back(
    starpad: Starpad, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "file.py"
    path.write_text("one\n😀 two\nthree\n")
    tab = _open(starpad, path)
    path.write_text("one\n😀 2\nthree\n")
    qtbot.waitUntil(lambda: tab.editor.text() == "one\n😀 2\nthree\n", timeout=5000)
    assert not tab.is_modified
    tab.editor.undo()
    assert tab.editor.text() == "one\n😀 two\nthree\n"


def test_a_changed_document_is_asked_about_and_keeps_its_text(
    starpad: Starpad, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "file.py"
    path.write_text("old\n")
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("mine "))
    path.write_text("theirs\n")
    qtbot.waitUntil(
        lambda: any("changed on disk" in text for text in _messages(starpad)), timeout=5000
    )
    assert tab.editor.text() == "mine old\n"
    message = next(
        m for m in starpad.window.messages.notifications if "changed on disk" in m.message
    )
    next(action for action in message.actions if action.text == "Reload").callback()
    assert tab.editor.text() == "theirs\n"
    tab.editor.undo()
    assert tab.editor.text() == "mine old\n"


def test_a_deleted_file_leaves_its_text_unsaved(
    starpad: Starpad, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "file.py"
    path.write_text("text\n")
    tab = _open(starpad, path)
    path.unlink()
    qtbot.waitUntil(lambda: tab.is_modified, timeout=5000)
    QTimer.singleShot(0, starpad.window, _press("Overwrite"))
    assert starpad.window.files.save(tab)
    assert path.read_text() == "text\n"


def test_closing_unsaved_text_asks(
    starpad: Starpad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.py"
    path.write_text("old\n")
    tab = _open(starpad, path)
    tab.editor.edit(lambda cursor: cursor.insertText("new "))
    _answer(monkeypatch, QMessageBox.StandardButton.Cancel)
    assert not starpad.window.files.close(tab)
    assert not starpad.window.close()
    assert tab.editor.text() == "new old\n"
    _answer(monkeypatch, QMessageBox.StandardButton.Save)
    assert starpad.window.files.close(tab)
    assert path.read_text() == "new old\n"


def test_closed_files_open_again_where_they_were(starpad: Starpad, tmp_path: Path) -> None:
    reopen = starpad.window.actions_by_id[ActionId.REOPEN_TAB]
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("\n".join(f"line {number}" for number in range(300)))
        tab = _open(starpad, tmp_path / name)
        tab.place(2_000, 1_990, 150)
        starpad.window.files.close(tab)
    _open(starpad, tmp_path / "two.py")
    reopen.trigger()  # two.py is open
    tab = starpad.window.tabs.current
    assert tab is not None
    assert tab.document.path == tmp_path / "one.py"
    assert tab.current_place() == (2_000, 1_990, 150)
    starpad.window.files.close(tab)
    (tmp_path / "one.py").unlink()
    reopen.trigger()
    assert "one.py" in _messages(starpad)[-1]


def test_json_in_one_long_line_can_be_seen_on_many(
    starpad: Starpad, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "one_line.json"
    text = "[" + ",".join(f'{{"number":{n}.50}}' for n in range(60_000)) + "]"
    path.write_text(text)
    tab = _open(starpad, path)
    [message] = starpad.window.messages.notifications
    assert [action.text for action in message.actions] == ["Edit anyway", "Pretty-print a copy"]
    message.actions[1].callback()
    copy = starpad.window.tabs.current
    assert copy is not None
    qtbot.waitUntil(lambda: copy.is_modified, timeout=20_000)
    assert (copy.document.path, copy.language.name) == (None, "JSON")
    assert copy.editor.text() == json_text.pretty(text)
    assert tab.editor.isReadOnly()
    assert path.read_text() == text


def test_only_json_is_offered_on_many_lines(starpad: Starpad, tmp_path: Path) -> None:
    (tmp_path / "one_line.js").write_text("x=1;" * 300_000)
    _open(starpad, tmp_path / "one_line.js")
    [message] = starpad.window.messages.notifications
    assert [action.text for action in message.actions] == ["Edit anyway"]
