"""A vocabulary for servers that take text only: pieces of about a token's size, and special tokens.

With it everything that reckons in tokens works as it does with a model's own: budgets, windows,
prompts that grow at their end. What is sent is text again, and text in which a special token is
spelled out cannot be taken for one.
"""

import re
from collections.abc import Iterable, Sequence

# Cut where the text itself says so, so that a text that grows keeps its beginning's pieces.
_PIECES = re.compile(r"\d|[^\W\d_]{1,4}|_|\n+| {1,16}|\t+|[^\w\s]{1,3}|\s", re.DOTALL)
_BREAK = "\u2060"
"""A word joiner: invisible, and no special token has it inside."""


class TextTokens:
    """One server's vocabulary; ids are handed out as pieces turn up."""

    def __init__(self, special_texts: Iterable[str]) -> None:
        self._texts: list[str] = []
        self._ids: dict[str, int] = {}
        self._special: dict[str, int] = {}
        for text in special_texts:
            self._special[text] = len(self._texts)
            self._texts.append(text)
        names = sorted(self._special, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, names)) or r"(?!)")

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Return the ids of a text; with `special`, names of special tokens become those."""
        if not special:
            return self._plain(self._names.sub(_broken_up, text))
        ids: list[int] = []
        at = 0
        for name in self._names.finditer(text):
            ids += self._plain(text[at : name.start()])
            ids.append(self._special[name[0]])
            at = name.end()
        return ids + self._plain(text[at:])

    def special_ids(self, text: str) -> list[int]:
        """Return the id of a special token's text; empty if the model does not know it."""
        return [self._special[text]] if text in self._special else []

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text to send. Raises IndexError for an id that was never handed out."""
        return "".join(self._texts[token] for token in ids)

    def _plain(self, text: str) -> list[int]:
        return [self._id_of(piece) for piece in _PIECES.findall(text)]

    def _id_of(self, piece: str) -> int:
        token = self._ids.get(piece)
        if token is None:
            token = self._ids[piece] = len(self._texts)
            self._texts.append(piece)
        return token


def broken_up(text: str, names: Iterable[str]) -> str:
    """Return a text in which no special token of these names is spelled out any more."""
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(pattern, _broken_up, text) if pattern else text


def _broken_up(name: re.Match[str]) -> str:
    return name[0][0] + _BREAK + name[0][1:]
