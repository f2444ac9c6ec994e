"""The page of engine packs, with a real engine: every button does what it says."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from engine_packs import SLEEPS, broken_pack, linked_pack, write_wheel
from starpad.core.engine_status import EngineState
from starpad.core.errors import EngineError
from starpad.core.gpu_machine import Machine, Vendor
from starpad.core.offered_packs import offered_for
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.engine_packs import EnginePacks
from starpad.services.settings import SettingsService
from starpad.ui.engine.engine_window import EnginePage
from starpad.ui.engine.packs_page import PacksPage

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad

WAIT_MS = 30_000
NVIDIA = Machine("linux", vendors=(Vendor.NVIDIA,), has_nvidia_driver=True)


@dataclass(frozen=True, slots=True)
class Parts:
    packs: EnginePacks
    page: PacksPage
    folder: Path


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path) -> Iterator[Parts]:
    engine, jobs = EngineService(), BackgroundJobs()
    settings = SettingsService(tmp_path / "settings.json")
    folder = tmp_path / "engines"
    packs = EnginePacks(engine, settings, jobs, folder)
    page = PacksPage(packs)
    qtbot.addWidget(page)
    yield Parts(packs, page, folder)
    jobs.shutdown()
    engine.shutdown()


def show(parts: Parts, qtbot: QtBot) -> None:
    with qtbot.waitSignal(parts.packs.changed, timeout=WAIT_MS):
        parts.page.show()


def titles(page: PacksPage) -> list[str]:
    return [card.accessibleName() for card in page.cards()]


def button(page: PacksPage, name: str) -> QPushButton:
    """Return the button of a card by its accessible name."""
    found = [
        each
        for card in page.cards()
        for each in card.findChildren(QPushButton)
        if each.accessibleName() == name
    ]
    assert found, name
    return found[0]


def test_the_box_is_in_use_at_first(parts: Parts, qtbot: QtBot) -> None:
    show(parts, qtbot)
    assert titles(parts.page)[0] == "The engine in the box, in use"


def test_a_pack_is_used_and_the_box_again_by_key(parts: Parts, qtbot: QtBot) -> None:
    linked_pack(parts.folder, "native")
    show(parts, qtbot)
    qtbot.keyClick(button(parts.page, "Use native"), Qt.Key.Key_Space)
    assert not parts.page.install.isEnabled()
    assert parts.page.cancel.isVisible()
    qtbot.waitUntil(lambda: "native, in use" in titles(parts.page), timeout=WAIT_MS)
    qtbot.waitUntil(parts.page.news.isVisible)
    assert "native works" in parts.page.news.text()
    qtbot.keyClick(button(parts.page, "Use: The engine in the box"), Qt.Key.Key_Space)
    assert titles(parts.page)[:2] == ["The engine in the box, in use", "native"]


def test_a_try_can_be_cancelled(parts: Parts, qtbot: QtBot) -> None:
    broken_pack(parts.folder, "slow", SLEEPS)
    show(parts, qtbot)
    button(parts.page, "Use slow").click()
    qtbot.waitUntil(parts.page.cancel.isVisible)
    parts.page.cancel.click()
    qtbot.waitUntil(lambda: not parts.page.cancel.isVisible(), timeout=WAIT_MS)
    assert parts.page.install.isEnabled()
    assert not parts.page.notice.isVisible()


def test_a_pack_is_removed_after_a_yes_only(parts: Parts, qtbot: QtBot) -> None:
    linked_pack(parts.folder, "native")
    show(parts, qtbot)
    button(parts.page, "Remove native").click()
    (box,) = parts.page.findChildren(QMessageBox)
    box.reject()
    assert (parts.folder / "native").exists()
    qtbot.waitUntil(lambda: not parts.page.findChildren(QMessageBox))
    button(parts.page, "Remove native").click()
    (box,) = parts.page.findChildren(QMessageBox)
    box.buttons()[0].click()
    qtbot.waitUntil(lambda: "native" not in titles(parts.page))
    qtbot.waitUntil(lambda: not (parts.folder / "native").exists(), timeout=WAIT_MS)


def test_a_file_is_installed_and_its_hash_shown(
    parts: Parts, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = write_wheel(tmp_path / "xllamacpp-2099.1.1-cp310-abi3-linux_x86_64.whl")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(wheel), ""))
    show(parts, qtbot)
    parts.page.install.click()
    qtbot.waitUntil(lambda: "xllamacpp-2099.1.1" in titles(parts.page), timeout=WAIT_MS)
    card = next(c for c in parts.page.cards() if c.accessibleName() == "xllamacpp-2099.1.1")
    words = " ".join(label.text() for label in card.findChildren(type(parts.page.news)))
    assert parts.packs.packs[0].sha256 in words
    assert str(wheel) in words


def test_offers_show_size_and_source_or_the_page(
    parts: Parts, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(parts, qtbot)
    first, second, *_ = offered_for(NVIDIA, architecture="x86_64")
    known = replace(
        first.wheel, url="https://github.com/x.whl", size_bytes=1_234_000_000, sha256="a" * 64
    )
    parts.packs.offers = [replace(first, wheel=known), second]
    parts.packs.changed.emit()
    page = parts.page
    assert "Recommended for this computer: CUDA 12.8." in page.recommendation.text()
    assert titles(page)[1:] == [
        "Build for this processor…",
        "CUDA 12.8, for this computer",
        "CUDA 13.2, for this computer",
    ]
    assert button(page, "Download and install (1.2 GB): CUDA 12.8 from github.com").isEnabled()
    assert button(page, f"Open {second.pack.page}").isEnabled()
    asked: list[str] = []
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda _self, title, *_: (asked.append(title), ("", ""))[1]
    )
    button(page, "Install CUDA 13.2 from a file").click()
    assert asked == ["Install CUDA 13.2"]


def test_a_failure_is_shown_until_something_comes_of_the_next(parts: Parts, qtbot: QtBot) -> None:
    show(parts, qtbot)
    parts.packs.failed.emit(EngineError("It failed.", "Do this."))
    assert parts.page.notice.isVisible()
    parts.packs.told.emit("It worked.")
    assert not parts.page.notice.isVisible()
    assert parts.page.news.text() == "It worked."


def test_the_tabs_of_the_engine_window_have_letters_of_their_own() -> None:
    letters = [page.value[page.value.index("&") + 1].lower() for page in EnginePage]
    assert len(set(letters)) == len(letters)


def test_a_pack_that_is_gone_at_a_start_is_told_and_forgotten(
    fresh_starpad: "Starpad", qtbot: QtBot
) -> None:
    starpad = fresh_starpad
    pack = linked_pack(Path(starpad.settings._path).parent / "data" / "engines", "gone")
    shutil.rmtree(pack.folder)
    starpad.settings.change(engine_pack=str(pack.folder))
    starpad.window.models.reload()

    def messages() -> list[str]:
        return [each.message for each in starpad.window.messages.notifications]

    qtbot.waitUntil(lambda: any("gone does not work" in m for m in messages()), timeout=WAIT_MS)
    assert starpad.settings.current.engine_pack == ""
    assert starpad.engine.status.state is EngineState.READY
    notification = next(
        each for each in starpad.window.messages.notifications if "gone" in each.message
    )
    assert "Install it again in Model > Engine > Engine packs." in notification.hint
    notification.actions[0].callback()
    assert starpad.window.engines.window.isVisible()
