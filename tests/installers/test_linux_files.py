"""What the Linux packages are made of agrees with the app, and is put where a desktop looks.

No packaging program is needed here: shell scripts stand in for them.
"""

import configparser
import gzip
import hashlib
import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

import starpad
from starpad import __main__ as command_line
from starpad.core import paths

ROOT = Path(__file__).parents[2]
LINUX = ROOT / "installers" / "linux"
APP_ID = "org.starpad.starpad"
MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"
READELF = """
case "$2" in
--dynamic) for name in $NEEDED; do echo " 0x1 (NEEDED)  Shared library: [$name]"; done ;;
*) echo "  0x0: Name: GLIBC_2.9  Flags: none"; echo "  0x1: Name: GLIBC_2.34  Flags: none" ;;
esac
"""
STAND_INS = {
    "dpkg": "echo amd64",
    "dpkg-deb": 'while [ $# -gt 2 ]; do shift; done; cp -a "$1" "$2"',
    "mksquashfs": 'echo image > "$2"',
    "patchelf": "",
    "readelf": READELF,
    "rsvg-convert": 'while [ "$1" != --output ]; do shift; done; echo png > "$2"',
}

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs a shell and symbolic links")


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put stand-ins for the packaging programs first on the path; return their folder."""
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    for name, script in STAND_INS.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("NEEDED", "libGL.so.1 libglib-2.0.so.0 libQt6Core.so.6 libc.so.6")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a folder shaped as a frozen Starpad."""
    folder = tmp_path / "bundle"
    libraries = folder / "_internal" / "PySide6"
    libraries.mkdir(parents=True)
    (libraries / "libQt6Core.so.6").write_bytes(b"\x7fELF of Qt")
    (libraries.parent / "libQt6Core.so.6").symlink_to("PySide6/libQt6Core.so.6")
    for name in ("starpad", "starpad-engine"):
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (folder / name).chmod(0o700)
    return folder


def _module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(LINUX)
    return importlib.import_module(name)


def _help(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        command_line.main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def _desktop_entry() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(LINUX / f"{APP_ID}.desktop", "utf-8")
    return parser["Desktop Entry"]


def test_the_desktop_entry_opens_files_with_starpad_and_belongs_to_its_windows() -> None:
    entry = _desktop_entry()
    assert entry["Type"] == "Application"
    assert entry["Exec"] == "starpad %F"
    assert entry["Icon"] == APP_ID
    bootstrap = (ROOT / "app/starpad/bootstrap.py").read_text("utf-8")
    assert f'setDesktopFileName("{APP_ID}")' in bootstrap
    types = entry["MimeType"].rstrip(";").split(";")
    assert len(types) == len(set(types))
    assert {"text/plain", "text/x-python", "application/x-gguf"} <= set(types)


def test_the_description_for_software_centers_is_of_this_version() -> None:
    component = ElementTree.parse(LINUX / f"{APP_ID}.metainfo.xml").getroot()
    assert component.findtext("id") == APP_ID
    assert component.findtext("launchable") == f"{APP_ID}.desktop"
    assert component.findtext("project_license") == "Apache-2.0"
    newest = component.find("releases/release")
    assert newest is not None
    assert newest.get("version") == starpad.__version__


def test_the_file_type_knows_a_model_by_its_name_and_by_its_first_bytes() -> None:
    kind = ElementTree.parse(LINUX / "starpad-mime.xml").getroot().find(f"{MIME}mime-type")
    assert kind is not None
    assert kind.get("type") in _desktop_entry()["MimeType"].split(";")
    glob, match = kind.find(f"{MIME}glob"), kind.find(f"{MIME}magic/{MIME}match")
    assert glob is not None
    assert match is not None
    model = paths.demo_model()
    assert model.match(glob.get("pattern", ""))
    with model.open("rb") as file:
        file.seek(int(match.get("offset", "-1")))
        assert file.read(4) == match.get("value", "").encode()


def test_the_manual_page_names_every_command_and_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    manual = (LINUX / "starpad.1").read_text("utf-8").replace(r"\-", "-")
    calls = [(), *((name,) for name in command_line._COMMANDS)]
    engine = re.findall(r"^    (\w+)  ", _help(capsys, "engine"), re.MULTILINE)
    assert "build" in engine
    calls += [("engine", name) for name in engine]
    for call in calls:
        options = re.findall(r"^ +(?:-\w, )?(--[\w-]+)", _help(capsys, *call), re.MULTILINE)
        for word in (*call, *options):
            found = re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", manual)
            assert found, f"starpad.1 does not name {word} of `starpad {' '.join(call)}`"
    assert f"Starpad {starpad.__version__}" in manual


def test_the_flatpak_is_made_of_files_that_are_here() -> None:
    manifest = (LINUX / f"{APP_ID}.yml").read_text("utf-8")
    sources = re.findall(r"^ +path: (.+)$", manifest, re.MULTILINE)
    assert "../../dist/starpad" in sources
    for source in sources:
        assert (LINUX / source).exists() or source.startswith("../../dist/"), source


def test_the_packages_of_libraries_are_those_that_run_py_installs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packages = _module("debian_packages", monkeypatch).PACKAGES
    specification = importlib.util.spec_from_file_location("run_script", ROOT / "run.py")
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    named = {**script.BASE, **script.SCREEN["xcb"], **script.SCREEN["wayland"]}
    shared = named.keys() & packages.keys()
    assert "libEGL.so.1" in shared
    for soname in shared:
        assert named[soname][0] in packages[soname].split(" | ")


@posix_only
@pytest.mark.usefixtures("stand_ins")
def test_the_package_depends_on_what_the_bundle_needs_and_does_not_carry(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _module("debian_packages", monkeypatch)
    assert module.depends(bundle) == [
        "fonts-dejavu-core",
        "libc6 (>= 2.34)",
        "libgl1",
        "libglib2.0-0t64 | libglib2.0-0",
        "xkb-data",
    ]
    monkeypatch.setenv("NEEDED", "libGL.so.1 libnew.so.7")
    with pytest.raises(SystemExit, match=r"libnew\.so\.7"):
        module.depends(bundle)


def test_a_missing_program_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt install squashfs-tools"):
        _module("system_files", monkeypatch).tool("mksquashfs", "squashfs-tools")


@posix_only
@pytest.mark.usefixtures("stand_ins")
def test_the_package_holds_everything_where_the_system_looks(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices = tmp_path / "notices.txt"
    notices.write_text("licenses of others")
    root = _module("build_deb", monkeypatch).build(bundle, "1.2.3", tmp_path / "out", notices)
    assert root.name == "starpad_1.2.3_amd64.deb"
    control = (root / "DEBIAN" / "control").read_text("utf-8")
    assert "\nVersion: 1.2.3\n" in control
    assert "libglib2.0-0t64 | libglib2.0-0, " in control
    started = subprocess.run([root / "usr/bin/starpad", "a b"], capture_output=True, text=True)
    assert started.stdout == "starpad a b\n"
    share = root / "usr" / "share"
    for name in (
        f"applications/{APP_ID}.desktop",
        f"metainfo/{APP_ID}.metainfo.xml",
        f"mime/packages/{APP_ID}.xml",
        f"icons/hicolor/scalable/apps/{APP_ID}.svg",
        f"icons/hicolor/48x48/apps/{APP_ID}.png",
        "doc/starpad/copyright",
    ):
        assert (share / name).stat().st_mode & 0o777 == 0o644, name
    assert (root / "usr/lib/starpad/starpad-engine").stat().st_mode & 0o777 == 0o755
    assert (root / "usr/lib/starpad/_internal/libQt6Core.so.6").is_symlink()
    packed = share / "doc" / "starpad" / "THIRD_PARTY_NOTICES.gz"
    assert gzip.decompress(packed.read_bytes()) == b"licenses of others"
    for line in (root / "DEBIAN" / "md5sums").read_text("utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.md5((root / name).read_bytes()).hexdigest() == digest
    assert {path.lstat().st_mtime for path in root.rglob("*")} == {1700000000.0}


@posix_only
@pytest.mark.usefixtures("stand_ins")
def test_the_appdir_starts_from_wherever_it_is_and_becomes_one_file_with_a_runtime(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, runtime = tmp_path / "out", tmp_path / "runtime"
    out.mkdir()
    runtime.write_text("runtime and ")
    module = _module("build_appdir", monkeypatch)
    assert module.build(bundle, "1.2.3", out, None).suffix == ".squashfs"
    appimage = module.build(bundle, "1.2.3", out, runtime)
    assert appimage.name.startswith("Starpad-1.2.3-")
    assert appimage.read_text() == "runtime and image\n"
    appdir = out / "Starpad.AppDir"
    links = [path for path in appdir.rglob("*") if path.is_symlink()]
    assert {f"{APP_ID}.desktop", f"{APP_ID}.png", ".DirIcon"} <= {path.name for path in links}
    assert all(path.exists() for path in links)
    link = tmp_path / "a link"
    link.symlink_to(appdir / "AppRun")
    started = subprocess.run([link, "--version"], capture_output=True, text=True, check=True)
    assert started.stdout == "starpad --version\n"


def test_the_smoke_test_explains_itself_without_being_root() -> None:
    command = [sys.executable, ROOT / "installers" / "smoke_linux.py", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--suite" in shown.stdout
