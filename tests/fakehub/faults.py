"""What the fake hub does wrong, when a test asks for it."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto


class FaultKind(StrEnum):
    """One way to misbehave; the fields that it reads are named with it."""

    # Before any answer, on every request that matches.
    DELAY = auto()
    """Answer after `seconds`."""
    HANG = auto()
    """Say nothing for `seconds` (0: until the hub closes), then hang up."""
    DROP = auto()
    """Hang up without an answer; `with_reset` by a TCP reset."""
    STATUS = auto()
    """Answer `status` with `headers` and the body `text`."""
    HTML = auto()
    """Answer 200 with a login page, as a captive portal does."""
    REDIRECT = auto()
    """Answer `status` (a 3xx) to `location`; empty: to the same address, for ever."""

    # While the bytes of a file are sent (GET only).
    CUT = auto()
    """Hang up after `after_bytes` of the body; negative: so many before its end.
    `with_reset` by a TCP reset, which also destroys what is still under way."""
    STALL = auto()
    """After `after_bytes` of the body send nothing for `seconds`, then go on."""
    RATE = auto()
    """Send `bytes_per_second`."""
    FLIP = auto()
    """Invert the byte at `offset` of the file."""
    SHORT_LENGTH = auto()
    """Announce and send `count_bytes` less than the file (or the range) has."""
    OVERSIZED = auto()
    """Announce and send `count_bytes` more than the file (or the range) has."""
    CHUNKED = auto()
    """Send no Content-Length."""
    IGNORE_RANGE = auto()
    """Answer a Range with 200 and the whole file."""
    REFUSE_RANGE = auto()
    """Answer a Range with 416."""
    SHIFTED_RANGE = auto()
    """Answer a Range with one that starts `count_bytes` later, and say so."""
    LYING_RANGE = auto()
    """Answer a Range with bytes from `count_bytes` earlier, as if they were those asked for."""

    # In what `resolve` says about a file.
    EXPIRED_URL = auto()
    """Hand out a signed address that has expired."""
    NO_LINKED_HEADERS = auto()
    """Leave X-Linked-Size and X-Linked-ETag out."""
    WRONG_LINKED_SIZE = auto()
    """Announce `count_bytes` more than the file has."""
    NO_COMMIT_HEADER = auto()
    """Leave X-Repo-Commit out."""


_METADATA_KINDS = frozenset(
    {
        FaultKind.EXPIRED_URL,
        FaultKind.NO_LINKED_HEADERS,
        FaultKind.WRONG_LINKED_SIZE,
        FaultKind.NO_COMMIT_HEADER,
    }
)
_ANSWER_KINDS = frozenset(
    {
        FaultKind.DELAY,
        FaultKind.HANG,
        FaultKind.DROP,
        FaultKind.STATUS,
        FaultKind.HTML,
        FaultKind.REDIRECT,
    }
)


class Stage(StrEnum):
    """Where in answering a request a fault strikes."""

    ANSWER = auto()
    METADATA = auto()
    BODY = auto()


@dataclass(slots=True)
class Fault:
    """One fault: which requests, how often, and what.

    `path_pattern` is searched in the path with its query. The content network's paths carry the
    file's name in their query, and `origin` ("hub" or "content") and `method` narrow further.
    The first `skip` requests that match are left alone, then `times` (None: all) are struck.
    """

    path_pattern: str
    kind: FaultKind
    times: int | None = 1
    skip: int = 0
    origin: str = ""
    method: str = ""
    after_bytes: int = 0
    seconds: float = 0.0
    bytes_per_second: int = 0
    offset: int = 0
    count_bytes: int = 1000
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = '{"error": "Internal Error - We\'re working hard to fix this as soon as possible!"}'
    location: str = ""
    with_reset: bool = False
    matched: int = field(default=0, init=False)
    """Requests that matched so far; counted by the hub."""

    @property
    def stage(self) -> Stage:
        """Where it strikes."""
        if self.kind in _ANSWER_KINDS:
            return Stage.ANSWER
        return Stage.METADATA if self.kind in _METADATA_KINDS else Stage.BODY


class FaultBook:
    """The faults in force; any thread."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._lock = threading.Lock()

    def take(self, stage: Stage, origin: str, method: str, path: str) -> list[Fault]:
        """Return the faults that strike this request at this stage, and count it."""
        with self._lock:
            return [
                fault
                for fault in self.faults
                if fault.stage is stage
                and fault.origin in ("", origin)
                and fault.method in ("", method)
                and re.search(fault.path_pattern, path)
                and _strikes(fault)
            ]


def _strikes(fault: Fault) -> bool:
    fault.matched += 1
    number = fault.matched - fault.skip
    return number > 0 and (fault.times is None or number <= fault.times)
