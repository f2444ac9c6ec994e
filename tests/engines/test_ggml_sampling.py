"""The next token is chosen as llama.cpp chooses it."""

import math
import random
from array import array
from collections import Counter

import pytest

from starpad.core.sampling import Sampling
from starpad.engines.ggml_library import GgmlError
from starpad.engines.ggml_sampling import Sampler

# The likeliest last, as e, e², e³, e⁴ to one.
FOUR = (1.0, 2.0, 3.0, 4.0)


def choices(sampling: Sampling, logits: tuple[float, ...] = FOUR, count: int = 400) -> Counter[int]:
    sampler = Sampler(sampling)
    return Counter(sampler.choose(array("f", logits), ()) for _ in range(count))


def test_at_temperature_0_the_likeliest_is_taken_and_of_equals_the_first() -> None:
    assert choices(Sampling()) == {3: 400}
    assert choices(Sampling(), (0.0, 5.0, 5.0)) == {1: 400}


def test_what_is_twice_as_likely_comes_twice_as_often() -> None:
    logits = (0.0, math.log(2), math.log(4))
    found = choices(Sampling(1.0, top_p=1, top_k=0, seed=1), logits, 7000)
    assert [found[token] / 1000 for token in range(3)] == pytest.approx([1, 2, 4], abs=0.2)


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [
        (Sampling(9.0, top_p=1, top_k=0, seed=1), {0, 1, 2, 3}),
        (Sampling(9.0, top_p=1, top_k=2, seed=1), {2, 3}),
        (Sampling(9.0, top_p=1, top_k=999, seed=1), {0, 1, 2, 3}),
        # The last has 64 % of all, the last two 88, whatever the temperature.
        (Sampling(9.0, top_p=0.6, top_k=0, seed=1), {3}),
        (Sampling(9.0, top_p=0.7, top_k=0, seed=1), {2, 3}),
        (Sampling(9.0, top_p=0.0, top_k=0, seed=1), {3}),
        # One e-th as likely as the last is 37 %, the next 14.
        (Sampling(9.0, top_p=1, top_k=0, min_p=0.2, seed=1), {2, 3}),
        (Sampling(9.0, top_p=1, top_k=0, min_p=0.4, seed=1), {3}),
        (Sampling(9.0, top_p=1, top_k=0, min_p=7, seed=1), {3}),
    ],
)
def test_the_unlikely_is_cut_off(sampling: Sampling, wanted: set[int]) -> None:
    assert choices(sampling).keys() == wanted


def test_a_seed_repeats_its_choices_and_minus_one_does_not() -> None:
    flat = (0.0,) * 50

    def series(seed: int) -> list[int]:
        sampler = Sampler(Sampling(1.0, top_p=1, top_k=0, seed=seed))
        return [sampler.choose(array("f", flat), ()) for _ in range(20)]

    assert series(3) == series(3)
    assert series(3) != series(4)
    assert series(-1) != series(-1)
    assert series(2**32 - 1) != series(2**32 - 1)


def test_what_was_said_lately_becomes_less_likely() -> None:
    sampler = Sampler(Sampling(repeat_penalty=2.0))
    assert sampler.choose(array("f", FOUR), [3]) == 2
    assert sampler.choose(array("f", [-3.0, -4.0]), [0]) == 1
    assert sampler.choose(array("f", FOUR), [3, *[0] * 64]) == 3


def test_the_largest_of_a_large_vocabulary_are_found() -> None:
    source = random.Random(2)
    logits = [source.gauss(0, 1) for _ in range(5000)]
    best = sorted(range(5000), key=logits.__getitem__)[-40:]
    found = choices(Sampling(9.0, top_p=1, top_k=40, seed=1), tuple(logits), 2000)
    assert found.keys() == set(best)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_computes_no_numbers_is_said_to_be_damaged(value: float) -> None:
    with pytest.raises(GgmlError, match="damaged"):
        choices(Sampling(), (value, 1.0))
