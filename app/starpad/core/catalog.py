"""The catalog of StarCoder families: what each is good for and which Hub repositories hold it.

It names repositories only. Sizes and hashes change when an owner uploads again, so they are read
from the Hub, never from here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from starpad.core import paths
from starpad.core.errors import ModelFileError

VERSION = 1
HUB = "https://huggingface.co"

_REPOSITORY_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


class Ability(StrEnum):
    """What a family was trained to do."""

    COMPLETION = "completion"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class License:
    """The terms of a model's weights: the Hub's id, a name to show, and where they stand."""

    id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A Hub repository with GGUF files of a family; `note` may be empty."""

    id: str
    note: str

    @property
    def url(self) -> str:
        """The repository's page."""
        return f"{HUB}/{self.id}"


@dataclass(frozen=True, slots=True)
class Family:
    """One model in all its quantizations.

    `original` is the makers' own repository id; `is_gated` says that its files need an accepted
    licence and a sign-in there (the conversions in `repositories` do not, the licence holds all
    the same). `parameters` is a text such as 15.5B.
    """

    id: str
    name: str
    parameters: str
    abilities: frozenset[Ability]
    context_tokens: int
    license: License
    original: str
    is_gated: bool
    summary: str
    repositories: tuple[Repository, ...]
    warnings: tuple[str, ...]


def load(path: Path | None = None) -> tuple[Family, ...]:
    """Read the catalog, by default the one in the box, in its order (best first choice first).

    Raises ModelFileError if it is missing or not what this version understands.
    """
    try:
        path = path or paths.resource("catalog/families.json")
        content = json.loads(path.read_text(encoding="utf-8"))
        return _catalog(content)
    # Whatever is wrong in the file ends in one of these; the cause says what.
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            "The list of models that comes with Starpad cannot be read.",
            "Install Starpad again. A model file of your own can be opened all the same.",
        ) from error


def _catalog(content: Mapping[str, Any]) -> tuple[Family, ...]:
    if content["version"] != VERSION:
        raise ValueError(f"version {content['version']!r} is not {VERSION}")
    licenses = {
        name: License(name, _text(item["name"]), _web_address(item["url"]))
        for name, item in content["licenses"].items()
    }
    families = tuple(_family(item, licenses) for item in content["families"])
    if len({family.id for family in families}) != len(families):
        raise ValueError("two families have the same id")
    return families


def _family(item: Mapping[str, Any], licenses: Mapping[str, License]) -> Family:
    return Family(
        id=_text(item["id"]),
        name=_text(item["name"]),
        parameters=_text(item["parameters"]),
        abilities=frozenset(Ability(name) for name in _some(item["abilities"])),
        context_tokens=_count(item["context_tokens"]),
        license=licenses[item["license"]],
        original=_repository_id(item["original"]),
        is_gated=_flag(item["is_gated"]),
        summary=_text(item["summary"]),
        repositories=tuple(
            Repository(_repository_id(one["id"]), _text(one["note"]) if "note" in one else "")
            for one in _some(item["repositories"])
        ),
        warnings=tuple(_text(warning) for warning in item["warnings"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{value!r} is not a text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise TypeError(f"{value!r} is not a number of tokens")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _some(values: Sequence[Any]) -> Sequence[Any]:
    if not isinstance(values, list) or not values:
        raise TypeError(f"{values!r} is not a list with something in it")
    return values


def _repository_id(value: object) -> str:
    if not _REPOSITORY_ID.fullmatch(_text(value)):
        raise ValueError(f"{value!r} is not a repository on the Hub")
    return str(value)


def _web_address(value: object) -> str:
    if not _text(value).startswith("https://"):
        raise ValueError(f"{value!r} is not a web address")
    return str(value)
