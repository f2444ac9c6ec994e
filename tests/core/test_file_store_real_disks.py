"""Writing to a disk that is really full or read-only, and without the administrator's rights.

Each test runs its steps in a child process: in its own mount namespace (`unshare`), or without
the capability to override rights (`setpriv`), because a root user may write anything.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
IN_OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")
# Rights hold for an ordinary user anyway; root gives up the capabilities that override them.
WITHOUT_OVERRIDE = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    if os.name == "posix" and os.geteuid() == 0
    else ()
)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts are Linux's")
PRELUDE = """
import os, subprocess, sys
from pathlib import Path
from starpad.core.errors import FileError
from starpad.core.file_store import read, signature, write

folder = Path(sys.argv[1])
OLD, NEW, HUGE = b"old text\\n", b"new text\\n", b"x" * 1_000_000

def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)

def refusal(path, data):
    try:
        write(path, data, None)
    except FileError as error:
        return str(error)
    raise AssertionError("it was written")
"""


def run(prefix: tuple[str, ...], steps: str, folder: Path) -> None:
    command = [*prefix, sys.executable, "-c", PRELUDE + steps, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(APP), "TMPDIR": str(folder.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def works(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def disk(folder: Path) -> Path:
    """Return a folder that a child with its own mounts can mount something on."""
    if not works(*IN_OWN_MOUNTS, "mount", "-t", "tmpfs", "none", folder):
        pytest.skip("this machine does not allow mounts in a namespace of one's own")
    return folder


@pytest.fixture
def guarded(folder: Path) -> Path:
    """Return a folder for a child whose rights are checked."""
    if not works(*WITHOUT_OVERRIDE, "true"):
        pytest.skip("this machine does not allow root to give up its capabilities")
    return folder


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing_behind(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
mount("-t", "tmpfs", "-o", "size=64k", "none", folder)
file = folder / "main.py"
known = write(file, OLD, None)
assert "no room left" in refusal(file, HUGE)
assert "no room left" in refusal(folder / "new.py", HUGE)
assert file.read_bytes() == OLD and signature(file) == known
assert os.listdir(folder) == ["main.py"]
write(file, NEW, known)
assert file.read_bytes() == NEW
""",
        disk,
    )


def test_a_full_disk_restores_a_file_that_is_written_in_place(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
mount("-t", "tmpfs", "-o", "size=64k", "none", folder)
file = folder / "main.py"
old = os.urandom(20_000)
write(file, old, None)
os.link(file, folder / "twin.py")
assert "no room left" in refusal(file, HUGE)
assert file.read_bytes() == old and os.path.samefile(file, folder / "twin.py")
assert sorted(os.listdir(folder)) == ["main.py", "twin.py"]
# Filled to the last byte: the safe copy goes to the temporary folder.
try:
    (folder / "filler").write_bytes(HUGE)
except OSError:
    pass
new = os.urandom(20_000)
write(file, new, None)
assert (folder / "twin.py").read_bytes() == new
assert sorted(os.listdir(folder)) == ["filler", "main.py", "twin.py"]
assert not list(folder.parent.glob("*.backup"))
""",
        disk,
    )


def test_a_read_only_disk_is_named_and_nothing_changes(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
file = folder / "main.py"
file.write_bytes(OLD)
mount("--bind", folder, folder)
mount("-o", "remount,bind,ro", folder)
assert "can only be read" in refusal(file, NEW)
assert "can only be read" in refusal(folder / "new.py", NEW)
assert read(file)[0].text.encode() == OLD
assert os.listdir(folder) == ["main.py"]
""",
        disk,
    )


def test_a_file_mounted_into_a_read_only_folder_is_written_in_place(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
outside, file = folder.parent / "outside.py", folder / "main.py"
outside.write_bytes(OLD)
file.touch()
mount("--bind", folder, folder)
mount("-o", "remount,bind,ro", folder)
mount("--bind", outside, file)
known = write(file, NEW, signature(file))
assert outside.read_bytes() == NEW and signature(file) == known
assert sorted(os.listdir(folder.parent)) == ["home", "outside.py", "work"]
""",
        disk,
    )


def test_a_file_in_a_folder_without_rights_is_written_in_place(guarded: Path) -> None:
    run(
        WITHOUT_OVERRIDE,
        """
file = folder / "main.py"
file.write_bytes(OLD)
folder.chmod(0o555)
inode = file.stat().st_ino
write(file, NEW, signature(file))
assert file.read_bytes() == NEW and file.stat().st_ino == inode
assert "may not write new.py" in refusal(folder / "new.py", NEW)
assert os.listdir(folder) == ["main.py"]
assert sorted(os.listdir(folder.parent)) == ["home", "work"]
folder.chmod(0o755)
""",
        guarded,
    )


def test_a_file_without_rights_is_refused(guarded: Path) -> None:
    run(
        WITHOUT_OVERRIDE,
        """
file = folder / "main.py"
file.write_bytes(OLD)
file.chmod(0o444)
assert "write-protected" in refusal(file, NEW)
file.chmod(0o422)
assert "may not write main.py" in refusal(file, NEW)
file.chmod(0o000)
try:
    read(file)
except FileError as error:
    assert "may not read" in str(error)
else:
    raise AssertionError("it was read")
file.chmod(0o644)
assert file.read_bytes() == OLD
""",
        guarded,
    )
