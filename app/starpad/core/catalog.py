"""The catalog of StarCoder families: what each is good for and which Hub repositories hold it.

It names repositories only. Sizes and hashes change when an owner uploads again, so they are read
from the Hub, never from here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from starpad.core import paths
from starpad.core.errors import ModelFileError
from starpad.core.licenses import License, license_for

VERSION = 1
HUB = "https://huggingface.co"

_REPOSITORY_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


class Ability(StrEnum):
    """What a family was trained to do."""

    COMPLETION = "completion"
    CHAT = "chat"


class Series(StrEnum):
    """What the families are grouped by; the value is the heading."""

    STARCODER2 = "StarCoder2"
    STARCODER = "StarCoder"
    CHAT = "Chat tunes"


@dataclass(frozen=True, slots=True)
class Repository:
    """A Hub repository with files of a family; `note` may be empty.

    `file_pattern` (as in a shell, `*` for all) says which files are this family's where a
    repository holds several. `is_legacy_ggml`: its files are of the GGML format of 2023, which
    run on the older engine, slower.
    """

    id: str
    note: str = ""
    file_pattern: str = "*"
    is_legacy_ggml: bool = False

    @property
    def url(self) -> str:
        """The repository's page."""
        return f"{HUB}/{self.id}"

    def holds(self, file: str) -> bool:
        """Say whether `file` (a path in the repository) is this family's."""
        return fnmatch(file.rsplit("/", 1)[-1].lower(), self.file_pattern.lower())


@dataclass(frozen=True, slots=True)
class Family:
    """One model in all its quantizations.

    `original` is the makers' own repository id; `is_gated` says that its files need an accepted
    licence and a sign-in there (the conversions in `repositories` do not, the licence holds all
    the same). `parameters` is a text such as 15.5B, `training_data` a sentence on what the model
    has read. `names` are how files of it are called, less the quantization: core/families.py
    recognizes it by them.
    """

    id: str
    name: str
    series: Series
    parameters: str
    abilities: frozenset[Ability]
    context_tokens: int
    license: License
    original: str
    is_gated: bool
    summary: str
    training_data: str
    names: tuple[str, ...]
    repositories: tuple[Repository, ...]
    warnings: tuple[str, ...]

    @property
    def gguf_repository(self) -> str:
        """The first repository with files for the usual engine; empty if there is none."""
        ids = (repository.id for repository in self.repositories if not repository.is_legacy_ggml)
        return next(ids, "")


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
    families = tuple(_family(item) for item in content["families"])
    if len({family.id for family in families}) != len(families):
        raise ValueError("two families have the same id")
    return families


def by_series(families: Sequence[Family]) -> dict[Series, tuple[Family, ...]]:
    """Group families for a list with headings; the order is kept within each."""
    return {
        series: tuple(family for family in families if family.series is series) for series in Series
    }


def _family(item: Mapping[str, Any]) -> Family:
    return Family(
        id=_text(item["id"]),
        name=_text(item["name"]),
        series=Series(item["series"]),
        parameters=_text(item["parameters"]),
        abilities=frozenset(Ability(name) for name in _some(item["abilities"])),
        context_tokens=_count(item["context_tokens"]),
        license=_license(item["license"]),
        original=_repository_id(item["original"]),
        is_gated=_flag(item["is_gated"]),
        summary=_text(item["summary"]),
        training_data=_text(item["training_data"]),
        names=tuple(_text(name) for name in _some(item["names"])),
        repositories=tuple(_repository(one) for one in _some(item["repositories"])),
        warnings=tuple(_text(warning) for warning in item["warnings"]),
    )


def _repository(item: Mapping[str, Any]) -> Repository:
    return Repository(
        _repository_id(item["id"]),
        note=_text(item["note"]) if "note" in item else "",
        file_pattern=_text(item.get("file_pattern", "*")),
        is_legacy_ggml=_flag(item.get("is_legacy_ggml", False)),
    )


def _license(value: object) -> License:
    license_ = license_for(_text(value))
    if not license_.is_known:
        raise ValueError(f"the licence {value!r} is not described")
    return license_


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
