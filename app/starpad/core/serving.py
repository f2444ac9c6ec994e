"""What is shared with other programs, as values: the state, who asks, what was asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

KEY_VARIABLE = "STARPAD_SERVE_KEY"
"""The environment variable that carries a key of one's own to `starpad serve`."""

OPENCLAW_LEAST_TOKENS = 16_384
"""The context that OpenClaw refuses to work below."""

_RECENT = timedelta(minutes=5)


class ServingState(StrEnum):
    """Whether other programs can ask."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request of another program. What it asked and what it got is nowhere kept."""

    at: datetime
    """With its time zone."""
    client: str
    """As the program calls itself (User-Agent)."""
    route: str
    status: int
    """As HTTP counts; 499 for a program that went away first."""
    took_ms: float = 0.0
    model: str = ""
    prompt_tokens: int = 0
    generated_tokens: int = 0
    note: str = ""
    """What of the request does not count here, or why it failed."""
    is_streamed: bool = False
    count: int = 1
    """Of equal requests in a row, refused ones alone."""

    @property
    def is_refused(self) -> bool:
        """Return whether it was no request of a program that may ask."""
        return self.status in (401, 403, 413, 421, 429)


@dataclass(frozen=True, slots=True)
class Activity:
    """What goes on now."""

    active: int = 0
    """Requests that the model works on: one at a time."""
    waiting: int = 0
    clients: tuple[str, ...] = ()
    """Who they come from, in order of arrival."""


@dataclass(frozen=True, slots=True)
class ServingStatus:
    """Whether and where programs can ask; in FAILED `reason` and `hint` say why not."""

    state: ServingState
    address: str = ""
    """As in http://127.0.0.1:8012, without a slash at its end."""
    reason: str = ""
    """In ON: why there is nothing to ask, if so."""
    hint: str = ""
    activity: Activity = field(default_factory=Activity)


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests since sharing was switched on."""

    requests: int = 0
    failed: int = 0
    refused: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0

    def with_entry(self, entry: LogEntry) -> "Totals":
        """Return the sums with one more entry."""
        is_failed = entry.status >= 400 and entry.status != 499 and not entry.is_refused
        return Totals(
            self.requests + entry.count,
            self.failed + entry.count * is_failed,
            self.refused + entry.count * entry.is_refused,
            self.prompt_tokens + entry.prompt_tokens,
            self.generated_tokens + entry.generated_tokens,
        )


def recent_clients(
    entries: Iterable[LogEntry], activity: Activity, now: datetime
) -> tuple[str, ...]:
    """Return the programs that ask now or were answered in the last five minutes, newest first."""
    answered = [each for each in entries if not each.is_refused and now - each.at < _RECENT]
    names = [*activity.clients, *(each.client for each in reversed(answered))]
    return tuple(dict.fromkeys(names))
