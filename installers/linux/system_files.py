"""What a Linux desktop wants to find of an application under /usr, for each kind of package."""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
APP_ID = "org.starpad.starpad"
PROGRAMS = ("starpad", "starpad-engine")

_ICON = ROOT / "resources" / "icons" / "starpad.svg"
_ICON_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


def tool(name: str, package: str) -> str:
    """Return the path of a program; ends this one with a sentence when it is missing."""
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"The program {name} is missing: `sudo apt install {package}`.")
    return path


def place(usr: Path, bundle: Path) -> None:
    """Put the frozen app, its desktop entry, description, file type and icons under `usr`."""
    app = usr / "lib" / "starpad"
    shutil.copytree(bundle, app, symlinks=True)
    for path in app.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o755 if path.parent == app and path.name in PROGRAMS else 0o644)
    _forget_build_paths(app)
    share = usr / "share"
    install(HERE / f"{APP_ID}.desktop", share / "applications")
    install(HERE / f"{APP_ID}.metainfo.xml", share / "metainfo")
    install(HERE / "starpad-mime.xml", share / "mime" / "packages", f"{APP_ID}.xml")
    icons = share / "icons" / "hicolor"
    install(_ICON, icons / "scalable" / "apps", f"{APP_ID}.svg")
    for size in _ICON_SIZES:
        folder = icons / f"{size}x{size}" / "apps"
        folder.mkdir(parents=True)
        draw = [tool("rsvg-convert", "librsvg2-bin"), f"--width={size}", f"--height={size}"]
        subprocess.run([*draw, _ICON, "--output", folder / f"{APP_ID}.png"], check=True)


def install(source: Path, folder: Path, name: str = "") -> None:
    """Copy a file that everybody may read into a folder, which is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (name or source.name)
    shutil.copyfile(source, target)
    target.chmod(0o644)


def date_by_commit() -> None:
    """Set SOURCE_DATE_EPOCH to the time of the last commit, unless it is set."""
    if "SOURCE_DATE_EPOCH" not in os.environ:
        command = ["git", "log", "-1", "--format=%ct"]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        os.environ["SOURCE_DATE_EPOCH"] = answer.stdout.strip()


def set_times(tree: Path) -> None:
    """Date everything to SOURCE_DATE_EPOCH, so that one commit makes one package, byte for byte."""
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in [*tree.rglob("*"), tree]:
        os.utime(path, (moment, moment), follow_symlinks=False)


def _forget_build_paths(app: Path) -> None:
    """Take out of Python's libraries where they lay on the machine that built Python."""
    libraries = [*app.rglob("libpython*.so*"), *app.rglob("lib-dynload/*.so")]
    subprocess.run([tool("patchelf", "patchelf"), "--remove-rpath", *libraries], check=True)
