#!/usr/bin/env python3
"""Makes what people install. Standard library only; Python 3.11 or newer.

    python installers/build.py freeze [--repository OWNER/NAME]   dist/starpad, on macOS Starpad.app
    python installers/build.py deb | appdir [--runtime FILE] | nsis | msi | dmg    from dist/starpad
    python installers/build.py sbom                               dist/starpad.cdx.json

installers/README.md says what each needs, and where each was made and tried.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DIST = ROOT / "dist"
BUNDLE = DIST / "starpad"
WORK = ROOT / "build"
VENV = WORK / "venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCKS = (ROOT / "requirements.lock", HERE / "requirements-package.lock")
NOTICES = WORK / "extra" / "THIRD_PARTY_NOTICES.txt"
sys.path[:0] = [str(HERE), *(str(HERE / name) for name in ("linux", "windows", "macos"))]


def version() -> str:
    """Return Starpad's version; read, for this Python need not have what importing it needs."""
    text = (ROOT / "app/starpad/__init__.py").read_text("utf-8")
    found = re.search(r'__version__ = "(.+)"', text)
    assert found is not None
    return found[1]


def commit_time() -> str:
    """Return when the sources were last changed, in seconds, so that archives tell the same."""
    command = ["git", "log", "-1", "--format=%ct"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "1700000000"


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run a command in the project's folder. Raises CalledProcessError."""
    subprocess.run([str(word) for word in command], cwd=ROOT, env=environment, check=True)


def prepare() -> None:
    """Make an environment with exactly what both locks name, unless there is one."""
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()
    stamp = VENV / "stamp"
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    venv.create(VENV, clear=True, with_pip=True)
    for lock in LOCKS:
        checked = ("--only-binary", ":all:", "--require-hashes", "-r", lock)
        run(PYTHON, "-m", "pip", "install", "--no-input", "--no-deps", *checked)
    stamp.write_text(wanted, "utf-8")


def freeze(arguments: argparse.Namespace) -> None:
    """Freeze the app, with the notices of all that is in it, and check that it does its job."""
    prepare()
    shutil.rmtree(NOTICES.parent, ignore_errors=True)
    NOTICES.parent.mkdir(parents=True)
    run(PYTHON, HERE / "notices.py", NOTICES, "--strict")
    if arguments.repository:
        home = json.dumps({"repository": arguments.repository})
        (NOTICES.parent / "home.json").write_text(home, "utf-8")
    environment = {**os.environ, "STARPAD_EXTRA": str(NOTICES.parent)}
    # So that sets, and with them the archive of modules, come in the same order each time.
    environment["PYTHONHASHSEED"] = "1"
    places = ("--distpath", DIST, "--workpath", WORK / "pyinstaller")
    recipe = ("--noconfirm", *places, HERE / "starpad.spec")
    run(PYTHON, "-m", "PyInstaller", *recipe, environment=environment)
    run(PYTHON, HERE / "notices.py", NOTICES, "--strict", "--bundle", BUNDLE)
    run(BUNDLE / "starpad", "--self-test")


def deb(_arguments: argparse.Namespace) -> Path:
    """Make the package for Debian and Ubuntu."""
    import build_deb

    return build_deb.build(BUNDLE, version(), DIST, NOTICES)


def appdir(arguments: argparse.Namespace) -> Path:
    """Make the AppDir and its image; with a runtime, the AppImage."""
    import build_appdir

    return build_appdir.build(BUNDLE, version(), DIST, arguments.runtime)


def nsis(_arguments: argparse.Namespace) -> Path:
    """Make the set-up program for one Windows user."""
    import build_windows

    return build_windows.build_setup(BUNDLE, version(), DIST, NOTICES)


def msi(_arguments: argparse.Namespace) -> Path:
    """Make the package with which administrators install on Windows."""
    import build_windows

    return build_windows.build_msi(BUNDLE, version(), DIST, NOTICES)


def dmg(_arguments: argparse.Namespace) -> Path:
    """Sign the app for macOS and make its image."""
    import build_dmg

    return build_dmg.build(DIST / "Starpad.app", version(), DIST)


def sbom(_arguments: argparse.Namespace) -> None:
    """List all parts for programs that look for known weaknesses."""
    prepare()
    run(PYTHON, HERE / "sbom.py", DIST / "starpad.cdx.json", "--bundle", BUNDLE)


COMMANDS = (freeze, deb, appdir, nsis, msi, dmg, sbom)


def main() -> int:
    """Make what the arguments name."""
    parser = argparse.ArgumentParser(description="Makes what people install.")
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    for function in COMMANDS:
        command = commands.add_parser(function.__name__, help=function.__doc__)
        command.set_defaults(run=function)
        if function is freeze:
            command.add_argument("--repository", metavar="OWNER/NAME", help="where it is published")
        if function is appdir:
            command.add_argument("--runtime", type=Path, help="the AppImage project's runtime")
    arguments = parser.parse_args()
    if arguments.run not in (freeze, sbom) and not BUNDLE.is_dir():
        parser.error("there is no dist/starpad; run `python installers/build.py freeze` first")
    os.environ.setdefault("SOURCE_DATE_EPOCH", commit_time())
    try:
        made = arguments.run(arguments)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(error.cmd[0]).name} ended with {error.returncode}")
    if made is not None:
        print(f"{made} ({made.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
