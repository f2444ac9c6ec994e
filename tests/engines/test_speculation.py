"""Whether guessing pays is told once, and again when it stops paying."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from running_engine import ask, engine
from starpad.core.speculation import SpeculationVerdict
from starpad.engines.client import EngineClient
from starpad.engines.protocol import Timings
from starpad.engines.speculation import SpeculationWatch

COST = Timings(1, 0, 1.0, 501, 1.0, guessed_tokens=400, right_tokens=390)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


async def _watch(
    client: EngineClient, verdicts: list[SpeculationVerdict], share: float
) -> SpeculationWatch:
    watch = SpeculationWatch(verdicts.append, share)
    await watch.probe(client)
    return watch


def test_it_is_told_when_known_and_again_when_it_stops_paying(url: str) -> None:
    verdicts: list[SpeculationVerdict] = []
    watch = ask(url, lambda client: _watch(client, verdicts, 0.0))
    for _ in range(5):
        watch.note(COST)
    assert [verdict.pays for verdict in verdicts] == [True]
    slow = replace(COST, generated_ms=1e9, right_tokens=0)
    for _ in range(5):
        watch.note(slow)
    assert [verdict.pays for verdict in verdicts] == [True, False]


def test_what_a_draft_model_reads_along_is_no_part_of_the_comparison(url: str) -> None:
    whole: list[SpeculationVerdict] = []
    without: list[SpeculationVerdict] = []

    async def job(client: EngineClient) -> None:
        for share, verdicts in ((0.0, whole), (1.0, without)):
            (await _watch(client, verdicts, share)).note(COST)

    ask(url, job)
    assert whole[0].plain_ms > 0
    assert without[0].plain_ms == 0
    assert not without[0].pays
