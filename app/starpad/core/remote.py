"""Models on a hub, as the hub describes them at run time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Gating(StrEnum):
    """Whether a repository's files need an accepted licence, and who lets people in."""

    OPEN = "open"
    AUTOMATIC = "auto"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file at a pinned commit; `path` is relative to the repository, with `/`.

    `sha256` (64 hex digits) is empty for small files, which the hub keeps outside its large file
    store.
    """

    path: str
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """What a person chooses in a repository: one quantization, in one file or in several parts."""

    quantization: str
    """As in Q4_K_M, read from the name; empty where the name does not tell."""
    files: tuple[RemoteFile, ...]
    """In the order of the parts; the first is the one to load."""
    is_legacy_ggml: bool = False
    """A GGML file of 2023 (`.bin`), which runs on the older engine."""

    @property
    def size_bytes(self) -> int:
        """Of all parts."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class RepositorySummary:
    """A row of search results; unknown texts are empty, unknown numbers 0."""

    id: str
    """As in `owner/name`."""
    downloads: int
    likes: int
    license: str
    """The hub's id, as in `bigcode-openrail-m`."""
    gating: Gating
    updated: datetime | None
    architecture: str
    parameters: int
    context_tokens: int
    base_model: str
    """The repository that this one was converted from, as its card says."""


@dataclass(frozen=True, slots=True)
class RemoteRepository:
    """A repository at one commit, with the models in it (smallest first)."""

    summary: RepositorySummary
    commit: str
    """40 hex digits; every later request names it."""
    models: tuple[RemoteModel, ...]
