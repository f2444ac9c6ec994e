"""The words by which pieces of code are compared: identifiers, and the words in those."""

import re
from collections.abc import Iterator

_IDENTIFIER = re.compile(r"[^\W\d]\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+")
_LONGEST = 64
_IMPORTS = re.compile(r"^\s*(?:import|from|#\s*include|using|use|package|mod)\b.*$", re.MULTILINE)
# Words of the languages themselves, and those that are in every file.
_EVERYWHERE = """
    and as assert async await break case catch class const continue def default del do elif else
    enum except export extends false final finally fn for from func function get global if impl
    import in int is lambda let list mod mut new nil none not null or package pass private
    protected pub public raise return self set static str string struct super switch the this
    throw to true try type use val var void while with yield
"""
_IGNORED = frozenset(_EVERYWHERE.split())


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text in small letters, in their order, as often as they are there."""
    for match in _IDENTIFIER.finditer(text):
        name = match[0]
        whole = name.lower()
        if len(whole) > _LONGEST:
            continue
        if whole not in _IGNORED:
            yield whole
        if "_" in name or not (name.islower() or name.isupper()):
            for part in _PART.findall(name):
                word = part.lower()
                if len(word) > 1 and word != whole and word not in _IGNORED:
                    yield word


def told_words(text: str) -> Iterator[str]:
    """Yield the words of a text but for lines that import: they name much and say little."""
    return words_of(_IMPORTS.sub("", text))


def wanted_words(before: str, after: str, most: int = 48) -> tuple[str, ...]:
    """Return the words around a caret, the nearest first."""
    near = [*reversed(list(words_of(before))), *words_of(after)]
    return tuple(dict.fromkeys(near))[:most]
