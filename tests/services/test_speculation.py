"""Guessing ahead that does not pay is switched off; what pays stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from starpad.core.engine_status import EngineState
from starpad.core.load_options import LoadOptions, Speculation
from starpad.core.speculation import SpeculationVerdict
from starpad.services.engine import EngineService
from starpad.services.speculation import SpeculationJudge

LOADED_MS = 20_000
SLOWER = SpeculationVerdict(plain_ms=10, guessing_ms=20, guesses=100, right=31)
FASTER = SpeculationVerdict(plain_ms=20, guessing_ms=10, guesses=100, right=80)


@pytest.fixture
def engine(demo_model: Path, qtbot: QtBot) -> Iterator[EngineService]:
    engine = EngineService()
    engine.load(LoadOptions(demo_model, context_tokens=512, speculation=Speculation.NGRAM))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LOADED_MS)
    yield engine
    engine.shutdown()


def wanted(engine: EngineService) -> Speculation:
    options = engine.wanted
    assert isinstance(options, LoadOptions)
    return options.speculation


def test_what_slows_the_model_down_is_left_out_from_then_on(
    engine: EngineService, qtbot: QtBot
) -> None:
    judge = SpeculationJudge(engine)
    with qtbot.waitSignal(judge.judged):
        engine.value_received.emit(0, SLOWER)
    assert wanted(engine) is Speculation.OFF
    qtbot.waitUntil(
        lambda: engine.status.state is EngineState.READY and engine.status.loading is None,
        timeout=LOADED_MS,
    )


def test_what_pays_stays(engine: EngineService, qtbot: QtBot) -> None:
    judge = SpeculationJudge(engine)
    with qtbot.waitSignal(judge.judged):
        engine.value_received.emit(0, FASTER)
    assert wanted(engine) is Speculation.NGRAM


def test_another_model_is_not_loaded_anew(engine: EngineService, qtbot: QtBot) -> None:
    SpeculationJudge(engine)
    engine.unload()
    engine.value_received.emit(0, SLOWER)
    assert engine.status.state is EngineState.EMPTY
