"""How many tokens a prompt may have, and who gets them: the text around the caret, other files."""

from dataclasses import dataclass

from starpad.core.fim import FimTokens

_LEAST_TOKENS = 32
"""Of a prompt, however much the model is to write."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How a prompt's tokens are shared out, in percent of their sum.

    What one does not need goes to the others.
    """

    prefix: int = 50
    suffix: int = 20
    context: int = 30

    @property
    def context_part(self) -> float:
        """Return what part of all is for other files."""
        return self.context / max(1, self.prefix + self.suffix + self.context)

    @property
    def suffix_part(self) -> float:
        """Return what part of the text around the caret is for the text after it."""
        return self.suffix / max(1, self.prefix + self.suffix)


def prompt_tokens(
    budget_tokens: int, context_tokens: int, max_tokens: int, fim: FimTokens | None
) -> int:
    """Return how many tokens a prompt may have if the model is to write `max_tokens` after it.

    `budget_tokens` is the user's wish, `context_tokens` what was loaded.
    """
    if fim is not None and fim.context_limit:
        context_tokens = min(context_tokens, fim.context_limit)
    return min(budget_tokens, max(_LEAST_TOKENS, context_tokens - max_tokens))
