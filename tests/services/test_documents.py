"""Open documents: identity, saving, news from the disk, and what a real QTextDocument holds."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QTimer
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from starpad.core import file_store
from starpad.core.errors import DoubtfulFileError, FileChangedError, FileError
from starpad.core.text_file import TextFormat, decode, document_text, encode
from starpad.services.documents import DocumentService, OpenDocument


@pytest.fixture
def service(qapp: object) -> DocumentService:
    return DocumentService()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "work" / "main.py"
    file.parent.mkdir()
    file.write_bytes(b"a = 1\r\n")
    return file


def replace_file(path: Path, data: bytes) -> None:
    """Do what most editors do to save."""
    other = path.with_name("other.tmp")
    other.write_bytes(data)
    other.replace(path)


def through_qt(text: str) -> str:
    document = QTextDocument()
    document.setPlainText(text)
    return document_text(document.toRawText())


ODD_BYTES = st.lists(
    st.sampled_from(
        [
            *"a \t\n\r\v\f\x1b\x85\u00a0\u2028\u2029\ufeff\ufffe\ufdd0\ufdd1\ufffd😀é",
            "\r\n",
            "<fim_middle>",
        ]
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=20,
).flatmap(
    lambda parts: st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]).map(
        lambda encoding: "".join(parts).encode(encoding)
    )
)


@settings(deadline=None)
@given(st.binary(max_size=100) | ODD_BYTES)
@example("\ufeff\ufeffa".encode())
@example("\ufffea".encode())
@example(b"\xef\xbb\xbf")
@example(b"x\0" * 5000)
def test_the_editor_shows_exactly_the_text_and_saves_exactly_the_bytes(
    qapp: object, data: bytes
) -> None:
    file = decode(data)
    held = through_qt(file.text)
    assert held == file.text
    if not file.read_only_reason:
        assert encode(held, file.format) == data


def test_all_of_unicode_survives_the_editor_or_is_read_only(qapp: object) -> None:
    for first in range(0, 0x110000, 0x1000):
        codes = (code for code in range(first, first + 0x1000) if not 0xD800 <= code < 0xE000)
        # Behind text, so that NUL and controls do not make it binary.
        file = decode(("x" * 9000 + "".join(map(chr, codes)).replace("\r", "")).encode())
        assert through_qt(file.text) == file.text
        assert bool(file.read_only_reason) == (first in (0x2000, 0xF000)), hex(first)


def test_opening_returns_the_value_and_the_text(service: DocumentService, file: Path) -> None:
    document, text = service.open(file)
    assert text == "a = 1\n"
    assert document.path == file
    assert document.title == "main.py"
    assert document.format == TextFormat(line_end="\r\n")
    assert document.read_only_reason == ""
    assert service.document(document.id) is document


def test_the_same_file_opens_once(
    service: DocumentService, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, _ = service.open(file)
    link = file.with_name("link.py")
    link.symlink_to(file)
    monkeypatch.chdir(file.parent)
    for path in (file, link, Path("main.py"), file.parent / ".." / "work" / "main.py"):
        assert service.open(path) == (document, None)
    service.close(document.id)
    again, text = service.open(link)
    assert text is not None
    assert (again.path, again.id == document.id) == (link, False)


def test_a_file_that_cannot_be_opened_leaves_nothing_behind(
    service: DocumentService, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match="does not exist"):
        service.open(tmp_path / "none.py")
    assert service.new().title == "Untitled 1"


def test_new_documents_have_distinct_titles_and_ids(service: DocumentService) -> None:
    first, second = service.new(), service.new()
    assert (first.title, second.title) == ("Untitled 1", "Untitled 2")
    service.close(first.id)
    third = service.new()
    assert third.title == "Untitled 1"
    assert len({first.id, second.id, third.id}) == 3


def test_a_new_document_is_saved_under_its_first_name(
    qtbot: QtBot, service: DocumentService, tmp_path: Path
) -> None:
    document = service.new()
    with pytest.raises(FileError, match="no file yet"):
        service.save(document.id, "x\n")
    with qtbot.waitSignal(service.document_changed) as told:
        saved = service.save(document.id, "x\n", tmp_path / "x.py")
    assert told.args == [saved]
    assert (saved.id, saved.path, saved.title) == (document.id, tmp_path / "x.py", "x.py")
    assert (tmp_path / "x.py").read_bytes() == b"x\n"
    with qtbot.assertNotEmitted(service.document_changed):
        service.save(document.id, "y\n")


def test_saving_keeps_the_format(service: DocumentService, file: Path) -> None:
    document, text = service.open(file)
    service.save(document.id, f"{text}b = '😀\u00a0'\n")
    assert file.read_bytes() == "a = 1\r\nb = '😀\u00a0'\r\n".encode()


def test_a_new_format_is_told_and_used(qtbot: QtBot, service: DocumentService, file: Path) -> None:
    document, _ = service.open(file)
    with qtbot.waitSignal(service.document_changed) as told:
        changed = service.set_format(document.id, TextFormat("utf-16-be", True))
    assert told.args == [changed]
    service.save(document.id, "é\n")
    assert file.read_bytes() == b"\xfe\xff\0\xe9\0\n"


def test_a_character_that_cannot_be_stored_leaves_the_file(
    service: DocumentService, file: Path
) -> None:
    file.write_bytes(b"caf\xe9\n")
    document, text = service.open(file)
    with pytest.raises(FileError, match="→"):
        service.save(document.id, f"{text}→")
    assert file.read_bytes() == b"caf\xe9\n"
    service.set_format(document.id, TextFormat())
    service.save(document.id, f"{text}→")
    assert file.read_bytes() == "café\n→".encode()


def test_a_file_changed_meanwhile_is_saved_only_on_purpose(
    service: DocumentService, file: Path
) -> None:
    document, _ = service.open(file)
    file.write_bytes(b"theirs\n")
    for path in (None, file):
        with pytest.raises(FileChangedError):
            service.save(document.id, "mine\n", path)
    assert file.read_bytes() == b"theirs\n"
    service.save(document.id, "mine\n", overwrite=True)
    assert file.read_bytes() == b"mine\r\n"
    service.save(document.id, "again\n")
    assert file.read_bytes() == b"again\r\n"


def test_a_read_only_document_is_saved_only_elsewhere(service: DocumentService, file: Path) -> None:
    binary = b"\x7fELF\0\0"
    file.write_bytes(binary)
    with pytest.raises(DoubtfulFileError, match="binary"):
        service.open(file)
    document, text = service.open(file, is_sure=True)
    assert text is not None
    for path in (None, file):
        with pytest.raises(FileError, match="binary"):
            service.save(document.id, text, path, overwrite=True)
    assert file.read_bytes() == binary
    copy = service.save(document.id, text, file.with_name("copy"))
    assert copy.read_only_reason == ""


def test_mixed_line_ends_stay_with_their_lines_through_several_saves(
    service: DocumentService, file: Path
) -> None:
    file.write_bytes(b"a\r\nb\nc\r\n")
    document, text = service.open(file)
    assert text == "a\nb\nc\n"
    for new, expected in (
        ("a\nnew\nb\nc\n", b"a\r\nnew\r\nb\nc\r\n"),
        ("a\nnew\nb\n", b"a\r\nnew\r\nb\n"),
        ("0\na\nnew\nb\n", b"0\r\na\r\nnew\r\nb\n"),
    ):
        service.save(document.id, new)
        assert file.read_bytes() == expected


def test_an_encoding_that_the_user_chose_counts_for_the_next_reload(
    service: DocumentService, file: Path
) -> None:
    file.write_bytes("Привет\n".encode("cp1251"))
    document, _ = service.open(file)
    assert service.reload(document.id, "cp1251")[1] == "Привет\n"
    file.write_bytes("Пока\n".encode("cp1251"))
    reloaded, text = service.reload(document.id)
    assert (text, reloaded.format.encoding) == ("Пока\n", "cp1251")
    assert service.text_on_disk(document.id) == "Пока\n"


def test_a_large_file_is_opened_only_on_purpose(
    service: DocumentService, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_store, "LARGE_FILE_BYTES", 3)
    with pytest.raises(DoubtfulFileError, match="is large"):
        service.open(file)
    assert service.open(file, is_sure=True)[1] == "a = 1\n"
    monkeypatch.setattr(file_store, "MAX_FILE_BYTES", 4)
    service.close(1)
    with pytest.raises(FileError, match="larger than"):
        service.open(file, is_sure=True)


def test_a_restored_document_tells_that_its_file_is_another_or_gone(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    document, _ = service.open(file)
    known = document.signature
    assert known is not None
    service.close(document.id)
    file.write_bytes(b"theirs\n")
    with qtbot.waitSignal(service.changed_on_disk):
        restored = service.restore(file, document.format, known)
    with pytest.raises(FileChangedError):
        service.save(restored.id, "mine\n")
    service.close(restored.id)
    file.unlink()
    with qtbot.waitSignal(service.vanished_on_disk):
        service.restore(file, document.format, known)


def test_a_large_file_is_read_and_written_while_the_window_goes_on(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    data = b"line\r\n" * 1_000_000
    file.write_bytes(data)
    ticks: list[None] = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: ticks.append(None))
    timer.start()
    document, text = service.open(file)
    assert ticks
    assert text is not None
    ticks.clear()
    with qtbot.assertNotEmitted(service.changed_on_disk, wait=300):
        service.save(document.id, f"{text}x")
        assert ticks
    timer.stop()
    assert file.read_bytes() == data + b"x"
    file.unlink()
    file.mkdir()
    with pytest.raises(FileError):
        service.save(document.id, text)


def test_saving_over_a_file_of_another_tab_is_refused(service: DocumentService, file: Path) -> None:
    service.open(file)
    other = service.new()
    with pytest.raises(FileError, match="open in another tab"):
        service.save(other.id, "x", file)
    assert file.read_bytes() == b"a = 1\r\n"


def test_reloading_gives_the_new_text_and_format(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    document, _ = service.open(file)
    file.write_bytes(b"caf\xe9\n")
    with qtbot.waitSignal(service.document_changed):
        reloaded, text = service.reload(document.id)
    assert (text, reloaded.format, reloaded.id) == ("café\n", TextFormat("latin-1"), document.id)
    service.save(document.id, "é")
    with pytest.raises(FileError, match="no file"):
        service.reload(service.new().id)


@pytest.mark.parametrize("change", [replace_file, Path.write_bytes])
def test_each_change_by_others_is_told_once(
    qtbot: QtBot, service: DocumentService, file: Path, change: object
) -> None:
    assert callable(change)
    document, _ = service.open(file)
    told: list[int] = []
    service.changed_on_disk.connect(told.append)
    for number in range(1, 4):
        change(file, b"theirs %d\n" % number)
        qtbot.waitUntil(lambda number=number: len(told) == number)
        service.check_disk()
        assert told == [document.id] * number
    # Our own save is no news, and the replaced file is still watched afterwards.
    service.save(document.id, "mine\n", overwrite=True)
    with qtbot.assertNotEmitted(service.changed_on_disk, wait=500):
        pass
    with qtbot.waitSignal(service.changed_on_disk):
        change(file, b"theirs again\n")


def test_a_file_replaced_while_somebody_still_reads_it_stays_watched(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    service.open(file)
    service.check_disk()  # Watches at once what would be watched soon.
    with file.open("rb"):
        with qtbot.waitSignal(service.changed_on_disk):
            replace_file(file, b"new inode\n")
        with qtbot.waitSignal(service.changed_on_disk):
            file.write_bytes(b"written in place\n")


def test_deleting_and_bringing_back_are_told(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    document, _ = service.open(file)
    data = file.read_bytes()
    with qtbot.waitSignal(service.vanished_on_disk) as told:
        file.unlink()
    assert told.args == [document.id]
    with pytest.raises(FileChangedError, match="was deleted"):
        service.save(document.id, "mine\n")
    with qtbot.waitSignal(service.changed_on_disk):
        file.write_bytes(data)
    with qtbot.waitSignal(service.vanished_on_disk):
        file.rename(file.with_name("elsewhere.py"))


def test_touching_a_file_or_changing_its_format_is_no_news(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    document, _ = service.open(file)
    with qtbot.assertNotEmitted(service.changed_on_disk, wait=400):
        os.utime(file, ns=(1, 1))
        replace_file(file, file.read_bytes())
    file.write_bytes(b"theirs\n")
    with qtbot.waitSignal(service.changed_on_disk):
        service.check_disk()
    with qtbot.assertNotEmitted(service.changed_on_disk):
        service.set_format(document.id, TextFormat())
        service.check_disk()


def test_looking_at_the_disk_needs_no_watcher(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    document, _ = service.open(file)
    service.new()
    folder = file.parent
    file.unlink()
    folder.rmdir()
    with qtbot.waitSignal(service.vanished_on_disk):
        service.check_disk()
    folder.mkdir()
    file.write_bytes(b"back\n")
    with qtbot.waitSignal(service.changed_on_disk):
        service.check_disk()
    # The folder is another one now, and watched again.
    with qtbot.waitSignal(service.changed_on_disk):
        file.write_bytes(b"changed\n")
    assert service.document(document.id) == document


def test_a_file_that_became_something_else_is_left_to_the_next_save(
    qtbot: QtBot, service: DocumentService, file: Path
) -> None:
    document, _ = service.open(file)
    file.unlink()
    os.mkfifo(file)
    with qtbot.assertNotEmitted(service.changed_on_disk):
        service.check_disk()
    with pytest.raises(FileError, match="pipe"):
        service.save(document.id, "mine\n")


def test_a_closed_document_is_forgotten(qtbot: QtBot, service: DocumentService, file: Path) -> None:
    twin = file.with_name("twin.py")
    twin.write_bytes(b"twin\n")
    documents = [service.open(path)[0] for path in (file, twin)]
    told: list[int] = []

    def close_all(document_id: int) -> None:
        told.append(document_id)
        for document in documents:
            service.close(document.id)

    service.changed_on_disk.connect(close_all)
    file.write_bytes(b"theirs\n")
    twin.write_bytes(b"theirs\n")
    service.check_disk()
    assert told == [documents[0].id]
    with pytest.raises(KeyError):
        service.document(documents[0].id)
    with qtbot.assertNotEmitted(service.changed_on_disk, wait=400):
        file.write_bytes(b"again\n")


def test_watching_comes_to_rest(qtbot: QtBot, service: DocumentService, file: Path) -> None:
    # Watching anew must not itself be an event, or an idle window would look at the disk for ever.
    document, _ = service.open(file)
    service.save(document.id, "mine\n")
    with qtbot.waitSignal(service._timer.timeout):
        pass
    with qtbot.assertNotEmitted(service._timer.timeout, wait=600):
        pass


def test_values_of_documents_can_be_compared(service: DocumentService) -> None:
    document = service.new()
    assert document == OpenDocument(document.id, None, "Untitled 1", TextFormat())


def test_documents_follow_a_renamed_folder(service: DocumentService, file: Path) -> None:
    other = file.parent.parent / "other.py"
    other.write_text("x\n")
    document, beside = service.open(file)[0], service.open(other)[0]
    new = file.parent.with_name("renamed")
    file.parent.rename(new)
    service.follow(file.parent, new)
    assert service.document(document.id).path == new / "main.py"
    assert service.document(beside.id) == beside
    service.save(document.id, "b\n")
    assert (new / "main.py").read_bytes() == b"b\r\n"


def test_a_file_to_come_is_news_only_when_it_is_there(
    service: DocumentService, tmp_path: Path, qtbot: QtBot
) -> None:
    document = service.new(tmp_path / "new.py")
    assert service.new(tmp_path / "new.py") is document
    with qtbot.assertNotEmitted(service.vanished_on_disk):
        service.check_disk()
    (tmp_path / "new.py").write_text("theirs")
    with qtbot.waitSignal(service.changed_on_disk):
        service.check_disk()
