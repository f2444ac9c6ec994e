"""Engine packs for tests: a real one made of the installed engine, and broken ones."""

import importlib.metadata
import os
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from starpad.core import engine_pack
from starpad.core.engine_pack import InstalledPack

LIBRARY = f"xllamacpp/xllamacpp{EXTENSION_SUFFIXES[0]}"
METADATA = "Metadata-Version: 2.1\nName: xllamacpp\nVersion: 2099.1.1\n\nA text.\n"
FAKE_FILES = {
    "xllamacpp/__init__.py": b"raise RuntimeError('this is no engine')\n",
    LIBRARY: b"not a library",
    "xllamacpp-2099.1.1.dist-info/METADATA": METADATA.encode(),
    "xllamacpp-2099.1.1.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
    "xllamacpp.libs/libcudart-1.so": b"x" * 100,
}
"""A wheel whose content does not matter."""

RAISES = "raise RuntimeError('the build was bad')"
ABORTS = "import os; os.abort()"
SLEEPS = "import time; time.sleep(600)"


def write_wheel(path: Path, files: Mapping[str, bytes] = FAKE_FILES) -> Path:
    """Write a wheel of the given files; return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def real_files() -> dict[str, Path]:
    """Return the files of the engine that is installed here, by their names in a wheel."""
    return {
        str(file): Path(str(file.locate()))
        for file in importlib.metadata.files("xllamacpp") or ()
        if "__pycache__" not in file.parts and Path(str(file.locate())).is_file()
    }


def write_real_wheel(path: Path) -> Path:
    """Write a wheel of the engine that is installed here: some 100 MB, not compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, file in real_files().items():
            archive.write(file, name)
    return path


def linked_pack(packs: Path, name: str) -> InstalledPack:
    """Make a pack that works, without copying: its files are links to the installed engine."""
    for inside, file in real_files().items():
        target = packs / name / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(file, target)
    return _recorded(packs / name)


def broken_pack(packs: Path, name: str, code: str) -> InstalledPack:
    """Make a pack that runs `code` when it is imported."""
    package = packs / name / "xllamacpp"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(code)
    return _recorded(packs / name)


def truncated_pack(packs: Path, name: str) -> InstalledPack:
    """Make a pack whose library was cut off, as a full disk would have done it."""
    pack = linked_pack(packs, name)
    library = next((pack.folder / "xllamacpp").glob("xllamacpp*.so"))
    data = library.read_bytes()[:100_000]
    library.unlink()
    library.write_bytes(data)
    return pack


def _recorded(folder: Path) -> InstalledPack:
    pack = InstalledPack(
        name=folder.name,
        folder=folder,
        version="2099.1.1",
        built_for="tests",
        source="a test",
        sha256="0" * 64,
        installed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        size_bytes=1000,
    )
    engine_pack.write_record(pack, folder)
    return pack
