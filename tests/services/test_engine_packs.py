"""Packs are tried before they count, and one that is in use leaves only after the model has."""

import hashlib
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from engine_packs import ABORTS, RAISES, SLEEPS, broken_pack, linked_pack, write_wheel
from starpad.core import offered_packs
from starpad.core.engine_pack import InstalledPack, installed
from starpad.core.engine_status import EngineState
from starpad.core.errors import StarpadError
from starpad.core.gpu_machine import Machine, Vendor
from starpad.core.offered_packs import PackOffer, offered_for
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.engine_packs import EnginePacks
from starpad.services.model_library import usual_options
from starpad.services.settings import SettingsService

WAIT_MS = 30_000


class Recorder(QObject):
    """Keeps what the service says, and loads the model again when it asks for that."""

    def __init__(self, parts: "Parts") -> None:
        super().__init__()
        self._parts = parts
        self.told: list[str] = []
        self.failures: list[StarpadError] = []
        self.fallbacks: list[tuple[str, str]] = []
        self.texts: list[str] = []
        parts.packs.told.connect(self._on_told)
        parts.packs.failed.connect(self._on_failed)
        parts.packs.fell_back.connect(self._on_fell_back)
        parts.packs.changed.connect(self._on_changed)
        parts.packs.reload_requested.connect(self._on_reload_requested)

    @Slot(str)
    def _on_told(self, text: str) -> None:
        self.told.append(text)

    @Slot(object)
    def _on_failed(self, error: StarpadError) -> None:
        self.failures.append(error)

    @Slot(str, str)
    def _on_fell_back(self, name: str, reason: str) -> None:
        self.fallbacks.append((name, reason))

    @Slot()
    def _on_changed(self) -> None:
        if self._parts.packs.work is not None:
            self.texts.append(self._parts.packs.work.text)

    @Slot()
    def _on_reload_requested(self) -> None:
        self._parts.load()


@dataclass(frozen=True, slots=True)
class Parts:
    engine: EngineService
    settings: SettingsService
    packs: EnginePacks
    folder: Path
    model: Path

    def load(self) -> None:
        self.engine.load(usual_options(self.settings.current, self.model))


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path, demo_model: Path) -> Iterator[Parts]:
    engine, jobs = EngineService(), BackgroundJobs()
    engine.restart_automatically = False
    settings = SettingsService(tmp_path / "settings.json")
    folder = tmp_path / "engines"
    packs = EnginePacks(engine, settings, jobs, folder)
    yield Parts(engine, settings, packs, folder, demo_model)
    jobs.shutdown()
    engine.shutdown()


@pytest.fixture
def recorder(parts: Parts) -> Recorder:
    return Recorder(parts)


def look(parts: Parts, qtbot: QtBot) -> list[str]:
    """Have the service look; return the names of what is installed."""
    with qtbot.waitSignal(parts.packs.changed, timeout=WAIT_MS):
        parts.packs.look()
    return [pack.name for pack in parts.packs.packs]


def wait_held_by(parts: Parts, qtbot: QtBot, pack: InstalledPack | None) -> None:
    folder = str(pack.folder) if pack is not None else ""

    def is_held() -> bool:
        status = parts.engine.status
        return (
            status.state is EngineState.READY
            and status.loading is None
            and parts.packs.at_work == folder
        )

    qtbot.waitUntil(is_held, timeout=WAIT_MS)


def wait_idle(parts: Parts, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: parts.packs.work is None, timeout=WAIT_MS)


def test_a_pack_that_works_is_used_at_once_and_at_the_next_start(
    parts: Parts, recorder: Recorder, qtbot: QtBot, tmp_path: Path
) -> None:
    pack = linked_pack(parts.folder, "good")
    parts.load()
    wait_held_by(parts, qtbot, None)
    parts.settings.change(engine_program="/usr/bin/llama-server")
    parts.packs.use(pack)
    wait_held_by(parts, qtbot, pack)
    assert recorder.told == ["good works. It sees no graphics card."]
    again = SettingsService(tmp_path / "settings.json").current
    assert again.engine_pack == str(pack.folder)
    assert again.engine_program == ""


def test_without_a_model_only_the_choice_changes(
    parts: Parts, recorder: Recorder, qtbot: QtBot
) -> None:
    pack = linked_pack(parts.folder, "good")
    parts.packs.use(pack)
    wait_idle(parts, qtbot)
    assert parts.packs.chosen == str(pack.folder)
    assert parts.engine.status.state is EngineState.EMPTY


@pytest.mark.parametrize("code", [RAISES, ABORTS], ids=["raises", "aborts"])
def test_a_pack_that_does_not_pass_is_not_used(
    parts: Parts, recorder: Recorder, qtbot: QtBot, code: str
) -> None:
    parts.load()
    wait_held_by(parts, qtbot, None)
    parts.packs.use(broken_pack(parts.folder, "bad", code))
    wait_idle(parts, qtbot)
    (error,) = recorder.failures
    assert "bad does not work here" in error.message
    assert parts.packs.chosen == ""
    wait_held_by(parts, qtbot, None)


def test_a_try_can_be_given_up(parts: Parts, recorder: Recorder, qtbot: QtBot) -> None:
    parts.packs.use(broken_pack(parts.folder, "slow", SLEEPS))
    assert parts.packs.work is not None
    parts.packs.cancel()
    wait_idle(parts, qtbot)
    assert (recorder.failures, recorder.told, parts.packs.chosen) == ([], [], "")


def test_one_work_at_a_time(parts: Parts, recorder: Recorder, qtbot: QtBot) -> None:
    slow = broken_pack(parts.folder, "slow", SLEEPS)
    parts.packs.use(slow)
    parts.packs.remove(slow)
    assert "not done yet" in recorder.failures[0].message
    parts.packs.cancel()
    wait_idle(parts, qtbot)
    assert installed(parts.folder) == [slow]


def test_the_box_can_be_chosen_again(parts: Parts, recorder: Recorder, qtbot: QtBot) -> None:
    pack = linked_pack(parts.folder, "good")
    parts.settings.change(engine_pack=str(pack.folder))
    parts.load()
    wait_held_by(parts, qtbot, pack)
    parts.packs.use_box()
    wait_held_by(parts, qtbot, None)
    assert parts.packs.chosen == ""


def test_a_pack_in_use_is_removed_after_the_box_has_taken_over(
    parts: Parts, recorder: Recorder, qtbot: QtBot
) -> None:
    pack = linked_pack(parts.folder, "good")
    parts.settings.change(engine_pack=str(pack.folder))
    parts.load()
    wait_held_by(parts, qtbot, pack)
    parts.packs.remove(pack)
    assert pack.folder.exists()
    qtbot.waitUntil(lambda: bool(recorder.told), timeout=WAIT_MS)
    assert recorder.told == ["good was removed."]
    assert not pack.folder.exists()
    wait_held_by(parts, qtbot, None)
    assert (recorder.failures, recorder.fallbacks, parts.packs.chosen) == ([], [], "")


def test_a_pack_that_is_chosen_and_not_loaded_is_removed_at_once(
    parts: Parts, recorder: Recorder, qtbot: QtBot
) -> None:
    pack = linked_pack(parts.folder, "good")
    parts.settings.change(engine_pack=str(pack.folder))
    parts.packs.remove(pack)
    qtbot.waitUntil(lambda: bool(recorder.told), timeout=WAIT_MS)
    assert (parts.packs.chosen, installed(parts.folder)) == ("", [])


def test_a_pack_that_fails_later_is_told_once_and_not_tried_again(
    parts: Parts, recorder: Recorder, qtbot: QtBot
) -> None:
    pack = linked_pack(parts.folder, "gone")
    parts.settings.change(engine_pack=str(pack.folder))
    shutil.rmtree(pack.folder)
    parts.load()
    wait_held_by(parts, qtbot, None)
    ((name, reason),) = recorder.fallbacks
    assert name == "gone"
    assert "not there any more" in reason
    assert parts.packs.chosen == ""


def test_a_wheel_of_this_computer_becomes_a_pack_with_its_own_name(
    parts: Parts, recorder: Recorder, qtbot: QtBot, tmp_path: Path
) -> None:
    wheel = write_wheel(tmp_path / "xllamacpp-2099.1.1-cp310-abi3-linux_x86_64.whl")
    for expected in (
        ["xllamacpp-2099.1.1"],
        ["xllamacpp-2099.1.1", "xllamacpp-2099.1.1-2"],
    ):
        parts.packs.install_file(wheel)
        wait_idle(parts, qtbot)
        assert look(parts, qtbot) == expected
    assert parts.packs.packs[0].source == str(wheel)
    assert "is installed" in recorder.told[0]
    offered = offered_packs.load()[0]
    parts.packs.install_file(wheel, offered)
    wait_idle(parts, qtbot)
    assert look(parts, qtbot)[0] == offered.name
    assert parts.packs.packs[0].built_for == "CUDA 12.8 (NVIDIA)"


def test_a_file_that_is_no_wheel_is_refused_in_words(
    parts: Parts, recorder: Recorder, qtbot: QtBot, tmp_path: Path
) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no wheel")
    parts.packs.install_file(other)
    wait_idle(parts, qtbot)
    assert "no whole wheel" in recorder.failures[0].message
    assert look(parts, qtbot) == []


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def offer(tmp_path: Path) -> Iterator[PackOffer]:
    """Return an offer whose file is served on this computer."""
    site = tmp_path / "site"
    site.mkdir()
    data = write_wheel(site / "x.whl").read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        machine = Machine("linux", vendors=(Vendor.NVIDIA,))
        first = offered_for(machine, architecture="x86_64")[0]
        wheel = replace(
            first.wheel,
            url=f"http://127.0.0.1:{server.server_port}/x.whl",
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        yield replace(first, wheel=wheel)
        server.shutdown()
        thread.join()


def test_an_offered_pack_is_downloaded_checked_and_installed(
    parts: Parts, recorder: Recorder, qtbot: QtBot, offer: PackOffer
) -> None:
    parts.packs.download(offer)
    wait_idle(parts, qtbot)
    assert look(parts, qtbot) == [offer.pack.name]
    (pack,) = parts.packs.packs
    assert (pack.sha256, pack.source) == (offer.wheel.sha256, offer.wheel.url)
    assert recorder.failures == []
    assert any("Downloading CUDA 12.8 from 127.0.0.1" in text for text in recorder.texts)
    assert not list(parts.folder.glob(".download-*"))


def test_a_download_with_another_hash_installs_nothing(
    parts: Parts, recorder: Recorder, qtbot: QtBot, offer: PackOffer
) -> None:
    parts.packs.download(replace(offer, wheel=replace(offer.wheel, sha256="0" * 64)))
    wait_idle(parts, qtbot)
    assert "SHA-256" in recorder.failures[0].message
    assert look(parts, qtbot) == []


def test_offers_are_those_for_this_system(parts: Parts, qtbot: QtBot) -> None:
    look(parts, qtbot)
    assert all(offer.wheel.system == sys.platform for offer in parts.packs.offers)
