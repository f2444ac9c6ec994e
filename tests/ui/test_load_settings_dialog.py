"""How one model is loaded: only what was chosen differs from the usual."""

from collections.abc import Mapping

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox
from pytestqt.qtbot import QtBot

from starpad.core.memory_fit import Fit, Verdict
from starpad.core.model_records import ModelRecord
from starpad.ui.models.load_settings_dialog import LoadSettingsDialog

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def _dialog(qtbot: QtBot, record: ModelRecord) -> LoadSettingsDialog:
    def fit(values: Mapping[str, object]) -> Fit:
        return Fit(Verdict.FITS, f"context {values['context_tokens']}", "")

    dialog = LoadSettingsDialog(
        None, name="StarCoder2 3B · Q4_K_M", trained_tokens=16384, record=record, fit=fit
    )
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_untouched_it_chooses_nothing(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, ModelRecord())
    assert dialog.values == {"context_tokens": None, "kv_type": None, "gpu_layers": None}


def test_what_was_chosen_before_is_shown_and_stays(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, ModelRecord(context_tokens=4096, kv_type="q8_0", gpu_layers=0))
    assert dialog.values == {"context_tokens": 4096, "kv_type": "q8_0", "gpu_layers": 0}


def test_the_memory_follows_the_choice(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, ModelRecord())
    context, layers = dialog.findChildren(QSpinBox)
    context.setValue(2048)
    assert any(label.text() == "context 2048" for label in dialog.findChildren(QLabel))
    layers.setValue(20)
    [kv_type] = dialog.findChildren(QComboBox)
    kv_type.setCurrentText("q4_0")
    assert dialog.values == {"context_tokens": 2048, "kv_type": "q4_0", "gpu_layers": 20}


def test_a_kv_type_of_another_version_is_as_usual(qtbot: QtBot) -> None:
    assert _dialog(qtbot, ModelRecord(kv_type="q2_strange")).values["kv_type"] is None


def test_the_context_ends_where_the_model_was_trained_to(qtbot: QtBot) -> None:
    dialog = _dialog(qtbot, ModelRecord())
    context = dialog.findChildren(QSpinBox)[0]
    assert context.maximum() == 16384
