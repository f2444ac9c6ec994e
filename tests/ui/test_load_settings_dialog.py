"""How one model is loaded: only what was chosen differs from the usual."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QPushButton,
    QSpinBox,
)
from pytestqt.qtbot import QtBot

from starpad.core.load_options import (
    FlashAttention,
    KvType,
    LoadOptions,
    LoraAdapter,
    Speculation,
    Weights,
)
from starpad.core.memory_fit import Fit, Verdict
from starpad.core.model_records import ModelRecord, ModelRecords
from starpad.services.model_library import with_choices
from starpad.ui.models.advanced_fields import AdvancedFields
from starpad.ui.models.load_settings_dialog import LoadSettingsDialog
from starpad.ui.models.lora_list import LoraList

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def _dialog(qtbot: QtBot, record: ModelRecord) -> LoadSettingsDialog:
    def fit(values: Mapping[str, object]) -> Fit:
        return Fit(Verdict.FITS, f"context {values['context_tokens']}", "")

    dialog = LoadSettingsDialog(
        None, name="StarCoder2 3B · Q4_K_M", trained_tokens=16384, record=record, fit=fit,
        devices=["GPU0", "GPU1"], drafts=[("Small", Path("/models/small.gguf"))],
    )  # fmt: skip
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_untouched_it_chooses_nothing(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, ModelRecord())
    assert not any(dialog.values.values())
    assert _load_settings(ModelRecord()) == dialog.values
    assert not dialog.findChild(AdvancedFields).isVisible()


CHOSEN = ModelRecord(
    context_tokens=4096, kv_type="q8_0", gpu_layers=0, threads=3, batch_tokens=64,
    flash_attention="off", weights="locked", device="GPU1", speculation="draft model",
    draft_model="/models/small.gguf", lora=(("/adapters/mine.gguf", 0.5),),
)  # fmt: skip


def test_what_was_chosen_before_is_shown_and_stays(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, CHOSEN)
    assert dialog.values == _load_settings(CHOSEN)
    assert dialog.findChild(AdvancedFields).isVisible()


def _load_settings(record: ModelRecord) -> dict[str, object]:
    names = (
        "context_tokens", "kv_type", "gpu_layers", "threads", "batch_tokens", "flash_attention",
        "weights", "speculation", "draft_model", "device", "lora",
    )  # fmt: skip
    return {name: getattr(record, name) for name in names}


def test_every_choice_is_kept_and_loads_the_model_so(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = _dialog(qtbot, CHOSEN)
    records = ModelRecords(tmp_path / "models.json")
    model = tmp_path / "model.gguf"
    records.change(model, **dialog.values)
    kept = ModelRecords(tmp_path / "models.json").get(model)
    assert _load_settings(kept) == _load_settings(CHOSEN)
    assert with_choices(LoadOptions(model), asdict(kept)) == LoadOptions(
        model, context_tokens=4096, kv_type=KvType.Q8_0, gpu_layers=0, threads=3, batch_tokens=64,
        flash_attention=FlashAttention.OFF, weights=Weights.LOCKED, device="GPU1",
        speculation=Speculation.DRAFT, draft_model=Path("/models/small.gguf"),
        lora=(LoraAdapter(Path("/adapters/mine.gguf"), 0.5),),
    )  # fmt: skip


def test_only_what_there_is_can_be_chosen(qtbot: QtBot) -> None:
    dialog = LoadSettingsDialog(
        None, name="A", trained_tokens=4096, record=ModelRecord(),
        fit=lambda _: Fit(Verdict.FITS, "", ""), devices=["GPU0"],
    )  # fmt: skip
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClick(dialog.findChild(QCheckBox), Qt.Key.Key_Space)
    fields = dialog.findChild(AdvancedFields)
    assert fields.isVisible()
    assert not fields._device.isVisible(), "one GPU is no choice"
    assert not fields._draft.isVisible()
    assert fields._speculation.findData("draft model") < 0


def test_adapters_are_added_and_removed_with_the_keyboard(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["/a/first.gguf", "/a/second.gguf"]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (names, ""))
    lora = LoraList(())
    qtbot.addWidget(lora)
    lora.show()
    add, remove = lora.findChildren(QPushButton)
    with qtbot.waitSignal(lora.changed):
        QTest.keyClick(add, Qt.Key.Key_Space)
    assert lora.adapters == (("/a/first.gguf", 1.0), ("/a/second.gguf", 1.0))
    lora.findChildren(QDoubleSpinBox)[0].setValue(0.3)
    QTest.keyClick(remove, Qt.Key.Key_Space)
    assert lora.adapters == (("/a/first.gguf", 0.3),)


def test_the_memory_follows_the_choice(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, ModelRecord())
    context, layers = dialog.findChildren(QSpinBox)[:2]
    context.setValue(2048)
    assert any(label.text() == "context 2048" for label in dialog.findChildren(QLabel))
    layers.setValue(20)
    kv_type = dialog.findChildren(QComboBox)[0]
    kv_type.setCurrentText("q4_0")
    chosen = {name: value for name, value in dialog.values.items() if value}
    assert chosen == {"context_tokens": 2048, "kv_type": "q4_0", "gpu_layers": 20}


def test_a_kv_type_of_another_version_is_as_usual(qtbot: QtBot) -> None:
    assert _dialog(qtbot, ModelRecord(kv_type="q2_strange")).values["kv_type"] is None


def test_the_context_ends_where_the_model_was_trained_to(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, ModelRecord())
    context = dialog.findChildren(QSpinBox)[0]
    assert context.maximum() == 16384
