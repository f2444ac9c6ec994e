#!/usr/bin/env python3
"""Makes Windows' set-up program and MSI package of the frozen app. Standard library only.

    python installers/windows/build_windows.py setup dist/starpad 0.1.0 dist

makensis (https://nsis.sourceforge.io) runs on Windows and Linux, wixl (Debian package wixl) on
Linux only: the MSI of a folder that was frozen on Windows is made there.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
ICON = HERE.parents[1] / "resources" / "icons" / "starpad.ico"
NOTICES_NAME = "THIRD_PARTY_NOTICES.txt"
PROGRAMS = ("starpad.exe", "starpad-engine.exe")
# A file's component has the same identity in every version: Windows Installer counts by it.
_COMPONENTS = uuid.UUID("4d0f6a1e-7b0e-4f6e-9c7e-2f5a3b8c1d90")
_WIX = "http://schemas.microsoft.com/wix/2006/wi"


def build_setup(bundle: Path, version: str, out: Path, notices: Path | None = None) -> Path:
    """Make the per-user set-up program in the folder `out`, and return it.

    `bundle` is the frozen folder; `notices` will lie beside the programs. Exits with a sentence
    when makensis is missing or `bundle` is no Windows app; raises CalledProcessError.
    """
    makensis = _makensis()
    _check(bundle)
    setup = out.resolve() / f"Starpad-{version}-setup.exe"
    setup.parent.mkdir(parents=True, exist_ok=True)
    values = {"VERSION": version, "BUNDLE": bundle.resolve(), "OUT": setup, "ICON": ICON}
    if notices is not None:
        values["NOTICES"] = notices.resolve()
    if sys.platform != "win32":
        # Debian's makensis can make 64-bit set-up programs, which Wine runs without 32-bit parts.
        values["TARGET"] = "amd64-unicode"
    defines = [f"-D{name}={value}" for name, value in values.items()]
    subprocess.run(
        [makensis, "-V2", "-WX", "-INPUTCHARSET", "UTF8", *defines, HERE / "starpad.nsi"],
        check=True,
    )
    return setup


def build_msi(bundle: Path, version: str, out: Path, notices: Path | None = None) -> Path:
    """Make the package for administrators in the folder `out`, and return it.

    Exits with a sentence when wixl is missing or `bundle` is no Windows app; raises
    CalledProcessError.
    """
    wixl = shutil.which("wixl")
    if wixl is None:
        sys.exit("wixl is missing; Debian: apt install wixl")
    _check(bundle)
    package = out.resolve() / f"Starpad-{version}.msi"
    package.parent.mkdir(parents=True, exist_ok=True)
    files = {file.relative_to(bundle): file for file in bundle.rglob("*") if file.is_file()}
    if notices is not None:
        files[Path(NOTICES_NAME)] = notices
    with tempfile.TemporaryDirectory() as folder:
        fragment = Path(folder, "files.wxs")
        fragment.write_text(components(files), "utf-8")
        defines = ["-D", f"VERSION={version}", "-D", f"ICON={ICON}"]
        sources = [HERE / "starpad.wxs", fragment]
        subprocess.run([wixl, "-a", "x64", *defines, "-o", package, *sources], check=True)
    return package


def components(files: dict[Path, Path]) -> str:
    """Return WiX source with a component for each file; the keys are their places."""
    root = ElementTree.Element("Wix", xmlns=_WIX)
    fragment = ElementTree.SubElement(root, "Fragment")
    folders = {Path(): ElementTree.SubElement(fragment, "DirectoryRef", Id="INSTALLDIR")}
    group = ElementTree.SubElement(root, "Fragment")
    group = ElementTree.SubElement(group, "ComponentGroup", Id="Files")
    for place in sorted(files):
        for folder in reversed(place.parents):
            if folder not in folders:
                folders[folder] = ElementTree.SubElement(
                    folders[folder.parent],
                    "Directory",
                    Id=f"d{component_id(folder).hex}",
                    Name=folder.name,
                )
        identity = component_id(place)
        component = ElementTree.SubElement(
            folders[place.parent],
            "Component",
            Id=f"c{identity.hex}",
            Guid=str(identity).upper(),
            Win64="yes",
        )
        source = str(files[place].resolve())
        ElementTree.SubElement(
            component, "File", Id=f"f{identity.hex}", Name=place.name, Source=source, KeyPath="yes"
        )
        ElementTree.SubElement(group, "ComponentRef", Id=f"c{identity.hex}")
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True)


def component_id(place: Path) -> uuid.UUID:
    """Return the identity of what lies at `place` in the installed folder."""
    return uuid.uuid5(_COMPONENTS, place.as_posix())


def _makensis() -> str:
    programs = [os.environ.get(name, "") for name in ("ProgramFiles(x86)", "ProgramFiles")]
    places = [os.environ.get("PATH", ""), *(str(Path(root, "NSIS")) for root in programs if root)]
    found = shutil.which("makensis", path=os.pathsep.join(places))
    if found is None:
        sys.exit("makensis is missing; Debian: apt install nsis; Windows: winget install NSIS.NSIS")
    return found


def _check(bundle: Path) -> None:
    missing = [program for program in PROGRAMS if not (bundle / program).is_file()]
    if missing:
        sys.exit(f"{bundle} holds no {missing[0]}: freeze Starpad on Windows first.")


def main() -> int:
    """Make one package from the command line."""
    parser = argparse.ArgumentParser(description="Makes Starpad's packages for Windows.")
    parser.add_argument("kind", choices=("setup", "msi"))
    parser.add_argument("bundle", type=Path, help="the frozen folder")
    parser.add_argument("version", help="x.y.z")
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("--notices", type=Path, help="third-party notices")
    arguments = parser.parse_args()
    build = build_setup if arguments.kind == "setup" else build_msi
    try:
        made = build(arguments.bundle, arguments.version, arguments.out, arguments.notices)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(error.cmd[0]).name} ended with {error.returncode}.")
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
