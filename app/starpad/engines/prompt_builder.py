"""From the text around a caret to a prompt's token ids, within a budget of real tokens."""

from collections.abc import Sequence
from typing import Protocol

from starpad.core.context_window import CaretContext, StickyWindow
from starpad.core.fim import FimOrder, FimTokens, arranged
from starpad.core.prompt import PartKind, Prompt, PromptPart

_FIRST_RATE = 3.0
"""Characters per token of source code, until the loaded tokenizer has been measured."""
_MARGIN = 0.95
_ATTEMPTS = 6
_SPECIAL_TOKENS = 3


class Tokenizer(Protocol):
    """What is needed of an engine's client."""

    async def tokenize(self, text: str) -> list[int]:
        """Return the ids of user text, special tokens not parsed."""
        ...


class _Document:
    """What is remembered of one document, so that its prompts share their beginnings."""

    def __init__(self) -> None:
        self.window = StickyWindow()
        self.characters_per_token = 0.0
        self.suffix = ""
        self.suffix_ids: list[int] = []


class PromptBuilder:
    """Builds the prompts for one loaded model; used on the inference thread only."""

    def __init__(self, tokens: FimTokens | None) -> None:
        self._tokens = tokens
        self._documents: dict[int, _Document] = {}

    def forget(self, document: int) -> None:
        """Drop what is remembered of a closed document."""
        self._documents.pop(document, None)

    async def build(
        self,
        tokenizer: Tokenizer,
        context: CaretContext,
        budget_tokens: int,
        order: FimOrder | None = None,
    ) -> Prompt:
        """Return the prompt, of at most `budget_tokens`.

        Raises EngineError when the tokenizer cannot be reached.
        """
        document = self._documents.setdefault(context.document, _Document())
        budget = budget_tokens - _SPECIAL_TOKENS
        rate = document.characters_per_token or _FIRST_RATE
        for _ in range(_ATTEMPTS):
            window = document.window.choose(context, budget, rate)
            suffix = await self._suffix_ids(tokenizer, document, window.suffix)
            prefix = await tokenizer.tokenize(window.prefix)
            count = len(prefix) + len(suffix)
            sent = len(window.prefix) + len(window.suffix)
            is_whole = sent == len(context.before) + len(context.after)
            is_measured = document.characters_per_token > 0
            if count <= budget and (is_measured or is_whole):
                break
            # The rate is measured once and then kept: a rate that follows every request would
            # move the window's edges, which is what they must not do.
            measured = sent / max(1, count)
            rate = min(measured, rate if is_measured else measured) * _MARGIN
            document.characters_per_token = rate
            document.window = StickyWindow()
        else:
            prefix = prefix[-(budget - min(len(suffix), budget // 2)) :]
            suffix = suffix[: budget // 2]
        parts = arranged(
            self._tokens,
            [_part(PartKind.PREFIX, prefix, len(context.before) - len(window.prefix))],
            [_part(PartKind.SUFFIX, suffix, len(context.after) - len(window.suffix))],
            order,
            lambda token: _part(PartKind.SPECIAL, [token]),
        )
        return Prompt(parts)

    async def _suffix_ids(
        self, tokenizer: Tokenizer, document: _Document, suffix: str
    ) -> list[int]:
        if self._tokens is None or not suffix:
            return []
        if suffix != document.suffix:
            document.suffix_ids = await tokenizer.tokenize(suffix)
            document.suffix = suffix
        return document.suffix_ids


def _part(kind: PartKind, ids: Sequence[int], cut_characters: int = 0) -> PromptPart:
    return PromptPart(kind, tuple(ids), cut_characters=cut_characters)
