"""A prompt as the model sees it, in parts that say where each token comes from."""

from dataclasses import dataclass, field
from enum import StrEnum


class PartKind(StrEnum):
    """Where a part of a prompt comes from."""

    SPECIAL = "special"
    REPOSITORY = "repository"
    """Names, paths and other files."""
    PREFIX = "prefix"
    SUFFIX = "suffix"


@dataclass(frozen=True, slots=True)
class PromptPart:
    """Neighbouring tokens of one origin."""

    kind: PartKind
    ids: tuple[int, ...]
    path: str = ""
    """Of the other file that the tokens are from."""
    cut_characters: int = 0
    """How much of the text that was handed over was left out here."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's parts in their order. A part that was left out wholly has no ids."""

    parts: tuple[PromptPart, ...]
    ids: tuple[int, ...] = field(init=False)
    """All of them, as the engine gets them."""

    def __post_init__(self) -> None:
        ids = tuple(token for part in self.parts for token in part.ids)
        object.__setattr__(self, "ids", ids)


@dataclass(frozen=True, slots=True)
class HealedPrompt:
    """A prompt less the tokens that the caret may have cut."""

    prompt: Prompt
    beginning: str = ""
    """Their text: the answer must begin with it."""
