"""The speed that a reader sees is steady, and never made of bytes that were there before."""

import itertools

import pytest

from starpad.core.speed import SpeedMeter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> SpeedMeter:
    return SpeedMeter(clock)


def _run(meter: SpeedMeter, clock: Clock, seconds: float, speed: float, start: int = 0) -> int:
    """Feed a steady speed, five samples a second; return the bytes at the end."""
    done = start
    for _ in range(round(seconds * 5)):
        clock.now += 0.2
        done += round(speed * 0.2)
        meter.sample(done)
    return done


def test_nothing_is_known_before_two_samples(meter: SpeedMeter) -> None:
    assert meter.bytes_per_second == 0
    meter.sample(5_000_000_000)
    assert meter.bytes_per_second == 0
    assert meter.seconds_left(1) is None


def test_bytes_of_an_earlier_run_are_no_speed(meter: SpeedMeter, clock: Clock) -> None:
    meter.sample(5_000_000_000)
    _run(meter, clock, 1, 1_000_000, 5_000_000_000)
    assert meter.bytes_per_second == pytest.approx(1_000_000)


def test_a_steady_speed_is_shown_from_the_start(meter: SpeedMeter, clock: Clock) -> None:
    meter.sample(0)
    _run(meter, clock, 0.4, 34_000_000)
    assert meter.bytes_per_second == pytest.approx(34_000_000)


def test_the_forecast_comes_after_three_seconds_and_is_right(
    meter: SpeedMeter, clock: Clock
) -> None:
    meter.sample(0)
    done = _run(meter, clock, 2.8, 10_000_000)
    assert meter.seconds_left(100_000_000) is None
    _run(meter, clock, 0.4, 10_000_000, done)
    assert meter.seconds_left(100_000_000) == pytest.approx(10)


def test_a_gust_moves_the_shown_speed_more_than_the_forecast(
    meter: SpeedMeter, clock: Clock
) -> None:
    meter.sample(0)
    done = _run(meter, clock, 60, 10_000_000)
    _run(meter, clock, 2, 50_000_000, done)
    assert 20_000_000 < meter.bytes_per_second < 30_000_000
    left = meter.seconds_left(100_000_000)
    assert left is not None
    assert 6 < left < 9


def test_a_stall_lets_the_speed_fall_to_nothing(meter: SpeedMeter, clock: Clock) -> None:
    meter.sample(0)
    done = _run(meter, clock, 10, 10_000_000)
    _run(meter, clock, 20, 0, done)
    assert meter.bytes_per_second < 300_000
    _run(meter, clock, 500, 0, done)
    assert meter.seconds_left(1_000_000) is None


def test_starting_over_starts_anew(meter: SpeedMeter, clock: Clock) -> None:
    meter.sample(0)
    _run(meter, clock, 10, 10_000_000)
    clock.now += 0.2
    meter.sample(0)
    assert meter.bytes_per_second == 0
    _run(meter, clock, 1, 2_000_000)
    assert meter.bytes_per_second == pytest.approx(2_000_000)


def test_asking_often_changes_nothing(meter: SpeedMeter, clock: Clock) -> None:
    meter.sample(0)
    for step in itertools.count(1):
        clock.now += 0.001
        meter.sample(step * 10_000)
        if step == 5_000:
            break
    assert meter.bytes_per_second == pytest.approx(10_000_000)
