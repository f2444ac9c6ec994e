"""Three automatic restarts in ten minutes, no more."""

import pytest

from starpad.core.restart_policy import RestartPolicy


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_three_restarts_are_allowed_and_the_fourth_is_not(clock: Clock) -> None:
    policy = RestartPolicy(clock=clock)
    assert [policy.allow() for _ in range(5)] == [True, True, True, False, False]


def test_ten_minutes_after_the_first_there_is_another(clock: Clock) -> None:
    policy = RestartPolicy(clock=clock)
    for clock.now_s in (0, 100, 200):
        assert policy.allow()
    clock.now_s = 599.9
    assert not policy.allow()
    clock.now_s = 600
    assert policy.allow()
    assert not policy.allow()
    clock.now_s = 700
    assert policy.allow()


def test_a_refusal_does_not_count_as_a_restart(clock: Clock) -> None:
    policy = RestartPolicy(limit=1, window_s=10, clock=clock)
    assert policy.allow()
    for clock.now_s in (3, 6, 9):
        assert not policy.allow()
    clock.now_s = 10
    assert policy.allow()
