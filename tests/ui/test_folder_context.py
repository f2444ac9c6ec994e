"""In the real window a suggestion knows the other files of the open folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from starpad.core.suggestion import SuggestionState

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad
    from starpad.core.request_record import RequestRecord

CART = "class Cart:\n    def total_price(self):\n        return sum(self.prices)\n"


def test_other_files_of_the_folder_are_in_the_prompt_and_private_ones_are_not(
    starpad: "Starpad", tmp_path: Path, qtbot: QtBot
) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "cart.py").write_text(CART)
    (root / ".env").write_text(f"PASSWORD=1\n{CART}")
    (root / "main.py").write_text("from cart import Cart\n\n\n")
    starpad.window.folders.open(root)
    starpad.window.files.open([root / ".env", root / "main.py"])
    tab = starpad.window.tabs.current
    assert tab is not None
    editor = tab.editor
    editor.setFocus()
    records: list[RequestRecord] = []
    starpad.completion.recorded.connect(records.append)

    def paths() -> set[str]:
        return {part.path for record in records for part in record.prompt.parts}

    def ask() -> None:
        # An answer may be known already, from looking ahead; then nothing is asked.
        qtbot.keyClicks(editor, "qz")
        qtbot.keyClick(editor, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
        qtbot.wait(500)

    def has_other_files() -> bool:
        ask()
        return "cart.py" in paths()

    def has_none() -> bool:
        records.clear()
        ask()
        return paths() == {""}

    qtbot.keyClick(editor, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(has_other_files, timeout=20_000)
    assert "main.py" in paths()
    assert ".env" not in paths()
    starpad.settings.change(suggestion_context="never")
    qtbot.waitUntil(has_none, timeout=20_000)
    starpad.completion.recorded.disconnect(records.append)


def test_in_a_file_for_secrets_only_the_user_asks(
    starpad: "Starpad", tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / ".env").write_text("PASSWORD=")
    starpad.window.files.open([tmp_path / ".env"])
    tab = starpad.window.tabs.current
    assert tab is not None
    tab.editor.setFocus()
    states: list[SuggestionState] = []

    def note(state: SuggestionState, _reason: str) -> None:
        states.append(state)

    starpad.completion.state_changed.connect(note)
    qtbot.keyClick(tab.editor, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(tab.editor, "q")
    qtbot.waitUntil(lambda: SuggestionState.PRIVATE in states, timeout=20_000)
    assert SuggestionState.GENERATING not in states
    qtbot.keyClick(tab.editor, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: SuggestionState.GENERATING in states, timeout=20_000)
    starpad.completion.state_changed.disconnect(note)
