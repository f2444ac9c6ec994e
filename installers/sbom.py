#!/usr/bin/env python3
"""Writes the app's bill of materials, CycloneDX 1.6 in JSON, and checks it against the schema.

    python installers/sbom.py OUT [--bundle DIR]

Run it with the Python whose packages are frozen, after `notices.py --strict`. With `--bundle`, each
part lists its libraries in the frozen app and their SHA-256. SOURCE_DATE_EPOCH sets the date.
"""

import argparse
import hashlib
import os
import sys
import tomllib
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

import components as app

_NAMESPACE = uuid.UUID("5f2b1c9e-6d1e-4b8e-9a52-1f3c0c7d9e10")
"""Ours, so that the serial number is the same for the same content."""


def build(out: Path, bundle: Path | None = None) -> list[str]:
    """Write the bill of materials to `out`; return what the schema's validator says against it."""
    parts = app.components()
    files = _files_by_part(bundle, parts) if bundle else {}
    bom = Bom(components=[_component(part, files.get(part.name, [])) for part in parts])
    bom.metadata.component = _starpad()
    bom.metadata.timestamp = datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH", "0")), tz=UTC
    )
    bom.register_dependency(bom.metadata.component, bom.components)
    names = "\n".join(sorted(str(part.bom_ref) for part in bom.components))
    bom.serial_number = uuid.uuid5(_NAMESPACE, f"{bom.metadata.timestamp}\n{names}")
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text, all_errors=True) or []
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", "utf-8", newline="\n")
    return [str(fault) for fault in faults]


def _starpad() -> Component:
    project = tomllib.loads((app.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return Component(
        name="starpad",
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref="starpad",
        description=project["description"],
        licenses=[LicenseFactory().make_from_string(project["license"])],
    )


def _component(part: app.Component, files: list[Component]) -> Component:
    how = LicenseAcknowledgement.DECLARED
    if part.is_distribution:
        purl = PackageURL("pypi", name=part.name.lower().replace("_", "-"), version=part.version)
    else:
        purl = PackageURL("generic", name=part.name.partition(" (")[0][:60], version=part.version)
    source = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(part.source), comment=part.where
    )
    return Component(
        name=part.name,
        version=part.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=f"{'pypi' if part.is_distribution else 'native'}:{part.name}",
        purl=purl,
        licenses=[LicenseFactory().make_from_string(part.license, license_acknowledgement=how)],
        external_references=[source] if part.source else [],
        components=[*(_held(part, address) for address in part.holds), *files],
    )


def _held(part: app.Component, address: str) -> Component:
    purl = PackageURL.from_string(address)
    # Two parts may hold the same crate.
    reference = f"{part.name}: {address}"
    return Component(
        name=purl.name,
        version=purl.version,
        type=ComponentType.LIBRARY,
        bom_ref=reference,
        purl=purl,
    )


def _files_by_part(bundle: Path, parts: list[app.Component]) -> dict[str, list[Component]]:
    """Return the app's libraries as components, under the name of the part they belong to."""
    found: dict[str, list[Component]] = defaultdict(list)
    for library in app.libraries(bundle):
        part = app.owner(library, bundle, parts)
        if part is None:
            raise ValueError(f"{library} belongs to no part in licenses/parts.toml")
        place = library.relative_to(bundle).as_posix()
        digest = hashlib.sha256(library.read_bytes()).hexdigest()
        file = Component(
            name=place,
            type=ComponentType.FILE,
            bom_ref=f"file:{place}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        )
        found[part.name].append(file)
    return found


def main() -> int:
    """Write the bill that the arguments ask for."""
    parser = argparse.ArgumentParser(description="Writes the bill of materials.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--bundle", type=Path, help="the frozen app, to list its libraries")
    options = parser.parse_args()
    faults = build(options.out, options.bundle)
    for fault in faults:
        print(f"{parser.prog}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
