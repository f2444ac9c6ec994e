"""DiffDialog: each hunk is shown as it is, chosen with mouse or keys, and applied on purpose."""

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QAbstractListModel, QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QKeyEvent, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QListView, QPushButton
from pytestqt.qtbot import QtBot

from starpad.core.editor_styles import WELL_READABLE, contrast
from starpad.core.patch import Hunk
from starpad.core.settings import ThemeChoice
from starpad.ui.diff_dialog import DiffDialog
from starpad.ui.hunk_list import MINUS, place_of, visible
from starpad.ui.theme import Theme

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

OLD = "one\ntwo\nthree\nfour\nfive\n"
NEW = "ONE\ntwo\nthree\nand a half\nfour\n"
"""Three changes: a line replaced, one added, one removed."""

Key = Qt.Key


def _dialog(qtbot: QtBot, old: str = OLD, new: str = NEW, first_line: int = 1) -> DiffDialog:
    dialog = DiffDialog(
        None,
        title="Apply the answer to a.py",
        old=old,
        new=new,
        font=QApplication.font(),
        first_line=first_line,
    )
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.open()
        dialog.activateWindow()
    return dialog


def _list(dialog: DiffDialog) -> QListView:
    [found] = dialog.findChildren(QListView)
    return found


def _button(dialog: DiffDialog, text: str) -> QPushButton:
    [found] = [b for b in dialog.findChildren(QPushButton) if b.text().replace("&", "") == text]
    return found


def _count(dialog: DiffDialog) -> str:
    [text] = [
        label.text()
        for label in dialog.findChildren(QLabel)
        if " of " in label.text() or "Nothing" in label.text()
    ]
    return text


def _area(view: QListView, row: int) -> QRect:
    return view.visualRect(view.model().index(row, 0))


def _press(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key, modifier)


def test_all_changes_are_accepted_at_first(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    assert dialog.isModal()
    assert dialog.accepted_text == NEW
    assert dialog.old == OLD
    assert _count(dialog) == "3 of 3 changes"


def test_the_keyboard_chooses_and_applies(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    assert _list(dialog).hasFocus()
    _press(Key.Key_Down)
    _press(Key.Key_Space)
    assert _count(dialog) == "2 of 3 changes"
    _press(Key.Key_Up)
    _press(Key.Key_Space)
    _press(Key.Key_Down)
    _press(Key.Key_Space)
    assert _count(dialog) == "2 of 3 changes"
    with qtbot.waitSignal(dialog.applied) as applied:
        _press(Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert applied.args == ["one\ntwo\nthree\nand a half\nfour\n"]
    assert not dialog.isVisible()


def test_a_click_on_the_head_of_a_change_chooses_it_and_one_on_its_lines_does_not(
    qtbot: QtBot,
) -> None:
    dialog = _dialog(qtbot)
    view = _list(dialog)
    area = _area(view, 0)
    left, viewport = Qt.MouseButton.LeftButton, view.viewport()
    QTest.mouseClick(viewport, left, pos=area.topLeft() + QPoint(18, 18))
    assert _count(dialog) == "2 of 3 changes"
    QTest.mouseClick(viewport, left, pos=area.bottomLeft() + QPoint(18, -18))
    right = Qt.MouseButton.RightButton
    QTest.mouseClick(viewport, right, pos=area.topLeft() + QPoint(18, 18))
    assert _count(dialog) == "2 of 3 changes"
    QTest.mouseClick(viewport, left, pos=area.topLeft() + QPoint(60, 18))
    assert _count(dialog) == "3 of 3 changes"


def test_all_and_none(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    _button(dialog, "None").click()
    assert _count(dialog) == "0 of 3 changes"
    assert dialog.accepted_text == OLD
    assert not _button(dialog, "Apply").isEnabled()
    _button(dialog, "All").click()
    assert dialog.accepted_text == NEW
    with qtbot.waitSignal(dialog.applied):
        _button(dialog, "Apply").click()


def test_with_no_change_chosen_nothing_is_applied(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    _button(dialog, "None").click()
    with qtbot.assertNotEmitted(dialog.applied):
        QTest.keyClick(_list(dialog), Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert dialog.isVisible()


@pytest.mark.parametrize("way", ["escape", "cancel"])
def test_escape_and_cancel_apply_nothing(way: str, qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    with qtbot.waitSignal(dialog.rejected), qtbot.assertNotEmitted(dialog.applied):
        if way == "escape":
            _press(Key.Key_Escape)
        else:
            _button(dialog, "Cancel").click()


def test_enter_applies_but_not_while_it_is_still_held_down(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    held = QKeyEvent(QEvent.Type.KeyPress, Key.Key_Return, Qt.KeyboardModifier.NoModifier, "", True)
    with qtbot.assertNotEmitted(dialog.applied):
        QApplication.sendEvent(dialog, held)
    with qtbot.waitSignal(dialog.applied):
        _press(Key.Key_Return)


def test_equal_texts_leave_nothing_to_apply(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, OLD, OLD)
    assert _count(dialog) == "Nothing would change."
    for name in ("All", "None"):
        _button(dialog, name).click()
    _press(Key.Key_Space)
    assert not _button(dialog, "Apply").isEnabled()
    assert dialog.accepted_text == OLD


def test_a_screen_reader_hears_each_change_and_whether_it_is_chosen(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    view = _list(dialog)
    accessible = QAccessible.queryAccessibleInterface(view)
    assert accessible.text(QAccessible.Text.Name) == "Changes"
    item = accessible.child(0)
    assert item.text(QAccessible.Text.Name) == ("Change 1 of 3. Line 1. Removed: one. Added: ONE")
    assert item.state().checked
    _press(Key.Key_Space)
    assert not accessible.child(0).state().checked
    for name in ("All", "None"):
        assert _button(dialog, name).accessibleName().endswith("all changes")


def test_places_count_from_the_documents_lines(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, first_line=11)
    model = _list(dialog).model()
    assert [model.index(row, 0).data() for row in range(3)] == [
        "Line 11",
        "After line 13",
        "Line 15",
    ]
    assert place_of(Hunk(0, (), 0, ("a\n",))) == "Before line 1"
    assert place_of(Hunk(1, ("a\n", "b\n"), 1, ())) == "Lines 2\N{EN DASH}3"


def test_characters_that_hide_or_reorder_others_are_shown_as_their_numbers() -> None:
    assert visible("a\tb\n") == "a   b"
    assert (
        visible("x\u202ey\u200b\x00\ud800\u2028\n") == "x<U+202E>y<U+200B><U+0000><U+D800><U+2028>"
    )
    assert visible("ä 漢 🐛\u00a0\n") == "ä 漢 🐛\u00a0"
    assert visible("last") == "last (no line end)"
    assert visible("x" * 1_000_000 + "\n") == "x" * 400 + "…"


def test_odd_text_is_drawn_and_handed_over_as_it_is(qtbot: QtBot) -> None:
    new = "\u202e\x00\u200b漢🐛\t\n" + "x" * 100_000
    dialog = _dialog(qtbot, OLD, new)
    assert not dialog.grab().isNull()
    with qtbot.waitSignal(dialog.applied) as applied:
        dialog.accept()
    assert applied.args == [new]


def test_the_model_has_a_flat_list_and_takes_no_other_data(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot)
    model = _list(dialog).model()
    assert isinstance(model, QAbstractListModel)
    first = model.index(0, 0)
    assert model.rowCount(first) == 0
    assert not model.setData(first, "text")
    assert first.data(Qt.ItemDataRole.DecorationRole) is None


def test_five_hundred_changes_open_and_turn_at_once(qtbot: QtBot) -> None:
    old = "".join(f"line {number}\n" for number in range(5000))
    new = "".join(f"line {n}\n" if n % 10 else f"other {n}\n" for n in range(5000))
    started = time.perf_counter()
    dialog = _dialog(qtbot, old, new)
    dialog.grab()
    _press(Key.Key_End)
    dialog.grab()
    _button(dialog, "None").click()
    dialog.grab()
    assert time.perf_counter() - started < 2
    assert _count(dialog) == "0 of 500 changes"
    assert _list(dialog).currentIndex().row() == 499


def test_up_and_down_show_all_of_a_change_that_is_higher_than_the_list(qtbot: QtBot) -> None:
    old = "".join(f"{number}\n" for number in range(200)) + "same\nlast\n"
    new = "".join(f"{number}!\n" for number in range(200)) + "same\nend\n"
    dialog = _dialog(qtbot, old, new)
    view = _list(dialog)
    height = view.viewport().height()
    seen = 0
    while view.currentIndex().row() == 0:
        area = _area(view, 0)
        assert -area.top() <= seen + height  # nothing was skipped
        seen = height - area.top()
        _press(Key.Key_Down)
        assert seen <= area.height() + height
    assert seen >= _area(view, 0).height()
    _press(Key.Key_Up)
    assert view.currentIndex().row() == 0
    for key in (Key.Key_Down, Key.Key_Up):
        tops = [_area(view, 0).top()]
        for _ in range(3):
            _press(key)
            tops.append(_area(view, 0).top())
        assert tops == sorted(tops, reverse=key == Key.Key_Down)
        assert len(set(tops)) == 4
    assert tops[-1] == view.spacing()
    assert view.currentIndex().row() == 0


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    style, palette = qapp.style().objectName(), QPalette(qapp.palette())
    theme = Theme(qapp)
    yield theme
    theme.set_choice(ThemeChoice.SYSTEM)
    theme.setParent(None)
    qapp.setStyleSheet("")
    qapp.setPalette(palette)
    qapp.setStyle(style)


@pytest.mark.parametrize("choice", [ThemeChoice.LIGHT, ThemeChoice.DARK])
def test_removed_and_added_lines_are_readable_and_not_told_by_color_alone(
    qtbot: QtBot, theme: Theme, choice: ThemeChoice
) -> None:
    theme.set_choice(choice)
    dialog = _dialog(qtbot)
    view = _list(dialog)
    image = view.viewport().grab().toImage()
    text = dialog.palette().color(QPalette.ColorRole.Text)
    area = _area(view, 0)
    right = view.viewport().width() - 40
    column = [image.pixelColor(right, y) for y in range(area.top() + 4, area.bottom() - 4)]
    grounds = {color.name(): color for color in column}
    assert len(grounds) == 3  # unchanged, removed, added
    for ground in grounds.values():
        assert contrast(text.name(), ground.name()) >= WELL_READABLE
    plain = image.pixelColor(right, area.top() + 4)
    rows = [y for y in range(area.top(), area.bottom()) if image.pixelColor(right, y) != plain]
    signs = _ink_columns(image, rows, area.left() + 10, text)
    assert signs, f"no {MINUS} and + before the lines"


def _ink_columns(image: QImage, rows: list[int], left: int, text: QColor) -> list[int]:
    """Return the columns of the sign's place in which some row has the text's color."""
    return [
        x
        for x in range(left, left + 10)
        if any(contrast(image.pixelColor(x, y).name(), text.name()) < 1.5 for y in rows)
    ]
