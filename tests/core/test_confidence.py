"""How sure a model was, of the part of its answer that is shown."""

import math

import pytest

from starpad.core.confidence import Confidence


def test_it_is_the_geometric_mean_of_what_is_shown() -> None:
    confidence = Confidence()
    confidence.add(0, [math.log(0.5)])
    confidence.add(3, [math.log(0.125), math.log(0.5)])
    confidence.add(9, [math.log(0.001)])
    assert confidence.of(3) == pytest.approx(0.5)
    assert confidence.of(9) == pytest.approx((0.5 * 0.125 * 0.5) ** (1 / 3))
    assert confidence.count == 4


def test_of_what_tells_no_probabilities_nothing_is_known() -> None:
    assert Confidence().of(10) is None
    confidence = Confidence()
    confidence.add(0, [-1.0])
    assert confidence.of(0) is None
