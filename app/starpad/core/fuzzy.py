"""How well a text fits what somebody typed in search of it: words, beginnings, initials."""

import re

_WORD = re.compile(r"\w+")
_WHOLE, _WORD_START, _INITIALS, _INSIDE, _SCATTERED = 100, 80, 60, 50, 10


def score(query: str, text: str) -> float:
    """Return how well `text` fits `query`, 0 if not at all; every word typed must be found.

    A word counts most at the text's beginning, then at a word's, as initials (`fif` for `Find in
    folder`), inside a word, and least as letters that only come in this order. Of two texts that
    fit alike the shorter one is more likely meant. An empty query fits everything.
    """
    folded = text.casefold()
    initials = "".join(word[0] for word in _WORD.findall(folded))
    total = 1.0
    for term in query.casefold().split():
        of_term = _score_of(term, folded, initials)
        if not of_term:
            return 0
        total += of_term
    return total - min(len(text), 900) / 1000


def _score_of(term: str, text: str, initials: str) -> int:
    place = text.find(term)
    if place == 0:
        return _WHOLE
    while place > 0:
        if not text[place - 1].isalnum():
            return _WORD_START
        place = text.find(term, place + 1)
    if len(term) > 1 and term in initials:
        return _INITIALS
    if term in text:
        return _INSIDE
    return _SCATTERED if len(term) > 1 and _is_scattered(term, text) else 0


def _is_scattered(term: str, text: str) -> bool:
    place = -1
    for character in term:
        place = text.find(character, place + 1)
        if place < 0:
            return False
    return True
