"""Which text around the caret goes into the prompt, chosen so that the engine's cache survives.

A window of "the last N tokens" moves with every character and makes the engine read everything
again. Here the window's edges stand on line boundaries and stay where they are while the caret
stays in reach; when they must move, they move far, so that they move seldom.
"""

from dataclasses import dataclass, field, replace

from starpad.core.repository_context import RepositoryContext

SUFFIX_PART = 0.25
"""The part of the budget that is for the text after the caret, if nobody says otherwise."""
FILL = 0.7
"""How full a newly chosen prefix window is: the rest is room to type before it moves again."""
_LEAST_ROOM = 8
"""An eighth of the limit: also an empty file has room to be typed in."""
_HEAD_CHARACTERS = 400
"""How much of a kept window's first text must still be there for the window to be kept."""
_CLOSERS = ")]}\"'` \t"


@dataclass(frozen=True, slots=True)
class CaretContext:
    """The text around a caret: `before` begins at the start of line `first_line`, 0-based.

    Both texts have LF line ends. They may be cut to what a prompt can hold at most.
    """

    document: int
    language: str
    first_line: int
    before: str
    after: str
    repository: RepositoryContext = field(default_factory=RepositoryContext)
    """What else the model may read."""


def as_read(context: CaretContext) -> CaretContext:
    """Return the text around the caret as the model is to read it.

    Without closing brackets and quotes that are all there is right of the caret: in the order of
    most models what comes after the caret stands first, so each bracket that the editor closes by
    itself would have the whole prompt read anew, twice. Brackets that a suggestion then brings
    once more are known, and go when it is accepted.
    """
    rest = context.after.partition("\n")[0]
    if rest.strip(_CLOSERS):
        return context
    return replace(context, after=context.after[len(rest) :])


@dataclass(frozen=True, slots=True)
class Window:
    """The prefix and the suffix of one prompt."""

    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where a document's prefix window starts, and the text that stood there."""

    line: int
    column: int
    head: str


class StickyWindow:
    """One document's window; `choose` keeps its edges for as long as it can."""

    def __init__(self) -> None:
        self._edge: _Edge | None = None
        self._suffix: str | None = None

    def choose(
        self,
        context: CaretContext,
        budget_tokens: int,
        characters_per_token: float,
        suffix_part: float = SUFFIX_PART,
    ) -> Window:
        """Return the window for `context`, of about `budget_tokens` at most.

        The suffix gets `suffix_part` of them, and what a short prefix leaves.
        `characters_per_token` is the tokenizer's measured rate; the caller counts real tokens
        and calls again with a lower rate or budget when the estimate was too high.
        """
        limit = max(1, int(budget_tokens * characters_per_token))
        suffix = self._choose_suffix(context, limit, int(limit * suffix_part))
        return Window(self._choose_prefix(context, max(1, limit - len(suffix))), suffix)

    def _choose_suffix(self, context: CaretContext, limit: int, share: int) -> str:
        before, after = len(context.before), context.after
        roomy = max(share, limit - with_room(before, limit))
        if len(after) <= roomy:
            self._suffix = None
            return after
        kept = self._suffix
        if kept is not None and len(kept) <= max(share, limit - before) and after.startswith(kept):
            return kept
        end = after.rfind("\n", 0, roomy) + 1
        self._suffix = after[: end or roomy]
        return self._suffix

    def _choose_prefix(self, context: CaretContext, limit: int) -> str:
        before = context.before
        start = self._kept_start(context)
        if start is None or len(before) - start > limit:
            start = _new_start(before, limit)
            line = before.count("\n", 0, start)
            column = start - (before.rfind("\n", 0, start) + 1)
            head = before[start : start + _HEAD_CHARACTERS]
            self._edge = _Edge(context.first_line + line, column, head)
        return before[start:]

    def _kept_start(self, context: CaretContext) -> int | None:
        """Return where the known edge is in `context.before`, or None if it is gone."""
        edge = self._edge
        if edge is None or edge.line < context.first_line:
            return None
        start = 0
        for _ in range(edge.line - context.first_line):
            start = context.before.find("\n", start) + 1
            if start == 0:
                return None
        start += edge.column
        text = context.before[start : start + len(edge.head)]
        # Near the caret the head itself is being typed on; it counts as far as it goes.
        same = text == edge.head if len(text) == len(edge.head) else edge.head.startswith(text)
        return start if same and text else None


def with_room(length: int, limit: int) -> int:
    """Return what to set aside for text of `length` that will be typed on, out of `limit`."""
    return max(int(length / FILL), length + limit // _LEAST_ROOM)


def _new_start(before: str, limit: int) -> int:
    """Return the start of a new prefix window: a line's start, or inside one enormous line."""
    if len(before) <= int(limit * FILL):
        return 0
    wanted = len(before) - int(limit * FILL)
    newline = before.find("\n", wanted)
    if newline == -1 or newline + 1 == len(before):
        return wanted
    return newline + 1
