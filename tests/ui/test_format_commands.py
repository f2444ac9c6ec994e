"""Encodings and line ends that the user chooses, in the real window."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QInputDialog

from starpad.bootstrap import Starpad
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tab import EditorTab


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.txt"


def _open(starpad: Starpad, path: Path, data: bytes) -> EditorTab:
    path.write_bytes(data)
    starpad.window.files.open([path])
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab


def _choose(
    starpad: Starpad, monkeypatch: pytest.MonkeyPatch, action: ActionId, label: str
) -> None:
    """Choose what begins with `label` from the list that the action shows."""

    def answer(*arguments: object) -> tuple[str, bool]:
        labels = arguments[3]
        assert isinstance(labels, list)
        return next(one for one in labels if one.startswith(label)), True

    monkeypatch.setattr(QInputDialog, "getItem", answer)
    starpad.window.actions_by_id[action].trigger()


def test_a_file_is_read_again_in_the_chosen_encoding(
    starpad: Starpad, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = _open(starpad, path, "Привет\r\n".encode("cp1251"))
    assert tab.editor.text() == "Ïðèâåò\n"
    _choose(starpad, monkeypatch, ActionId.REOPEN_WITH_ENCODING, "Cyrillic (Windows")
    assert (tab.editor.text(), tab.is_modified) == ("Привет\n", False)
    assert tab.format_text == "CP1251 · CRLF"
    tab.editor.edit(lambda cursor: cursor.insertText("Ж"))
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == "ПриветЖ\r\n".encode("cp1251")


def test_an_encoding_that_does_not_fit_opens_read_only_and_another_opens_again(
    starpad: Starpad, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = "naïve".encode("latin-1") * 3
    tab = _open(starpad, path, data)
    _choose(starpad, monkeypatch, ActionId.REOPEN_WITH_ENCODING, "Chinese (GB")
    if tab.document.read_only_reason:
        assert tab.editor.isReadOnly()
    _choose(starpad, monkeypatch, ActionId.REOPEN_WITH_ENCODING, "Western (ISO 8859-1)")
    assert not tab.editor.isReadOnly()
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == data


def test_a_file_is_written_in_the_chosen_encoding(
    starpad: Starpad, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = _open(starpad, path, "Größe\n".encode())
    _choose(starpad, monkeypatch, ActionId.SAVE_WITH_ENCODING, "UTF-16 LE")
    assert path.read_bytes() == b"\xff\xfe" + "Größe\n".encode("utf-16-le")
    assert tab.format_text == "UTF-16-LE BOM · LF"
    _choose(starpad, monkeypatch, ActionId.SAVE_WITH_ENCODING, "UTF-8 with BOM")
    assert path.read_bytes() == "\ufeffGröße\n".encode()


def test_an_encoding_that_lacks_a_character_changes_nothing(
    starpad: Starpad, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = _open(starpad, path, "a → b\n".encode())
    before = tab.document.format
    _choose(starpad, monkeypatch, ActionId.SAVE_WITH_ENCODING, "Western (Windows-1252)")
    assert path.read_bytes() == "a → b\n".encode()
    assert tab.document.format == before
    assert any("→" in note.message for note in starpad.window.messages.notifications)


@pytest.mark.parametrize("data", [b"a\nb\nc\n", b"a\r\nb\nc\r\n"])
def test_all_lines_get_the_chosen_end(
    starpad: Starpad, path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    tab = _open(starpad, path, data)
    _choose(starpad, monkeypatch, ActionId.LINE_ENDS, "CRLF")
    assert (tab.is_modified, tab.format_text) == (True, "UTF-8 · CRLF")
    assert path.read_bytes() == data
    assert starpad.window.files.save(tab)
    assert path.read_bytes() == b"a\r\nb\r\nc\r\n"
    _choose(starpad, monkeypatch, ActionId.LINE_ENDS, "CRLF")
    assert not tab.is_modified
