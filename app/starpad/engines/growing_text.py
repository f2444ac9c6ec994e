"""The token ids of a text that is typed on, without tokenizing all of it for each key.

A line's end behind a letter or digit is where every tokenizer of the families here begins a new
token, so what stands before it keeps its ids. That is not believed but compared, each time that
such a place is chosen.
"""

import re
from typing import Protocol

_LEAST_TAIL = 300
"""Characters behind the chosen place: where one types."""
_MOST_TAIL = 1_500
_PLACE = re.compile(r"(?<=[^\W_])\n")


class Tokenizer(Protocol):
    """What is needed of an engine's client."""

    async def tokenize(self, text: str) -> list[int]:
        """Return the ids of user text, special tokens not parsed."""
        ...


class GrowingText:
    """Remembers the ids of a text's beginning for as long as the text begins so."""

    def __init__(self) -> None:
        self._head = ""
        self._head_ids: list[int] = []

    async def ids(self, tokenizer: Tokenizer, text: str) -> list[int]:
        """Return the ids of a whole text. Raises EngineError."""
        tail = len(text) - len(self._head)
        if self._head and tail <= _MOST_TAIL and text.startswith(self._head):
            return self._head_ids + await tokenizer.tokenize(text[len(self._head) :])
        ids = await tokenizer.tokenize(text)
        self._head, self._head_ids = "", []
        place = _place(text)
        if place:
            last = await tokenizer.tokenize(text[place:])
            if ids[len(ids) - len(last) :] == last:
                self._head, self._head_ids = text[:place], ids[: len(ids) - len(last)]
        return ids


def _place(text: str) -> int:
    """Return where the text may be divided, not too near to its end; 0 for nowhere."""
    start, end = max(0, len(text) - _MOST_TAIL // 2), len(text) - _LEAST_TAIL
    places = [match.start() for match in _PLACE.finditer(text, start, max(start, end))]
    return places[-1] if places else 0
