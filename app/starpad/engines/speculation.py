"""Watches whether it pays that an engine guesses ahead."""

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
    """Listens to a client's requests and calls `on_verdict`.

    That is once when it is first known, and once more should it stop paying later: what is written
    changes, and so does what can be guessed.
    """

    def __init__(
        self, on_verdict: Callable[[SpeculationVerdict], None], draft_share: float = 0.0
    ) -> None:
        """`draft_share` is the draft model's part of all the weights, 0 without one."""
        self._meter = SpeculationMeter()
        self._draft_share = draft_share
        self._on_verdict: Callable[[SpeculationVerdict], None] | None = on_verdict
        self._is_told = False

    async def probe(self, client: "EngineClient") -> None:
        """Find out what a token takes without guessing. Raises EngineError."""
        prompt = tuple(await client.tokenize(_TEXT))
        for seed in range(_PROBES):
            request = CompletionRequest(prompt, 2, Sampling(temperature=1.0, seed=seed))
            async with aclosing(client.complete(request)) as stream:
                async for chunk in stream:
                    timings = chunk.timings
            if timings.generated_tokens == 2:
                # A draft model reads along even where nothing is guessed, and a token's time is
                # that of reading all weights once.
                self._meter.note_plain(timings.generated_ms * (1 - self._draft_share))

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
        if verdict is None:
            return
        tell = self._on_verdict
        if verdict.pays:
            self._meter.begin_anew()
        else:
            self._on_verdict = None
        if not self._is_told or not verdict.pays:
            self._is_told = True
            tell(verdict)
