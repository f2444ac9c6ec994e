"""What an evaluation asks of models, and what came of each question."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from starpad.core.errors import StarpadError
from starpad.core.fim import FimOrder
from starpad.core.load_options import LoadOptions
from starpad.core.repository_context import RepositoryContext


class HoleKind(StrEnum):
    """What is cut out of a file; the value is what the command line and the results call it."""

    LINE_REST = "line-rest"
    """From between two tokens to the line's end."""
    ANY_COLUMN = "any-column"
    """From anywhere in a line to its end, in the middle of words, too."""
    LINE = "line"
    BLOCK = "block"
    FUNCTION = "function"


def digest_of(text: str) -> str:
    """Return the beginning of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """A file to punch holes into. Not slotted: what is derived of the text is kept."""

    name: str
    """Within the folder that was chosen, with slashes: the same on every machine."""
    language: str
    """By Pygments' alias; empty if unknown."""
    text: str
    """With LF line ends."""

    @cached_property
    def digest(self) -> str:
        """The beginning of the text's SHA-256."""
        return digest_of(self.text)


@dataclass(frozen=True, slots=True)
class Hole:
    """A part of a file that a model is to write again, knowing what stands around it."""

    source: Source
    kind: HoleKind
    start: int
    end: int

    @property
    def before(self) -> str:
        """What stands before it."""
        return self.source.text[: self.start]

    @property
    def after(self) -> str:
        """What stands behind it."""
        return self.source.text[self.end :]

    @property
    def answer(self) -> str:
        """What was cut out."""
        return self.source.text[self.start : self.end]

    @property
    def id(self) -> str:
        """What this hole is called, the same as long as the file is."""
        source = self.source
        return f"{source.name}@{source.digest}:{self.kind}:{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which holes are punched. The same selection of the same files gives the same holes."""

    kinds: tuple[HoleKind, ...] = tuple(HoleKind)
    holes: int = 50
    """Of each kind, at most."""
    per_file: int = 5
    """Of each kind in one file, at most."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Way:
    """How a model is asked."""

    order: FimOrder | None = None
    """None is the model family's own."""
    has_context: bool = False
    """Whether it may read other files of the folder."""
    heals: bool = True
    """Whether a token that the caret has cut is taken back, as in the editor."""


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """All that an evaluation is to do."""

    paths: tuple[Path, ...]
    """Files and folders."""
    models: tuple[LoadOptions, ...]
    ways: tuple[Way, ...]
    selection: Selection
    folder: Path
    """Where the outcomes are kept, so that the same plan goes on where it was stopped."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model was asked, and how: what makes outcomes comparable."""

    name: str
    """The model's."""
    quantization: str
    fingerprint: str
    """Of the model file's content."""
    settings: str
    """All that may change an answer, in words."""
    way: Way

    def key(self, hole: Hole, context: RepositoryContext) -> str:
        """Return what tells an outcome from all others: it changes with all that was read."""
        order = f"{self.way.order or 'own'}{'' if self.way.heals else ' unhealed'}"
        read = digest_of(repr(context)) if self.way.has_context else "alone"
        return f"{self.fingerprint}:{self.settings}:{order}:{read}:{hole.id}"


@dataclass(frozen=True, slots=True)
class Score:
    """How good one answer was."""

    is_exact: bool
    similarity: float
    """0 to 1."""
    starts_right: bool
    """Its first four characters are right."""
    still_parses: bool | None
    """None where that cannot be told: the file itself does not pass the check."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model answered to one hole."""

    text: str
    """What the editor would have offered; empty if nothing."""
    score: Score
    order: str
    """Of the prompt's parts; empty for a model that can only go on."""
    first_token_ms: float
    """0 if no token came."""
    tokens_per_second: float
    """0 if fewer than two tokens came."""
    prompt_tokens: int
    evaluated_tokens: int
    """Of the prompt, those that the engine had to read."""


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """What came of one kind of holes with one model, asked in one way; shares are 0 to 1."""

    name: str
    quantization: str
    order: str
    has_context: bool
    heals: bool
    kind: HoleKind
    holes: int
    exact: float
    similarity: float
    starts_right: float
    still_parses: float | None
    """Of the holes where that can be told; None if there are none."""
    first_token_ms: float
    """The median; of the slowest tenth the fastest is `first_token_p90_ms`."""
    first_token_p90_ms: float
    tokens_per_second: float
    """The median."""
    prompt_tokens: float
    """The mean, as of all tokens."""
    evaluated_tokens: float

    @property
    def title(self) -> str:
        """As in `block · SPMv2 · with context · StarCoder2 3B · Q4_K_M`."""
        context = "with context" if self.has_context else ""
        healing = "" if self.heals else "unhealed"
        parts = (self.kind, self.order, healing, context, self.name, self.quantization)
        return " · ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """How far an evaluation is, of all models and ways together, and what came of it so far."""

    sentence: str
    fraction: float
    """0 to 1."""
    rows: tuple[EvaluationRow, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationFailure:
    """A model that could not be asked; the others are."""

    path: Path
    error: StarpadError


@dataclass(frozen=True, slots=True)
class EvaluationEnd:
    """The last word of an evaluation that was not stopped."""

    rows: tuple[EvaluationRow, ...]
    has_failed: bool
