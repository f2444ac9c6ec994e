"""What was open comes back: after a crash with the unsaved text, after a quiet end without."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from starpad.bootstrap import Starpad
from starpad.ui.editor import text_recorder
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.text_recorder import TextRecorder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@contextmanager
def running(qapp: QApplication, data: Path, *files: Path) -> Iterator[Starpad]:
    """Run a window without a model; it ends as if it were killed."""
    starpad = Starpad(qapp, data / "settings.json", data)
    starpad.window.models.load_last = lambda: None  # type: ignore[method-assign]
    try:
        starpad.start(files, None)
        yield starpad
    finally:
        starpad.recovered.shutdown()
        for tab in starpad.window.tabs.tabs:
            tab.mark_saved()
        starpad.window.close()
        starpad.shutdown()
        starpad.window.deleteLater()
        starpad.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def type_text(tab: EditorTab, text: str) -> None:
    tab.editor.edit(lambda cursor: cursor.insertText(text))


def texts(starpad: Starpad) -> list[tuple[str, str]]:
    return [(tab.title, tab.editor.text()) for tab in starpad.window.tabs.tabs]


def messages(starpad: Starpad) -> list[str]:
    return [note.message for note in starpad.window.messages.notifications]


def test_after_a_crash_all_is_as_it_was(
    qapp: QApplication, qtbot: QtBot, data: Path, tmp_path: Path
) -> None:
    clean, edited = tmp_path / "clean.py", tmp_path / "edited.py"
    clean.write_text("".join(f"line {n}\n" for n in range(500)))
    edited.write_bytes(b"a\r\nb\nc\r\n")
    with running(qapp, data, clean, edited) as starpad:
        tabs = starpad.window.tabs
        type_text(tabs.tabs[1], "😀 ")
        untitled = starpad.window.files.new()
        type_text(untitled, "never saved\u00a0")
        tabs.go_to(tabs.tabs[0])
        tabs.tabs[0].place(caret=3000, anchor=2990, top=240)
        before = texts(starpad)
        starpad.recovered.keep()
    with running(qapp, data) as starpad:
        assert texts(starpad) == before
        assert any("Unsaved text of 2 document(s)" in message for message in messages(starpad))
        first, second, third = starpad.window.tabs.tabs
        assert starpad.window.tabs.current is first
        cursor = first.editor.textCursor()
        assert (cursor.position(), cursor.anchor()) == (3000, 2990)
        assert next(first.editor.visible_blocks())[0].blockNumber() == 240
        assert second.editor.textCursor().position() == 3
        assert starpad.window.files.save(second)
        assert edited.read_bytes() == "😀 a\r\nb\nc\r\n".encode()
        second.editor.undo()
        assert second.editor.text() == "a\nb\nc\n"
        third.mark_saved()
        second.editor.redo()
        second.mark_saved()
        starpad.recovered.keep()
    with running(qapp, data) as starpad:
        assert texts(starpad) == [
            ("clean.py", clean.read_text()), ("edited.py", "😀 a\nb\nc\n"),
        ]  # fmt: skip
        assert messages(starpad) == []


def test_text_is_kept_a_moment_after_it_was_typed(
    qapp: QApplication, qtbot: QtBot, data: Path
) -> None:
    with running(qapp, data) as starpad:
        tab = starpad.window.tabs.current
        assert tab is not None
        type_text(tab, "typed")
        kept = data / "sessions"
        qtbot.waitUntil(lambda: len(list(kept.glob("*/*.text"))) == 1, timeout=5000)
        tab.editor.undo()
        qtbot.waitUntil(lambda: not starpad.recovered.keep(), timeout=5000)
    with running(qapp, data) as starpad:
        assert texts(starpad) == [("Untitled 1", "")]
        assert messages(starpad) == []


@pytest.mark.parametrize("opens_last", [True, False])
def test_after_a_quiet_end_the_files_come_back_and_what_was_given_up_does_not(
    qapp: QApplication, data: Path, tmp_path: Path, opens_last: bool
) -> None:
    files = [tmp_path / name for name in ("a.py", "b.py")]
    for file in files:
        file.write_text("text\n")
    with running(qapp, data, *files) as starpad:
        starpad.settings.change(open_last_files=opens_last)
        type_text(starpad.window.tabs.tabs[0], "given up ")
        type_text(starpad.window.files.new(), "given up, too")
        starpad.window.tabs.go_to(starpad.window.tabs.tabs[0])
        starpad.recovered.keep()
        starpad.recovered.forget()
    for _ in range(2):
        with running(qapp, data) as starpad:
            expected = [("a.py", "text\n"), ("b.py", "text\n")]
            assert texts(starpad) == (expected if opens_last else [("Untitled 1", "")])
            assert messages(starpad) == []
            if opens_last:
                assert starpad.window.tabs.currentIndex() == 0
            starpad.recovered.forget()


def test_a_file_that_is_asked_for_comes_beside_those_of_last_time(
    qapp: QApplication, data: Path, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("a.py", "b.py")]
    for file in files:
        file.write_text("text\n")
    with running(qapp, data, files[0]) as starpad:
        starpad.recovered.forget()
    with running(qapp, data, files[1]) as starpad:
        assert [title for title, _ in texts(starpad)] == ["a.py", "b.py"]
        assert starpad.window.tabs.currentIndex() == 1


def test_a_file_changed_meanwhile_is_asked_about(
    qapp: QApplication, qtbot: QtBot, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file.py"
    file.write_text("old\n")
    with running(qapp, data, file) as starpad:
        type_text(starpad.window.tabs.tabs[0], "mine ")
        starpad.recovered.keep()
    file.write_text("theirs\n")
    with running(qapp, data) as starpad:
        [tab] = starpad.window.tabs.tabs
        assert (tab.editor.text(), tab.is_modified) == ("mine old\n", True)
        qtbot.waitUntil(lambda: any("changed on disk" in one for one in messages(starpad)))
        assert file.read_text() == "theirs\n"
        starpad.window.files.reload(tab)
        assert tab.editor.text() == "theirs\n"
        tab.editor.undo()
        assert tab.editor.text() == "mine old\n"


def test_a_file_that_is_gone_comes_back_with_its_name(
    qapp: QApplication, qtbot: QtBot, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file.py"
    file.write_text("old\n")
    with running(qapp, data, file) as starpad:
        type_text(starpad.window.tabs.tabs[0], "mine ")
        starpad.recovered.keep()
    file.unlink()
    with running(qapp, data) as starpad:
        [tab] = starpad.window.tabs.tabs
        assert (tab.document.path, tab.editor.text()) == (file, "mine old\n")
        qtbot.waitUntil(lambda: any("gone from the disk" in one for one in messages(starpad)))


def test_text_that_was_saved_after_all_is_not_unsaved(
    qapp: QApplication, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file.py"
    file.write_text("old\n")
    with running(qapp, data, file) as starpad:
        type_text(starpad.window.tabs.tabs[0], "mine ")
        starpad.recovered.keep()
    file.write_text("mine old\n")  # the kill came between the saving and what follows it
    with running(qapp, data) as starpad:
        [tab] = starpad.window.tabs.tabs
        assert (tab.editor.text(), tab.is_modified) == ("mine old\n", False)
        assert messages(starpad) == []
        assert starpad.window.files.save(tab)


@pytest.mark.parametrize("had_a_name", [True, False])
def test_an_end_right_after_saving_does_not_bring_older_text_back(
    qapp: QApplication, data: Path, tmp_path: Path, had_a_name: bool
) -> None:
    file = tmp_path / "file.py"
    if had_a_name:
        file.write_text("old\n")
    with running(qapp, data, *[file] * had_a_name) as starpad:
        tab = starpad.window.tabs.tabs[0]
        type_text(tab, "older ")
        starpad.recovered.keep()
        kept = {path: path.read_bytes() for path in (data / "sessions").glob("*/*")}
        type_text(tab, "newer ")
        starpad.documents.save(tab.document.id, tab.editor.text(), file)
        starpad.recovered.shutdown()
        for path, content in kept.items():
            if path.suffix != ".lock":
                path.write_bytes(content)
    with running(qapp, data) as starpad:
        assert texts(starpad) == [("file.py", file.read_text())]
        assert "older newer" in file.read_text()
        assert messages(starpad) == []


def test_a_text_that_is_newer_than_the_tabs_has_its_own_caret(
    qapp: QApplication, data: Path
) -> None:
    with running(qapp, data) as starpad:
        tab = starpad.window.tabs.tabs[0]
        type_text(tab, "older")
        starpad.recovered.keep()
        [tabs] = (data / "sessions").glob("*/tabs.json")
        before = tabs.read_bytes()
        type_text(tab, " and newer")
        starpad.recovered.keep()
        starpad.recovered.shutdown()
        tabs.write_bytes(before)  # the kill came between the text and the tabs
    with running(qapp, data) as starpad:
        [tab] = starpad.window.tabs.tabs
        assert tab.editor.textCursor().position() == len("older and newer")


def test_two_windows_keep_their_own_text(qapp: QApplication, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text("old\n")
    with running(qapp, data, file) as first:
        type_text(first.window.tabs.tabs[0], "first ")
        first.recovered.keep()
        with running(qapp, data, file) as second:
            assert texts(second) == [("file.py", "old\n")]
            type_text(second.window.tabs.tabs[0], "second ")
            second.recovered.keep()
    with running(qapp, data) as starpad:
        assert sorted(text for _, text in texts(starpad)) == ["first old\n", "second old\n"]


def test_the_selection_is_brought_back_within_a_text_that_became_shorter(
    qapp: QApplication, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file.py"
    file.write_text("a long text\n")
    with running(qapp, data, file) as starpad:
        tab = starpad.window.tabs.tabs[0]
        tab.editor.moveCursor(QTextCursor.MoveOperation.End)
        starpad.recovered.keep()
    file.write_text("a\n")
    with running(qapp, data) as starpad:
        assert starpad.window.tabs.tabs[0].editor.textCursor().position() == 2


def test_after_a_save_only_what_was_typed_later_is_unsaved(
    qapp: QApplication, data: Path, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("a.py", "b.py", "mixed.txt")]
    for file in files:
        file.write_bytes(b"text\r\nend\n" if file.suffix == ".txt" else b"text\n")
    with running(qapp, data, *files) as starpad:
        for tab in starpad.window.tabs.tabs:
            type_text(tab, "saved ")
            starpad.recovered.keep()
            assert starpad.window.files.save(tab)
        assert starpad.recovered.keep() == ""
        type_text(starpad.window.tabs.tabs[1], "unsaved ")
        type_text(starpad.window.tabs.tabs[2], "unsaved ")
        starpad.recovered.keep()
    with running(qapp, data) as starpad:
        assert texts(starpad) == [
            ("a.py", "saved text\n"),
            ("b.py •", "saved unsaved text\n"),
            ("mixed.txt •", "saved unsaved text\nend\n"),
        ]
        assert starpad.window.files.save(starpad.window.tabs.tabs[2])
        assert files[2].read_bytes() == b"saved unsaved text\r\nend\n"


def test_a_text_that_is_saved_while_it_is_read_needs_not_be_read_again(
    qapp: QApplication, qtbot: QtBot, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.py"
    file.write_text("text\n" * 1_000)
    monkeypatch.setattr(text_recorder, "_PIECE_UNITS", 10)
    with running(qapp, data, file) as starpad:
        tab = starpad.window.tabs.tabs[0]
        type_text(tab, "saved ")
        recorder = tab.editor.document().findChild(TextRecorder)
        assert recorder
        qtbot.waitUntil(lambda: bool(recorder.is_on), timeout=10_000)
        assert not recorder.is_whole
        assert starpad.window.files.save(tab)
        with monkeypatch.context() as context:
            context.setattr(TextRecorder, "begin", lambda _recorder: pytest.fail("begun anew"))
            type_text(tab, "unsaved ")
            qtbot.waitUntil(lambda: bool(recorder.is_whole), timeout=10_000)
        starpad.recovered.keep()
    with running(qapp, data) as starpad:
        assert texts(starpad) == [("a.py •", "saved unsaved " + "text\n" * 1_000)]
        assert file.read_text().startswith("saved text")
