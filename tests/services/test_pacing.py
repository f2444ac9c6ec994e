"""The pause before a suggestion follows the model's speed and the user's rhythm."""

import pytest
from pytestqt.qtbot import QtBot

from starpad.services.pacing import LINE_END_PAUSE_MS, Pace, Pacing


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacing(qapp: object, clock: Clock) -> Pacing:
    pacing = Pacing(clock=clock)
    pacing.restart(on_gpu=False)
    return pacing


def _type(pacing: Pacing, clock: Clock, between_s: float, keys: int = 40) -> None:
    for _ in range(keys):
        clock.now += between_s
        pacing.note_key()


def _wait(pacing: Pacing, milliseconds: float, times: int = 5) -> None:
    for _ in range(times):
        pacing.note_first_token(milliseconds)


def test_a_chosen_pause_holds_in_any_case(pacing: Pacing) -> None:
    _wait(pacing, 30_000)
    assert pacing.pause_ms(70, is_line_new=False) == 70
    assert pacing.pace_for(70) is Pace.EACH_PAUSE
    assert pacing.pace_for(-1) is Pace.ON_DEMAND


def test_within_a_line_a_pause_is_longer_than_the_time_between_two_keys(
    pacing: Pacing, clock: Clock
) -> None:
    _wait(pacing, 5)
    _type(pacing, clock, 0.2)
    slow_typist = pacing.pause_ms(-1, is_line_new=False)
    _type(pacing, clock, 0.08)
    fast_typist = pacing.pause_ms(-1, is_line_new=False)
    assert 80 < fast_typist < 200 < slow_typist <= 350


def test_thinking_does_not_count_as_rhythm(pacing: Pacing, clock: Clock) -> None:
    before = pacing.pause_ms(-1, is_line_new=False)
    _type(pacing, clock, 5.0)
    assert pacing.pause_ms(-1, is_line_new=False) == before


def test_at_a_new_line_only_the_models_speed_counts(pacing: Pacing, clock: Clock) -> None:
    _type(pacing, clock, 0.2)
    _wait(pacing, 5)
    assert pacing.pause_ms(-1, is_line_new=True) == 20
    _wait(pacing, 300)
    assert pacing.pause_ms(-1, is_line_new=True) == 300
    _wait(pacing, 1900)
    assert pacing.pause_ms(-1, is_line_new=True) == 400, "bounded"


def test_before_anything_is_measured_the_device_says(pacing: Pacing) -> None:
    assert pacing.pause_ms(-1, is_line_new=True) == 150
    pacing.restart(on_gpu=True)
    assert pacing.pause_ms(-1, is_line_new=True) == 20


def test_a_slow_model_is_asked_less_readily_and_it_is_told_once(
    pacing: Pacing, qtbot: QtBot
) -> None:
    told: list[Pace] = []
    pacing.slowed.connect(told.append)
    _wait(pacing, 3000)
    assert pacing.pace_for(-1) is Pace.LINE_ENDS
    assert pacing.pause_ms(-1, is_line_new=False) == LINE_END_PAUSE_MS
    _wait(pacing, 9000)
    assert pacing.pace_for(-1) is Pace.ON_DEMAND
    _wait(pacing, 100)
    assert pacing.pace_for(-1) is Pace.EACH_PAUSE
    _wait(pacing, 3000)
    assert told == [Pace.LINE_ENDS, Pace.ON_DEMAND]


def test_one_slow_answer_turns_nothing_down(pacing: Pacing) -> None:
    pacing.note_first_token(20_000)
    assert pacing.pace_for(-1) is Pace.EACH_PAUSE
    _wait(pacing, 100, times=3)
    pacing.note_first_token(20_000)
    assert pacing.pace_for(-1) is Pace.EACH_PAUSE


def test_at_the_border_it_does_not_flicker(pacing: Pacing) -> None:
    _wait(pacing, 2100)
    _wait(pacing, 1900)
    assert pacing.pace_for(-1) is Pace.LINE_ENDS
    _wait(pacing, 1000)
    assert pacing.pace_for(-1) is Pace.EACH_PAUSE


def test_who_never_waits_for_a_slow_model_is_understood_too(pacing: Pacing) -> None:
    for _ in range(5):
        pacing.note_given_up(2500)
    assert pacing.pace_for(-1) is Pace.LINE_ENDS


def test_a_quick_change_of_mind_says_nothing_of_the_model(pacing: Pacing) -> None:
    _wait(pacing, 500)
    for _ in range(5):
        pacing.note_given_up(30)
    assert pacing.pause_ms(-1, is_line_new=True) == 400


def test_another_model_begins_anew(pacing: Pacing) -> None:
    _wait(pacing, 9000)
    pacing.restart(on_gpu=False)
    assert pacing.pace_for(-1) is Pace.EACH_PAUSE


def test_the_engine_is_asked_within_a_pause_when_the_next_key_has_hardly_a_chance(
    pacing: Pacing, clock: Clock
) -> None:
    _wait(pacing, 40)
    _type(pacing, clock, 0.16)
    pause = pacing.pause_ms(-1, is_line_new=False)
    assert pacing.early_ms(pause, is_line_new=False) == pause - 50
    assert pacing.early_ms(pause, is_line_new=True) == 0, "there whoever types stops anyway"
    _wait(pacing, 400)
    assert pacing.early_ms(400, is_line_new=False) == 300, "never right after each key"
