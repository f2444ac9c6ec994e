#!/usr/bin/env python3
"""Writes the notices of all third-party parts in the app, with the text of each licence.

    python installers/notices.py OUT [--strict] [--bundle DIR]

Run it with the Python whose packages are frozen. `--strict` ends with 1 if a part has no text, or
if a library in the frozen app DIR belongs to no part (a GPL-only module of Qt, say).
"""

import argparse
import sys
from pathlib import Path

from components import Component, components, libraries, owner

_LINE = "=" * 78
_HEAD = """\
THIRD-PARTY NOTICES

Starpad is under the Apache License 2.0 (the file LICENSE). It contains the parts below, each under
its own licence; all licence texts follow.


QT AND PYSIDE6

Starpad uses Qt and PySide6 (with Shiboken) {version}, Copyright The Qt Company Ltd. and other
contributors, under the GNU Lesser General Public License, version 3. They are unmodified. The
texts of that licence and of the GNU General Public License, version 3, are below.

You may replace them: each of Qt's and PySide6's libraries is a shared library in a file of its own,
in the app's folder `_internal` (macOS: Starpad.app/Contents/Frameworks). Put a version that has the
same interface (the same major version, at least the same minor one) in its place and start Starpad
again. On macOS, then sign the app anew, for yourself: codesign --force --deep --sign - Starpad.app
Nothing in Starpad's terms forbids modifying it for your own use, or reverse engineering for
debugging such modifications.

Written offer: for at least three years after you got this copy, and as long as spare parts or
support are offered for it, whoever gave it to you gives anyone who asks the complete corresponding
source code of Qt and PySide6 {version}, on a medium customary for software, for no more than that
costs. The release from which Starpad comes carries these sources as files beside the installers:
take them from there, or ask in the project's issue tracker.
"""


def build(out: Path, *, strict: bool, bundle: Path | None = None) -> list[str]:
    """Write the notices to `out` and return what is missing, a sentence each.

    With `strict`, nothing is written when something is missing.
    """
    parts = components()
    gaps = [*gaps_in(parts), *(strangers_in(bundle, parts) if bundle else [])]
    if not (strict and gaps):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(_notices(parts), "utf-8", newline="\n")
    return gaps


def gaps_in(parts: list[Component]) -> list[str]:
    """Return a sentence for each part without a licence or without its text."""
    gaps = [f"{part.name}: no licence is named" for part in parts if not part.license]
    gaps += [f"{part.name}: no licence text" for part in parts if not part.texts]
    return gaps + [
        f"{part.name}: licenses/{text.name} is missing or empty"
        for part in parts
        for text in part.texts
        if not text.content.strip()
    ]


def strangers_in(bundle: Path, parts: list[Component]) -> list[str]:
    """Return a sentence for each library of the app that no part accounts for."""
    found = libraries(bundle)
    if not found:
        return [f"{bundle}: no libraries are in there"]
    return [
        f"{library.relative_to(bundle).as_posix()}: belongs to no part in licenses/parts.toml"
        for library in found
        if owner(library, bundle, parts) is None
    ]


def _notices(parts: list[Component]) -> str:
    """Return the notices; a text that several parts share is printed once, with the first."""
    qt = next(part for part in parts if part.name.startswith("Qt "))
    pieces = [_HEAD.format(version=qt.version), "\nPARTS\n"]
    pieces += [f"  {part.name} {part.version}".rstrip() + f": {part.license}" for part in parts]
    printed: dict[str, str] = {}
    for part in parts:
        title = f"{part.name} {part.version}".rstrip()
        pieces.append(
            f"\n{_LINE}\n{title}\nLicence: {part.license}\nIn: {part.where}\nSource: {part.source}"
        )
        if part.holds:
            pieces.append("Made of: " + ", ".join(part.holds))
        for text in part.texts:
            content = text.content.strip()
            if content in printed:
                pieces.append(f"\n--- {text.name}: as printed above, under {printed[content]}")
            else:
                printed[content] = title
                pieces.append(f"\n--- {text.name}\n\n{content}")
    return "\n".join(pieces) + "\n"


def main() -> int:
    """Write the notices that the arguments ask for."""
    parser = argparse.ArgumentParser(description="Writes the third-party notices.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--strict", action="store_true", help="fail if anything is missing")
    parser.add_argument("--bundle", type=Path, help="the frozen app, to check its libraries")
    options = parser.parse_args()
    gaps = build(options.out, strict=options.strict, bundle=options.bundle)
    for gap in gaps:
        print(f"{parser.prog}: {gap}", file=sys.stderr)
    return 1 if gaps and options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
