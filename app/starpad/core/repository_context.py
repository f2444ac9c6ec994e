"""What the model may read besides the current file: pieces of other files of its folder."""

from dataclasses import dataclass
from enum import StrEnum


class ContextUse(StrEnum):
    """Which models may read other files."""

    LOCAL = "local"
    """Those on this computer."""
    ALL = "all"
    NEVER = "never"


class ContextReason(StrEnum):
    """Why a piece of another file is in the prompt."""

    EDITED = "edited recently"
    OPEN = "open in a tab"
    IMPORTED = "imported by this file"
    SIMILAR = "similar to the code at the caret"


@dataclass(frozen=True, slots=True)
class ContextChunk:
    """Some lines of another file."""

    path: str
    """Within the folder, with slashes."""
    text: str
    """With LF line ends."""
    reason: ContextReason


@dataclass(frozen=True, slots=True)
class RepositoryContext:
    """A file's place in its folder, and what the model may read of others, in the prompt's order.

    Whoever changes it appends, so that the prompt's beginning stays in the engine's cache.
    """

    repository_name: str = ""
    path: str = ""
    """Of the current file, within the folder; empty if it is in none."""
    chunks: tuple[ContextChunk, ...] = ()
