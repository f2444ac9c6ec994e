"""What was last read and written in a conversation, so that the next prompt begins with its ids.

A written answer, tokenized again, need not give the tokens that the model chose; the engine's
cache holds those. So a prompt takes over the ids of the last one for as long as its text is the
same, and only what follows is tokenized.

A prompt's text is a *key* here: special tokens stand in it as their ids between characters that no
message holds, so that equal keys mean equal prompts.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

Tokenize = Callable[[str, bool], Awaitable[Sequence[int]]]
"""Returns the ids of a text; the flag says that it goes on from other text."""

# Halves of a surrogate pair: no text that can be sent as UTF-8 holds one.
_SPECIAL, _SPECIAL_END = "\ud803", "\ud804"
BREAK = "\ud802"
"""Where text is tokenized in two parts, so that a token's name in a message stays text."""

_PARTS = re.compile(f"{_SPECIAL}(\\d+){_SPECIAL_END}|{BREAK}")


def special(token: int) -> str:
    """Return how a key spells a special token."""
    return f"{_SPECIAL}{token}{_SPECIAL_END}"


@dataclass(slots=True)
class _Written:
    """A piece of an answer, the ids that arrived with it, and how many it really took."""

    text: str
    ids: tuple[int, ...]
    tokens: int


@dataclass(slots=True)
class PromptMemory:
    """A prompt as key and ids, and the answer that was generated after it.

    A checkpoint (characters of the key, number of ids) says that both mean the same up to there.
    """

    key: str = ""
    ids: list[int] = field(default_factory=list)
    checkpoints: list[tuple[int, int]] = field(default_factory=list)
    held_tokens: int = 0
    """How many of `ids` the engine's slot is believed to hold."""
    _written: list[_Written] = field(default_factory=list)
    _pending: list[int] = field(default_factory=list)
    _pending_tokens: int = 0
    _tokens: int = 0
    _has_added: bool = False

    def add(self, text: str, ids: Sequence[int], generated_tokens: int) -> None:
        """Note a chunk of the answer; `generated_tokens` counts from the answer's beginning.

        The engine holds back text that may become a stop, and then sends ids alone; of a
        character of several tokens it sends the last one's id alone, with the whole text.
        """
        self._pending.extend(ids)
        self._pending_tokens += generated_tokens - self._tokens
        self._tokens = generated_tokens
        self._has_added = bool(text)
        if text:
            self._written.append(_Written(text, tuple(self._pending), self._pending_tokens))
            self._pending, self._pending_tokens = [], 0

    def end_inside_token(self) -> None:
        """Forget the last chunk's ids: the stop began inside its text, or among its tokens."""
        if self._has_added:
            self._written.pop()
        self._has_added = False

    async def settle(self, tokenize: Tokenize) -> None:
        """Take the answer into the key and the ids, once; what arrived without ids gets some.

        Those are the tokens of its text. If the model chose others, the text is the same, and
        the engine reads from there again.
        """
        written, self._written = self._written, []
        known: dict[str, Sequence[int]] = {}
        for piece in written:
            ids: Sequence[int] = piece.ids
            if len(ids) != piece.tokens:
                if piece.text not in known:
                    known[piece.text] = await tokenize(piece.text, True)
                ids = known[piece.text]
            if self.held_tokens == len(self.ids):
                self.held_tokens += len(ids)
            self.ids.extend(ids)
            self.key += piece.text
            self.checkpoints.append((len(self.key), len(self.ids)))

    def begins(self, key: str) -> bool:
        """Return whether `key` is how this conversation begins, after `settle`."""
        return self.key.startswith(key)

    async def continued(self, key: str, tokenize: Tokenize) -> "PromptMemory":
        """Return the prompt for `key`, begun with as much of this one as is the same."""
        await self.settle(tokenize)
        same = _common_length(self.key, key)
        checkpoints = [each for each in self.checkpoints if each[0] <= same]
        position, count = checkpoints[-1] if checkpoints else (0, 0)
        ids = self.ids[:count]
        is_inside = position > 0 and key[position - 1] != _SPECIAL_END
        for part in _PARTS.finditer(key, position):
            if position < part.start():
                ids.extend(await tokenize(key[position : part.start()], is_inside))
            position = part.end()
            is_inside = part[1] is None
            if part[1] is not None:
                ids.append(int(part[1]))
                checkpoints.append((position, len(ids)))
        if position < len(key):
            ids.extend(await tokenize(key[position:], is_inside))
            checkpoints.append((len(key), len(ids)))
        held = self.ids[: self.held_tokens]
        return PromptMemory(key, ids, checkpoints, _common_length(held, ids))


def _common_length(one: Sequence[object], other: Sequence[object]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
