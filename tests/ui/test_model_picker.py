"""The tool bar's picker: what is loaded, what comes, what can be chosen."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QProgressBar, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from starpad.core.engine_status import EngineState, EngineStatus, LoadedModel, Loading
from starpad.core.installed_model import InstalledModel, ModelSource
from starpad.core.memory_fit import Fit, Verdict
from starpad.ui.model_picker import ModelPicker

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "grabbing the keyboard", "raise")

MODEL = InstalledModel(
    path=Path("/models/owner/name/starcoder2-3b.Q4_K_M.gguf"),
    name="StarCoder2 3B",
    header=None,
    problem="",
    source=ModelSource.DOWNLOADED,
    disk_bytes=1_890_000_000,
    quantization="Q4_K_M",
    architecture="starcoder2",
    context_tokens=16384,
    license="bigcode-openrail-m",
    family_id="starcoder2-3b",
    origin=None,
    verified_at=None,
    is_ours=True,
)
OTHER = replace(MODEL, path=Path("/models/a&b.gguf"), name="A & B", quantization="Q8_0")
FITS = Fit(Verdict.FITS, "It needs 2.6 GB.", "")
TIGHT = Fit(Verdict.TIGHT, "It needs 9 GB.", "")


def _loaded(model: InstalledModel, *, is_demo: bool = False) -> LoadedModel:
    return LoadedModel(
        path=model.path,
        name="starcoder2-3b",
        quantization=model.quantization,
        context_tokens=8192,
        fim=None,
        stop_ids=frozenset(),
        on_gpu=False,
        is_demo=is_demo,
    )


@pytest.fixture
def picker(qtbot: QtBot) -> ModelPicker:
    picker = ModelPicker([QAction("&Models…")])
    qtbot.addWidget(picker)
    picker.resize(800, 40)
    picker.show()
    return picker


def _text(picker: ModelPicker) -> str:
    return picker.findChildren(QToolButton)[-1].accessibleName()


def test_models_stand_in_the_given_order_with_what_matters(picker: ModelPicker) -> None:
    picker.show_models([(OTHER, TIGHT), (MODEL, FITS)], _loaded(MODEL))
    assert [choice.text() for choice in picker.choices] == [
        "A && B · Q8_0 · 1.9 GB · tight",
        "StarCoder2 3B · Q4_K_M · 1.9 GB",
    ]
    assert [choice.isChecked() for choice in picker.choices] == [False, True]
    assert "It needs 9 GB." in picker.choices[0].toolTip()


def test_a_choice_is_asked_for_once(picker: ModelPicker, qtbot: QtBot) -> None:
    picker.show_models([(MODEL, FITS), (OTHER, None)], None)
    with qtbot.waitSignal(picker.load_requested) as blocker:
        picker.choices[1].trigger()
    assert blocker.args == [OTHER.path]


def test_the_keyboard_opens_the_menu_and_chooses(picker: ModelPicker, qtbot: QtBot) -> None:
    picker.show_models([(MODEL, FITS), (OTHER, None)], None)
    picker.open_menu()
    [menu] = [menu for menu in picker.findChildren(QMenu) if menu.isVisible()]
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    with qtbot.waitSignal(picker.load_requested) as blocker:
        QTest.keyClick(menu, Qt.Key.Key_Return)
    assert blocker.args == [OTHER.path]


def test_while_a_model_comes_there_are_progress_and_a_cancel(
    picker: ModelPicker, qtbot: QtBot
) -> None:
    [bar] = picker.findChildren(QProgressBar)
    [cancel] = picker.findChildren(QPushButton)
    picker.show_models([(MODEL, FITS), (OTHER, None)], None)
    picker.show_status(EngineStatus(EngineState.READY, _loaded(OTHER)))
    assert not bar.isVisible()
    loading = Loading(MODEL.path, 0.25)
    picker.show_status(EngineStatus(EngineState.READY, _loaded(OTHER), loading=loading))
    assert _text(picker) == "Model: Loading StarCoder2 3B · Q4_K_M…"
    qtbot.waitUntil(bar.isVisible)
    assert bar.value() * 4 == bar.maximum()
    with qtbot.waitSignal(picker.cancel_requested):
        QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    picker.show_status(EngineStatus(EngineState.READY, _loaded(MODEL)))
    assert _text(picker) == "Model: StarCoder2 3B · Q4_K_M"
    qtbot.waitUntil(lambda: not cancel.isVisible())


def test_the_button_names_what_is_loaded(picker: ModelPicker) -> None:
    assert _text(picker) == "Model: No model"
    picker.show_status(EngineStatus(EngineState.READY, _loaded(MODEL)))
    assert _text(picker) == "Model: starcoder2-3b · Q4_K_M", "as it calls itself"
    picker.show_status(EngineStatus(EngineState.READY, _loaded(MODEL, is_demo=True)))
    assert _text(picker) == "Model: Demonstration model"
    picker.show_status(EngineStatus(EngineState.FAILED, reason="It ended."))
    assert _text(picker) == "Model: No model"
