"""The dialog says what will be asked, asks on a press, shows notes, and only opens pages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from release_server import PAGE, RELEASE, REPOSITORY, ReleaseServer
from starpad import __version__
from starpad.core.release import API
from starpad.services.background import BackgroundJobs
from starpad.services.update_check import UpdateCheck
from starpad.ui.actions import ActionId
from starpad.ui.update_commands import UpdateDialog

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that the browser is given."""
    opened: list[str] = []

    def keep(url: QUrl) -> None:
        opened.append(url.toString())

    monkeypatch.setattr(QDesktopServices, "openUrl", keep)
    return opened


@pytest.fixture
def jobs() -> Iterator[BackgroundJobs]:
    jobs = BackgroundJobs()
    yield jobs
    jobs.shutdown()


def _dialog(qtbot: QtBot, jobs: BackgroundJobs, repository: str, api: str = API) -> UpdateDialog:
    dialog = UpdateDialog(UpdateCheck(jobs, repository, jobs, api))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def _answered(qtbot: QtBot, jobs: BackgroundJobs, server: ReleaseServer) -> UpdateDialog:
    with server:
        dialog = _dialog(qtbot, jobs, REPOSITORY, server.api)
        with qtbot.waitSignal(jobs.job_ended, timeout=10_000):
            dialog.check.click()
    return dialog


def test_what_will_be_asked_is_said_before_and_nothing_is_asked_yet(
    qtbot: QtBot, jobs: BackgroundJobs
) -> None:
    with ReleaseServer() as server:
        dialog = _dialog(qtbot, jobs, REPOSITORY)
        for words in ("api.github.com", REPOSITORY, f"Starpad/{__version__}", "Nothing but this"):
            assert words in dialog.explanation.text()
        assert server.asked == []
    assert dialog.check.isVisible()
    assert not dialog.open_page.isVisible()


def test_a_newer_release_is_shown_with_notes_and_its_page_opens_on_a_press(
    qtbot: QtBot, jobs: BackgroundJobs, opened: list[str]
) -> None:
    dialog = _answered(qtbot, jobs, ReleaseServer())
    assert dialog.sentence.text() == "Starpad 0.2.0 is out"
    assert "2027" in dialog.explanation.text()
    assert "Faster suggestions" in dialog.notes.toPlainText()
    assert not dialog.check.isVisible()
    assert opened == []
    dialog.open_page.click()
    assert opened == [PAGE]


def test_the_newest_release_is_no_news(qtbot: QtBot, jobs: BackgroundJobs) -> None:
    dialog = _answered(qtbot, jobs, ReleaseServer(RELEASE | {"tag_name": f"v{__version__}"}))
    assert dialog.sentence.text() == "You have the newest Starpad"
    assert not dialog.notes.isVisible()
    assert not dialog.open_page.isVisible()


def test_after_a_failure_it_can_be_asked_again(qtbot: QtBot, jobs: BackgroundJobs) -> None:
    dialog = _answered(qtbot, jobs, ReleaseServer({}, 404))
    assert dialog.sentence.text() == f"{REPOSITORY} has published no release."
    assert dialog.check.isEnabled()


def test_notes_load_no_picture_run_no_html_and_open_only_web_pages(
    qtbot: QtBot, jobs: BackgroundJobs, opened: list[str]
) -> None:
    with ReleaseServer() as pictures:
        notes = (
            f"![far]({pictures.api}/a.png) ![near](file:///usr/share/pixmaps/a.png)\n\n"
            f'<img src="{pictures.api}/b.png"> <script>1</script>\n\n'
            "[page](https://github.com/a) [program](file:///usr/bin/true)\n"
        )
        dialog = _answered(qtbot, jobs, ReleaseServer(RELEASE | {"body": notes}))
        dialog.notes.grab()
        assert pictures.asked == []
    assert "<script>" in dialog.notes.toPlainText()
    for address in ("file:///usr/bin/true", "https://github.com/a", "starpad:x", "a.md"):
        dialog.notes.anchorClicked.emit(QUrl(address))
    assert opened == ["https://github.com/a"]


def test_closing_the_dialog_gives_the_question_up(qtbot: QtBot, jobs: BackgroundJobs) -> None:
    with ReleaseServer() as server:
        dialog = _dialog(qtbot, jobs, REPOSITORY, server.api)
        with qtbot.waitSignal(jobs.job_ended, timeout=10_000):
            dialog.check.click()
            dialog.reject()
    assert dialog.sentence.text() == "Asking…"


def test_the_menu_of_a_checkout_says_that_it_does_not_know_where_to_ask(
    starpad: "Starpad", qtbot: QtBot
) -> None:
    starpad.window.actions_by_id[ActionId.CHECK_UPDATES].trigger()
    [dialog] = starpad.window.findChildren(UpdateDialog)
    assert "does not know where its releases are published" in dialog.explanation.text()
    assert not dialog.check.isVisible()
    dialog.reject()
    qtbot.waitUntil(lambda: not starpad.window.findChildren(UpdateDialog))
