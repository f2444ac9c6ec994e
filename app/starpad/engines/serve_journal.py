"""Notes what other programs ask for, without a word of what they ask."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from starpad.core.serving import Activity, LogEntry

_FLUSH_S = 0.5
"""Refused requests are told together, this often: a flood of them must not flood the window."""

_MOST_KINDS = 10

Report = Callable[[LogEntry | Activity], None]


@dataclass(slots=True)
class Record:
    """One request while it is under way."""

    client: str
    route: str
    status: int = 0
    model: str = ""
    prompt_tokens: int = 0
    generated_tokens: int = 0
    is_streamed: bool = False
    notes: list[str] = field(default_factory=list)
    began_s: float = field(default_factory=time.perf_counter)
    is_told: bool = True
    """False for what programs ask all the time and asks nothing of the model."""

    def entry(self) -> LogEntry:
        """Return what is to be told of it, now that it has ended."""
        return LogEntry(
            at=datetime.now(UTC),
            client=self.client,
            route=self.route,
            status=self.status,
            took_ms=(time.perf_counter() - self.began_s) * 1000,
            model=self.model,
            prompt_tokens=self.prompt_tokens,
            generated_tokens=self.generated_tokens,
            note="; ".join(self.notes),
            is_streamed=self.is_streamed,
        )


class Journal:
    """Reports entries; equal refusals together. `flush` it now and then."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._refused: dict[tuple[str, int, str], LogEntry] = {}
        self._told_s = float("-inf")

    def close(self, record: Record) -> None:
        """Tell of a request that has ended."""
        if not record.is_told and record.status < 400:
            return
        entry = record.entry()
        if not entry.is_refused:
            self._report(entry)
            return
        kind = (entry.client, entry.status, entry.note)
        if kind not in self._refused and len(self._refused) >= _MOST_KINDS:
            entry = replace(entry, client="several programs", note="")
            kind = (entry.client, entry.status, entry.note)
        known = self._refused.get(kind)
        self._refused[kind] = replace(entry, count=known.count + 1) if known else entry
        self.flush()

    def flush(self) -> None:
        """Tell of refusals, unless some were told a moment ago."""
        if time.monotonic() - self._told_s >= _FLUSH_S and self._refused:
            self._told_s = time.monotonic()
            refused, self._refused = self._refused, {}
            for entry in refused.values():
                self._report(entry)
