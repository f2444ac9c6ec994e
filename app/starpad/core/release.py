"""Releases of Starpad: where they are published, which is newer, what is told of one."""

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starpad.core import paths

API = "https://api.github.com"
"""Where GitHub tells of releases."""
_HOME_FILE = "home.json"
_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/[\w.-]{1,100}", re.ASCII)
_PAGES_HOST = "github.com"
# As much of PEP 440 as tags use: 1.2.3, v1.2.3rc1, 1.2.3-beta.2, 1.2.3.post1, 1.2.3+build.
_VERSION = re.compile(
    r"v?(?P<numbers>\d{1,9}(?:\.\d{1,9}){0,5})"
    r"(?:[-_.]?(?P<stage>dev|alpha|a|beta|b|preview|pre|rc|c|post)[-_.]?(?P<count>\d{0,9}))?"
    r"(?:\+[\w.]{1,80})?",
    re.ASCII | re.IGNORECASE,
)
_FINAL = 4
_STAGES = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "post": 5}
_CANDIDATE = 3
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)T")
_NOTES_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Release:
    """What is told of a release; all of it comes from a stranger's server."""

    version: str
    """Without a `v` before it."""
    notes: str
    """What has changed, in Markdown; may be empty."""
    page: str
    """An address on github.com, with https."""
    date: str
    """As in 2027-01-31; empty if unknown."""


def repository() -> str:
    """Return `owner/name` of where this build is published; empty if it does not know.

    The installers write it into the app; a checkout has none.
    """
    try:
        content = json.loads(paths.resource(_HOME_FILE).read_bytes())
        name = content["repository"]
        return name if _REPOSITORY.fullmatch(name) else ""
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def release_from(content: object) -> Release:
    """Return the release that GitHub's answer describes.

    Raises ValueError if it describes none: no version in its tag, or a page elsewhere.
    """
    match content:
        case {"tag_name": str(tag), "html_url": str(page), **others}:
            _key(tag)
            address = urlsplit(page)
            if (address.scheme, address.netloc) != ("https", _PAGES_HOST):
                raise ValueError("its page is not on github.com")
            notes, date = others.get("body"), _DATE.match(str(others.get("published_at")))
            return Release(
                version=tag.removeprefix("v"),
                notes=notes[:_NOTES_CHARACTERS] if isinstance(notes, str) else "",
                page=page,
                date=date[1] if date else "",
            )
        case _:
            raise ValueError("it describes no release")


def is_newer(version: str, than: str) -> bool:
    """Say whether a version comes after another. Raises ValueError for what is no version."""
    return _key(version) > _key(than)


def _key(version: str) -> tuple[tuple[int, ...], int, int]:
    """Return what versions are ordered by."""
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        raise ValueError(f"{version[:40]!r} is no version")
    numbers = [int(number) for number in match["numbers"].split(".")]
    while numbers and numbers[-1] == 0:  # 1.2 is 1.2.0
        numbers.pop()
    stage = match["stage"]
    rank = _STAGES.get(stage.lower(), _CANDIDATE) if stage else _FINAL
    return tuple(numbers), rank, int(match["count"] or 0)
