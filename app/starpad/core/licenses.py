"""Licences of models: name, address of the real text, and what they say in plain words."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starpad.core import paths
from starpad.core.errors import ModelFileError

_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")


@dataclass(frozen=True, slots=True)
class License:
    """The terms of a model's weights.

    `id` is the hub's; `url` the address of the real text, or the model's page if the licence is
    not known here. `summary` are paragraphs of plain text with an empty line between two.
    """

    id: str
    name: str
    url: str
    summary: str
    is_known: bool


def license_for(license_id: str, *, page: str = "") -> License:
    """Return the licence with the hub's id `license_id`; `page` is the model's page, if any.

    Also one that Starpad does not know (`is_known` is False): then the summary says so. Raises
    ModelFileError if Starpad's own description of a licence is damaged.
    """
    try:
        path = paths.resource(f"licenses/{license_id}.json") if _ID.fullmatch(license_id) else None
    except FileNotFoundError:
        path = None
    if path is None:
        return _unknown(license_id, page)
    try:
        return _known(license_id, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise ModelFileError(
            f"Starpad's description of the licence {license_id} cannot be read.",
            "Install Starpad again.",
        ) from error


def _known(license_id: str, content: Mapping[str, Any]) -> License:
    name, url, paragraphs = content["name"], content["url"], content["summary"]
    if not (isinstance(name, str) and name and str(url).startswith("https://")):
        raise ValueError("no name, or no web address")
    if not isinstance(paragraphs, list) or not paragraphs:
        raise ValueError("no summary")
    return License(license_id, name, url, "\n\n".join(paragraphs), is_known=True)


def _unknown(license_id: str, page: str) -> License:
    named = license_id not in ("", "other", "unknown")
    what = f"the licence {license_id}" if named else "this model's licence"
    where = "The model's page links to it" if page else "Look for it where the model comes from"
    return License(
        license_id,
        license_id if named else "Unknown licence",
        page,
        f"Starpad does not know {what}. It may forbid some uses, commercial ones for example.\n\n"
        f"{where}: read it before you use the model.",
        is_known=False,
    )
