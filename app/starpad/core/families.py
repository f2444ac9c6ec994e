"""Recognizes the StarCoder family of a model file that may come from anywhere."""

import re
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from starpad.core.catalog import Family
from starpad.core.model_file import ModelHeader

_ARCHITECTURES = {"starcoder": "starcoder", "gpt_bigcode": "starcoder", "starcoder2": "starcoder2"}

# What converters add to a model's name: formats, quantizations, numbers of parts and copies.
_ADDED = re.compile(
    r"""
      gguf | ggml(v\d)? | bin | hf | hub | text | models? | of | \d+
    | (i|t)?q\d | [kmsl] | x{1,2}[sl] | nl | b?f(16|32) | fp(16|32) | \d+bits? | mxfp4
    | i1 | ud | imat(rix)? | quant(s|ized)? | smashed | newbpe
    """,
    re.VERBOSE,
)

# Owners of the originals, and of copies, whom converters write before the model's name.
_OWNERS = {"bigcode", "huggingfaceh4", "smallcloudai", "techxgenus", "wizardlm", "wizardlmteam"}

# The series, not a model: early conversions say no more in their header, whatever they hold.
_SERIES = {"starcoder", "starcoder2"}


class _Hint(Enum):
    """What a name says when it does not name a family."""

    NOTHING = auto()
    ANOTHER_MODEL = auto()
    TUNE = auto()
    """Another model, made from one of a family."""


def find_family(
    families: Sequence[Family],
    *,
    repository: str = "",
    file_name: str = "",
    architecture: str = "",
    base_model: str = "",
    name: str = "",
) -> Family | None:
    """Return the family that a model belongs to, None if it is another model or not to be told.

    All that is known of it may be given: the hub's repository, the file's name, the architecture
    and name in the file's header, and the repository that it was converted from. A tune of a
    family is another model, whatever it was made from.
    """
    if architecture:
        kind = _ARCHITECTURES.get(architecture.lower())
        families = [family for family in families if _architecture(family) == kind]
    file_name = re.split(r"[/\\]", file_name)[-1]
    for family in families:
        if _is_listed(family, repository, file_name):
            return family
    # The file's name first: a repository may hold several models.
    hints = []
    for text in (file_name, repository.rpartition("/")[2]):
        found = _by_name(families, text)
        if isinstance(found, Family):
            return found
        hints.append(found)
    if _Hint.TUNE in hints:
        return None
    # A tune names what it was made from in the same way as a conversion.
    if base_model and _Hint.ANOTHER_MODEL not in hints:
        for family in families:
            if base_model.lower() == family.original.lower():
                return family
    found = _Hint.NOTHING if name.strip().lower() in _SERIES else _by_name(families, name)
    return found if isinstance(found, Family) else None


def find_file_family(
    families: Sequence[Family], path: Path, repository: str, header: ModelHeader | None
) -> Family | None:
    """Return the family of a model file that comes from `repository` (empty if unknown)."""
    return find_family(
        families,
        repository=repository,
        file_name=path.name,
        architecture=header.architecture if header else "",
        name=header.name if header else "",
    )


def _architecture(family: Family) -> str:
    # StarCoder 1 has learned positions, which end at 8,192; all that read more are StarCoder 2.
    return "starcoder2" if family.context_tokens > 8_192 else "starcoder"


def _is_listed(family: Family, repository: str, file_name: str) -> bool:
    """Say whether the catalog names the repository for the family (and the file, if it must)."""
    if repository.lower() == family.original.lower():
        return True
    return any(
        one.id.lower() == repository.lower()
        and (one.file_pattern == "*" or (bool(file_name) and one.holds(file_name)))
        for one in family.repositories
    )


def _by_name(families: Sequence[Family], text: str) -> Family | _Hint:
    words = _words(text)
    matches = [
        (len(called), family, rest)
        for family in families
        for called in map(_words, family.names)
        if (rest := _without(words, called)) is not None
    ]
    for _, family, rest in sorted(matches, key=lambda match: -match[0]):
        if _says_nothing(rest):
            return family
    if matches:
        return _Hint.TUNE
    return _Hint.NOTHING if _says_nothing(words) else _Hint.ANOTHER_MODEL


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _without(words: list[str], called: list[str]) -> list[str] | None:
    """Return `words` less the run of words `called`; None if it does not occur."""
    for at in range(len(words) - len(called) + 1):
        if words[at : at + len(called)] == called:
            return words[:at] + words[at + len(called) :]
    return None


def _says_nothing(words: list[str]) -> bool:
    return all(
        word in _OWNERS or word in _SERIES or _ADDED.fullmatch(word) is not None for word in words
    )
