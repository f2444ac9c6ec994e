"""Fills the table of engine packs with addresses, sizes and hashes; runs where the index is there.

    python installers/update_packs.py

For each pack it reads the index page that the table names (PEP 503), takes the files of the version
of xllamacpp that requirements.lock pins, fetches each once, and writes down its size and SHA-256. A
file that is not there keeps no hash; Starpad then offers its page instead. Standard library only.
"""

import argparse
import hashlib
import json
import re
import sys
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "resources" / "engine_packs.json"
LOCK = ROOT / "requirements.lock"
PACKAGE = "xllamacpp"

_TIMEOUT_S = 120
_BLOCK_BYTES = 1 << 20
# What the last part of a wheel's name says of the system that it is for.
_PLATFORMS = {
    ("linux", "x86_64"): re.compile(r"(?:many)?linux.*x86_64"),
    ("linux", "aarch64"): re.compile(r"(?:many)?linux.*aarch64"),
    ("win32", "x86_64"): re.compile(r"win_amd64"),
}


class _Links(HTMLParser):
    """Collects the addresses of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.found.append(address)


def pinned_version(lock: Path) -> str:
    """Return the version of the engine that a lock file pins. Raises ValueError."""
    found = re.search(rf"^{PACKAGE}==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{lock} does not pin {PACKAGE}")
    return found[1]


def links(page: str) -> list[str]:
    """Return the absolute addresses of an index page's links. Raises OSError."""
    with urllib.request.urlopen(page, timeout=_TIMEOUT_S) as answer:
        parser = _Links()
        parser.feed(answer.read().decode("utf-8", "replace"))
        return [urljoin(answer.url, address) for address in parser.found]


def wheel_for(addresses: list[str], version: str, system: str, architecture: str) -> str:
    """Return the address of the file for a system, any Python from 3.10 on; empty if none."""
    for address in addresses:
        name = unquote(urldefrag(address)[0].rpartition("/")[2])
        parts = name.removesuffix(".whl").split("-")
        if not name.endswith(".whl") or len(parts) != 5 or parts[0] != PACKAGE:
            continue
        is_version = parts[1] == version or parts[1].startswith(f"{version}+")
        if is_version and parts[3] == "abi3" and _PLATFORMS[system, architecture].match(parts[4]):
            return address
    return ""


def measure(address: str) -> dict[str, Any]:
    """Fetch a file; return its address, size and hash.

    Raises OSError, and ValueError if the index names another hash.
    """
    url, fragment = urldefrag(address)
    digest, size = hashlib.sha256(), 0
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
        while block := answer.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    named = fragment.removeprefix("sha256=")
    if named not in ("", digest.hexdigest()):
        raise ValueError(f"{url} has the SHA-256 {digest.hexdigest()}; its index says {named}")
    return {"url": url, "size_bytes": size, "sha256": digest.hexdigest()}


def update(table: dict[str, Any], version: str) -> list[str]:
    """Fill in what the indexes have of a version; return a line on each file."""
    report = []
    table[PACKAGE] = version
    for pack in table["packs"]:
        addresses = links(pack["page"])
        for wheel in pack["wheels"]:
            place = f"{pack['name']}, {wheel['system']} {wheel['architecture']}"
            address = wheel_for(addresses, version, wheel["system"], wheel["architecture"])
            known = measure(address) if address else dict.fromkeys(("url", "size_bytes", "sha256"))
            wheel.update(known)
            report.append(f"{place}: {known['url'] or 'not in the index'}")
    return report


def main() -> int:
    """Update the table in place; it stays as it was if anything fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--lock", type=Path, default=LOCK)
    arguments = parser.parse_args()
    table = json.loads(arguments.table.read_bytes())
    report = update(table, pinned_version(arguments.lock))
    arguments.table.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
