"""Whether guessing ahead pays is told by what was measured, and by enough of it."""

import pytest

from starpad.core.speculation import SpeculationMeter


def meter(plain_ms: float, guessing_ms: float, tokens: int = 500) -> SpeculationMeter:
    meter = SpeculationMeter()
    for extra in (0.0, 0.1, 50.0):
        meter.note_plain(plain_ms + extra)
    for _ in range(10):
        meter.note(tokens // 10 + 1, guessing_ms * tokens / 10, guesses=40, right=30)
    return meter


@pytest.mark.parametrize(
    ("plain_ms", "guessing_ms", "pays", "words"),
    [
        (20.0, 10.0, True, "2.0 times as fast here: 75% of the guesses were right"),
        (20.0, 30.0, False, "1.5 times as slow"),
        (20.0, 19.9, False, "no faster here"),
        (20.0, 20.2, False, "no faster here"),
    ],
)
def test_it_pays_only_if_tokens_come_clearly_faster(
    plain_ms: float, guessing_ms: float, pays: bool, words: str
) -> None:
    verdict = meter(plain_ms, guessing_ms).verdict
    assert verdict is not None
    assert verdict.pays is pays
    assert words in verdict.sentence


def test_little_is_not_judged() -> None:
    assert meter(20, 10, tokens=300).verdict is None
    without_plain = SpeculationMeter()
    without_plain.note(1000, 1000.0, 500, 400)
    assert without_plain.verdict is None


def test_what_nothing_was_guessed_for_does_not_count() -> None:
    one = meter(20, 10, tokens=300)
    one.note(10_000, 1.0, guesses=0, right=0)
    assert one.verdict is None


def test_requests_without_a_guess_tell_what_a_token_takes() -> None:
    one = meter(20, 30)
    for _ in range(10):
        one.note(101, 4000.0, guesses=0, right=0)
    verdict = one.verdict
    assert verdict is not None
    assert verdict.plain_ms == 40.0
    assert verdict.pays


def test_it_can_be_looked_at_again_with_the_same_time_without_guesses() -> None:
    one = meter(20, 10)
    one.begin_anew()
    assert one.verdict is None
    one.note(501, 500 * 25.0, guesses=400, right=100)
    verdict = one.verdict
    assert verdict is not None
    assert (verdict.plain_ms, verdict.guessing_ms) == (20.1, 25.0)
    assert not verdict.pays
