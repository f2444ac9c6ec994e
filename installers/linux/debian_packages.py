"""Which Debian packages hold what a frozen Starpad needs of the system and does not carry."""

import re
import subprocess
from pathlib import Path

from system_files import tool

# Of the C library, which every program needs.
LIBC = {
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libm.so.6",
    "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1",
}  # fmt: skip
# By soname. Since Debian 13 and Ubuntu 24.04 some packages end in t64.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libatomic.so.1": "libatomic1",
    "libbrotlicommon.so.1": "libbrotli1",
    "libbrotlidec.so.1": "libbrotli1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libexpat.so.1": "libexpat1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgcc_s.so.1": "libgcc-s1",
    "libglib-2.0.so.0": "libglib2.0-0t64 | libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libgthread-2.0.so.0": "libglib2.0-0t64 | libglib2.0-0",
    "liblzma.so.5": "liblzma5",
    "libstdc++.so.6": "libstdc++6",
    "libuuid.so.1": "libuuid1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb.so.1": "libxcb1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
# No library names these: keyboard layouts for the libxkbcommon in the bundle, and letters for the
# window (the bundle's own font is for code).
DATA_PACKAGES = ("fonts-dejavu-core", "xkb-data")

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_GLIBC = re.compile(r"\bGLIBC_(\d+)\.(\d+)")


def depends(bundle: Path) -> list[str]:
    """Return the entries of `Depends` for a bundle. Ends the program at a library unknown here."""
    carried = {path.name for path in bundle.rglob("*.so*")}
    dynamic = _read_elf(bundle, "--dynamic")
    needed = set(_NEEDED.findall(dynamic)) - carried - LIBC
    unknown = sorted(needed - PACKAGES.keys())
    if unknown:
        names = ", ".join(unknown)
        raise SystemExit(
            f"No Debian package is known for {names}: add it to {Path(__file__).name}."
        )
    versions = _GLIBC.findall(_read_elf(bundle, "--version-info"))
    newest = max((int(major), int(minor)) for major, minor in versions)
    libc = f"libc6 (>= {newest[0]}.{newest[1]})"
    return sorted({libc, *DATA_PACKAGES, *(PACKAGES[name] for name in needed)})


def _read_elf(bundle: Path, what: str) -> str:
    """Return what readelf says of all programs and libraries of the bundle."""
    files = [path for path in sorted(bundle.rglob("*")) if _is_elf(path)]
    command = [str(tool("readelf", "binutils")), "--wide", what, *map(str, files)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return answer.stdout


def _is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
