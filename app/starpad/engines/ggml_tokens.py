"""Text to token ids and back, from nothing but a file's list of tokens.

The library that runs these files cuts text greedily and knows no special tokens. StarCoder's own
tokenizer is a byte-pair encoding in which a merge's rank is the id of the token that it makes, so
the list is all that it takes. Measured with StarCoder2's vocabulary: the same ids as llama.cpp's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from unicodedata import category

_KNOWN_PIECES = 1 << 16
"""How many pieces of text are remembered with their ids: code repeats its words."""
_REMEMBERED_CHARACTERS = 64

# GPT-2's pattern behind StarCoder's rule that each digit stands alone, written for `_Kinds`, where
# every letter, digit, space and sign beyond ASCII has been replaced by one within.
_PIECES = re.compile(
    r"""[0-9] | '(?:[stmd]|re|ve|ll) | [ ]?[A-Za-z]+ | [ ]?[^\s0-9A-Za-z]+
    | \s+(?![^\s0-9]) | \s+""",
    re.ASCII | re.VERBOSE,
)
# What stands for a letter must be none that a contraction begins with.
_LETTER, _DIGIT, _SPACE, _SIGN = "a0\n!"
# Python counts these as spaces, the Unicode standard does not.
_NO_SPACES = "\x1c\x1d\x1e\x1f"
_MARKS = (b"<>", b"[]")


class _Kinds(dict[int, str]):
    """For `str.translate`: ASCII stays what it is, all else becomes its kind."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        if letter in _NO_SPACES:
            kind = _SIGN
        elif code < 128:
            kind = letter
        elif letter.isspace():
            kind = _SPACE
        else:
            kind = {"L": _LETTER, "N": _DIGIT}.get(category(letter)[0], _SIGN)
        self[code] = kind
        return kind


class TokenTexts:
    """A vocabulary as the file lists it: the bytes of each token, by id."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self._bytes = tokens
        self._ranks = _by_text(tokens)
        self._special = _special_tokens(self._ranks)
        special = {text.encode() for text in self._special}
        self._hidden = frozenset(id_ for id_, text in enumerate(tokens) if text in special)
        for text in special:
            del self._ranks[text]
        longest_first = sorted(self._special, key=len, reverse=True)
        self._split = re.compile(f"({'|'.join(map(re.escape, longest_first))})")
        self._kinds = _Kinds()
        self._piece_ids = lru_cache(_KNOWN_PIECES)(self._merge)

    def __len__(self) -> int:
        return len(self._bytes)

    def id_of(self, special: str) -> int | None:
        """Return the id of a special token, None if this vocabulary does not have it."""
        return self._special.get(special)

    def bytes_of(self, token: int) -> bytes:
        """Return what a token writes: nothing for a special one."""
        return b"" if token in self._hidden else self._bytes[token]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones by their names; U+FFFD for half a character."""
        return b"".join(self._bytes[token] for token in ids).decode("utf-8", "replace")

    def encode(self, text: str, *, parse_special: bool) -> list[int]:
        """Return the ids of a text; a byte that the vocabulary does not have is left out."""
        if not parse_special or not self._special:
            return list(self._encode(text))
        ids: list[int] = []
        for part in self._split.split(text):
            special = self._special.get(part)
            ids += self._encode(part) if special is None else (special,)
        return ids

    def _encode(self, text: str) -> Iterator[int]:
        for match in _PIECES.finditer(text.translate(self._kinds)):
            piece = text[match.start() : match.end()]
            is_short = len(piece) <= _REMEMBERED_CHARACTERS
            yield from (self._piece_ids if is_short else self._merge)(piece)

    def _merge(self, piece: str) -> tuple[int, ...]:
        """Join the pair that makes the lowest id, again and again, until none makes a token."""
        data = piece.encode("utf-8", "replace")
        ranks = self._ranks
        if (whole := ranks.get(data)) is not None and len(data) == 1:
            return (whole,)
        ends = list(range(1, len(data) + 1))  # of the part that begins here
        begins = list(range(-1, len(data)))  # of the part before this one; one more for the end
        waiting = [
            (rank, place, place + 2)
            for place in range(len(data) - 1)
            if (rank := ranks.get(data[place : place + 2])) is not None
        ]
        heapify(waiting)
        while waiting:
            _, start, end = heappop(waiting)
            middle = ends[start]
            if not start < middle < end or ends[middle] != end:
                continue  # one of the two has become part of something longer
            ends[start], ends[middle] = end, 0
            begins[end] = start
            for left, right in ((begins[start], end), (start, ends[end] if end < len(data) else 0)):
                if 0 <= left < right and (rank := ranks.get(data[left:right])) is not None:
                    heappush(waiting, (rank, left, right))
        found = []
        start = 0
        while start < len(data):
            id_ = ranks.get(data[start : ends[start]])
            if id_ is not None:
                found.append(id_)
            start = ends[start]
        return tuple(found)


def _by_text(tokens: Sequence[bytes]) -> dict[bytes, int]:
    """Return the ids by text, in their order.

    Of several with one text the first counts: converters repeat the last token to fill a table.
    """
    ids: dict[bytes, int] = {}
    for id_, text in enumerate(tokens):
        if text:
            ids.setdefault(text, id_)
    return ids


def _special_tokens(ids: Mapping[bytes, int]) -> dict[str, int]:
    """Return the special tokens by their text, which the file does not mark.

    All that come before the first byte are; and of those that look like one, `<...>` or `[...]`,
    all that cannot have come from joining two earlier tokens.
    """
    first_byte = min((id_ for text, id_ in ids.items() if len(text) == 1), default=0)
    special: dict[bytes, int] = {}
    for text, id_ in ids.items():
        if id_ >= first_byte and (text[:1] + text[-1:] not in _MARKS or len(text) < 3):
            continue
        halves = ((text[:cut], text[cut:]) for cut in range(1, len(text)))
        if not any(
            ids.get(left, id_) < id_ > ids.get(right, id_) and not special.keys() & {left, right}
            for left, right in halves
        ):
            special[text] = id_
    return {text.decode("utf-8", "replace"): id_ for text, id_ in special.items()}
