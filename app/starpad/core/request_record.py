"""One request at the caret as it was: for whoever wants to know why a suggestion is as it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from starpad.core.prompt import PartKind, Prompt
from starpad.core.suggestion import Figures

PART_NAMES = {
    PartKind.SPECIAL: "special",
    PartKind.REPOSITORY: "other files",
    PartKind.PREFIX: "before the caret",
    PartKind.SUFFIX: "behind the caret",
}
"""What the parts of a prompt are called."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What the model got, what it had of that already, and what it wrote."""

    model: str
    prompt: Prompt
    budget_tokens: int
    """What the prompt could have had at most."""
    max_tokens: int
    context_tokens: int
    figures: Figures
    raw: str
    """What the model wrote."""
    shown: str
    """What was left of it to be offered."""

    @property
    def held_tokens(self) -> int:
        """How many tokens, from the prompt's beginning on, the engine still held."""
        return max(0, len(self.prompt.ids) - self.figures.evaluated_tokens)


@dataclass(frozen=True, slots=True)
class TokenView:
    """One token of a prompt as it is shown."""

    text: str
    """Of a special token its name; empty if it is within the character of the one before."""
    id: int
    kind: PartKind
    is_held: bool


def token_views(record: RequestRecord, texts: tuple[str, ...]) -> Iterator[TokenView]:
    """Yield the prompt's tokens; `texts` has the text of each."""
    number = 0
    for part in record.prompt.parts:
        for token in part.ids:
            yield TokenView(texts[number], token, part.kind, number < record.held_tokens)
            number += 1


def shares(record: RequestRecord) -> list[tuple[str, int]]:
    """Return what fills the context window, by name and in tokens, in the prompt's order.

    The last one is what is free.
    """
    counts: dict[str, int] = {}
    for part in record.prompt.parts:
        name = PART_NAMES[part.kind]
        counts[name] = counts.get(name, 0) + len(part.ids)
    counts = {name: count for name, count in counts.items() if count}
    counts["answer"] = record.max_tokens
    return [*counts.items(), ("free", max(0, record.context_tokens - sum(counts.values())))]


def sentences(record: RequestRecord) -> list[str]:
    """Return what is to be said of the request, a sentence each."""
    figures, prompt = record.figures, record.prompt
    read = figures.evaluated_tokens
    said = [
        f"{record.model}: a prompt of {len(prompt.ids):,} tokens, of {record.budget_tokens:,} "
        f"that it may have.",
        f"The engine still held {record.held_tokens:,} of them and read {read:,}.",
        f"First token after {figures.time_to_first_token_ms:.0f} ms; {figures.tokens} tokens "
        f"at {figures.tokens_per_second:.0f} a second.",
    ]
    cuts = [
        f"{part.cut_characters:,} characters {PART_NAMES[part.kind]}"
        for part in prompt.parts
        if part.cut_characters
    ]
    if cuts:
        said.append(f"Left out: {', '.join(cuts)}.")
    return said
