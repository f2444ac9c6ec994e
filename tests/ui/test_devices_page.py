"""The devices page: what the engine really uses, why not a GPU, and the choice of the engine."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from external_server import llama_server, script
from starpad.core import server_program
from starpad.core.engine_status import Device, EngineState, EngineStatus, LoadedModel, Placement
from starpad.core.gpu_advice import Advice, Step
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.settings import SettingsService
from starpad.ui.engine.advice_view import AdviceView
from starpad.ui.engine.device_table import device_rows
from starpad.ui.engine.devices_page import DevicesPage, is_reload_due, layers_text

MIB = 1 << 20
MODEL = LoadedModel(
    Path("/m.gguf"), "m", "Q8_0", 4096, None, frozenset(), on_gpu=True, is_demo=False,
    devices=(
        Device("CUDA0", "NVIDIA H100", True, 80_000_000_000, 79_000_000_000),
        Device("CPU", "A processor", False, 16_000_000_000, 0),
    ),
    placement=Placement(
        41, 20, (("CUDA0", 400 * MIB), ("CPU_Mapped", 100 * MIB), ("CUDA_Host", 100 * MIB))
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    engine: EngineService
    settings: SettingsService
    page: DevicesPage


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    monkeypatch.setattr(server_program, "_FOLDERS", {})
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    engine, jobs = EngineService(), BackgroundJobs()
    settings = SettingsService(tmp_path / "settings.json")
    page = DevicesPage(engine, settings, jobs)
    qtbot.addWidget(page)
    yield Parts(engine, settings, page)
    jobs.shutdown()
    engine.shutdown()


def reason(page: DevicesPage) -> str:
    return page.advice.accessibleName()


def test_without_a_model_it_says_so(parts: Parts, qtbot: QtBot) -> None:
    page = parts.page
    assert "Looking" in reason(page)
    page.show()
    qtbot.waitUntil(lambda: "No model is loaded" in reason(page), timeout=10_000)
    assert page.kind.text() == "No model is loaded"
    assert not page.table.isVisible()
    assert page.choice.box.isChecked()


def test_a_loaded_model_shows_its_engine_devices_and_layers(
    parts: Parts, qtbot: QtBot, demo_model: Path
) -> None:
    page = parts.page
    page.show()
    parts.engine.load(LoadOptions(demo_model, 256, 1))
    qtbot.waitUntil(lambda: parts.engine.status.state is EngineState.READY, timeout=20_000)
    assert "in the box" in page.kind.text()
    assert "version" in page.details.text()
    assert page.layers.text() == "0 of 7 layers on the GPU"
    names = [page.table.item(row, 0) for row in range(page.table.rowCount())]
    assert "CPU" in [item.text() for item in names if item is not None]
    qtbot.waitUntil(lambda: "Looking" not in reason(page), timeout=10_000)
    parts.engine.unload()
    assert page.kind.text() == "No model is loaded"


def test_weights_in_the_memory_count_at_the_processor() -> None:
    cuda, cpu = device_rows(MODEL)
    assert cuda == ("CUDA0", "NVIDIA H100", "80.0 GB", "79.0 GB", "419 MB")
    assert cpu == ("CPU", "A processor", "16.0 GB", "", "210 MB")
    odd = replace(MODEL, placement=Placement(1, 1, (("RPC0", MIB),)))
    assert device_rows(odd)[-1] == ("RPC0", "", "", "", "1 MB")
    assert layers_text(MODEL) == "20 of 41 layers on the GPU"
    assert layers_text(replace(MODEL, placement=Placement())) == ""


def test_a_program_is_checked_and_then_chosen(parts: Parts, qtbot: QtBot, tmp_path: Path) -> None:
    page, program = parts.page, llama_server(tmp_path)
    page.show()
    with qtbot.waitSignal(parts.settings.changed, timeout=20_000):
        page.choice.program_chosen.emit(program)
    assert parts.settings.current.engine_program == str(program)
    assert page.choice.own.isChecked()
    qtbot.waitUntil(lambda: "version 0.6" in page.choice._state.text())
    page.choice.box.click()
    assert parts.settings.current.engine_program == ""
    assert page.choice.box.isChecked()


def test_a_program_that_is_none_changes_nothing_and_says_why(
    parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    page = parts.page
    page.show()
    page.choice.program_chosen.emit(script(tmp_path / "mine", "exit 0"))
    notice = page.choice._notice
    qtbot.waitUntil(lambda: "not a llama-server" in notice.accessibleName(), timeout=20_000)
    assert parts.settings.current.engine_program == ""
    assert page.choice.box.isChecked()


def test_going_back_to_the_box_while_a_program_is_checked_counts(
    parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    page = parts.page
    page.choice.program_chosen.emit(llama_server(tmp_path))
    page.choice.box.click()
    with qtbot.waitSignal(page._report.checked, timeout=20_000):
        pass
    assert parts.settings.current.engine_program == ""


def test_a_chosen_program_that_has_gone_is_named_when_the_page_is_shown(
    parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    parts.settings.change(engine_program=str(tmp_path / "gone"))
    parts.page.show()
    notice = parts.page.choice._notice
    qtbot.waitUntil(lambda: "There is no" in notice.accessibleName(), timeout=20_000)
    assert parts.page.choice.own.isChecked()


def test_the_file_dialog_is_asked_and_may_be_cancelled(
    parts: Parts, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    choice = parts.page.choice
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    choice.own.click()
    assert choice.box.isChecked()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "s"), ""))
    with qtbot.waitSignal(choice.program_chosen) as caught:
        choice.choose.click()
    assert caught.args == [tmp_path / "s"]


def test_servers_on_this_computer_are_offered(
    parts: Parts, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = llama_server(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    parts.page.show()
    qtbot.waitUntil(lambda: bool(parts.page._report.servers), timeout=20_000)
    (use,) = [
        button
        for button in parts.page.choice.findChildren(QPushButton)
        if button.accessibleName() == f"Use {program}"
    ]
    with qtbot.waitSignal(parts.settings.changed, timeout=20_000):
        use.click()
    assert parts.settings.current.engine_program == str(program)


def test_reloading_is_offered_while_another_engine_holds_the_model(
    parts: Parts, qtbot: QtBot
) -> None:
    page = parts.page
    page.show()
    assert not page.choice.reload.isVisible()
    external = replace(MODEL, kind=EngineKind.EXTERNAL, program="/a")
    assert is_reload_due(MODEL, "/a")
    assert is_reload_due(external, "/b")
    assert not is_reload_due(external, "/a")
    assert not is_reload_due(replace(MODEL, kind=EngineKind.REMOTE), "/a")
    parts.engine._set_status(EngineStatus(EngineState.READY, external))
    assert page.choice.reload.isVisible()
    with qtbot.waitSignal(page.reload_requested):
        page.choice.reload.click()


def test_commands_can_be_copied_and_steps_go_away_with_their_reason(qtbot: QtBot) -> None:
    view = AdviceView()
    qtbot.addWidget(view)
    steps = (Step("Install it.", "sudo apt install it"), Step("Read.", page="https://x.example"))
    view.show_advice(Advice("It is missing.", steps))
    line = view.findChild(QLineEdit)
    assert line is not None
    assert line.text() == "sudo apt install it"
    copy, link = view.findChildren(QPushButton)
    copy.click()
    assert QGuiApplication.clipboard().text() == "sudo apt install it"
    assert link.accessibleName() == "Open https://x.example"
    view.show_advice(Advice("It is there.", is_problem=False))
    assert view.accessibleName() == "It is there."
    qtbot.waitUntil(lambda: view.findChildren(QPushButton) == [])


def test_everything_is_reached_by_keyboard_and_has_a_name(parts: Parts, qtbot: QtBot) -> None:
    page = parts.page
    for widget in (page.choice.box, page.choice.choose, page.table):
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert page.table.accessibleName()
    assert page.choice.accessibleName()
