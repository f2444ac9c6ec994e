"""What the installed app is made of: Python packages, and native parts that none of them names.

Read from the environment that runs this, so run it with the Python whose packages are frozen.
"""

import json
import platform
import re
import sqlite3
import ssl
import sys
import tomllib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from pyexpat import EXPAT_VERSION
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LICENSES = HERE / "licenses"

LEFT_OUT = {"hf-xet"}
"""Distributions that Starpad's environment holds and starpad.spec keeps out of the app."""

_TEXT = re.compile(
    r"(licenses/|[^/]*(licen[cs]e|copying|notice|authors))[^/]*(?<!\.json)(?<!\.py)", re.IGNORECASE
)
_LIBRARY_STARTS = (
    b"\x7fELF", b"MZ",
    b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe",  # macOS: 64 and 32 bits, several
)  # fmt: skip
_EXTENSION = re.compile(r"\.(pyd|abi3\.so|cpython-[\w-]+\.so)$")
_VERSIONS: dict[str, Callable[[], str]] = {
    "cpython": platform.python_version,
    "expat": lambda: EXPAT_VERSION.removeprefix("expat_"),
    "openssl": lambda: ssl.OPENSSL_VERSION.split()[1],
    "sqlite": lambda: sqlite3.sqlite_version,
    "zlib": lambda: zlib.ZLIB_RUNTIME_VERSION,
}


@dataclass(frozen=True, slots=True)
class Text:
    """A licence text and the name of the file that holds it."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the app.

    `files` are patterns of its libraries, relative to the app's folder; `holds` are the addresses
    (package URLs) of what was compiled into it.
    """

    name: str
    version: str
    license: str
    source: str
    where: str
    texts: tuple[Text, ...]
    files: tuple[re.Pattern[str], ...] = ()
    holds: tuple[str, ...] = ()
    is_distribution: bool = False


def components() -> list[Component]:
    """Return the distributions by name, then the native parts in the table's order."""
    table = tomllib.loads((LICENSES / "parts.toml").read_text("utf-8"))
    found = [
        _of_distribution(name, distribution, table["distributions"].get(name, {}))
        for name, distribution in sorted(distributions().items())
    ]
    return found + [_of_part(row) for row in table["part"]]


def distributions() -> dict[str, metadata.Distribution]:
    """Return what Starpad needs when it runs, by canonical name.

    Raises importlib.metadata.PackageNotFoundError if something of that is not installed.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: dict[str, metadata.Distribution] = {}
    waiting = [(Requirement(text), frozenset[str]()) for text in project["dependencies"]]
    while waiting:
        requirement, extras = waiting.pop()
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        is_wanted = marker is None or any(marker.evaluate({"extra": e}) for e in {"", *extras})
        if name in found or name in LEFT_OUT or not is_wanted:
            continue
        found[name] = metadata.distribution(name)
        needs = found[name].requires or []
        waiting += [(Requirement(text), frozenset(requirement.extras)) for text in needs]
    return found


def _of_distribution(
    name: str, distribution: metadata.Distribution, row: dict[str, Any]
) -> Component:
    about = distribution.metadata
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ")
    ]
    field = about["License"] or ""
    # Some put a whole text into that field.
    short = field if len(field) < 60 and "\n" not in field else ""
    said = [row.get("license"), about["License-Expression"], short, *classifiers]
    addresses = [line.split(", ", 1)[1] for line in about.get_all("Project-URL") or []]
    texts = [_text(file) for file in row.get("texts", [])] or list(_own_texts(distribution))
    if not texts and (LICENSES / f"{name}.txt").is_file():
        texts = [_text(f"{name}.txt")]
    modules = [
        re.compile(re.escape(file.as_posix()))
        for file in distribution.files or []
        if _EXTENSION.search(file.name)
    ]
    return Component(
        name=about["Name"],
        version=distribution.version,
        license=next((words for words in said if words), ""),
        source=about["Home-page"] or next(iter(addresses), ""),
        where="Python package",
        texts=tuple(texts),
        files=tuple(modules),
        holds=tuple(_own_parts(distribution)),
        is_distribution=True,
    )


def _own_texts(distribution: metadata.Distribution) -> Iterator[Text]:
    """Yield the texts that the distribution brought along."""
    for file in sorted(distribution.files or []):
        folder, _, rest = file.as_posix().partition("/")
        if folder.endswith(".dist-info") and _TEXT.fullmatch(rest):
            content = Path(str(file.locate())).read_text("utf-8", "replace")
            if content.strip():
                yield Text(rest, content)


def _own_parts(distribution: metadata.Distribution) -> Iterator[str]:
    """Yield the addresses of what the distribution itself says was compiled into it (PEP 770)."""
    for file in sorted(distribution.files or []):
        if file.parent.name == "sboms" and file.suffix == ".json":
            bill = json.loads(Path(str(file.locate())).read_text("utf-8"))
            # What stands behind the question mark says where it was fetched from.
            yield from (part["purl"].partition("?")[0] for part in bill.get("components", []))


def _of_part(row: dict[str, Any]) -> Component:
    version = row.get("version", "")
    asked = row.get("version_from", "")
    if asked.startswith("pypi:"):
        try:
            version = metadata.version(asked.removeprefix("pypi:"))
        except metadata.PackageNotFoundError:  # PyInstaller, where nothing is frozen
            version = ""
    elif asked:
        version = _VERSIONS[asked]()
    return Component(
        name=" ".join(row["name"].split()),
        version=version,
        license=row["license"],
        source=row["source"],
        where=row["where"],
        texts=tuple(_text(file) for file in row["texts"]),
        files=tuple(re.compile(pattern) for pattern in row.get("files", [])),
        holds=tuple(row.get("holds", [])),
    )


def _text(name: str) -> Text:
    path = LICENSES / name
    return Text(path.name, path.read_text("utf-8") if path.is_file() else "")


def libraries(bundle: Path) -> list[Path]:
    """Return the programs and shared libraries of a frozen app, told by how they begin."""
    found = []
    for path in sorted(bundle.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4).startswith(_LIBRARY_STARTS):
                    found.append(path)
    return found


def owner(library: Path, bundle: Path, parts: list[Component]) -> Component | None:
    """Return the component that a library belongs to; None if the table knows it not."""
    place = library.relative_to(bundle)
    # Linux, Windows: _internal; macOS: Contents/Frameworks, Contents/Resources, Contents/MacOS.
    tail = re.sub(r"^(_internal|Contents/(Frameworks|Resources))/", "", place.as_posix())
    tail = tail.removeprefix("Contents/")
    for part in parts:
        if any(pattern.fullmatch(tail) for pattern in part.files):
            return part
    # Windows keeps CPython's own extension modules beside everything else.
    if library.name.partition(".")[0] in sys.stdlib_module_names and "/" not in tail:
        return next(part for part in parts if part.name.startswith("CPython"))
    return None
