"""Makes the AppDir and its image, and with a runtime the AppImage.

build.py calls it, or

python installers/linux/build_appdir.py BUNDLE VERSION OUT [RUNTIME]
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from system_files import APP_ID, HERE, date_by_commit, place, set_times, tool


def build(bundle: Path, version: str, out: Path, runtime: Path | None) -> Path:
    """Make the AppDir and its squashfs image; return the image, or the AppImage made of it.

    `runtime` is the AppImage project's program that mounts the image which follows it in one file.
    """
    appdir = out / "Starpad.AppDir"
    shutil.rmtree(appdir, ignore_errors=True)
    place(appdir / "usr", bundle)
    shutil.copyfile(HERE / "AppRun", appdir / "AppRun")
    (appdir / "AppRun").chmod(0o755)
    icon = f"usr/share/icons/hicolor/256x256/apps/{APP_ID}.png"
    for name, target in (
        (f"{APP_ID}.desktop", f"usr/share/applications/{APP_ID}.desktop"),
        (f"{APP_ID}.png", icon),
        (".DirIcon", icon),
    ):
        (appdir / name).symlink_to(target)
    # Where AppImage's catalogs look; the name without `appdata` is the present one.
    metainfo = appdir / "usr" / "share" / "metainfo"
    (metainfo / f"{APP_ID}.appdata.xml").symlink_to(f"{APP_ID}.metainfo.xml")
    set_times(appdir)
    image = out / f"Starpad-{version}-{platform.machine()}.squashfs"
    image.unlink(missing_ok=True)
    pack = [str(tool("mksquashfs", "squashfs-tools")), str(appdir), str(image)]
    pack += ["-all-root", "-noappend"]
    compression = ["-comp", "zstd", "-Xcompression-level", "19", "-b", "1M"]
    subprocess.run([*pack, *compression, "-quiet", "-no-progress"], check=True)
    if runtime is None:
        return image
    appimage = image.with_suffix(".AppImage")
    appimage.write_bytes(runtime.read_bytes() + image.read_bytes())
    appimage.chmod(0o755)
    return appimage


if __name__ == "__main__":
    date_by_commit()
    bundle, version, out, *runtime = sys.argv[1:]
    print(build(Path(bundle), version, Path(out), Path(runtime[0]) if runtime else None))
