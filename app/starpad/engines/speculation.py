"""Watches an engine that guesses ahead, until it is known whether that pays."""

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from starpad.core.sampling import Sampling
from starpad.core.speculation import SpeculationMeter, SpeculationVerdict
from starpad.engines.protocol import CompletionRequest, Timings

if TYPE_CHECKING:
    from starpad.engines.client import EngineClient

_PROBES = 5
_TEXT = "def main():\n    return "


class SpeculationWatch:
    """Listens to a client's requests; calls `on_verdict` once."""

    def __init__(self, on_verdict: Callable[[SpeculationVerdict], None]) -> None:
        self._meter = SpeculationMeter()
        self._on_verdict: Callable[[SpeculationVerdict], None] | None = on_verdict

    async def probe(self, client: "EngineClient") -> None:
        """Find out what a token takes without guessing. Raises EngineError."""
        prompt = tuple(await client.tokenize(_TEXT))
        for seed in range(_PROBES):
            request = CompletionRequest(prompt, 2, Sampling(temperature=1.0, seed=seed))
            async with aclosing(client.complete(request)) as stream:
                async for chunk in stream:
                    timings = chunk.timings
            if timings.generated_tokens == 2:
                self._meter.note_plain(timings.generated_ms)

    def note(self, timings: Timings) -> None:
        """Take what a request has cost in all."""
        if self._on_verdict is None:
            return
        self._meter.note(
            timings.generated_tokens,
            timings.generated_ms,
            timings.guessed_tokens,
            timings.right_tokens,
        )
        verdict = self._meter.verdict
        if verdict is not None:
            tell, self._on_verdict = self._on_verdict, None
            tell(verdict)
