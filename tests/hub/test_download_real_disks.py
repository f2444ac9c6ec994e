"""Downloads to a disk that is really full, read-only or without rights.

Each test runs its steps in a child process: in its own mount namespace (`unshare`), or without
the capability to override rights (`setpriv`), because a root user may write anything.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IN_OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")
WITHOUT_OVERRIDE = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    if os.name == "posix" and os.geteuid() == 0
    else ()
)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts are Linux's")
PRELUDE = """
import os, subprocess, sys
from pathlib import Path
from downloading import *
from downloading import FakeHub
from fakehub import FaultKind
from starpad.hub.session import Limits
from starpad.core.download import DownloadState
from starpad.core.hub_errors import HubProblem

folder = Path(sys.argv[1])
hub = FakeHub()
hub.start()
hub.add_repository(REPOSITORY, {NAME: model()})
order = order_of(hub)

def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)

def end(window):
    window.queue.shutdown()
    hub.stop()
"""


def run(prefix: tuple[str, ...], steps: str, folder: Path) -> None:
    command = [*prefix, sys.executable, "-c", PRELUDE + steps, str(folder)]
    path = os.pathsep.join(str(ROOT / name) for name in ("app", "tests"))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def works(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
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


def test_a_full_disk_pauses_and_the_download_goes_on_when_there_is_room(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
mount("-t", "tmpfs", "-o", "size=4m", "none", folder)
hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=1_000_000, seconds=1)
window = Window(folder, limits=Limits(spare_bytes=0))
window.queue.start(resume=True)
window.queue.add(order)
window.wait_for_bytes(1_000_000)
# Someone else fills the disk meanwhile.
(folder / "filler").write_bytes(bytes(2_000_000))
download = window.wait_for(DownloadState.PAUSED)
assert download.problem is HubProblem.DISK_FULL, download
assert "Not enough space on the disk" in download.note and "GB are free" in download.note
kept = part(folder).stat().st_size
assert kept > 1_000_000 and download.done_bytes == kept, (kept, download)
window.queue.shutdown()
window = Window(folder, limits=Limits(spare_bytes=0))
window.queue.start(resume=True)
assert "Not enough space on the disk" in window.wait_for(DownloadState.PAUSED).note
(folder / "filler").unlink()
window.queue.resume(download.id)
window.wait_for(DownloadState.DONE)
assert_installed(folder, order)
assert hub.requests_of("content")[-1].headers["range"] == f"bytes={kept}-"
end(window)
""",
        disk,
    )


def test_a_disk_that_is_full_to_the_last_byte_takes_no_order(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
mount("-t", "tmpfs", "-o", "size=64k", "none", folder)
try:
    (folder / "filler").write_bytes(bytes(100_000))
except OSError:
    pass
window = Window(folder)
window.queue.start(resume=True)
window.queue.add(order)
download = window.wait_for(DownloadState.PAUSED)
assert download.problem is HubProblem.DISK_FULL, download
(folder / "filler").unlink()
mount("-o", "remount,size=8m", folder)
window.queue.resume(download.id)
window.wait_for(DownloadState.DONE)
assert_installed(folder, order)
end(window)
""",
        disk,
    )


def test_a_read_only_disk_is_named(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
mount("--bind", folder, folder)
mount("-o", "remount,bind,ro", folder)
window = Window(folder)
window.queue.start(resume=True)
download = window.fetch(order)
assert download.state is DownloadState.FAILED, download
assert download.problem is HubProblem.NO_PERMISSION, download
assert f"Starpad may not write to {folder}" in download.note, download.note
mount("-o", "remount,bind,rw", folder)
window.queue.resume(download.id)
window.wait_for(DownloadState.DONE)
assert_installed(folder, order)
end(window)
""",
        disk,
    )


def test_a_disk_that_becomes_read_only_meanwhile_keeps_what_arrived(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
mount("-t", "tmpfs", "none", folder)
hub.add_fault(".", FaultKind.CUT, origin="content", after_bytes=SIZE // 2)
window = Window(folder, limits=Limits(first_wait_s=600, longest_wait_s=600, spare_bytes=0))
window.queue.start(resume=True)
window.queue.add(order)
window.wait_for(DownloadState.WAITING)
mount("--bind", folder, folder)
mount("-o", "remount,bind,ro", folder)
window.queue.wake()
download = window.wait_for(DownloadState.FAILED)
assert download.problem is HubProblem.NO_PERMISSION, download
assert part(folder).stat().st_size == SIZE // 2
end(window)
""",
        disk,
    )


def test_an_unplugged_disk_is_missed_and_its_mount_point_stays_empty(disk: Path) -> None:
    run(
        IN_OWN_MOUNTS,
        """
(folder.parent / "disk").mkdir()
mount("-t", "tmpfs", "none", folder.parent / "disk")
disk = folder.parent / "disk"
mount("--bind", disk, folder)
hub.add_fault(".", FaultKind.CUT, origin="content", after_bytes=SIZE // 2)
window = Window(folder, limits=Limits(first_wait_s=600, longest_wait_s=600, spare_bytes=0))
window.queue.start(resume=True)
window.queue.add(order)
window.wait_for(DownloadState.WAITING)
subprocess.run(["umount", "--lazy", folder], check=True)
window.queue.wake()
download = window.wait_for(DownloadState.FAILED)
assert download.problem is HubProblem.FOLDER_GONE, download
window.wait_for_threads()
assert list(folder.iterdir()) == []
mount("--bind", disk, folder)
assert part(folder).stat().st_size == SIZE // 2
window.queue.resume(download.id)
window.wait_for(DownloadState.DONE)
assert_installed(folder, order)
assert bytes_sent(hub) == SIZE
end(window)
""",
        disk,
    )


def test_a_folder_without_rights_is_named(guarded: Path) -> None:
    run(
        WITHOUT_OVERRIDE,
        """
folder.chmod(0o555)
window = Window(folder)
window.queue.start(resume=True)
download = window.fetch(order)
assert download.state is DownloadState.FAILED, download
assert download.problem is HubProblem.NO_PERMISSION, download
folder.chmod(0o755)
window.queue.resume(download.id)
window.wait_for(DownloadState.DONE)
assert_installed(folder, order)
end(window)
""",
        guarded,
    )
