"""What the start built is out of collections, which are rare from then on."""

import gc
from collections.abc import Iterator

import pytest

from starpad.core import heap


@pytest.fixture(autouse=True)
def usual_collections() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_exists_is_left_out_and_what_comes_later_is_collected_more_rarely() -> None:
    before = gc.get_threshold()
    heap.settle()
    assert gc.get_freeze_count()
    assert gc.isenabled()
    assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold()[1:] == before[1:]
