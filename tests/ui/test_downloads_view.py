"""DownloadsView: rows that change in place, the right button for each problem, nothing lost."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QMessageBox,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from starpad.core.download import Download, DownloadOrder, DownloadState
from starpad.core.hub_errors import HubProblem
from starpad.core.remote import RemoteFile
from starpad.ui.models.download_row import DownloadRow
from starpad.ui.models.downloads_view import DownloadsView

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's

TOTAL = 9_860_000_000
S, P = DownloadState, HubProblem


def make(name: str, state: DownloadState = S.RUNNING, done: int = 1_200_000_000) -> Download:
    file = RemoteFile(f"{name}-Q4_K_M.gguf", TOTAL, "a" * 64)
    order = DownloadOrder("https://hub.example", f"owner/{name}", "c" * 40, (file,), "Q4_K_M")
    return Download(order, state, done, TOTAL)


class Heard:
    """What the view asked for, in order."""

    def __init__(self, view: DownloadsView) -> None:
        self.all: list[tuple[object, ...]] = []
        for name in (
            "pause", "resume", "cancel", "move", "forget", "sign_in", "page", "open",
            "pause_all", "resume_all", "orphan_removal",
        ):  # fmt: skip
            signal = getattr(view, f"{name}_requested")
            signal.connect(lambda *values, name=name: self.all.append((name, *values)))


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(QLineEdit())
    window.resize(800, 500)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    return window


@pytest.fixture
def view(window: QWidget) -> DownloadsView:
    view = DownloadsView()
    layout = window.layout()
    assert layout is not None
    layout.addWidget(view)
    return view


@pytest.fixture
def heard(view: DownloadsView) -> Heard:
    return Heard(view)


def rows(view: DownloadsView) -> list[DownloadRow]:
    """Return the rows from top to bottom."""
    QApplication.processEvents()
    found = [row for row in view.findChildren(DownloadRow) if row.isVisible()]
    return sorted(found, key=lambda row: row.y())


def texts(widget: QWidget) -> list[str]:
    buttons = [b for b in widget.findChildren(QAbstractButton) if b.isVisible()]
    buttons.sort(key=lambda button: button.mapToGlobal(button.rect().center()).x())
    return [button.text() for button in buttons]


def click(widget: QWidget, text: str) -> None:
    [found] = [
        b for b in widget.findChildren(QAbstractButton) if b.text() == text and b.isVisible()
    ]
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


def question(view: DownloadsView) -> QMessageBox:
    [box] = [box for box in view.findChildren(QMessageBox) if box.isVisible()]
    return box


def has_question(view: DownloadsView) -> bool:
    return any(box.isVisible() for box in view.findChildren(QMessageBox))


def focused() -> QWidget:
    focus = QApplication.focusWidget()
    assert focus is not None
    return focus


def labels(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def test_without_downloads_it_says_what_will_be_here(view: DownloadsView) -> None:
    assert "No downloads" in labels(view)
    view.show_downloads((make("a"),))
    assert "No downloads" not in labels(view)
    view.show_downloads(())
    assert "No downloads" in labels(view)
    assert texts(view) == []


def test_a_row_says_what_it_is_how_far_and_why_it_waits(view: DownloadsView) -> None:
    download = replace(
        make("starcoder2-15b"), state=S.WAITING, note="No connection. Trying again in 8 s."
    )
    view.show_downloads((download,))
    [row] = rows(view)
    shown = labels(row)
    for words in ("starcoder2-15b", "Q4_K_M", "owner", "Waiting · 1.2 of 9.9 GB", "12 %"):
        assert words in shown
    assert "No connection. Trying again in 8 s." in shown
    assert row.accessibleName() == "owner/starcoder2-15b · Q4_K_M, waiting"


def test_sizes_beyond_32_bits_reach_the_bar(view: DownloadsView) -> None:
    view.show_downloads((make("a", done=TOTAL // 2),))
    [bar] = rows(view)[0].findChildren(QProgressBar)
    assert (bar.minimum(), bar.value(), bar.maximum()) == (0, 500, 1000)


@pytest.mark.parametrize(
    ("state", "problem", "buttons"),
    [
        (S.QUEUED, None, ["Pause", "Cancel"]),
        (S.RUNNING, None, ["Pause", "Cancel"]),
        (S.WAITING, P.OFFLINE, ["Pause", "Try now", "Cancel"]),
        (S.VERIFYING, None, ["Pause", "Cancel"]),
        (S.PAUSED, None, ["Resume", "Cancel"]),
        (S.PAUSED, P.DISK_FULL, ["Resume", "Cancel"]),
        (S.FAILED, P.DISK_FULL, ["Resume", "Cancel"]),
        (S.FAILED, P.CHECKSUM, ["Retry", "Cancel"]),
        (S.FAILED, P.NEEDS_SIGN_IN, ["Sign in…", "Check again", "Cancel"]),
        (S.FAILED, P.BAD_TOKEN, ["Sign in…", "Check again", "Cancel"]),
        (S.FAILED, P.NEEDS_LICENSE, ["Open page", "Check again", "Cancel"]),
        (S.FAILED, P.NEEDS_SCOPE, ["Open page", "Sign in…", "Check again", "Cancel"]),
        (S.FAILED, P.NOT_FOUND, ["Open page", "Check again", "Cancel"]),
        (S.FAILED, P.PROXY, ["Retry", "Cancel"]),
        (S.DONE, None, ["Use", "Remove from list"]),
    ],
)
def test_each_state_and_problem_has_its_buttons(
    state: DownloadState, problem: HubProblem | None, buttons: list[str], view: DownloadsView
) -> None:
    has_page = "Open page" in buttons
    url = "https://hub.example/owner/a" if has_page else ""
    view.show_downloads((replace(make("a", state), problem=problem, url=url),))
    moves = [] if state is S.DONE else ["↑", "↓"]
    assert texts(rows(view)[0]) == [*buttons, *moves]


def test_a_page_is_offered_only_where_there_is_one(view: DownloadsView) -> None:
    failed = replace(make("a", S.FAILED), problem=P.NEEDS_LICENSE)
    view.show_downloads((failed,))
    assert "Open page" not in texts(view)
    view.show_downloads((replace(failed, problem=P.WRONG_FILE, url="https://hub.example/a"),))
    assert "Open page" in texts(view)


def test_every_button_asks_for_its_own_and_names_its_download(
    view: DownloadsView, heard: Heard
) -> None:
    needs_license = replace(
        make("d", S.FAILED), problem=P.NEEDS_LICENSE, url="https://hub.example/owner/d"
    )
    view.show_downloads(
        (
            make("a"),
            make("b", S.PAUSED),
            replace(make("c", S.FAILED), problem=P.NEEDS_SIGN_IN),
            needs_license,
            make("e", S.DONE, TOTAL),
            make("f", S.WAITING),
        )
    )
    a, b, c, d, e, f = rows(view)
    for row, text in (
        (a, "Pause"), (b, "Resume"), (c, "Sign in…"), (c, "Check again"), (d, "Open page"),
        (d, "Check again"), (e, "Use"), (e, "Remove from list"), (b, "↑"), (b, "↓"),
        (f, "Try now"),
    ):  # fmt: skip
        click(row, text)
    ids = {name: make(name).id for name in "abcdef"}
    assert heard.all == [
        ("pause", ids["a"]), ("resume", ids["b"]), ("sign_in",), ("resume", ids["c"]),
        ("page", "https://hub.example/owner/d"), ("resume", ids["d"]), ("open", ids["e"]),
        ("forget", ids["e"]), ("move", ids["b"], 0), ("move", ids["b"], 2), ("resume", ids["f"]),
    ]  # fmt: skip
    for button in a.findChildren(QAbstractButton):
        if button.text() == "Pause":
            assert button.accessibleName() == "Pause: owner/a · Q4_K_M"


def test_the_first_cannot_go_up_and_the_last_cannot_go_down(
    view: DownloadsView, heard: Heard
) -> None:
    view.show_downloads((make("a"), make("b")))
    first, last = rows(view)
    click(first, "↑")
    click(last, "↓")
    QTest.keyClick(first, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert heard.all == []


def test_all_can_be_paused_and_resumed_where_that_makes_sense(
    view: DownloadsView, heard: Heard
) -> None:
    view.show_downloads((make("a"), make("b", S.PAUSED)))
    click(view, "Pause &all")
    click(view, "&Resume all")
    assert heard.all == [("pause_all",), ("resume_all",)]
    view.show_downloads((make("a", S.DONE), replace(make("b", S.FAILED), problem=P.CHECKSUM)))
    click(view, "Pause &all")
    click(view, "&Resume all")
    assert len(heard.all) == 2


def test_a_cancel_asks_first_and_says_what_is_lost(view: DownloadsView, heard: Heard) -> None:
    view.show_downloads((make("a"),))
    click(view, "Cancel")
    box = question(view)
    assert "owner/a · Q4_K_M" in box.text()
    assert "1.2 GB" in box.informativeText()
    assert heard.all == []
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert not has_question(view)
    assert heard.all == [], "Enter keeps the download"
    click(view, "Cancel")
    click(question(view), "Cancel download")
    assert heard.all == [("cancel", make("a").id)]


def test_while_it_is_verified_a_cancel_loses_all_of_it(view: DownloadsView) -> None:
    view.show_downloads((make("a", S.VERIFYING, done=5),))
    click(view, "Cancel")
    assert "9.9 GB" in question(view).informativeText()


def test_what_has_no_bytes_yet_is_cancelled_at_once(view: DownloadsView, heard: Heard) -> None:
    view.show_downloads((make("a", S.QUEUED, done=0),))
    click(view, "Cancel")
    assert heard.all == [("cancel", make("a").id)]


def test_the_question_goes_away_when_the_download_is_done_or_gone(
    view: DownloadsView, heard: Heard
) -> None:
    view.show_downloads((make("a"), make("b")))
    click(rows(view)[0], "Cancel")
    assert has_question(view)
    view.show_downloads((make("a", S.DONE, TOTAL), make("b")))
    assert not has_question(view)
    click(rows(view)[1], "Cancel")
    view.show_downloads((make("a", S.DONE, TOTAL),))
    assert not has_question(view)
    assert heard.all == []


def test_rows_keys_work_without_a_mouse(view: DownloadsView, heard: Heard) -> None:
    view.show_downloads((make("a"), make("b", S.PAUSED), make("c", S.DONE, TOTAL)))
    first, second, third = rows(view)
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Space)
    QTest.keyClick(first, Qt.Key.Key_Down)
    assert second.hasFocus()
    QTest.keyClick(second, Qt.Key.Key_Space)
    QTest.keyClick(second, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(second, Qt.Key.Key_Delete)
    box = question(view)
    QTest.keyClick(box, Qt.Key.Key_Escape)
    QTest.keyClick(second, Qt.Key.Key_Down)
    assert third.hasFocus()
    QTest.keyClick(third, Qt.Key.Key_Delete)
    assert heard.all == [
        ("pause", make("a").id), ("resume", make("b").id), ("move", make("b").id, 0),
        ("forget", make("c").id),
    ]  # fmt: skip
    assert "Space: pause or go on" in first.accessibleDescription()


def test_tab_walks_through_the_rows_as_they_stand(view: DownloadsView) -> None:
    view.show_downloads((make("a"), make("b")))
    view.show_downloads((make("b"), make("a")))
    first, second = rows(view)
    first.setFocus()
    walked: list[str] = []
    for _ in range(5):
        QTest.keyClick(focused(), Qt.Key.Key_Tab)
        focus = focused()
        walked.append(
            focus.text() if isinstance(focus, QAbstractButton) else focus.accessibleName()
        )
    assert walked[:2] == ["Pause", "Cancel"]
    assert walked[2] == "↓", "the first cannot go up"
    assert walked[3] == second.accessibleName()


def test_tab_finds_a_button_that_came_later_in_its_place(view: DownloadsView) -> None:
    view.show_downloads((make("a"), make("b")))
    failed = replace(make("a", S.FAILED), problem=P.NEEDS_LICENSE, url="https://hub.example/a")
    view.show_downloads((failed, make("b")))
    rows(view)[0].setFocus()
    walked: list[str] = []
    for _ in range(3):
        QTest.keyClick(focused(), Qt.Key.Key_Tab)
        focus = focused()
        assert isinstance(focus, QAbstractButton)
        walked.append(focus.text())
    assert walked == ["Open page", "Check again", "Cancel"]


def test_nothing_flashes_as_a_window_of_its_own(
    view: DownloadsView, window: QWidget, qapp: QApplication
) -> None:
    flashed: list[QObject] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            is_window = isinstance(watched, QWidget) and watched.isWindow()
            if event.type() is QEvent.Type.Show and is_window and watched is not window:
                flashed.append(watched)
            return False

    watch = Watch()
    qapp.installEventFilter(watch)
    states = (S.QUEUED, S.RUNNING, S.WAITING, S.PAUSED, S.FAILED, S.DONE)
    view.show_downloads(tuple(make(str(state), state) for state in states))
    view.show_orphans([Path("/models/a.gguf.part")])
    for state in states:
        view.show_downloads((make("a", state),))
    qapp.processEvents()
    qapp.removeEventFilter(watch)
    assert flashed == []


def test_news_change_rows_in_place_and_keep_focus_and_scroll(view: DownloadsView) -> None:
    names = [f"model-{n}" for n in range(12)]
    view.show_downloads(tuple(make(name, done=10) for name in names))
    before = rows(view)
    [area] = view.findChildren(QScrollArea)
    bar = area.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    position = bar.value()
    assert position > 0
    [pause] = [b for b in before[6].findChildren(QAbstractButton) if b.text() == "Pause"]
    pause.setFocus()
    for step in range(20):
        view.show_downloads(tuple(make(name, done=step * 10**8) for name in names))
    assert rows(view) == before
    assert pause.hasFocus()
    assert bar.value() == position


def test_the_focus_stays_on_the_button_that_turns_from_pause_to_resume(
    view: DownloadsView, heard: Heard
) -> None:
    view.show_downloads((make("a"),))
    [row] = rows(view)
    [pause] = [b for b in row.findChildren(QAbstractButton) if b.text() == "Pause"]
    pause.setFocus()
    QTest.keyClick(pause, Qt.Key.Key_Space)
    view.show_downloads((make("a", S.PAUSED),))
    focus = focused()
    assert isinstance(focus, QAbstractButton)
    assert focus.text() == "Resume"
    QTest.keyClick(focus, Qt.Key.Key_Space)
    assert heard.all == [("pause", make("a").id), ("resume", make("a").id)]


def test_a_key_meant_for_a_button_that_has_gone_presses_no_other(
    view: DownloadsView, heard: Heard
) -> None:
    view.show_downloads((make("a"),))
    [row] = rows(view)
    [pause] = [b for b in row.findChildren(QAbstractButton) if b.text() == "Pause"]
    pause.setFocus()
    view.show_downloads((make("a", S.DONE, TOTAL),))
    assert row.hasFocus()
    QTest.keyClick(focused(), Qt.Key.Key_Space)
    assert heard.all == []


def test_the_focus_goes_to_a_neighbor_when_its_row_goes_away(view: DownloadsView) -> None:
    view.show_downloads((make("a"), make("b"), make("c")))
    rows(view)[1].setFocus()
    view.show_downloads((make("a"), make("c")))
    assert rows(view)[1].hasFocus()
    assert "owner/c" in rows(view)[1].accessibleName()


def test_the_focus_given_to_the_view_goes_to_the_first_row(view: DownloadsView) -> None:
    view.show_downloads((make("a"), make("b")))
    view.setFocus()
    assert rows(view)[0].hasFocus()


def test_the_focus_elsewhere_is_left_alone(view: DownloadsView, window: QWidget) -> None:
    view.show_downloads((make("a"), make("b")))
    rows(view)[0].setFocus()
    [field] = window.findChildren(QLineEdit)
    field.setFocus()
    view.show_downloads((make("b", S.PAUSED),))
    assert field.hasFocus()


def test_a_new_state_is_told_to_screen_readers_but_no_step(
    view: DownloadsView, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[QObject, str, QAccessible.AnnouncementPoliteness]] = []

    def update(event: QAccessibleAnnouncementEvent) -> None:
        heard.append((event.object(), event.message(), event.politeness()))

    monkeypatch.setattr(QAccessible, "updateAccessibility", update)
    view.show_downloads((make("a"),))
    for step in range(10):
        view.show_downloads((make("a", done=step * 10**8),))
    assert heard == []
    view.show_downloads((make("a", S.VERIFYING),))
    failed = replace(make("a", S.FAILED), note="The disk is full.", problem=P.DISK_FULL)
    view.show_downloads((failed,))
    [row] = rows(view)
    polite = QAccessible.AnnouncementPoliteness
    assert heard == [
        (row, "owner/a · Q4_K_M, verifying.", polite.Polite),
        (row, "owner/a · Q4_K_M, failed. The disk is full.", polite.Assertive),
    ]


def test_left_over_parts_are_deleted_only_after_a_yes(view: DownloadsView, heard: Heard) -> None:
    part = Path("/models/owner/a/a.gguf.part")
    view.show_orphans([part])
    assert "Left over" in labels(view)
    assert str(part) in labels(view)
    assert "No downloads" not in labels(view)
    click(view, "Delete…")
    click(question(view), "Keep")
    assert heard.all == []
    click(view, "Delete…")
    click(question(view), "Delete")
    assert heard.all == [("orphan_removal", str(part))]
    view.show_orphans([])
    assert "No downloads" in labels(view)
