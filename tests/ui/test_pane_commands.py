"""Every pane can be reached and left by keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from starpad.bootstrap import Starpad
from starpad.ui.actions import ActionId
from starpad.ui.editor.code_editor import CodeEditor


def _pane_of_focus(starpad: Starpad) -> QWidget | None:
    focus = QApplication.focusWidget()
    panes = starpad.window.panes._panes
    return next((pane for pane in panes if focus and pane.isAncestorOf(focus)), None)


def _editor(starpad: Starpad) -> CodeEditor:
    tab = starpad.window.tabs.current
    assert tab is not None
    return tab.editor


@pytest.fixture
def side_bar(starpad: Starpad) -> Iterator[QWidget]:
    starpad.window.side_bar.show()
    yield starpad.window.side_bar
    starpad.window.side_bar.hide()


def test_f6_goes_around_all_panes_and_back(starpad: Starpad, side_bar: QWidget) -> None:
    window = starpad.window
    seen = []
    for _ in range(len(window.panes._panes)):
        QTest.keyClick(window, Qt.Key.Key_F6)
        seen.append(_pane_of_focus(starpad))
    assert window.editing in seen
    assert window.chat_pane in seen
    assert side_bar in seen
    assert window.picker in seen
    forward = seen[-1]
    QTest.keyClick(window, Qt.Key.Key_F6)
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert _pane_of_focus(starpad) is forward


def test_a_pane_remembers_where_the_focus_was(starpad: Starpad) -> None:
    window = starpad.window
    field = window.chat_pane.bar.field
    field.setFocus()
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert _editor(starpad).hasFocus()
    QTest.keyClick(window, Qt.Key.Key_F6)
    assert QApplication.focusWidget() is field


def test_hidden_panes_are_passed_over(starpad: Starpad) -> None:
    window = starpad.window
    window.chat_pane.hide()
    for _ in range(6):
        window.panes.step(1)
        assert _pane_of_focus(starpad) not in (window.chat_pane, window.side_bar)
    window.chat_pane.show()


def test_tab_indents_until_it_is_to_move_the_focus(starpad: Starpad) -> None:
    editor = _editor(starpad)
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.text() == "    "
    toggle = starpad.window.actions_by_id[ActionId.TAB_MOVES_FOCUS]
    toggle.trigger()
    assert starpad.settings.current.tab_moves_focus
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert not editor.hasFocus()
    assert editor.text() == "    "
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert not editor.hasFocus()
    assert editor.text() == "    "
    editor.setFocus()
    toggle.trigger()
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.text() == "        "


def test_files_can_be_dropped_anywhere_on_the_window(starpad: Starpad, tmp_path: Path) -> None:
    path = tmp_path / "dropped.py"
    path.write_text("x\n")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)), QUrl("https://example.com/")])
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    none = Qt.KeyboardModifier.NoModifier
    window = starpad.window
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(5, 5), *how, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(5, 5), *how, none))
    assert window.tabs.current is not None
    assert window.tabs.current.document.path == path
