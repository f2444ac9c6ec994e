"""The part of a prompt that shows other files, in the model family's own format.

It stands at the prompt's beginning, so every change of it makes the engine read all again: it is
chosen anew only when what there is to read changes, or when the text around the caret needs the
room.
"""

from starpad.core.context_window import with_room
from starpad.core.fim import CaretFile, FileTokens
from starpad.core.prompt import PartKind, PromptPart
from starpad.core.prompt_budget import Shares
from starpad.core.repository_context import ContextChunk, RepositoryContext
from starpad.engines.growing_text import Tokenizer

_LEAST_BUDGET = 128
"""Of all tokens: below, every one is for the text around the caret."""
_LEAST_CHUNK = 48
"""Tokens of a piece that is cut: less says nothing."""
_MARGIN = 0.95


class RepositoryPrompt:
    """One document's: `choose` keeps what it chose for as long as it can."""

    def __init__(self, tokens: FileTokens | None) -> None:
        self._tokens = tokens
        self._asked: tuple[RepositoryContext, int, Shares] | None = None
        self._parts: tuple[PromptPart, ...] = ()
        self._ids: dict[str, list[int]] = {}
        """Of the texts in the present choice."""

    @property
    def size(self) -> int:
        """Return how many tokens it takes."""
        return sum(len(part.ids) for part in self._parts)

    async def choose(
        self,
        tokenizer: Tokenizer,
        context: RepositoryContext,
        budget: int,
        needed: int,
        shares: Shares,
    ) -> tuple[PromptPart, ...]:
        """Return what stands before the gap, within `budget` tokens for the whole prompt.

        `needed` is about how many the text around the caret would take.
        """
        if self._tokens is None or budget < _LEAST_BUDGET:
            self._asked, self._parts = None, ()
            return ()
        asked = (context, budget, shares)
        share = int(budget * shares.context_part)
        if self._asked != asked or self.size > max(share, budget - needed):
            self._asked = asked
            room = max(share, budget - with_room(needed, budget))
            self._parts = await self._choose(tokenizer, self._tokens, context, room)
        return self._parts

    def caret_file(self, context: RepositoryContext) -> tuple[tuple[PromptPart, ...], str]:
        """Return what stands at the prefix's beginning: a token or none, and text."""
        if not self._parts or self._tokens is None:
            return (), ""
        caret, heading = self._tokens.caret, _heading(context.path)
        if caret is CaretFile.PATH_IN_PREFIX:
            return (), heading
        if caret is CaretFile.NAMED_IN_PREFIX:
            return (_special(self._tokens.file),), heading
        return (), ""

    async def _choose(
        self, tokenizer: Tokenizer, tokens: FileTokens, context: RepositoryContext, room: int
    ) -> tuple[PromptPart, ...]:
        if not context.path and not context.chunks:
            self._ids = {}
            return ()
        known, self._ids = self._ids, {}
        is_before = tokens.caret is CaretFile.NAMED_BEFORE
        name = context.repository_name + ("\n" if is_before else "")
        beginning = [
            _special(tokens.repository),
            PromptPart(PartKind.REPOSITORY, tuple(await tokenizer.tokenize(name))),
        ]
        end = [] if tokens.caret is CaretFile.NAMED_IN_PREFIX else [_special(tokens.file)]
        if is_before and context.path:
            heading = await tokenizer.tokenize(_heading(context.path))
            end.append(PromptPart(PartKind.REPOSITORY, tuple(heading), context.path))
        room -= sum(len(part.ids) for part in (*beginning, *end))
        middle: list[PromptPart] = []
        for chunk in context.chunks:
            part = await self._fitted(tokenizer, chunk, room - 1, known)
            if part.ids:
                middle.append(_special(tokens.file))
                room -= len(part.ids) + 1
            middle.append(part)
        return (*beginning, *middle, *end)

    async def _fitted(
        self, tokenizer: Tokenizer, chunk: ContextChunk, room: int, known: dict[str, list[int]]
    ) -> PromptPart:
        """Return as many of a chunk's first lines as have room."""
        heading, text = _heading(chunk.path), chunk.text
        while text and room >= 0:
            whole = heading + text
            ids = known.get(whole) or await tokenizer.tokenize(whole)
            if len(ids) <= room:
                self._ids[whole] = ids
                cut = len(chunk.text) - len(text)
                return PromptPart(PartKind.REPOSITORY, tuple(ids), chunk.path, cut)
            if room < _LEAST_CHUNK:
                break
            text = text[: text.rfind("\n", 0, int(len(text) * room / len(ids) * _MARGIN)) + 1]
        return PromptPart(PartKind.REPOSITORY, (), chunk.path, len(chunk.text))


def _heading(path: str) -> str:
    return f"{path}\n" if path else ""


def _special(token: int) -> PromptPart:
    return PromptPart(PartKind.SPECIAL, (token,))
