"""Makes the package for Debian and Ubuntu.

build.py calls it, or

python installers/linux/build_deb.py BUNDLE VERSION OUT [NOTICES]
"""

import email.utils
import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import debian_packages
from system_files import HERE, ROOT, date_by_commit, install, place, set_times, tool

_MAINTAINER = "The Starpad authors <authors@starpad.example.org>"
_CONTROL = """\
Package: starpad
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size_kib}
Depends: {depends}
Recommends: ca-certificates, shared-mime-info, xdg-utils
Suggests: libvulkan1
Section: editors
Priority: optional
Homepage: https://starpad.example.org/
Description: code editor with StarCoder models on your own machine
 Starpad completes what you type, and answers questions about it, with a
 StarCoder model that runs on this computer. It finds, downloads, verifies and
 switches models; a small one for a first look is in the package. Nothing
 leaves the machine unless you press a button that says so.
"""
_CHANGELOG = """\
starpad ({version}) unstable; urgency=medium

  * NEWS.gz says what changed.

 -- {maintainer}  {date}
"""


def build(bundle: Path, version: str, out: Path, notices: Path | None) -> Path:
    """Pack the frozen app; `notices` are the licences of all that is in it. Return the package."""
    architecture = _output(tool("dpkg", "dpkg"), "--print-architecture")
    with tempfile.TemporaryDirectory(prefix="starpad-deb-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        usr = root / "usr"
        place(usr, bundle)
        (usr / "bin").mkdir()
        (usr / "bin" / "starpad").symlink_to("../lib/starpad/starpad")
        _place_documents(usr / "share", version, notices)
        control = root / "DEBIAN"
        control.mkdir()
        text = _CONTROL.format(
            version=version,
            architecture=architecture,
            maintainer=_MAINTAINER,
            size_kib=_size_kib(usr),
            depends=", ".join(debian_packages.depends(bundle)),
        )
        (control / "control").write_text(text, "utf-8")
        (control / "md5sums").write_text(_md5sums(root, usr), "utf-8")
        set_times(root)
        package = out / f"starpad_{version}_{architecture}.deb"
        out.mkdir(parents=True, exist_ok=True)
        command = [tool("dpkg-deb", "dpkg"), "--root-owner-group", "-Zxz", "-z9", "--build"]
        # xz packs otherwise on one core than on several.
        environment = {**os.environ, "DPKG_DEB_THREADS_MAX": "2"}
        subprocess.run([*command, root, package], env=environment, check=True)
    return package


def _place_documents(share: Path, version: str, notices: Path | None) -> None:
    documents = share / "doc" / "starpad"
    install(HERE / "copyright", documents)
    install(HERE / "lintian-overrides", share / "lintian" / "overrides", "starpad")
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    date = email.utils.formatdate(moment)
    changelog = _CHANGELOG.format(version=version, maintainer=_MAINTAINER, date=date)
    _pack(changelog.encode(), documents / "changelog.gz")
    _pack((ROOT / "CHANGELOG.md").read_bytes(), documents / "NEWS.gz")
    if notices is not None:
        _pack(notices.read_bytes(), documents / "THIRD_PARTY_NOTICES.gz")
    manual = share / "man" / "man1" / "starpad.1.gz"
    manual.parent.mkdir(parents=True)
    _pack((HERE / "starpad.1").read_bytes(), manual)


def _pack(content: bytes, target: Path) -> None:
    target.write_bytes(gzip.compress(content, mtime=0))
    target.chmod(0o644)


def _md5sums(root: Path, usr: Path) -> str:
    """Return the list by which `dpkg --verify` finds changed files."""
    files = sorted(path for path in usr.rglob("*") if path.is_file() and not path.is_symlink())
    lines = []
    for path in files:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        lines.append(f"{digest}  {path.relative_to(root)}\n")
    return "".join(lines)


def _size_kib(usr: Path) -> int:
    """Return what Debian's policy calls the installed size: files rounded up, 1 for each other."""
    return sum(
        -(-path.stat().st_size // 1024) if path.is_file() and not path.is_symlink() else 1
        for path in usr.rglob("*")
    )


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    date_by_commit()
    bundle, version, out, *notices = sys.argv[1:]
    print(build(Path(bundle), version, Path(out), Path(notices[0]) if notices else None))
