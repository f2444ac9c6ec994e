"""Signs Starpad.app, makes its disk image, has Apple notarize it. Runs on macOS only.

From the environment: MACOS_IDENTITY ("Developer ID Application: …") and, to notarize, NOTARY_KEY
(the .p8 file), NOTARY_KEY_ID, NOTARY_ISSUER. Without an identity the app is signed ad hoc: it runs
here, and elsewhere once the user has allowed it in the system's settings.
"""

import os
import platform
import plistlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ENTITLEMENTS = Path(__file__).resolve().parent / "entitlements.plist"

_AD_HOC = "-"
_LIBRARIES = {b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"}
"""How programs and libraries of macOS begin: for one processor, for several."""


def build(app: Path, version: str, out: Path) -> Path:
    """Sign `app`, put it into a disk image in the folder `out`, and return the image's path.

    Raises subprocess.CalledProcessError when one of Apple's programs fails, FileNotFoundError when
    there is no app.
    """
    if sys.platform != "darwin":
        sys.exit(
            "A disk image needs macOS: only Apple's programs sign an app and have it notarized."
        )
    if not app.is_dir():
        raise FileNotFoundError(f"{app} is not there; freeze first")
    identity = os.environ.get("MACOS_IDENTITY") or _AD_HOC
    image = out / f"Starpad-{version}-{platform.machine()}.dmg"
    sign(app, identity)
    make_image(app, version, image)
    if identity != _AD_HOC:
        _run("codesign", "--force", "--timestamp", "--sign", identity, image)
        if os.environ.get("NOTARY_KEY"):
            notarize(image)
    return image


def sign(app: Path, identity: str) -> None:
    """Sign what is inside before what holds it: a signature covers those within."""
    options = ["--force", "--sign", identity]
    if identity != _AD_HOC:
        options += ["--timestamp", "--options", "runtime"]  # notarization asks for both
    for library in signing_order(app):
        _run("codesign", *options, library)
    entitled = [*options, "--entitlements", str(ENTITLEMENTS)]
    main = app / "Contents" / "MacOS" / main_program(app)
    for program in sorted(main.parent.iterdir()):
        # The main program is signed with the app, which its signature stands for.
        if program != main and program.is_file() and not program.is_symlink():
            _run("codesign", *entitled, program)
    _run("codesign", *entitled, app)
    _run("codesign", "--verify", "--deep", "--strict", "--verbose=1", app)


def main_program(app: Path) -> str:
    """Return the name of the program that starts when the app is opened."""
    with (app / "Contents" / "Info.plist").open("rb") as file:
        return str(plistlib.load(file)["CFBundleExecutable"])


def signing_order(app: Path) -> list[Path]:
    """Return the app's libraries and frameworks, deepest first, without the programs."""
    programs = app / "Contents" / "MacOS"
    inside: set[Path] = set(app.rglob("*.framework"))
    for path in app.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.parent == programs:
            continue
        with path.open("rb") as file:
            if file.read(4) in _LIBRARIES:
                inside.add(path)
    found = [path for path in inside if not path.is_symlink()]
    return sorted(found, key=lambda path: (-len(path.parts), path.as_posix()))


def make_image(app: Path, version: str, image: Path) -> None:
    """Make the image: the app, and a link to the folder that it is dragged to."""
    image.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        shutil.copytree(app, stage / app.name, symlinks=True)
        (stage / "Applications").symlink_to("/Applications")
        title = ["-volname", f"Starpad {version}"]
        _run("hdiutil", "create", *title, "-srcfolder", stage, "-format", "ULFO", "-ov", image)


def notarize(image: Path) -> None:
    """Have Apple look at the image, attach its ticket, and ask Gatekeeper as a user's Mac would."""
    key = ["--key", os.environ["NOTARY_KEY"], "--key-id", os.environ["NOTARY_KEY_ID"]]
    issuer = ["--issuer", os.environ["NOTARY_ISSUER"]]
    # `submit --wait` ends with 0 also when Apple says no; stapling then fails.
    _run("xcrun", "notarytool", "submit", image, *key, *issuer, "--wait")
    _run("xcrun", "stapler", "staple", image)
    gatekeeper = ["--assess", "--type", "open", "--context", "context:primary-signature"]
    _run("spctl", *gatekeeper, "--verbose", image)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)
