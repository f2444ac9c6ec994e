"""From the text around a caret to a prompt's token ids, within a budget of real tokens."""

from dataclasses import dataclass, field, replace

from starpad.core.context_window import CaretContext, StickyWindow
from starpad.core.fim import FimOrder, FimTokens, arranged
from starpad.core.prompt import HealedPrompt, PartKind, Prompt, PromptPart
from starpad.core.prompt_budget import Shares
from starpad.engines.growing_text import GrowingText, Tokenizer
from starpad.engines.repository_prompt import RepositoryPrompt

_FIRST_RATE = 3.0
"""Characters per token of source code, until the loaded tokenizer has been measured."""
_MARGIN = 0.95
_ATTEMPTS = 6
_SPECIAL_TOKENS = 3
_EVEN = Shares()


@dataclass(slots=True)
class _Document:
    """What is remembered of one document, so that its prompts share their beginnings."""

    repository: RepositoryPrompt
    window: StickyWindow = field(default_factory=StickyWindow)
    prefix: GrowingText = field(default_factory=GrowingText)
    characters_per_token: float = 0.0
    suffix: str = ""
    suffix_ids: list[int] = field(default_factory=list)


class PromptBuilder:
    """Builds the prompts for one loaded model; used on the inference thread only."""

    def __init__(self, tokens: FimTokens | None) -> None:
        self._tokens = tokens
        self._documents: dict[int, _Document] = {}
        self.latest: tuple[object, HealedPrompt] | None = None
        """What was built last, and for what: a warm-up and its request ask for the same."""
        self.latest_ids: tuple[int, ...] = ()
        """Of the prompt that was sent last, and thus what the engine most likely holds."""

    def forget(self, document: int) -> None:
        """Drop what is remembered of a closed document."""
        self._documents.pop(document, None)

    async def build(
        self,
        tokenizer: Tokenizer,
        context: CaretContext,
        budget_tokens: int,
        order: FimOrder | None = None,
        shares: Shares = _EVEN,
    ) -> Prompt:
        """Return the prompt, of at most `budget_tokens`.

        Raises EngineError when the tokenizer cannot be reached.
        """
        document = self._document(context.document)
        budget = budget_tokens - _SPECIAL_TOKENS
        rate = document.characters_per_token or _FIRST_RATE
        needed = int((len(context.before) + len(context.after)) / rate)
        others = await document.repository.choose(
            tokenizer, context.repository, budget, needed, shares
        )
        opening, heading = document.repository.caret_file(context.repository)
        budget -= sum(len(part.ids) for part in (*others, *opening))
        prefix, suffix = await self._around_caret(
            tokenizer, document, context, heading, budget, shares.suffix_part
        )
        gap = arranged(self._tokens, [*opening, prefix], [suffix], order, _special)
        return Prompt((*others, *gap))

    def _document(self, document: int) -> _Document:
        known = self._documents.get(document)
        if known is None:
            files = self._tokens.files if self._tokens else None
            known = self._documents[document] = _Document(RepositoryPrompt(files))
        return known

    async def _around_caret(
        self,
        tokenizer: Tokenizer,
        document: _Document,
        context: CaretContext,
        heading: str,
        budget: int,
        suffix_part: float,
    ) -> tuple[PromptPart, PromptPart]:
        """Return the text before and after the caret, `heading` first, within `budget` tokens."""
        rate = document.characters_per_token or _FIRST_RATE
        room = budget - len(heading) // 2
        for _ in range(_ATTEMPTS):
            window = document.window.choose(context, room, rate, suffix_part)
            suffix = await self._suffix_ids(tokenizer, document, window.suffix)
            prefix = await document.prefix.ids(tokenizer, heading + window.prefix)
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
        path = context.repository.path if heading else ""
        before = _part(PartKind.PREFIX, prefix, path, window.prefix, context.before)
        after = _part(PartKind.SUFFIX, suffix, "", window.suffix, context.after)
        if count > budget:  # text whose tokens no rate foretells
            most = max(budget // 2, budget - len(prefix))
            after = _shortened(after, after.ids[:most], window.suffix)
            most = budget - len(after.ids)
            before = _shortened(before, before.ids[max(0, len(prefix) - most) :], window.prefix)
        return before, after

    async def _suffix_ids(
        self, tokenizer: Tokenizer, document: _Document, suffix: str
    ) -> list[int]:
        if self._tokens is None or not suffix:
            return []
        if suffix != document.suffix:
            document.suffix_ids = await tokenizer.tokenize(suffix)
            document.suffix = suffix
        return document.suffix_ids


def _special(token: int) -> PromptPart:
    return PromptPart(PartKind.SPECIAL, (token,))


def _part(kind: PartKind, ids: list[int], path: str, text: str, given: str) -> PromptPart:
    return PromptPart(kind, tuple(ids), path, len(given) - len(text))


def _shortened(part: PromptPart, ids: tuple[int, ...], text: str) -> PromptPart:
    """Return a part with some of its tokens; of which characters they are nobody knows."""
    left_out = len(text) * (len(part.ids) - len(ids)) // max(1, len(part.ids))
    return replace(part, ids=ids, cut_characters=part.cut_characters + left_out)
