"""A download: what is wanted, and how far it is."""

from dataclasses import dataclass
from enum import StrEnum

from starpad.core.hub_errors import HubProblem
from starpad.core.remote import RemoteFile


class DownloadState(StrEnum):
    """The states of a download; the value is the word that the user reads."""

    QUEUED = "queued"
    RUNNING = "downloading"
    WAITING = "waiting"
    """For the network or the server; it goes on by itself."""
    VERIFYING = "verifying"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    """Stays until the user retries or cancels; what arrived is kept."""


@dataclass(frozen=True, slots=True)
class DownloadOrder:
    """What to fetch: one model of a repository at a pinned commit."""

    endpoint: str
    """The hub's address, without a slash at the end."""
    repository: str
    commit: str
    files: tuple[RemoteFile, ...]
    quantization: str = ""
    license: str = ""
    """The hub's id of the licence that the user accepted for it."""

    @property
    def id(self) -> str:
        """Where it goes, relative to the models folder: two downloads never share it."""
        return f"{self.repository}/{self.files[0].path}"

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Download:
    """A download at one moment."""

    order: DownloadOrder
    state: DownloadState
    done_bytes: int
    """On disk; while VERIFYING, those that have been read back."""
    total_bytes: int
    bytes_per_second: float = 0.0
    """0 while nothing is known or nothing moves."""
    seconds_left: float | None = None
    note: str = ""
    """What it waits for, or why it stopped, as one sentence for the user."""
    problem: HubProblem | None = None
    url: str = ""
    """The page where the user can do something about the problem, or empty."""

    @property
    def id(self) -> str:
        """The order's."""
        return self.order.id
